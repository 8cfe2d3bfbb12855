#!/usr/bin/env python3
"""The resolver as a process: this plays its keeper, those who ask, and a DNS server.
Arguments: run-role, posthorn-resolver."""
import os, shutil, socket, struct, subprocess, sys, tempfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import Role, number, pack, send_fds, unpack

A, MX, TXT, AAAA = 1, 15, 16, 28
YES, NO_DATA, NO_NAME, FAILED = range(4)
SETTINGS = """
[posthorn]
host-name = dns.test
run-directory = @DIR@
queue-directory = @DIR@
[dns]
timeout = 2s
local-data = alpha.test. 300 IN MX 10 mx.alpha.test.; mx.alpha.test. A 127.0.0.7; ours.test SOA; \
  alias.test CNAME far.example
"""

class Server(threading.Thread):
    """A DNS server on UDP: what is in answers, else NXDOMAIN; names with "slow" get silence."""
    def __init__(self, answers):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.answers, self.asked = answers, []
        self.start()

    def run(self):
        while True:
            packet, peer = self.sock.recvfrom(4096)
            at, labels = 12, []
            while packet[at]:
                labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
                at += packet[at] + 1
            name, kind = ".".join(labels), struct.unpack_from("!H", packet, at + 1)[0]
            self.asked.append(name)
            if "slow" in name:
                continue
            records = self.answers.get((name, kind))
            known = any(n == name or n.endswith("." + name) for n, _ in self.answers)
            rcode = 0 if known or not name else 3
            reply = packet[:2] + struct.pack("!HHHHH", 0x8480 | rcode, 1, len(records or []), 0, 0)
            reply += packet[12:at + 5]
            for data in records or []:
                reply += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
            self.sock.sendto(reply, peer)

class Resolver:
    def __init__(self, settings):
        self.role = Role(sys.argv[1], sys.argv[2], "test/resolver", settings)

    def channel(self):
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mine.settimeout(15)
        send_fds(self.role.keeper, pack("c"), theirs.fileno())
        theirs.close()
        return mine

def answer(ch):
    verb, f = unpack(ch.recv(65536))
    assert verb == "A", verb
    count = number(f[6])
    assert len(f) == 7 + count
    return number(f[0]), number(f[1]), f[7:], f[4].decode()

def ask(ch, name, kind, serial=1):
    ch.send(pack("Q", serial, name, kind))
    got, found, records, why = answer(ch)
    assert got == serial
    return found, records, why

def without_any_network():
    r = Resolver(SETTINGS)
    ch = r.channel()
    began = time.monotonic()
    assert ask(ch, "alpha.test", MX)[:2] == (YES, [b"\0\x0a\2mx\5alpha\4test\0"])
    assert ask(ch, "ALPHA.test.", TXT)[0] == NO_DATA
    assert ask(ch, "mx.alpha.test", A)[:2] == (YES, [b"\x7f\0\0\7"])
    assert ask(ch, "nobody.ours.test", A)[0] == NO_NAME
    assert ask(ch, "nobody.test", A)[0] == NO_NAME		# RFC 6761: test. is nobody's
    assert ask(ch, "localhost", A)[:2] == (YES, [b"\x7f\0\0\1"])
    assert ask(ch, "not a name", A)[0] == NO_NAME
    assert time.monotonic() - began < 1.5
    return r

def with_a_server():
    s = Server({("far.example", A): [b"\1\2\3\4"], ("gamma.test", MX): [b"\0\5\2mx\5gamma\4test\0"],
                ("xn--mller-kva.example", A): [b"\1\2\3\5"]})
    r = Resolver(SETTINGS + f"forward = 127.0.0.1@{s.port}\n")
    ch = r.channel()
    assert ask(ch, "far.example", A)[:2] == (YES, [b"\1\2\3\4"])
    assert ask(ch, "far.example", TXT)[0] == NO_DATA
    assert ask(ch, "alias.test", A)[:2] == (YES, [b"\1\2\3\4"])
    assert ask(ch, "gamma.test", MX)[:2] == (YES, [b"\0\5\2mx\5gamma\4test\0"])
    assert ask(ch, "m\u00fcller.example", A)[:2] == (YES, [b"\1\2\3\5"])
    assert ask(ch, "no.example", A)[0] == NO_NAME
    assert ask(ch, "alpha.test", MX)[0] == YES
    assert "alpha.test" not in s.asked, "local data was asked for elsewhere"
    return r

def slow_answers_fail_in_time():
    s = Server({("far.example", A): [b"\1\2\3\4"]})
    r = Resolver(SETTINGS + f"forward = 127.0.0.1@{s.port}\n")
    ch, other = r.channel(), r.channel()
    began = time.monotonic()
    for i in range(64):
        ch.send(pack("Q", i, f"slow{i}.example", A))
    ch.send(pack("Q", 64, "alpha.test", MX))		# waits until one of them is done
    assert ask(other, "far.example", A)[0] == YES	# others do not wait
    assert time.monotonic() - began < 1.5
    got = [answer(ch) for _ in range(65)]
    assert {x[0] for x in got} == set(range(65))
    assert all(x[1] == FAILED and "in time" in x[3] for x in got if x[0] < 64), got
    assert 1.5 < time.monotonic() - began < 6
    return r

def nonsense_closes_only_its_channel():
    r = Resolver(SETTINGS)
    bad, good = r.channel(), r.channel()
    for packet in (b"Q", b"X123", pack("Q", 1, "a.test"), pack("Q", 1, "a" * 2000, A), b"Q" + b"\xff" * 9):
        bad.send(packet)
        try:
            assert bad.recv(100) == b""
        except ConnectionResetError:
            pass
        bad = r.channel()
    assert ask(good, "alpha.test", MX)[0] == YES
    return r

def left_questions_do_no_harm():
    s = Server({("far.example", A): [b"\1\2\3\4"]})
    r = Resolver(SETTINGS + f"forward = 127.0.0.1@{s.port}\n")
    for i in range(20):
        ch = r.channel()
        for n in range(30):
            ch.send(pack("Q", n, f"slow{i}-{n}.example", A))
        ch.close()
    ch = r.channel()
    got = ask(ch, "far.example", A)
    assert got[0] == YES, got
    return r

def signed_zone(where, port):
    """nsd in a directory of its own with signed.test, and the file with its key."""
    def run(*args):
        return subprocess.run(args, cwd=where, check=True, capture_output=True, text=True).stdout.strip()
    with open(where + "/zone", "w") as f:
        f.write("$ORIGIN signed.test.\n@ 60 IN SOA ns root 1 3600 600 86400 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n"
                "mx 60 IN A 192.0.2.1\nalias 60 IN CNAME mx\n_25._tcp.mx 60 IN TLSA 3 1 1 " + "ab" * 32 + "\n")
    key = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "signed.test")
    run("ldns-signzone", "-f", where + "/signed", where + "/zone", key)
    with open(where + "/broken", "w") as f:
        f.write(open(where + "/signed").read().replace("192.0.2.1", "192.0.2.66"))
    return where + "/" + key + ".key"

def start_nsd(where, port, zone):
    with open(where + "/nsd.conf", "w") as f:
        f.write(f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{where}"
  pidfile: "{where}/pid"
  xfrdfile: "{where}/xfrd"
  zonelistfile: "{where}/zones"
  database: ""
  logfile: "{where}/nsd.log"
remote-control:
  control-enable: no
zone:
  name: signed.test
  zonefile: {zone}
""")
    nsd = subprocess.Popen(["nsd", "-d", "-c", where + "/nsd.conf"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.settimeout(0.2)
    while time.monotonic() < until:
        probe.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0\6signed\4test\0\0\6\0\1", ("127.0.0.1", port))
        try:
            if probe.recv(512):
                return nsd
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nsd does not answer: " + open(where + "/nsd.log").read())

def signed_answers_are_validated():
    if not all(shutil.which(tool) for tool in ("nsd", "ldns-keygen", "ldns-signzone")):
        print("skip: without nsd and ldns nothing is signed")
        return None
    where = tempfile.mkdtemp(prefix="posthorn-dns-")
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    anchor = signed_zone(where, port)
    for zone in ("signed", "broken"):
        nsd = start_nsd(where, port, zone)
        r = Resolver(SETTINGS + f"forward = 127.0.0.1@{port}\ntrust-anchor = {anchor}\n")
        try:
            ch = r.channel()
            ch.send(pack("Q", 1, "mx.signed.test", A))
            f = unpack(ch.recv(65536))[1]
            found, secure, why = number(f[1]), number(f[2]), f[4]
            if zone == "broken":
                assert found == FAILED and why, (found, why)
                continue
            assert (found, secure) == (YES, 1), (found, secure, why)
            ch.send(pack("Q", 2, "_25._tcp.mx.signed.test", 52))
            f = unpack(ch.recv(65536))[1]
            assert (number(f[1]), number(f[2])) == (YES, 1) and f[7] == b"\3\1\1" + b"\xab" * 32, f
            ch.send(pack("Q", 5, "alias.signed.test", A))
            f = unpack(ch.recv(65536))[1]
            assert (number(f[1]), number(f[2])) == (YES, 1) and f[5].rstrip(b".") == b"mx.signed.test", f
            ch.send(pack("Q", 3, "nobody.signed.test", A))
            f = unpack(ch.recv(65536))[1]
            assert (number(f[1]), number(f[2])) == (NO_NAME, 1), f		# that it is not there is signed too
            ch.send(pack("Q", 4, "alpha.test", MX))
            assert number(unpack(ch.recv(65536))[1][2]) == 0, "local data is not signed"
        except ConnectionResetError:
            print(r.role.process.wait(5), r.role.told())
            raise
        finally:
            nsd.terminate()
            nsd.wait(10)
            r.role.stop()
    shutil.rmtree(where)
    return None

def main():
    failed = 0
    for t in (without_any_network, with_a_server, slow_answers_fail_in_time,
              nonsense_closes_only_its_channel, left_questions_do_no_harm, signed_answers_are_validated):
        try:
            r = t()
            if r is None:
                print(f"ok {t.__name__}", flush=True)
                continue
            assert r.role.process.poll() is None, r.role.told()
            assert r.role.stop() == 0, "no clean end"
            print(f"ok {t.__name__}", flush=True)
        except Exception as e:
            import traceback
            failed += 1
            print(f"FAILED {t.__name__}: {type(e).__name__}: {e}", flush=True)
            traceback.print_exc()
    bad = Role(sys.argv[1], sys.argv[2], "test/resolver", SETTINGS.replace("MX 10 mx", "MX mx"))
    if bad.process.wait(10) != 78:
        print("FAILED: a bad line of local data is taken")
        failed += 1
    bad.stop()
    sys.exit(failed > 0)

main()
