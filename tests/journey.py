#!/usr/bin/env python3
"""One message on its way through two mail hosts, as ./try shows it: submitted to alpha.test,
carried to beta.test, fetched there by POP3 and IMAP, and compared byte for byte.

usage: journey.py BUILD [--once] [--keep DIR]
"""
import argparse
import email
import email.policy
import imaplib
import os
import poplib
import random
import re
import signal
import smtplib
import sys
import time
from email.message import EmailMessage
from email.utils import formatdate

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402

SUBJECT = "Καλημέρα από το ταχυδρομείο"
FILE_NAME = "Übersicht für Jürgen.pdf"
STARTED = time.monotonic()


def say(text=""):
    print(text, flush=True)


def step(number, text):
    say()
    say(f"{number}  {text}   [{time.monotonic() - STARTED:.2f} s]")


def show(text, most=40):
    for line in text.splitlines()[:most]:
        say("     | " + line)


def a_pdf():
    """A small true PDF, with a stream of bytes that a careless server would spoil."""
    dice = random.Random(1840)
    stream = bytes(dice.randrange(256) for _ in range(60000)) + b"\r\n.\r\n\n.\n\r\r\n"
    parts = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
             b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
             b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
             b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n",
             b"4 0 obj<</Length %d>>stream\n" % len(stream), stream, b"\nendstream endobj\n"]
    return b"".join(parts) + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def a_message(sender="alice@alpha.test", recipient="bob@beta.test"):
    m = EmailMessage(policy=email.policy.SMTP)
    m["From"] = f"Alice <{sender}>"
    m["To"] = f"Bob <{recipient}>"
    m["Subject"] = SUBJECT
    m["Date"] = formatdate(localtime=True)
    m["Message-ID"] = f"<journey.{os.getpid()}.{time.time_ns()}@alpha.test>"
    m.set_content("Καλημέρα Bob,\n\n.a line that begins with a dot\n..and one with two\nGrüße, Alice\n")
    m.add_alternative("<html><body><p>Καλημέρα <b>Bob</b>, hier ist die Übersicht.</p></body></html>\n",
                      subtype="html")
    m.add_attachment(a_pdf(), maintype="application", subtype="pdf", filename=FILE_NAME)
    return m


def submit(host, wire, sender="alice@alpha.test", recipients=("bob@beta.test",), password=None):
    """Step 1 with Python's own client: STARTTLS, AUTH, MAIL, RCPT, DATA. The server's last word."""
    with smtplib.SMTP(host.address, host.port("submission"), timeout=30) as s:
        s.starttls(context=host.tls())
        s.ehlo()
        s.login(sender, password or host.passwords[sender])
        s.mail(sender, [f"size={len(wire)}"])
        for r in recipients:
            code, words = s.rcpt(r)
            if code != 250:
                raise hosts.Trouble(f"{r} refused: {code} {words.decode()}")
        code, words = s.data(wire)
        if code != 250:
            raise hosts.Trouble(f"message refused: {code} {words.decode()}")
        return words.decode()


def by_pop3(host, user):
    box = poplib.POP3_SSL(host.address, host.port("pop3s"), context=host.tls(), timeout=30)
    box.user(user)
    box.pass_(host.passwords[user])
    count, _ = box.stat()
    _, lines, _ = box.retr(count)
    box.quit()
    return b"\r\n".join(lines) + b"\r\n"


def by_imap(host, user):
    box = imaplib.IMAP4_SSL(host.address, host.port("imaps"), ssl_context=host.tls(), timeout=30)
    box.login(user, host.passwords[user])
    _, (count,) = box.select("INBOX", readonly=True)
    _, got = box.fetch(count.decode(), "(UID FLAGS RFC822.SIZE BODY.PEEK[])")
    box.logout()
    return got[0][1]


def first_difference(sent, got):
    """The words for what differs, or None: each header field as sent, each MIME part's bytes,
    and the whole body as it stood on the wire."""
    s, g = email.message_from_bytes(sent), email.message_from_bytes(got)
    for name in s.keys():
        if [str(v) for v in s.get_all(name)] != [str(v) for v in g.get_all(name, [])]:
            return f"header field {name} differs"
    if sent.split(b"\r\n\r\n", 1)[1] != got.split(b"\r\n\r\n", 1)[1]:
        return "the body differs on the wire"
    one, other = list(s.walk()), list(g.walk())
    if len(one) != len(other):
        return f"{len(one)} MIME parts were sent, {len(other)} arrived"
    for i, (a, b) in enumerate(zip(one, other)):
        if a.items() != b.items() and i:
            return f"the header of part {i} differs"
        if a.get_payload(decode=True) != b.get_payload(decode=True):
            return f"the bytes of part {i} ({a.get_content_type()}) differ"
    return None


def compare(sent, got, way):
    why = first_difference(sent, got)
    if why:
        raise hosts.Trouble(f"{way}: {why}")
    parts = email.message_from_bytes(got, policy=email.policy.default)
    for i, part in enumerate(parts.walk()):
        body = part.get_payload(decode=True)
        name = f"  \"{part.get_filename()}\"" if part.get_filename() else ""
        if body is not None:
            say(f"     part {i}: {part.get_content_type():<24} {len(body):>6} bytes, the same{name}")
    if str(parts["Subject"]) != SUBJECT:
        raise hosts.Trouble(f"{way}: the subject reads {parts['Subject']!r}")
    say(f"     Subject: {parts['Subject']}")
    say(f"     {way}: every part is byte for byte what was sent")


def list_station(host, station):
    directory = os.path.join(host.queue, station, "new")
    for name in sorted(os.listdir(directory)):
        if not name.startswith("."):
            size = os.stat(os.path.join(directory, name)).st_size
            say(f"     {os.path.relpath(os.path.join(directory, name), host.network.directory)}"
                f"  {size} bytes")


def one_in(host, station):
    return hosts.wait_for(lambda: host.station(station), 20,
                          f"a message in {host.name}/queue/{station}")[0]


def show_log(host, *words):
    for line in host.log_text().splitlines():
        if any(w in line for w in words):
            show(re.sub(r"^\S+T(\S+)Z", r"\1", line))


def the_journey(net):
    """The six steps one by one: the daemon of the next step starts only when the message has been
    seen waiting for it, which is also what happens when a daemon is down for an hour."""
    alpha, beta = net["alpha"], net["beta"]
    wire = a_message().as_bytes()
    alpha.start("msa")
    beta.start("mta", "pop3d", "imapd")

    step(1, f"a mail client submits {len(wire)} bytes to msa of alpha.test (STARTTLS, AUTH)")
    say("     the server's answer: " + submit(alpha, wire))

    step(2, "the message stands in alpha's queue; mta is not even running")
    aid = one_in(alpha, "in/sub")
    list_station(alpha, "in/sub")
    with open(os.path.join(alpha.queue, "in/sub/new", aid + ".e"), encoding="utf-8") as f:
        show(f.read())
    show_log(alpha, aid)

    step(3, "mta of alpha.test starts, looks up the MX of beta.test and sends")
    alpha.start("mta")
    bid = one_in(beta, "local")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")
    show_log(alpha, f"{aid} sen", f"{aid} rout")
    say("     and mta of beta.test took it, under an id of its own:")
    list_station(beta, "local")
    show_log(beta, bid)

    step(4, "mda of beta.test starts and delivers into bob's Maildir")
    beta.start("mda")
    path = beta.wait_inbox("bob")[0]
    say(f"     {os.path.relpath(path, net.directory)}")
    hosts.wait_for(lambda: not beta.queued(), 20, "beta's queue to be empty")
    show_log(beta, f"{bid} delivered")
    with open(path, encoding="utf-8", errors="replace") as f:
        show(f.read().split("\nContent-Type:", 1)[0], 16)

    step("5a", "bob's client fetches it by POP3 over TLS")
    popped = by_pop3(beta, "bob@beta.test")
    step("5b", "bob's client fetches it by IMAP over TLS")
    fetched = by_imap(beta, "bob@beta.test")

    step(6, "it stands in the client's inbox")
    compare(wire, popped, "POP3")
    compare(wire, fetched, "IMAP")


def at_full_speed(net):
    """The same with every daemon up: how long from the client's final dot to the inbox."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start("mda", "pop3d", "imapd")
    beta.start("msa")
    before = len(beta.inbox("dora"))
    wire = a_message(recipient="dora@beta.test").as_bytes()
    start = time.monotonic()
    submit(alpha, wire, recipients=("dora@beta.test",))
    accepted = time.monotonic()
    beta.wait_inbox("dora", before + 1)
    done = time.monotonic()
    compare(wire, by_imap(beta, "dora@beta.test"), "IMAP")
    step("*", "the same to dora@beta.test with all ten daemons up: "
         f"{1000 * (accepted - start):.0f} ms to alpha's 250, {1000 * (done - accepted):.0f} ms more "
         "to dora's inbox")


def how_to_connect(net):
    say()
    say("Both hosts stay up until Ctrl-C. Users: alice and carol at alpha.test, bob and dora at beta.test;")
    say("every password is: secret words")
    ca = net.authority
    for host in net.hosts.values():
        say()
        user = {"alpha": "alice", "beta": "bob"}[host.name] + "@" + host.domain
        other = {"alpha": "bob@beta.test", "beta": "alice@alpha.test"}[host.name]
        say(f"  {host.domain}: server {host.address}; submission {host.port('submission')} (STARTTLS), "
            f"{host.port('submissions')} (TLS); IMAP {host.port('imaps')} (TLS); POP3 {host.port('pop3s')} (TLS)")
        say(f"    swaks --server {host.address}:{host.port('submission')} -tls --auth-user {user} "
            f"--auth-password 'secret words' --from {user} --to {other}")
        say(f"    curl --cacert {ca} -u '{user}:secret words' 'imaps://{host.address}:{host.port('imaps')}/INBOX;MAILINDEX=1'")
        say(f"    curl --cacert {ca} -u '{user}:secret words' 'pop3s://{host.address}:{host.port('pop3s')}/1'")
        say(f"    mutt -e 'set ssl_ca_certificates_file={ca}' -f 'imaps://{user.replace('@', '%40')}@{host.address}:{host.port('imaps')}/'")
        say(f"    {net.build}/posthorn -c {host.conf} queue    (and: posthorn -c ... ps)")
        say(f"    tail -f {host.log}")
    say()
    say(f"  Thunderbird: add the certificate {ca} as an authority, then user, server and ports as above.")


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    words.add_argument("build")
    words.add_argument("--once", action="store_true", help="the journey only, then stop everything")
    words.add_argument("--keep", metavar="DIR", help="use DIR and leave it to look at")
    given = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = given.keep and os.path.abspath(os.path.join(os.environ.get("TRY_FROM", "."), given.keep))
    if directory and os.path.exists(directory) and os.listdir(directory):
        say(f"{directory} is not empty: name a new directory")
        return 1
    try:
        with hosts.two_hosts(given.build, directory, keep=bool(given.keep)) as net:
            say(f"Two mail hosts below {net.directory}: alpha.test at {net['alpha'].address}, "
                f"beta.test at {net['beta'].address}")
            the_journey(net)
            at_full_speed(net)
            say()
            say("All six steps done; the message is the same at both ends.")
            if not given.once:
                how_to_connect(net)
                signal.pause()
    except KeyboardInterrupt:
        say()
    except (hosts.Trouble, OSError) as why:
        say()
        say(f"The journey failed: {why}")
        return 1
    if given.keep:
        say(f"Everything is left in {directory} to look at.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
