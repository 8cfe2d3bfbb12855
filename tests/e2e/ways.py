#!/usr/bin/env python3
"""What becomes of a message that cannot simply be delivered: aliases, bounces, retries, null MX,
relay hosts, loops, held queues; and the admin's and cron's tools."""
import email
import os
import subprocess
import time

from e2e import build, expect, hosts, journey, main


def letter(subject="hello", to="bob@beta.test", sender="alice@alpha.test", more=""):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{more}\r\nwords\r\n").encode()


def read(path):
    with open(path, "rb") as f:
        return email.message_from_bytes(f.read())


def test_aliases_groups_and_plus(net):
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "team@beta.test", "bob@beta.test", "dora@beta.test", "carol@alpha.test")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("to all", "team@beta.test"), recipients=("team@beta.test", "bob+tag@beta.test"))
    beta.wait_inbox("dora")
    beta.wait_inbox("bob", 2)
    path = alpha.wait_inbox("carol")[0]
    expect(read(path)["Subject"] == "to all", "the forward lost its subject")


def test_alias_loop_bounces(net):
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "a@beta.test", "b@alpha.test")
    alpha.command("alias", "add", "b@alpha.test", "a@beta.test")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("round", "a@beta.test"), recipients=("a@beta.test",))
    path = alpha.wait_inbox("alice")[0]
    report = read(path)
    expect(report.get_content_type() == "multipart/report", report.get_content_type())
    expect(b"5.4.6" in open(path, "rb").read(), "the bounce does not name the loop")


def test_unknown_user_bounces(net):
    """beta refuses at RCPT; alpha tells alice, as RFC 3464 wants it."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("lost", "nobody@beta.test", more="Message-ID: <lost@alpha.test>\r\n"),
                   recipients=("nobody@beta.test",))
    report = read(alpha.wait_inbox("alice")[0])
    expect(report.get_content_type() == "multipart/report", report.get_content_type())
    expect(report.get_param("report-type") == "delivery-status", "report-type")
    expect(report["Return-Path"] == "<>", f"Return-Path {report['Return-Path']}")
    expect(report["In-Reply-To"] == "<lost@alpha.test>", f"In-Reply-To {report['In-Reply-To']}")
    status = report.get_payload(1)
    expect(status.get_content_type() == "message/delivery-status", status.get_content_type())
    per_rcpt = status.get_payload(1)
    expect(per_rcpt["Action"] == "failed" and per_rcpt["Status"] == "5.1.1", str(per_rcpt))
    expect("nobody@beta.test" in per_rcpt["Final-Recipient"], per_rcpt["Final-Recipient"])
    expect("smtp; 550" in per_rcpt["Diagnostic-Code"], per_rcpt["Diagnostic-Code"])
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")


def test_double_bounce_goes_to_postmaster(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.add_user("postmaster")
    alpha.start()
    beta.start()
    with_null = letter("null", "nobody@beta.test")
    with_null = with_null.replace(b"alice@", b"ghost@")
    alpha.stop("msa")
    sendmail = os.path.join(build(), "sendmail")
    subprocess.run([sendmail, "-C", alpha.conf, "-f", "ghost@alpha.test", "nobody@beta.test"],
                   input=with_null.replace(b"\r\n", b"\n"), check=True, timeout=20)
    path = alpha.wait_inbox("postmaster")[0]
    expect(b"ghost@alpha.test" in open(path, "rb").read(), "postmaster is not told who it was from")


def test_unknown_local_user_is_refused_at_once(net):
    alpha = net["alpha"]
    alpha.start()
    try:
        journey.submit(alpha, letter(to="nobody@alpha.test"), recipients=("nobody@alpha.test",))
        raise hosts.Trouble("msa took mail for nobody")
    except hosts.Trouble as e:
        expect("550 5.1.1" in str(e), str(e))


def test_down_host_is_tried_again(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "retry", "1s 1s 1s 1s 2s")
    alpha.start()
    journey.submit(alpha, letter("patience"))
    alpha.wait_log("deferred")
    text = alpha.command("queue")
    expect("bob@beta.test" in text and "alice@alpha.test" in text, f"posthorn queue: {text}")
    expect(alpha.station("out"), "it does not wait in out/")
    beta.start()
    beta.wait_inbox("bob")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")


def test_given_up_after(net):
    alpha = net["alpha"]
    alpha.set("mta", "retry", "1s").set("mta", "give-up", "3s")
    alpha.start()
    journey.submit(alpha, letter("in vain"))
    text = open(alpha.wait_inbox("alice", seconds=40)[0], "rb").read()
    expect(b"Action: failed" in text and b"4.4." in text, text.decode())


def test_null_mx_and_no_domain(net):
    alpha = net["alpha"]
    net.zone += ["nomail.test. 300 IN MX 0 .", "nomail.test. 300 IN A 127.0.0.1"]
    alpha.start()
    journey.submit(alpha, letter("null", "x@nomail.test"), recipients=("x@nomail.test", "y@not-there.alpha.test"))

    def reports():
        return b"".join(open(p, "rb").read() for p in alpha.inbox("alice"))

    texts = hosts.wait_for(lambda: b"x@nomail.test" in reports() and b"y@not-there" in reports() and reports(), 40,
                           "the bounces for a null MX and for a domain that is not there")
    expect(b"Status: 5.1.2" in texts, texts.decode())
    expect(b"5.1.10" in texts or b"5.7.27" in texts or b"null MX" in texts, texts.decode())


def test_relay_host(net):
    """alpha knows no MX of elsewhere: everything goes by beta, which relays for alpha's address."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "relay-host", f"[{beta.address}]:{beta.port('smtp')}")
    beta.set("mta", "relay-networks", f"{alpha.address}/32")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("by relay", "bob@beta.test"))
    beta.wait_inbox("bob")
    expect("by relay" in read(beta.inbox("bob")[0])["Subject"], "Subject")


def test_mx_order_and_dead_hosts(net):
    """The best MX is dead, the second has an address that is dead too: the third takes it."""
    alpha, beta = net["alpha"], net["beta"]
    net.zone += ["many.test. 300 IN MX 5 dead.many.test.", f"dead.many.test. 300 IN A {beta.address.rsplit('.', 1)[0]}.77",
                 "many.test. 300 IN MX 10 gone.many.test.", f"many.test. 300 IN MX 20 {beta.host_name}."]
    beta.add_domain("many.test")
    beta.add_user("eve@many.test")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("third", "eve@many.test"), recipients=("eve@many.test",))
    beta.wait_inbox("eve@many.test")


def test_sendmail_as_cron_and_php(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    sendmail = os.path.join(build(), "sendmail")
    text = b"To: Bob <bob@beta.test>\nBcc: dora@beta.test\nSubject: from cron\n\nhello\n.\nstill here\n"
    subprocess.run([sendmail, "-C", alpha.conf, "-t", "-i", "-f", "alice@alpha.test"], input=text, check=True, timeout=20)
    bob = read(beta.wait_inbox("bob")[0])
    beta.wait_inbox("dora")
    expect(bob["Bcc"] is None, "Bcc was told to bob")
    expect(bob["Date"] and bob["Message-ID"] and bob["From"], "Date, Message-ID or From is missing")
    expect("still here" in bob.get_payload(), "a lone dot ended the message under -i")
    got = subprocess.run([sendmail, "-C", alpha.conf, "-f", "alice@alpha.test"], input=b"x\n", check=False,
                         capture_output=True, timeout=20)
    expect(got.returncode == 64 and got.stderr, f"no recipients: exit {got.returncode} {got.stderr}")


def test_admin_holds_releases_deletes(net):
    alpha = net["alpha"]
    alpha.start()
    journey.submit(alpha, letter("held"))
    alpha.wait_log("deferred")
    (qid,) = alpha.station("out")
    alpha.command("queue", "hold", qid)
    hosts.wait_for(lambda: alpha.station("hold") == [qid], 10, "the message in hold/")
    expect("words" in alpha.command("queue", "cat", qid), "posthorn queue cat")
    expect("bob@beta.test" in alpha.command("queue", "show", qid), "posthorn queue show")
    alpha.command("queue", "release", qid)
    hosts.wait_for(lambda: not alpha.station("hold"), 10, "hold/ to be empty")
    net["beta"].start()
    alpha.command("queue", "retry", "all")
    net["beta"].wait_inbox("bob")
    code, text = alpha.command("queue", "delete", "nosuchid", check=False)
    expect(code != 0 and "nosuchid" in text, text)
    expect(alpha.command(program="mailq") is not None, "mailq")


def test_hop_limit(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    hops = "".join(f"Received: from h{i} by h{i + 1}; Tue, 24 Nov 2026 05:00:00 +0000\r\n" for i in range(60))
    try:
        journey.submit(alpha, letter("far", more=hops))
    except hosts.Trouble as e:
        expect("5.4.6" in str(e), str(e))
    else:
        expect(b"5.4.6" in open(alpha.wait_inbox("alice")[0], "rb").read(), "no bounce names the hop limit")


def test_mail_survives_a_restart_of_everything(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "retry", "1s")         # alpha may be faster than beta's start
    alpha.start("msa")
    for i in range(5):
        journey.submit(alpha, letter(f"asleep {i}"))
    alpha.stop()
    expect(len(alpha.station("in/sub")) == 5, f"{alpha.queued()}")
    alpha.start()
    beta.start("mta")
    hosts.wait_for(lambda: len(beta.station("local")) == 5, 20, "five messages in beta's local/")
    beta.stop()
    time.sleep(0.2)
    beta.start()
    beta.wait_inbox("bob", 5)


if __name__ == "__main__":
    main()
