#!/usr/bin/env python3
"""Bad input and bad days: what strangers, full disks and wrong settings get."""
import os
import re
import socket
import ssl
import subprocess
import time

from e2e import Skip, build, expect, hosts, journey, main


def network():
    net = hosts.two_hosts(build())
    for host in net.hosts.values():
        host.set("limits", "command-timeout", "4s").set("limits", "greet-timeout", "4s")
    net["alpha"].start()
    return net


class Talk:
    """A plain connection; say sends bytes as they are, line reads one line."""

    def __init__(self, host, service, tls=False, source=None):
        self.sock = socket.create_connection((host.address, host.port(service)), 20, source and (source, 0))
        if tls:
            self.sock = host.tls().wrap_socket(self.sock, server_hostname=host.host_name)
        self.file = self.sock.makefile("rb")

    def say(self, data):
        self.sock.sendall(data)

    def line(self):
        return self.file.readline()

    def reply(self):
        """A whole SMTP reply."""
        got = b""
        while True:
            line = self.line()
            got += line
            if line[3:4] != b"-":
                return got

    def ask(self, data):
        self.say(data + b"\r\n")
        return self.reply()

    def rest(self):
        try:
            return self.file.read()
        except OSError:
            return b""

    def close(self):
        self.sock.close()


def smtp(host):
    t = Talk(host, "smtp")
    expect(t.reply().startswith(b"220"), "no greeting")
    return t


def still_serves(host):
    t = smtp(host)
    expect(t.ask(b"EHLO good.test").startswith(b"250"), "the server no longer serves")
    t.ask(b"QUIT")
    t.close()


def test_no_relay_for_strangers(net):
    t = smtp(net["alpha"])
    t.ask(b"EHLO x.test")
    expect(t.ask(b"MAIL FROM:<a@x.test>").startswith(b"250"), "MAIL")
    for to in (b"bob@beta.test", b"bob%beta.test@alpha.test", b"beta.test!bob@alpha.test",
               b'"bob@beta.test"@alpha.test', b"@alpha.test:bob@beta.test", b"bob@beta.test@alpha.test",
               b"bob@[127.0.0.1]", b"bob", b'"bob@beta.test"', b"bob@beta.test%alpha.test"):
        got = t.ask(b"RCPT TO:<" + to + b">")
        expect(got[:1] == b"5", f"{to!r}: {got!r}")
    t.close()


def test_smuggling(net):
    """Only CRLF.CRLF ends a message; everything that looks like it is refused, whole."""
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n",
                b"\r\n\x00.\r\n", b"\r\r\n.\r\r\n"):
        t = smtp(net["alpha"])
        t.ask(b"EHLO x.test")
        t.ask(b"MAIL FROM:<a@x.test>")
        expect(t.ask(b"RCPT TO:<alice@alpha.test>").startswith(b"250"), "RCPT")
        expect(t.ask(b"DATA").startswith(b"354"), "DATA")
        t.say(b"Subject: x\r\n\r\nbody" + end + b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<alice@alpha.test>\r\nDATA\r\n")
        t.say(b"\r\n.\r\n")
        got = t.reply()
        expect(got[:1] == b"5", f"{end!r}: {got!r}")
        expect(t.ask(b"NOOP").startswith(b"250"), f"{end!r}: a second reply was waiting")
        t.close()
    expect(not net["alpha"].inbox("alice"), "something smuggled arrived")


def test_starttls_drops_what_came_before(net):
    alpha = net["alpha"]
    for service, command, ok in (("smtp", b"STARTTLS\r\nMAIL FROM:<evil@x.test>\r\n", b"220"),
                                 ("submission", b"STARTTLS\r\nEHLO evil\r\n", b"220"),
                                 ("imap", b"a STARTTLS\r\nb NOOP\r\n", b"a OK"), ("pop3", b"STLS\r\nCAPA\r\n", b"+OK")):
        t = Talk(alpha, service)
        t.line()
        if service in ("smtp", "submission"):
            t.ask(b"EHLO x.test")
        t.say(command)
        expect(t.line().startswith(ok), f"{service}: no STARTTLS")
        s = alpha.tls().wrap_socket(t.sock, server_hostname=alpha.host_name)
        s.settimeout(1)
        try:
            got = s.recv(100)
        except (TimeoutError, socket.timeout):
            got = b""
        expect(not got, f"{service}: answered {got!r} to what was said in the clear")
        s.close()


def test_long_lines_nul_and_unknown_words(net):
    t = smtp(net["alpha"])
    for line, code in ((b"EHLO " + b"x" * 20000, b"500"), (b"NO\0OP", b"5"), (b"FROB", b"500"), (b"RCPT TO:<a@b>", b"503"),
                       (b"MAIL FROM:<" + b"a" * 3000 + b"@x.test>", b"5"), (b"DATA", b"503"), (b"", b"5"), (b"NO\nOP", b"5")):
        got = t.ask(line)
        expect(got.startswith(code), f"{line[:30]!r}: {got!r}")
    t.close()
    for service, line in (("imap", b"a LOGIN {99999999999}\r\n"), ("imap", b"(" * 5000 + b"\r\n"), ("imap", b"x" * 100000 + b"\r\n"),
                          ("imap", b"a\0b c\r\n"), ("pop3", b"USER " + b"x" * 5000 + b"\r\n"), ("pop3", b"\0\r\n"), ("pop3", b"FROB\r\n")):
        t = Talk(net["alpha"], service)
        t.line()
        t.say(line)
        got = t.line()
        expect(re.match(rb"\S+ BAD|\S+ NO|\* B|-ERR", got) or got == b"", f"{service} {line[:20]!r}: {got!r}")
        t.close()
    still_serves(net["alpha"])


def test_too_many_errors_hang_up(net):
    t = smtp(net["alpha"])
    got = b""
    for _ in range(40):
        try:
            got = t.ask(b"FROB")
        except OSError:
            break
        if got.startswith(b"421") or not got:
            break
    expect(got.startswith(b"421"), f"never hung up: {got!r}")
    t.close()


def test_stalled_clients_are_let_go(net):
    """Silent, half a line, half a message, a handshake never begun: each ends by itself."""
    alpha = net["alpha"]
    talks = []
    for service, words in (("smtp", b""), ("smtp", b"EHL"), ("imap", b"a LOG"), ("pop3", b"US"), ("submissions", b""), ("imaps", b"\x16")):
        t = Talk(alpha, service)
        t.say(words) if words else None
        talks.append((service, t))
    t = smtp(alpha)
    t.ask(b"EHLO x.test")
    t.ask(b"MAIL FROM:<a@x.test>")
    t.ask(b"RCPT TO:<alice@alpha.test>")
    t.ask(b"DATA")
    t.say(b"Subject: half")
    talks.append(("smtp DATA", t))
    until = time.monotonic() + 75
    for service, t in talks:
        t.sock.settimeout(max(1, until - time.monotonic()))
        try:
            t.file.read()
        except (TimeoutError, socket.timeout):
            raise hosts.Trouble(f"{service}: a stalled client is kept") from None
        except OSError:
            pass
        t.close()
    expect(not alpha.inbox("alice"), "half a message was delivered")
    still_serves(alpha)


def test_a_thousand_from_one_address(net):
    """One address fills its share; a client from another address is served at once."""
    beta = net["beta"]
    beta.set("limits", "connections-per-address", "20").set("limits", "command-timeout", "60s")
    beta.start("mta")
    open_ = []
    try:
        for _ in range(1000):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((beta.address, beta.port("smtp")))
            open_.append(s)
        time.sleep(1)
        start = time.monotonic()
        with socket.create_connection((beta.address, beta.port("smtp")), 10,
                                      source_address=(net["alpha"].address, 0)) as s:
            s.settimeout(10)
            expect(s.recv(3) == b"220", "the good client is not served")
        took = time.monotonic() - start
        expect(took < 5, f"the good client waited {took:.1f} s")
    finally:
        for s in open_:
            s.close()
    time.sleep(0.5)
    t = Talk(beta, "smtp")
    expect(t.line().startswith(b"220"), "the address stays locked out after its connections went")
    t.close()
    beta.stop()


def test_a_thousand_from_as_many_addresses(net):
    """They take all sessions there can be and say nothing; who is silent makes room for a good client."""
    beta = net["beta"]
    beta.set("mta", "sessions-max", "20").set("limits", "command-timeout", "60s").set("limits", "greet-timeout", "60s")
    beta.set("limits", "strangers-max", "100").set("limits", "strangers-per-network", "60")
    beta.start("mta")
    open_ = []
    try:
        for i in range(1000):
            s = socket.socket()
            s.setblocking(False)
            s.bind((f"127.{200 + i // 250}.{i % 250}.1", 0))
            s.connect_ex((beta.address, beta.port("smtp")))
            open_.append(s)
        beta.wait_log("shed peer=127.2")
        for good in ("127.210.0.1", "127.210.1.1", "127.210.2.1"):
            with socket.create_connection((beta.address, beta.port("smtp")), 20, source_address=(good, 0)) as s:
                expect(s.recv(100)[:3] == b"220", "the good client is not served")
                s.sendall(b"EHLO good.test\r\n")
                expect(s.recv(100)[:3] == b"250", "the good client is let go")
    finally:
        for s in open_:
            s.close()
        beta.stop()
        for key, value in (("strangers-max", "1000"), ("strangers-per-network", "1000"), ("greet-timeout", "4s")):
            beta.set("limits", key, value)
        beta.set("mta", "sessions-max", "500")


def early_in_a_minute():
    """What is counted by the minute should be counted in one."""
    if time.time() % 60 > 45:
        time.sleep(61 - time.time() % 60)


def test_counts_by_the_minute(net):
    """Messages and recipients are put off, guessing is cut off; another address is not concerned."""
    beta, other = net["beta"], "127.210.9.1"
    beta.set("limits", "messages-per-minute", "3").set("limits", "recipients-per-minute", "5")
    beta.set("limits", "refusals-per-minute", "4")
    beta.start("mta")
    early_in_a_minute()
    t = smtp(beta)
    t.ask(b"EHLO x.test")
    for i in range(3):
        expect(t.ask(b"MAIL FROM:<a@x.test>").startswith(b"250"), f"MAIL {i}")
        t.ask(b"RSET")
    got = t.ask(b"MAIL FROM:<a@x.test>")
    expect(got.startswith(b"450 4.7.1 too many messages"), f"{got!r}")
    t.close()
    t = smtp_from(beta, "127.210.8.1")
    t.ask(b"MAIL FROM:<a@x.test>")
    for i in range(5):
        expect(t.ask(b"RCPT TO:<bob@beta.test>").startswith(b"250"), f"RCPT {i}")
    got = t.ask(b"RCPT TO:<bob@beta.test>")
    expect(got.startswith(b"450 4.7.1 too many recipients"), f"{got!r}")
    t.close()
    t = smtp_from(beta, "127.210.7.1")
    t.ask(b"MAIL FROM:<a@x.test>")
    got = [t.ask(b"RCPT TO:<nobody%d@beta.test>" % i)[:4] for i in range(5)]
    expect(got == [b"550 "] * 4 + [b"421 "], f"{got}")
    t.close()
    with socket.create_connection((beta.address, beta.port("smtp")), 20, source_address=("127.210.7.1", 0)) as s:
        expect(s.recv(4) == b"421 ", "who guesses comes in again")
    smtp_from(beta, other).close()
    beta.stop()
    for key in ("messages-per-minute", "recipients-per-minute", "refusals-per-minute"):
        beta.set("limits", key, "0")


def smtp_from(host, source):
    t = Talk(host, "smtp", source=source)
    expect(t.reply().startswith(b"220"), f"{source} is not greeted")
    expect(t.ask(b"EHLO x.test").startswith(b"250"), "EHLO")
    return t


def test_tls_nonsense(net):
    alpha = net["alpha"]
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"A" * 500, b"\x80" * 1000, b"\x15\x03\x03\x00\x02\x02\x28"):
        t = Talk(alpha, "imaps")
        t.say(junk)
        got = t.rest()
        expect(b"HTTP" not in got and b"GET" not in got, f"echoes {got!r}")
        t.close()
    context = alpha.tls()
    context.set_alpn_protocols(["http/1.1"])
    try:
        s = context.wrap_socket(socket.create_connection((alpha.address, alpha.port("imaps"))), server_hostname=alpha.host_name)
        s.settimeout(5)
        expect(not s.recv(10), "HTTP by ALPN is served on imaps")
    except (ssl.SSLError, ConnectionError):
        pass
    still_serves(alpha)


def test_full_disk_is_452_and_loses_nothing(net):
    """The queue on a filesystem of its own, filled to the brim."""
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small filesystem")
    beta = net["beta"]
    os.makedirs(beta.queue, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", beta.queue], check=True)
    try:
        beta.set("posthorn", "disk-reserve", "0")
        beta.start("mta")
        body = b"x" * 70 + b"\r\n"
        accepted = refused = 0
        for i in range(40):
            t = smtp(beta)
            t.ask(b"EHLO x.test")
            got = t.ask(b"MAIL FROM:<a@x.test>")
            if got.startswith(b"250"):
                t.ask(b"RCPT TO:<bob@beta.test>")
                got = t.ask(b"DATA")
                if got.startswith(b"354"):
                    t.say(b"Subject: %d\r\n\r\n" % i + body * 3000 + b".\r\n")
                    got = t.reply()
            expect(got[:3] in (b"250", b"452"), f"{got!r}")
            accepted += got.startswith(b"250")
            refused += got.startswith(b"452")
            t.close()
            if refused > 3:
                break
        expect(accepted and refused, f"{accepted} accepted, {refused} refused")
        beta.start("mda")
        beta.wait_inbox("bob", accepted)
        t = smtp(beta)
        t.ask(b"EHLO x.test")
        expect(t.ask(b"MAIL FROM:<a@x.test>").startswith(b"250"), "does not recover when there is room again")
        t.close()
    finally:
        beta.stop()
        subprocess.run(["umount", "-l", beta.queue], check=True)


def test_disk_reserve(net):
    beta = net["beta"]
    beta.set("posthorn", "disk-reserve", "1T")
    beta.start("mta")
    t = smtp(beta)
    t.ask(b"EHLO x.test")
    got = t.ask(b"MAIL FROM:<a@x.test>")
    if got.startswith(b"250"):
        t.ask(b"RCPT TO:<bob@beta.test>")
        got = t.ask(b"DATA")
        if got.startswith(b"354"):
            t.say(b"x\r\n.\r\n")
            got = t.reply()
    expect(got.startswith(b"452 4.3.1"), f"{got!r}")
    t.close()
    beta.stop()
    beta.set("posthorn", "disk-reserve", "1M")


def test_unreadable_maildir_waits(net):
    """Mail for a mailbox that cannot be written waits, the log names path and cause, then it arrives."""
    beta = net["beta"]
    beta.set("mta", "retry", "1s 1s 1s 1s")
    home = os.path.dirname(beta.maildir("dora"))
    os.makedirs(home, exist_ok=True)
    if os.geteuid() == 0:
        for path in (home, os.path.dirname(home)):
            os.chown(path, os.stat(beta.mail).st_uid, os.stat(beta.mail).st_gid)
    os.chmod(home, 0)
    beta.start("mta", "mda")
    t = smtp(beta)
    t.ask(b"EHLO x.test")
    t.ask(b"MAIL FROM:<a@x.test>")
    t.ask(b"RCPT TO:<dora@beta.test>")
    t.ask(b"DATA")
    expect(t.ask(b"Subject: patience\r\n\r\nx\r\n.").startswith(b"250"), "not accepted")
    t.close()
    line = beta.wait_log("deferred", "dora@beta.test")
    expect("dora" in line.split("why=", 1)[1], line)
    os.chmod(home, 0o700)
    beta.wait_inbox("dora")
    beta.stop()


def settings_mistake(host, edit):
    """What a daemon says to a broken settings file: (exit code, words)."""
    with open(host.conf, encoding="utf-8") as f:
        good = f.read()
    broken = host.conf + ".broken"
    with open(broken, "w", encoding="utf-8") as f:
        f.write(edit(good))
    got = subprocess.run([os.path.join(host.network.build, "mta"), "-c", broken], capture_output=True, timeout=20, check=False)
    return got.returncode, (got.stdout + got.stderr).decode()


def test_broken_settings_are_named(net):
    beta = net["beta"]
    beta.write_settings()
    for edit, wanted in ((lambda s: s.replace("host-name", "hots-name"), ("hots-name", "host-name", ".broken:")),
                         (lambda s: s.replace("disk-reserve = 1M", "disk-reserve = lots"), ("disk-reserve", "lots", ".broken:")),
                         (lambda s: s + "[mta]\nlisten = smtp=nowhere\n", ("listen", "nowhere"))):
        code, words = settings_mistake(beta, edit)
        expect(code != 0 and all(w in words for w in wanted), f"exit {code}: {words}")
    code, words = settings_mistake(beta, lambda s: s.replace("cert.pem", "not-there.pem"))
    expect(code != 0 and "not-there.pem" in words + beta.log_text(), f"missing certificate: exit {code}: {words}")
    other = os.path.join(net.directory, "other")
    hosts.make_certificate(net.directory, beta.host_name, beta.address, other + ".pem", other + ".key")
    code, words = settings_mistake(beta, lambda s: s.replace(beta.directory + "/key.pem", other + ".key"))
    expect(code == 78 and "cannot use the certificate" in words + beta.log_text(), f"another's key: exit {code}: {words}")
    got = subprocess.run([os.path.join(build(), "mta"), "-c", "/does/not/exist"], capture_output=True, timeout=20, check=False)
    expect(got.returncode == 78 and b"/does/not/exist" in got.stderr, f"{got}")


def test_port_in_use_is_named(net):
    alpha = net["alpha"]
    got = subprocess.run([os.path.join(build(), "mta"), "-c", alpha.conf], capture_output=True, timeout=20, check=False)
    words = got.stderr.decode() + alpha.log_text()
    expect(got.returncode != 0 and re.search(r"2525.*(in use|already)|(in use|already).*2525", words), f"{got.returncode} {words[-500:]}")
    still_serves(alpha)


if __name__ == "__main__":
    main(network)
