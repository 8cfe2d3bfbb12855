#!/usr/bin/env python3
"""posthorn-fetch as a process, with a web server of our own. Arguments: run-role, posthorn-fetch."""
import os, socket, subprocess, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from https import Web
from hosts import make_authority, make_certificate
from play import Role, number, pack, send_fds, unpack

ANSWERED, UNREACHABLE, UNTRUSTED = 0, 1, 2
HOST = "mta-sts.b.test"

class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="posthorn-fetch-")
        os.chmod(self.dir, 0o755)
        make_authority(self.dir)
        self.certificate(HOST)
        self.web = Web("127.0.0.1", self.dir + "/cert.pem", self.dir + "/key.pem")

    def certificate(self, name):
        make_certificate(self.dir, name, "127.0.0.9", self.dir + "/cert.pem", self.dir + "/key.pem")

    def role(self, private="yes", authorities=None):
        settings = ("[posthorn]\nhost-name = fetch.test\nrun-directory = @DIR@\n[mta]\n"
                    f"fetch-private = {private}\nauthorities = {authorities or self.dir + '/ca.pem'}\n")
        return Role(sys.argv[1], sys.argv[2], "test/fetch", settings, work=True)

def ask(role, path="/x", ips=("127.0.0.1",), port=None, body=None, host=HOST, world=None):
    fields = ["F", host, port or world.web.port, path, "application/tlsrpt+gzip" if body else "", len(ips), *ips]
    if body:
        fd = os.memfd_create("report")
        os.write(fd, body)
        os.lseek(fd, 0, 0)
        send_fds(role.work, pack(*fields), fd)
        os.close(fd)
    else:
        role.work.send(pack(*fields))
    verb, f = unpack(role.work.recv(65536))
    assert verb == "F" and len(f) == 5, (verb, f)
    return number(f[0]), f[1].decode(), number(f[2]), f[3].decode(), f[4]

def test_a_page(w, role):
    w.web.pages["/x"] = (200, "Text/Plain; charset=utf-8", b"version: STSv1\n")
    os.environ["https_proxy"] = "http://127.0.0.1:9"
    got = ask(role, world=w)
    assert got == (ANSWERED, "", 200, "text/plain", b"version: STSv1\n"), got
    method, host, path, fields, _ = w.web.asked[-1]
    assert (method, host, path) == ("GET", f"{HOST}:{w.web.port}", "/x"), (method, host, path)
    assert "fetch.test" in fields["User-Agent"] and "Cookie" not in fields, fields

def test_second_address_is_tried(w, role):
    got = ask(role, ips=("127.0.0.77", "127.0.0.1"), world=w)
    assert got[0] == ANSWERED and got[2] == 200, got

def test_redirects_are_not_followed(w, role):
    w.web.pages["/r"] = (302, "text/plain", f"https://{HOST}:{w.web.port}/x".encode())
    count = len(w.web.asked)
    got = ask(role, "/r", world=w)
    assert got[0] == ANSWERED and got[2] == 302 and len(w.web.asked) == count + 1, got

def test_type_is_tame(w, role):
    w.web.pages["/esc"] = lambda out: out.write(b"HTTP/1.1 200 OK\r\nContent-Type: a\x1b[31m/b\xff\r\nContent-Length: 0\r\n\r\n")
    got = ask(role, "/esc", world=w)
    assert got[:4] == (ANSWERED, "", 200, "a?[31m/b?"), got

def test_not_here(w, role):
    assert ask(role, "/none", world=w)[2] == 404

def test_too_long(w, role):
    w.web.pages["/long"] = (200, "text/plain", b"x" * 64001)
    got = ask(role, "/long", world=w)
    assert got[0] == UNREACHABLE and "more than 64000 bytes" in got[1] and not got[4], got[:2]
    w.web.pages["/full"] = (200, "text/plain", b"x" * 64000)
    assert len(ask(role, "/full", world=w)[4]) == 64000

def test_nonsense(w, role):
    w.web.pages["/bad"] = lambda out: out.write(b"\0\xff SMTP\r\n\r\n")
    w.web.pages["/half"] = lambda out: out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
    w.web.pages["/heads"] = lambda out: out.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500000)
    for path in ("/bad", "/half", "/heads"):
        got = ask(role, path, world=w)
        assert got[0] == UNREACHABLE and got[1], (path, got[:3])

def test_post(w, role):
    w.web.pages["/post"] = (201, None, b"")
    body = os.urandom(200000)
    got = ask(role, "/post", body=body, world=w)
    assert got[0] == ANSWERED and got[2] == 201, got
    method, _, _, fields, came = w.web.asked[-1]
    assert method == "POST" and fields["Content-Type"] == "application/tlsrpt+gzip" and came == body

def test_nobody_there(w, role):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        got = ask(role, port=s.getsockname()[1], world=w)
    assert got[0] == UNREACHABLE and got[1], got

def test_another_name(w, role):
    got = ask(role, host="mta-sts.c.test", world=w)
    assert got[0] == UNTRUSTED and got[1], got

def test_another_authority(w, _):
    with tempfile.TemporaryDirectory(prefix="posthorn-fetch-") as d:
        os.chmod(d, 0o755)
        make_authority(d)
        role = w.role(authorities=d + "/ca.pem")
        got = ask(role, world=w)
    assert got[0] == UNTRUSTED, got
    role.work.close()
    assert role.stop() == 0

def test_authorities_of_the_system(w, _):
    if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        return
    role = w.role(authorities="\n")
    got = ask(role, world=w)
    assert got[0] == UNTRUSTED and "certificate" in got[1] and "verify locations" not in got[1], got
    role.work.close()
    assert role.stop() == 0

def test_private_addresses(w, _):
    role = w.role(private="no")
    count = len(w.web.asked)
    for ip in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.31.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::",
               "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "255.255.255.255", "nonsense"):
        got = ask(role, ips=(ip,), world=w)
        assert got[0] == UNREACHABLE and "private network" in got[1], (ip, got)
    assert len(w.web.asked) == count
    role.work.close()
    assert role.stop() == 0

def test_no_job_ends_it(w, _):
    for bad in (pack("F"), pack("X", "a"), pack("F", HOST, 0, "/", "", 1, "127.0.0.1"), pack("F", HOST, 1, "/", "", 0),
                pack("F", HOST, 1, "/", "", 9, *["127.0.0.1"] * 9), pack("F", HOST, 1, "/", "text/x", 1, "127.0.0.1")):
        role = w.role()
        role.work.send(bad)
        assert role.work.recv(65536) == b"", bad
        assert role.process.wait(20) != 0, bad
        role.stop()

def main():
    w = World()
    role = w.role()
    try:
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                start = time.monotonic()
                test(w, role)
                print("ok", name, f"{time.monotonic() - start:.1f} s", flush=True)
        assert role.process.poll() is None, role.told()
        role.work.close()
        assert role.process.wait(20) == 0, "no clean end"
    except BaseException:
        print(role.told())
        raise
    finally:
        role.stop()
        w.web.close()
        subprocess.run(["rm", "-rf", w.dir], check=False)

if __name__ == "__main__":
    main()
