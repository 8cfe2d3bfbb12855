#!/usr/bin/env python3
"""What SMTP can ask of us beyond bringing a message: holds, deadlines, priorities, TLS that must be or
need not be, addresses beyond ASCII; and proxies that speak for others."""
import email
import os
import re
import smtplib
import socket
import threading
import time

from e2e import HERE, Skip, expect, hosts, main, need, run

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def letter(subject="hello", to="bob@beta.test", more=""):
    return f"From: alice@alpha.test\r\nTo: {to}\r\nSubject: {subject}\r\n{more}\r\nwords\r\n".encode()


def submit(host, wire, options=(), recipients=("bob@beta.test",), sender="alice@alpha.test"):
    """MAIL with these parameters; what was said to it, and to the end of the text."""
    with smtplib.SMTP(host.address, host.port("submission"), timeout=30) as s:
        s.starttls(context=host.tls())
        s.ehlo()
        s.login("alice@alpha.test", host.passwords["alice@alpha.test"])
        code, mail = s.mail(sender, list(options))
        expect(code == 250, f"MAIL {options}: {code} {mail}")
        for r in recipients:
            code, words = s.rcpt(r)
            expect(code == 250, f"RCPT {r}: {code} {words}")
        code, words = s.data(wire)
        expect(code == 250, f"text: {code} {words}")
        return mail.decode(), words.decode().split()[-1]


def report(host, user="alice"):
    with open(host.wait_inbox(user, seconds=40)[0], "rb") as f:
        return email.message_from_bytes(f.read())


def test_held_mail_waits(net):
    """HOLDFOR: for a mailbox here and for another server, in spite of somebody's hurry."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    before = time.time()
    _, number = submit(alpha, letter("later"), ["HOLDFOR=4"], ("bob@beta.test", "carol@alpha.test"))
    hosts.wait_for(lambda: alpha.station("out") and alpha.station("local"), 20, "both stations to have it")
    text = alpha.command("queue", "show", number)
    expect("release" in text, text)
    alpha.command("queue", "retry", number)
    time.sleep(0.5)
    expect(not alpha.inbox("carol") and not beta.inbox("bob"), "it was not held")
    alpha.wait_inbox("carol")
    beta.wait_inbox("bob")
    expect(time.time() - before >= 3.9, "it was held for too short a time")


def test_held_mail_survives_a_restart(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    before = time.time()
    submit(alpha, letter("later"), ["HOLDFOR=5"], ("bob@beta.test", "carol@alpha.test"))
    hosts.wait_for(lambda: alpha.station("out") and alpha.station("local"), 20, "both stations to have it")
    alpha.stop("mta", "mda")
    alpha.start("mta", "mda")
    time.sleep(0.3)
    if time.time() - before < 4:
        expect(not alpha.inbox("carol") and not beta.inbox("bob"), "it was not held")
    alpha.wait_inbox("carol")
    beta.wait_inbox("bob")


def test_late_mail_comes_back(net):
    """BY=...;R: when the time has come, nothing is tried any more."""
    alpha = net["alpha"]
    alpha.start()
    before = time.time()
    submit(alpha, letter("urgent"), ["BY=2;R"])
    text = report(alpha).as_string()
    expect("5.4.7" in text and "Action: failed" in text, text)
    expect(1.9 <= time.time() - before < 30, f"after {time.time() - before:.1f} s")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")


def test_sender_hears_of_late_mail(net):
    """BY=...;N: the sender is told, and it is tried on."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "retry", "1s")
    alpha.start()
    submit(alpha, letter("urgent"), ["BY=2;N"])
    text = report(alpha).as_string()
    expect("Action: delayed" in text, text)
    beta.start()
    beta.wait_inbox("bob")
    expect(len(alpha.inbox("alice")) == 1, "told more than once")


def test_urgent_mail_goes_first(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "send-max", "1").set("mta", "send-per-destination", "1").set("msa", "priority-max", "4")
    alpha.start("msa")
    beta.start()
    numbers = {}
    for priority in ("-3", "0", "2", "9", "-9"):
        said, numbers[priority] = submit(alpha, letter(f"priority {priority}"), [f"MT-PRIORITY={priority}"])
        expect(("2.3.6" in said) == (priority == "9"), said)
    alpha.start("mta", "mda")
    beta.wait_inbox("bob", 5)
    order = [line.split()[2] for line in alpha.log_lines(" sending ")]
    expect(order == [numbers[p] for p in ("9", "2", "0", "-3", "-9")], f"{order} of {numbers}")
    said = [re.search(r"^\tPRIORITY (-?\d);$", open(path).read(), re.M) for path in beta.inbox("bob")]
    expect(sorted(int(m[1]) for m in said if m) == [-9, -3, 2, 4], said)


def test_requiretls_comes_back_from_a_server_without(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    submit(alpha, letter("secret", more="X-Padding: yes\r\n"), ["REQUIRETLS"])
    m = report(alpha)
    text = m.as_string()
    expect("5.7.30" in text, text)
    expect("words" not in m.get_payload()[-1].as_string().split("\n\n")[-1], "the body came back")
    expect(not beta.inbox("bob"), "it was sent all the same")


def test_requiretls_goes_over_verified_tls(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "relay-host", f"mx.beta.test:{beta.port('smtp')}").set("mta", "authorities", net.authority)
    alpha.start()
    beta.start()
    submit(alpha, letter("secret"), ["REQUIRETLS"])
    beta.wait_inbox("bob")
    beta.stop()
    hosts.make_certificate(net.directory, "other.test", "127.0.0.1", f"{beta.directory}/cert.pem",
                           f"{beta.directory}/key.pem")
    beta.start()
    submit(alpha, letter("secret"), ["REQUIRETLS"])
    alpha.wait_log("deferred", "4.7.5")
    expect(len(beta.inbox("bob")) == 1, "it went to a server that is not mx.beta.test")


class Plain:
    """A mail server without TLS, which keeps what it hears."""

    def __init__(self, address, port):
        self.heard = b""
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        client.sendall(b"220 plain.test\r\n")
        pending, data = b"", False
        while more := client.recv(65536):
            self.heard += more
            pending += more
            while data and b"\r\n.\r\n" in pending or not data and b"\n" in pending:
                if data:
                    pending = pending.split(b"\r\n.\r\n", 1)[1]
                    client.sendall(b"250 2.0.0 taken\r\n")
                    data = False
                    continue
                line, pending = pending.split(b"\n", 1)
                data = line.strip().upper() == b"DATA"
                client.sendall(b"354 go on\r\n" if data else b"250 2.0.0 ok\r\n")

    def close(self):
        self.listener.close()


def test_tls_required_no(net):
    """The header field outweighs tls = encrypt, and nothing else does."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "tls", "encrypt")
    alpha.start()
    plain = Plain(beta.address, beta.port("smtp"))
    submit(alpha, letter("must be encrypted"))
    alpha.wait_log("deferred", "TLS is required")
    _, number = submit(alpha, letter("need not be", more="TLS-Required: No\r\n"))
    alpha.wait_log(number, " sent ")
    expect(b"need not be" in plain.heard and b"must be encrypted" not in plain.heard, repr(plain.heard))
    plain.close()


def test_nothing_is_smuggled_out(net):
    """Lines leave with CRLF only, and each dot at the start of a line is doubled."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    plain = Plain(beta.address, beta.port("smtp"))
    wire = letter("dots") + b".\r\n..\r\n. \r\n.MAIL FROM:<evil@alpha.test>\r\nend"
    wire = wire.replace(b"\r\n.", b"\r\n..")
    with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
        s.starttls(context=alpha.tls())
        s.login("alice@alpha.test", alpha.passwords["alice@alpha.test"])
        s.mail("alice@alpha.test")
        s.rcpt("bob@beta.test")
        s.docmd("DATA")
        s.send(wire + b"\r\n.\r\n")
        code, words = s.getreply()
        expect(code == 250, f"{code} {words}")
    alpha.wait_log(" sent ")
    expect(not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", plain.heard), repr(plain.heard))
    body = plain.heard[plain.heard.index(b"words\r\n"):]
    expect(body.startswith(b"words\r\n..\r\n...\r\n.. \r\n..MAIL FROM:<evil@alpha.test>\r\nend\r\n.\r\n"), repr(body))
    plain.close()


def test_addresses_beyond_ascii(net):
    """RFC 6531 from end to end: UTF-8 local part, a domain in both of its forms, and a server without."""
    alpha, beta = net["alpha"], net["beta"]
    beta.add_domain("müller.test")
    beta.add_user("jürgen@müller.test")
    net.zone += ["xn--mller-kva.test. 300 IN MX 10 mx.beta.test."]
    alpha.start()
    beta.start()
    for to in ("jürgen@müller.test", "jürgen@xn--mller-kva.test", "jürgen@XN--MLLER-KVA.test"):
        wire = f"From: alice@alpha.test\r\nTo: {to}\r\nSubject: Grüße\r\n\r\nwords\r\n".encode()
        with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
            s.starttls(context=alpha.tls())
            s.ehlo()
            s.login("alice@alpha.test", alpha.passwords["alice@alpha.test"])
            s.sendmail("alice@alpha.test", [to], wire, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    hosts.wait_for(lambda: len(beta.inbox("jürgen@müller.test")) == 3, 30, "three messages for jürgen")
    beta.stop()
    plain = Plain(beta.address, beta.port("smtp"))
    with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
        s.starttls(context=alpha.tls())
        s.ehlo()
        s.login("alice@alpha.test", alpha.passwords["alice@alpha.test"])
        s.sendmail("alice@alpha.test", ["jürgen@müller.test"], wire, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    expect("5.6.7" in report(alpha).as_string(), "a server without SMTPUTF8 got it, or the report says nothing")
    plain.close()


def received(host, user, count):
    with open(sorted(host.wait_inbox(user, count))[-1], "rb") as f:
        return str(email.message_from_bytes(f.read())["Received"])


def test_a_filter_says_xclient(net):
    swaks = need("swaks")
    beta = net["beta"]
    beta.set("proxy", "xclient", f"{beta.address}/32").set("gate", "exempt-networks", "192.0.2.0/24")
    beta.start()
    words = (swaks, "--server", f"{beta.address}:{beta.port('smtp')}", "--from", "alice@alpha.test", "--to",
             "bob@beta.test", "--helo", "client.example.net", "--xclient-addr", "192.0.2.77", "--xclient-name", "c.example.net")
    code, text = run(*words, "--local-interface", beta.address)
    expect(code == 0, text)
    expect("192.0.2.77" in received(beta, "bob", 1), "Received does not name the client")
    code, text = run(swaks, "--server", f"{beta.address}:{beta.port('smtp')}", "--local-interface", beta.address, "--from",
                     "alice@alpha.test", "--to", "bob@beta.test", "--quit-after", "RCPT", "--xclient-addr", "[UNAVAILABLE]")
    expect("XCLIENT ADDR=[UNAVAILABLE]" in text and "RCPT" in text, text)
    expect("no question" not in beta.log_text(), "mta-hints was asked about an address that is none")
    code, text = run(*words)           # from 127.0.0.1, which is no filter of ours
    expect(code != 0 and "XCLIENT" in text, text)
    expect(len(beta.inbox("bob")) == 1, "anybody may say who he is")


def test_a_balancer_says_proxy(net):
    swaks = need("swaks")
    beta = net["beta"]
    beta.set("mta", "listen", f"smtp={beta.address}:{beta.port('smtp')}:proxy")
    beta.set("proxy", "networks", "127.0.0.0/8").set("gate", "exempt-networks", "192.0.2.0/24")
    beta.start("msa", "mda", "pop3d", "imapd")
    beta.write_settings()
    hosts.SERVICES["mta"], kept = (), hosts.SERVICES["mta"]     # it greets nobody without a header
    try:
        beta.start("mta")
    finally:
        hosts.SERVICES["mta"] = kept
    hosts.wait_for(lambda: beta.log_lines("listening name=smtp"), 20, "the mta to listen")
    for i, version in enumerate(("1", "2"), 1):
        code, text = run(swaks, "--server", f"{beta.address}:{beta.port('smtp')}", "--from", "alice@alpha.test",
                         "--to", "bob@beta.test", "--helo", "client.example.net", "--proxy-version", version,
                         "--proxy-family", "TCP4" if version == "1" else "AF_INET", "--proxy-source", f"192.0.2.{i}",
                         "--proxy-source-port", "40000", "--proxy-dest", "192.0.2.25", "--proxy-dest-port", "25")
        expect(code == 0, text)
        beta.wait_inbox("bob", i)
        beta.wait_log("connect", f"peer=192.0.2.{i}")
    with socket.create_connection((beta.address, beta.port("smtp")), 10) as s:
        s.sendall(b"EHLO x\r\n")
        try:
            expect(s.recv(100) == b"", "it listens to who says no PROXY")
        except ConnectionResetError:
            pass


def test_strangers_must_wait_for_the_reply(net):
    """RFC 2920 3.1: a text sent before 354 is thrown away with its connection."""
    beta = net["beta"]
    beta.start()
    with socket.create_connection((beta.address, beta.port("smtp")), 10) as s:
        s.settimeout(10)
        f = s.makefile("rb")
        f.readline()
        s.sendall(b"EHLO x\r\n")
        while not f.readline().startswith(b"250 "):
            pass
        s.sendall(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<bob@beta.test>\r\nDATA\r\nSubject: x\r\n\r\nwords\r\n.\r\n")
        lines = [line.decode() for line in f]
    expect([line[:3] for line in lines] == ["250", "250", "554", "421"], str(lines))
    expect(not beta.queued() and not beta.inbox("bob"), "it was taken")


TRICKS = [
    "user%elsewhere.test@beta.test", "elsewhere.test!user@beta.test", "user@elsewhere.test@beta.test",
    "\"user@elsewhere.test\"@beta.test", "\"user%elsewhere.test\"@beta.test", "@beta.test:user@elsewhere.test",
    "@beta.test,@mx.beta.test:user@elsewhere.test", "user@elsewhere.test", "user@[192.0.2.1]", "user@[IPv6:2001:db8::1]",
    "user%elsewhere.test@mx.beta.test", "user%elsewhere.test@localhost", "user%elsewhere.test@[{ip}]", "user@elsewhere.test%beta.test",
    "elsewhere.test!user@[{ip}]", "\"elsewhere.test!user\"@beta.test", "user@beta.test.elsewhere.test", "user@elsewhere.test.",
    "user@beta.test.", "user@.beta.test", "user@beta..test", "user%elsewhere.test", "elsewhere.test!user", "\"user@elsewhere.test\"",
    "user@b\u0435ta.test", "user@\uff42eta.test.elsewhere.test", "user\uff20elsewhere.test@beta.test", "user\uff05elsewhere.test@beta.test",
    "bob@beta.test@elsewhere.test", "bob+user@elsewhere.test@beta.test", "bob%user@elsewhere.test", "<user@elsewhere.test>",
    "user@elsewhere.test>,<bob@beta.test", "user@[beta.test]", "user@2130706433", "user@127.0.0.1", "|/bin/sh@elsewhere.test",
    "user@elsewhere.test\0@beta.test", "user@elsewhere.test\r@beta.test", "user@elsewhere.test\n@beta.test", "user@ELSEWHERE.TEST",
    "postmaster@elsewhere.test", "\"\"@elsewhere.test", "user@[0.0.0.0]", "user@[127.0.0.1]",
]


def test_no_trick_makes_us_relay(net):
    """Each with our own name as greeting, and as a sender of ours, nobody's, and a stranger's."""
    beta = net["beta"]
    beta.set("limits", "errors-max", "1000")
    beta.start()
    for sender in ("bob@beta.test", "", "stranger@elsewhere.test"):
        with socket.create_connection((beta.address, beta.port("smtp")), 60) as s:
            f = s.makefile("rb")

            def ask(words):
                s.sendall(words.encode() + b"\r\n")
                while (line := f.readline())[3:4] == b"-":
                    pass
                return line.decode("utf-8", "replace")

            f.readline()
            ask("EHLO mx.beta.test")
            answer = ask(f"MAIL FROM:<{sender}> SMTPUTF8")
            expect(answer.startswith("250"), answer)
            for trick in TRICKS:
                if sender and not TRICKS.index(trick) % 3 == 0:
                    continue        # the tricks are the recipients; the senders need not have all of them
                answer = ask("RCPT TO:<" + trick.replace("{ip}", beta.address) + ">")
                expect(answer[0] in "45", f"{trick!r} from <{sender}>: {answer}")
            answer = ask("DATA")
            expect(answer.startswith("503"), answer)
    expect(not beta.queued(), str(beta.queued()))


def test_opensmtpd_as_client(net):
    """Debian's package does not live beside Postfix: unpacked (dpkg -x) its own client is enough."""
    smtp = os.path.join(HERE, "../../build/opensmtpd/usr/bin/smtp")
    if not os.access(smtp, os.X_OK):
        raise Skip("OpenSMTPD is not unpacked in build/opensmtpd; ./check does that")
    beta = net["beta"]
    beta.start()
    for scheme in ("smtp", "smtp+tls"):
        code, text = run(smtp, "-C", "-v", "-F", "alice@alpha.test", "-s",
                         f"{scheme}://{beta.address}:{beta.port('smtp')}", "bob@beta.test",
                         stdin=letter(f"by {scheme}").replace(b"\r\n", b"\n"))
        expect(code == 0, text)
    beta.wait_inbox("bob", 2)


main()
