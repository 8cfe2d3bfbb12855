#!/usr/bin/env python3
"""Clients that others wrote: swaks, curl, Python, fetchmail, mbsync, mutt, msmtp."""
import email
import imaplib
import os
import poplib
import smtplib
import subprocess
import tempfile
import threading

from e2e import expect, hosts, journey, main, need, run, build

PASSWORD = "secret words"


def network():
    net = hosts.two_hosts(build())
    for host in net.hosts.values():
        host.start()
    return net


def mailed(net, user, what="hello", count=1):
    """count small messages from alice to a user at beta; returns when all are in the inbox."""
    before = len(net["beta"].inbox(user))
    for i in range(count):
        wire = (f"From: alice@alpha.test\r\nTo: {user}@beta.test\r\nSubject: {what} {i}\r\n\r\n"
                f"body of {what} {i}\r\n").encode()
        journey.submit(net["alpha"], wire, recipients=(f"{user}@beta.test",))
    net["beta"].wait_inbox(user, before + count)


def test_swaks_starttls_and_tls(net):
    alpha = net["alpha"]
    swaks = need("swaks")
    for port, how in ((alpha.port("submission"), "-tls"), (alpha.port("submissions"), "--tls-on-connect")):
        code, text = run(swaks, "--server", f"{alpha.address}:{port}", how, "--auth", "PLAIN",
                         "--auth-user", "alice@alpha.test", "--auth-password", PASSWORD,
                         "--from", "alice@alpha.test", "--to", "bob@beta.test",
                         "--header", f"Subject: swaks {how}", "--ehlo", "client.alpha.test")
        expect(code == 0, f"swaks {how}: {code}\n{text}")
    code, text = run(swaks, "--server", f"{alpha.address}:{alpha.port('submission')}", "-tls",
                     "--auth", "LOGIN", "--auth-user", "alice@alpha.test", "--auth-password", "wrong",
                     "--from", "alice@alpha.test", "--to", "bob@beta.test")
    expect("535 5.7.8" in text, text)
    code, text = run(swaks, "--server", f"{alpha.address}:{alpha.port('submission')}",
                     "--from", "alice@alpha.test", "--to", "bob@beta.test")
    expect(code != 0 and ("530 5.7.0" in text or "530" in text), text)
    net["beta"].wait_inbox("bob", 2)


def test_curl_sends_and_fetches(net):
    alpha, beta = net["alpha"], net["beta"]
    curl = need("curl")
    ca = ("--silent", "--show-error", "--cacert", net.authority, "--max-time", "30")
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"From: alice@alpha.test\r\nTo: dora@beta.test\r\nSubject: by curl\r\n\r\nhello\r\n")
        f.flush()
        code, text = run(curl, *ca, "--user", f"alice@alpha.test:{PASSWORD}",
                         "--mail-from", "alice@alpha.test", "--mail-rcpt", "dora@beta.test",
                         "--upload-file", f.name, f"smtps://{alpha.address}:{alpha.port('submissions')}")
    expect(code == 0, f"curl smtps: {text}")
    beta.wait_inbox("dora")
    login = ("--user", f"dora@beta.test:{PASSWORD}")
    imap = f"imaps://{beta.address}:{beta.port('imaps')}"
    code, text = run(curl, *ca, *login, f"{imap}/")
    expect(code == 0 and "INBOX" in text, f"curl LIST: {text}")
    code, text = run(curl, *ca, *login, f"{imap}/INBOX;MAILINDEX=1")
    expect(code == 0 and "Subject: by curl" in text, f"curl FETCH: {text}")
    code, text = run(curl, *ca, *login, "-X", "SEARCH SUBJECT curl", f"{imap}/INBOX")
    expect(code == 0 and "SEARCH 1" in text, f"curl SEARCH: {text}")
    code, text = run(curl, *ca, *login, f"pop3s://{beta.address}:{beta.port('pop3s')}/1")
    expect(code == 0 and "Subject: by curl" in text, f"curl POP3: {text}")
    code, text = run(curl, *ca, "--ssl-reqd", *login, f"pop3://{beta.address}:{beta.port('pop3')}/")
    expect(code == 0, f"curl STLS: {text}")
    code, text = run(curl, *ca, "--ssl-reqd", *login, f"imap://{beta.address}:{beta.port('imap')}/")
    expect(code == 0, f"curl STARTTLS: {text}")


def test_python_imaplib(net):
    beta = net["beta"]
    mailed(net, "bob", "imaplib", 3)
    box = imaplib.IMAP4(beta.address, beta.port("imap"))
    expect("LOGINDISABLED" in box.capabilities, "LOGIN is offered without TLS")
    box.starttls(beta.tls())
    box.login("bob@beta.test", PASSWORD)
    expect(box.select()[0] == "OK", "SELECT")
    count = int(box.select()[1][0])
    expect(count >= 3, f"{count} messages")
    for folder in ("Work", "Work.2026", "&A5MDtQ-"):
        expect(box.create(folder)[0] == "OK", f"CREATE {folder}")
    _, folders = box.list()
    expect(any(b"Work.2026" in f or b"Work/2026" in f for f in folders), f"LIST {folders}")
    _, (uids,) = box.uid("search", None, "SUBJECT", '"imaplib 1"')
    expect(len(uids.split()) == 1, f"SEARCH {uids}")
    expect(box.uid("copy", uids, "Work")[0] == "OK", "COPY")
    expect(box.uid("store", uids, "+FLAGS", "(\\Deleted $Later)")[0] == "OK", "STORE")
    typ, gone = box.expunge()
    expect(typ == "OK" and len(gone) == 1, f"EXPUNGE {gone}")
    expect(box.status("Work", "(MESSAGES UIDNEXT UNSEEN)")[1][0].count(b"MESSAGES 1"), "STATUS")
    body = b"From: x@y.test\r\nSubject: kept\r\n\r\nAPPEND keeps bytes \xc3\xa4\r\n"
    typ, words = box.append("Work", "(\\Seen)", '"01-Jan-2026 12:00:00 +0200"', body)
    expect(typ == "OK" and b"APPENDUID" in words[0], f"APPEND {words}")
    box.select("Work")
    _, got = box.fetch("2", "(FLAGS INTERNALDATE BODY[])")
    expect(got[0][1] == body, f"FETCH {got}")
    expect(b"\\Seen" in got[0][0] and b"01-Jan-2026" in got[0][0].replace(b" 1-Jan", b"01-Jan"), f"{got[0][0]}")
    expect(box.rename("Work", "Works")[0] == "OK", "RENAME")
    expect(box.select("Works.2026")[0] == "OK", "children move along")
    box.logout()


def test_python_poplib_uidl_survives(net):
    beta = net["beta"]
    mailed(net, "bob", "poplib", 2)

    def visit(work):
        box = poplib.POP3(beta.address, beta.port("pop3"), timeout=30)
        expect("STLS" in box.capa(), "STLS is not in CAPA")
        box.stls(beta.tls())
        box.user("bob@beta.test")
        box.pass_(PASSWORD)
        got = work(box)
        box.quit()
        return got

    first = visit(lambda b: b.uidl()[1])
    beta.stop("pop3d")
    beta.start("pop3d")
    expect(visit(lambda b: b.uidl()[1]) == first, "UIDL changed over a restart")
    visit(lambda b: b.dele(1))
    after = visit(lambda b: b.uidl()[1])
    expect([u.split()[1] for u in after] == [u.split()[1] for u in first[1:]], "UIDL changed after DELE")
    top = visit(lambda b: b.top(1, 0)[1])
    expect(any(line.lower().startswith(b"subject:") for line in top), f"TOP {top}")


def test_smtplib_utf8_and_pipelining(net):
    alpha = net["alpha"]
    with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
        s.ehlo()
        expect(s.has_extn("pipelining") and s.has_extn("size") and not s.has_extn("auth"), str(s.esmtp_features))
        s.starttls(context=alpha.tls())
        s.ehlo()
        expect(s.has_extn("auth") and s.has_extn("8bitmime"), str(s.esmtp_features))
        s.login("alice@alpha.test", PASSWORD)
        try:
            s.sendmail("carol@alpha.test", ["bob@beta.test"], b"Subject: x\r\n\r\nnot mine\r\n")
            raise hosts.Trouble("alice may send as carol")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused):
            pass


def test_fetchmail(net):
    beta = net["beta"]
    fetchmail = need("fetchmail")
    mailed(net, "dora", "fetchmail", 2)
    with tempfile.TemporaryDirectory() as d:
        for protocol, service in (("imap", "imaps"), ("pop3", "pop3s")):
            rc = os.path.join(d, "rc")
            box = os.path.join(d, protocol)
            with open(rc, "w", encoding="ascii") as f:
                f.write(f'poll {beta.address} protocol {protocol} port {beta.port(service)}\n'
                        f'  user "dora@beta.test" password "{PASSWORD}" ssl sslcertfile {net.authority}\n'
                        f'  mda "cat >> {box}" keep fetchall\n')
            os.chmod(rc, 0o600)
            code, text = run(fetchmail, "--fetchmailrc", rc, "--nodetach", "--nosyslog", "--idfile",
                             os.path.join(d, "ids"), "--pidfile", os.path.join(d, "pid"),
                             env={"HOME": d, "FETCHMAILHOME": d})
            expect(code == 0, f"fetchmail {protocol}: {code}\n{text}")
            with open(box, "rb") as f:
                got = f.read()
            expect(b"Subject: fetchmail 0" in got and b"Subject: fetchmail 1" in got, f"{protocol}: {got[:500]}")


def test_mbsync_both_ways(net):
    beta = net["beta"]
    mbsync = need("mbsync")
    mailed(net, "bob", "mbsync", 3)
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(os.path.join(d, "mail"))
        with open(os.path.join(d, "rc"), "w", encoding="ascii") as f:
            f.write(f"IMAPAccount a\nHost {beta.address}\nPort {beta.port('imaps')}\nUser bob@beta.test\n"
                    f"Pass \"{PASSWORD}\"\nSSLType IMAPS\nCertificateFile {net.authority}\n\n"
                    "IMAPStore far\nAccount a\n\n"
                    f"MaildirStore near\nPath {d}/mail/\nInbox {d}/mail/INBOX\nSubFolders Verbatim\n\n"
                    "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n")

        def sync():
            code, text = run(mbsync, "-c", os.path.join(d, "rc"), "-a", env={"HOME": d})
            expect(code == 0, f"mbsync: {code}\n{text}")

        sync()
        near = os.path.join(d, "mail", "INBOX")
        here = [n for sub in ("new", "cur") for n in os.listdir(os.path.join(near, sub))]
        expect(len(here) == len(beta.inbox("bob")), f"{len(here)} here, {len(beta.inbox('bob'))} there")
        with open(os.path.join(near, "new", "1.mine.host"), "wb") as f:
            f.write(b"From: bob@beta.test\nSubject: pushed by mbsync\n\nhello\n")
        sync()
        expect(len(beta.inbox("bob")) == len(here) + 1, "what was put here did not arrive there")
        expect(any(b"pushed by mbsync" in open(p, "rb").read() for p in beta.inbox("bob")), "its text is lost")
        sync()


def test_mutt_reads(net):
    beta = net["beta"]
    mutt = need("mutt")
    mailed(net, "dora", "mutt")
    with tempfile.TemporaryDirectory() as d:
        box = os.path.join(d, "copy")
        open(box, "w", encoding="ascii").close()
        with open(os.path.join(d, "rc"), "w", encoding="ascii") as f:
            f.write(f"set ssl_ca_certificates_file={net.authority}\nset ssl_verify_host=no\nset imap_pass='{PASSWORD}'\n"
                    f"set header_cache=\"\"\nset mbox_type=mbox\nset confirmcreate=no\nset confirmappend=no\nset copy=no\n"
                    "set move=no\nset delete=no\nset wait_key=no\nset timeout=1\nset sleep_time=0\n")
        url = f"imaps://dora%40beta.test@{beta.address}:{beta.port('imaps')}/INBOX"
        words = ["script", "-qec", f"{mutt} -F {d}/rc -f '{url}' -e 'push \"T.<enter>;C{box}<enter>x\"'", "/dev/null"]
        # Its keyboard stays open and silent: at the end of input mutt leaves before it has copied.
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "HOME": d, "TERM": "vt100"}) as p:
            timer = threading.Timer(40, p.kill)
            timer.start()
            text = p.stdout.read().decode("utf-8", "replace")
            code = p.wait()
            timer.cancel()
        with open(box, "rb") as f:
            got = f.read()
        expect(b"Subject: mutt 0" in got, f"mutt copied nothing: {code}\n{text[-1500:]}\n"
               + "\n".join(beta.log_lines("imapd")[-10:]))


def test_what_arrived_is_what_was_sent(net):
    """Awkward bodies: no last line end, long lines, dots, 8 bit, NUL-free binary, empty."""
    alpha, beta = net["alpha"], net["beta"]
    head = b"From: alice@alpha.test\r\nTo: bob@beta.test\r\nDate: Tue, 24 Nov 2026 05:00:00 +0000\r\nMessage-ID: <%d@alpha.test>\r\n"
    bodies = [b"\r\n", b"\r\n.\r\n..\r\n...\r\n", b"\r\n" + b"x" * 990 + b"\r\n", b"\r\n\xff\xfe\x80\r\n" * 50,
              b"\r\n" + b"\r\n" * 100, b"\r\n" + b"line\r\n" * 30000]
    for i, body in enumerate(bodies):
        before = set(beta.inbox("bob"))
        wire = head % i + body
        journey.submit(alpha, wire, recipients=("bob@beta.test",))
        beta.wait_inbox("bob", len(before) + 1)
        with open((set(beta.inbox("bob")) - before).pop(), "rb") as f:
            stored = f.read()
        expect(b"\r" not in stored, "a CR is stored")
        at = stored.index(b"From: alice@alpha.test\n")
        expect(stored[at:] == wire.replace(b"\r\n", b"\n"), f"body {i} differs")
        expect(email.message_from_bytes(stored)["Return-Path"] == "<alice@alpha.test>", "Return-Path")
        expect(email.message_from_bytes(stored)["Delivered-To"] == "bob@beta.test", "Delivered-To")


if __name__ == "__main__":
    main(network)
