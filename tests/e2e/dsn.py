#!/usr/bin/env python3
"""What senders hear: reports of failure, delay, delivery, handing on and expansion, as RFC 3461, 3464, 6533 and
2852 have them. Each is read with Python's own parser."""
import base64
import email
import email.policy
import os
import smtplib
import subprocess

from e2e import build, expect, hosts, main

WORDS = "words with a \N{EURO SIGN}\n"


def letter(to, message_id, more="", sender="alice@alpha.test"):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: hello\r\nMessage-ID: <{message_id}@alpha.test>\r\n{more}"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}").replace("\r\n", "\n").replace("\n", "\r\n").encode()


def submit(host, to, message_id, mail=(), rcpt=(), more="", sender="alice@alpha.test"):
    with smtplib.SMTP(host.address, host.port("submission"), timeout=30) as s:
        s.starttls(context=host.tls())
        s.ehlo()
        s.login("alice@alpha.test", host.passwords["alice@alpha.test"])
        for code, words in (s.mail(sender, list(mail)), s.rcpt(to, list(rcpt)), s.data(letter(to, message_id, more, sender))):
            expect(code == 250, (code, words))


class Report:
    """A multipart/report, taken apart."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.whole = f.read()
        self.message = m = email.message_from_bytes(self.whole, policy=email.policy.default)
        bad = [d for part in m.walk() for d in part.defects]
        # Python reads what is in message/global as a message even where it is in base64
        expect(not bad or b"message/global\nContent-Transfer-Encoding: base64" in self.whole, bad)
        expect(m.get_content_type() == "multipart/report" and m.get_param("report-type") == "delivery-status", m.as_string())
        expect(m["Return-Path"] == "<>" and m["Auto-Submitted"] == "auto-replied", m.as_string())
        words, status, self.original = m.get_payload()
        expect(words.get_content_type() == "text/plain", words.get_content_type())
        self.words, self.kind = words.get_content(), status.get_content_type()
        if self.kind == "message/delivery-status":
            blocks = [b for b in status.get_payload() if b.keys()]
        else:                               # which Python does not know
            part = self.whole.split(b"\n--" + m.get_boundary().encode())[2].decode()
            blocks = [email.message_from_string(b, policy=email.policy.default) for b in part.strip().split("\n\n")[1:]]
        self.about, self.rcpts = blocks[0], blocks[1:]


def reports(host, user="alice"):
    return [Report(p) for p in host.inbox(user) if b"\nContent-Type: multipart/report" in open(p, "rb").read()]


def report(host, message_id, user="alice", seconds=30):
    """The one report about that message."""
    def found():
        return [r for r in reports(host, user) if r.message["In-Reply-To"] == f"<{message_id}@alpha.test>"]

    got = hosts.wait_for(found, seconds, f"a report about {message_id}")
    expect(len(got) == 1, f"{len(got)} reports about {message_id}")
    return got[0]


def quiet(*all_hosts):
    for host in all_hosts:
        hosts.wait_for(lambda: not host.queued(), 30, f"{host.name}'s queue to be empty")


def network():
    net = hosts.two_hosts(build())
    alpha, beta = net["alpha"], net["beta"]
    alpha.add_user("postmaster")
    alpha.command("alias", "add", "zo\xeb@alpha.test", "alice@alpha.test")
    beta.command("alias", "add", "one@beta.test", "carol@alpha.test")
    beta.command("alias", "add", "two@beta.test", "carol@alpha.test", "bob@beta.test")
    for host in (alpha, beta):
        host.set("mta", "retry", "1s")
        host.start("msa", "mta", "mda")
    return net


def test_failure_says_all_there_is_to_say(net):
    alpha = net["alpha"]
    submit(alpha, "nobody@beta.test", "gone", ["RET=FULL", "ENVID=QQ+3D7", "BODY=8BITMIME"], ["NOTIFY=FAILURE", "ORCPT=rfc822;some+2Bone@beta.test"])
    r = report(alpha, "gone")
    expect("could not be delivered to:\n\n  <nobody@beta.test>, to which <some+one@beta.test> leads\n    There is no such address" in r.words, r.words)
    expect("mx.beta.test said: 550 5.1.1" in r.words, r.words)
    expect(r.kind == "message/delivery-status" and len(r.rcpts) == 1, r.kind)
    about, one = r.about, r.rcpts[0]
    expect(about["Original-Envelope-Id"] == "QQ=7" and about["Reporting-MTA"] == "dns; mx.alpha.test", about.as_string())
    expect(about["Received-From-MTA"] is None and about["Arrival-Date"], about.as_string())
    expect(one["Original-Recipient"] == "rfc822;some+one@beta.test", one.as_string())
    expect(one["Final-Recipient"] == "rfc822; nobody@beta.test" and one["Action"] == "failed", one.as_string())
    expect(one["Status"] == "5.1.1" and one["Remote-MTA"] == "dns; mx.beta.test", one.as_string())
    expect(one["Diagnostic-Code"].startswith("smtp; 550 5.1.1") and one["Last-Attempt-Date"], one.as_string())
    expect(r.original.get_content_type() == "message/rfc822", r.original.get_content_type())
    expect(r.original.get_payload(0).get_content() == WORDS, "the message comes back whole")


def test_headers_only_and_nothing_at_all(net):
    alpha = net["alpha"]
    submit(alpha, "nobody@beta.test", "hdrs", ["RET=HDRS"])
    r = report(alpha, "hdrs")
    expect(r.original.get_content_type() == "text/rfc822-headers", r.original.get_content_type())
    expect("<hdrs@alpha.test>" in r.original.get_content() and WORDS.strip() not in r.original.get_content(), "headers")
    submit(alpha, "nobody@beta.test", "never", rcpt=["NOTIFY=NEVER"])
    submit(alpha, "nobody@beta.test", "success", rcpt=["NOTIFY=SUCCESS"])
    quiet(alpha)
    expect(not [r for r in reports(alpha) if r.message["In-Reply-To"] in ("<never@alpha.test>", "<success@alpha.test>")], "told")


def test_success_over_one_alias_and_two(net):
    """RFC 3461 5.2.7: one stands for the other, and the last server tells; of several this one does."""
    alpha, beta = net["alpha"], net["beta"]
    submit(alpha, "bob@beta.test", "direct", rcpt=["NOTIFY=SUCCESS"])
    r = report(alpha, "direct")
    expect(r.rcpts[0]["Action"] == "delivered" and r.rcpts[0]["Status"].startswith("2."), r.rcpts[0].as_string())
    expect(r.about["Reporting-MTA"] == "dns; mx.beta.test" and r.about["Received-From-MTA"] == "dns; mx.alpha.test", r.about.as_string())
    submit(alpha, "one@beta.test", "one", rcpt=["NOTIFY=SUCCESS,FAILURE"])
    r = report(alpha, "one")
    expect(r.rcpts[0]["Action"] == "delivered" and r.about["Reporting-MTA"] == "dns; mx.alpha.test", r.rcpts[0].as_string())
    expect(r.rcpts[0]["Original-Recipient"] == "rfc822;one@beta.test", r.rcpts[0].as_string())
    submit(alpha, "two@beta.test", "two", rcpt=["NOTIFY=SUCCESS"])
    r = report(alpha, "two")
    expect(r.rcpts[0]["Action"] == "expanded" and r.about["Reporting-MTA"] == "dns; mx.beta.test", r.rcpts[0].as_string())
    quiet(alpha, beta)
    expect(sum(r.message["In-Reply-To"] == "<two@alpha.test>" for r in reports(alpha)) == 1, "one report about two")


def test_sendmail_asks_too(net):
    alpha = net["alpha"]
    subprocess.run([os.path.join(build(), "sendmail"), "-C", alpha.conf, "-f", "alice@alpha.test", "-N", "success,failure", "-R", "hdrs",
                    "-V", "cron-9", "bob@beta.test", "nobody@beta.test"], input=letter("bob@beta.test", "cron").replace(b"\r\n", b"\n"),
                   check=True, timeout=20)
    got = hosts.wait_for(lambda: [r for r in reports(alpha) if r.about["Original-Envelope-Id"] == "cron-9"][1:] and
                         [r for r in reports(alpha) if r.about["Original-Envelope-Id"] == "cron-9"], 30, "both reports")
    expect({r.rcpts[0]["Action"] for r in got} == {"delivered", "failed"}, [r.about.as_string() for r in got])
    failed = next(r for r in got if r.rcpts[0]["Action"] == "failed")
    expect(failed.original.get_content_type() == "text/rfc822-headers", failed.original.get_content_type())


def test_deliver_by_is_told_where_it_ends(net):
    """RFC 2852 4.1.4.2: beta does not offer it, so nobody would hear whether it was in time."""
    alpha, beta = net["alpha"], net["beta"]
    submit(alpha, "bob@beta.test", "by", ["BY=3600;N"])
    r = report(alpha, "by")
    expect(r.rcpts[0]["Action"] == "relayed" and r.rcpts[0]["Remote-MTA"] == "dns; mx.beta.test", r.rcpts[0].as_string())
    submit(alpha, "bob@beta.test", "by-never", ["BY=3600;N"], ["NOTIFY=NEVER"])
    submit(alpha, "bob@beta.test", "by-return", ["BY=3600;R"])
    expect(report(alpha, "by-return").rcpts[0]["Status"] == "5.3.3", "R goes back")
    quiet(alpha, beta)
    expect(not [r for r in reports(alpha) if r.message["In-Reply-To"] == "<by-never@alpha.test>"], "told all the same")


def test_other_letters_than_ascii(net):
    """RFC 6533: a sender in ASCII gets a report in ASCII, as his server may know nothing else."""
    alpha, beta = net["alpha"], net["beta"]
    for sender, kind, address in (("alice@alpha.test", "message/delivery-status", "\\x{3B1}@beta.test"),
                                  ("zo\xeb@alpha.test", "message/global-delivery-status", "\u03b1@beta.test")):
        message_id = kind.rsplit("/", 1)[1]

        with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
            s.starttls(context=alpha.tls())
            s.ehlo()
            s.login("alice@alpha.test", alpha.passwords["alice@alpha.test"])
            s.command_encoding = "utf-8"
            for code, words in (s.mail(sender, ["SMTPUTF8", "BODY=8BITMIME", "RET=FULL"]),
                                s.rcpt("\u03b1@beta.test", ["ORCPT=utf-8;\\x{3B1}@beta.test"]),
                                s.data(letter("\u03b1@beta.test", message_id, sender=sender))):
                expect(code == 250, (code, words))
        r = report(alpha, message_id)
        expect(r.kind == kind and r.original.get_content_type() == "message/global", (r.kind, r.original.get_content_type()))
        expect(r.rcpts[0]["Final-Recipient"] == f"utf-8; {address}", str(r.rcpts[0].items()))
        expect(r.rcpts[0]["Original-Recipient"] == f"utf-8;{address}", str(r.rcpts[0].items()))
        expect("<\u03b1@beta.test>" in r.words, r.words)
        veiled = r.original["Content-Transfer-Encoding"] == "base64"
        expect(veiled == sender.isascii(), r.original.as_string())
        inside = r.original.get_payload(0).as_bytes() if r.original.is_multipart() else r.original.get_payload(decode=True)
        if veiled and r.original.is_multipart():        # Python reads the base64 as if it were a message
            inside = base64.b64decode(r.original.get_payload(0).get_payload() or "")
        expect("To: \u03b1@beta.test\n".encode() in (inside if veiled else r.whole), inside)
    quiet(alpha, beta)


def test_double_bounce(net):
    alpha = net["alpha"]
    subprocess.run([os.path.join(build(), "sendmail"), "-C", alpha.conf, "-f", "<>", "nobody@beta.test"],
                   input=letter("nobody@beta.test", "double").replace(b"\r\n", b"\n"), check=True, timeout=20)
    r = report(alpha, "double", "postmaster")
    expect(r.message["Subject"] == "A message without sender could not be delivered" and r.rcpts[0]["Action"] == "failed", r.words)


def test_delay_is_told_once_and_not_to_programs(net):
    alpha, beta = net["alpha"], net["beta"]
    quiet(alpha, beta)
    beta.stop("mta")
    alpha.stop("mta")
    alpha.set("mta", "warn-after", "1s")
    alpha.start("mta")
    submit(alpha, "bob@beta.test", "late")
    submit(alpha, "bob@beta.test", "late-list", more="List-Id: <l.alpha.test>\r\n")
    submit(alpha, "bob@beta.test", "late-asked", more="Precedence: bulk\r\n", rcpt=["NOTIFY=DELAY"])
    submit(alpha, "bob@beta.test", "late-unwanted", rcpt=["NOTIFY=FAILURE"])
    r, asked = report(alpha, "late"), report(alpha, "late-asked")
    expect(asked.rcpts[0]["Action"] == "delayed", asked.rcpts[0].as_string())
    expect(r.rcpts[0]["Action"] == "delayed" and r.rcpts[0]["Status"].startswith("4.") and r.rcpts[0]["Will-Retry-Until"], r.rcpts[0].as_string())
    expect("does not answer" in r.words and "We go on trying until" in r.words, r.words)
    expect(r.original.get_content_type() == "text/rfc822-headers", r.original.get_content_type())
    for mid in ("late-list", "late-unwanted"):          # they were tried since, and marked as told
        qid = next(i for i in alpha.station("out") if mid in alpha.command("queue", "cat", i))
        hosts.wait_for(lambda: "\nwarned:" in open(os.path.join(alpha.queue, "out/new", qid + ".e"), encoding="utf-8").read(),
                       20, f"{mid} to be late")
    beta.start("mta")
    quiet(alpha, beta)
    told = [r.message["In-Reply-To"] for r in reports(alpha) if r.rcpts[0]["Action"] == "delayed"]
    expect(sorted(told) == ["<late-asked@alpha.test>", "<late@alpha.test>"], told)


if __name__ == "__main__":
    main(network)
