#!/usr/bin/env python3
"""Mail that goes on to another server: from whom, whether at all, and how reports about it find back. alpha
writes, beta forwards, gamma is where it ends."""
import email
import email.policy
import os
import smtplib

from e2e import build, expect, hosts, journey, main

STRANGER = "127.0.0.99"     # a client that no record names
PASSWORD = "secret words"


def network():
    """alice at alpha, bob at beta, cara at gamma; and aliases at beta that lead to gamma."""
    net = hosts.Network(build(), names=("alpha", "beta", "gamma"))
    for host, user in (("alpha", "alice"), ("beta", "bob"), ("gamma", "cara")):
        net[host].add_domain()
        net[host].add_user(user, PASSWORD)
    net["alpha"].add_user("postmaster", PASSWORD)
    beta, gamma = net["beta"], net["gamma"]
    beta.command("alias", "add", "to-cara@beta.test", "cara@gamma.test")
    beta.command("alias", "add", "both@beta.test", "cara@gamma.test", "bob@beta.test")
    beta.command("alias", "add", "to-nobody@beta.test", "nobody@gamma.test")
    beta.command("alias", "add", "to-late@beta.test", "late@gamma.test")
    beta.command("alias", "add", "abuse@beta.test", "cara@gamma.test")
    beta.command("alias", "add", "club@beta.test", "nobody@gamma.test", "cara@gamma.test")
    beta.command("alias", "add", "owner-club@beta.test", "bob@beta.test")
    gamma.command("alias", "add", "late@gamma.test", "nobody@gamma.test")     # taken, and bounced then
    return net


def judged(net):
    """beta believes no client because of its address; alpha's domain names alpha's."""
    alpha, beta = net["alpha"], net["beta"]
    net.zone += [f'alpha.test. TXT "v=spf1 ip4:{alpha.address} -all"', "far.test A 127.0.0.98",
                 "in-addr.arpa SOA x", "test SOA x"]
    for key, value in (("exempt-networks", ""), ("early-wait", 0), ("greylist", "off"), ("tarpit", 0)):
        beta.set("gate", key, value)


def start(net, *but):
    for host in net.hosts.values():
        if host.name not in but:
            host.start("msa", "mta", "mda")


def letter(to, subject="hello", sender="alice@alpha.test", more=""):
    return (f"From: Some Body <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m.{subject}@alpha.test>\r\n"
            f"{more}\r\nwords with a \N{EURO SIGN}\r\n.\r\n\r\nthe end").encode()


def read(path):
    with open(path, "rb") as f:
        return email.message_from_binary_file(f, policy=email.policy.default)


def bring(host, sender, to, wire=b"From: x@far.test\r\n\r\nx\r\n", source=STRANGER, wishes=()):
    """By hand to port 25: (code, words) of the last reply."""
    with smtplib.SMTP(host.address, host.port("smtp"), "mail.far.test", 20, source_address=(source, 0)) as s:
        s.ehlo()
        code, words = s.mail(sender)
        if code == 250:
            code, words = s.rcpt(to, wishes)
        if code == 250:
            code, words = s.data(wire)
        return code, words.decode()


def report_parts(path):
    """Action, and the fields of the first recipient, of a report that Python's parser takes."""
    report = read(path)
    expect(report.get_content_type() == "multipart/report" and not report.defects, report.as_string())
    fields = report.get_payload(1).get_payload()
    return report, fields[0], fields[1]


def test_forward_has_a_sender_that_leads_back(net):
    alpha, beta, gamma = net["alpha"], net["beta"], net["gamma"]
    start(net)
    journey.submit(alpha, letter("to-cara@beta.test"), recipients=("to-cara@beta.test",))
    got = read(gamma.wait_inbox("cara")[0])
    sender = got["Return-Path"].strip("<>")
    expect(sender.startswith("SRS0=") and sender.endswith("=alpha.test=alice@beta.test"), sender)
    expect(got["From"] == "Some Body <alice@alpha.test>" and got["Delivered-To"] == "cara@gamma.test", got.as_string())
    told = beta.command("address", "explain", sender)
    expect("we forwarded mail of alice@alpha.test" in told and "reports, back to the sender alice@alpha.test" in told, told)

    # what comes back has no sender, and the right hash; whatever became of its case
    code, words = bring(beta, "", sender.lower(), b"From: MAILER-DAEMON@far.test\r\nSubject: it was lost\r\n\r\nx\r\n")
    expect(code == 250, (code, words))
    back = read(alpha.wait_inbox("alice")[0])
    expect(back["Subject"] == "it was lost" and back["Return-Path"] == "<>", back.as_string())
    code, words = bring(beta, "friend@far.test", sender)
    expect(code == 550 and "5.7.1" in words and "reports about mail only" in words, (code, words))
    forged = sender.replace("alice", "carol")
    code, words = bring(beta, "", forged)
    expect(code == 550 and "5.1.1" in words and "we made no such address" in words, (code, words))
    code, told = beta.command("address", "explain", forged, check=False)
    expect(code == 67 and "we made no such address" in told, (code, told))
    code, words = bring(alpha, "", sender)      # who is not beta knows nothing of it
    expect(code // 100 == 5, (code, words))

    # a new key, and the old one still counts
    beta.command("srs", "rotate")
    hosts.wait_for(lambda: bring(beta, "", sender)[0] == 250, 10, "the address to be good after a rotation")
    alpha.wait_inbox("alice", 2)

    def has_a_new_one():
        count = len(gamma.inbox("cara"))
        journey.submit(alpha, letter("to-cara@beta.test", "again"), recipients=("to-cara@beta.test",))
        gamma.wait_inbox("cara", count + 1)
        return len({read(p)["Return-Path"] for p in gamma.inbox("cara")}) == 2

    hosts.wait_for(has_a_new_one, 10, "an address made with the new key")
    keys = os.path.join(beta.queue, "srs", "keys")
    expect(os.stat(keys).st_mode & 0o777 == 0o600 and len(open(keys, encoding="ascii").readlines()) == 2, "keys")


def test_bounces_find_back(net):
    alpha, gamma = net["alpha"], net["gamma"]
    start(net)
    # gamma refuses, beta tells; alpha's alice asked for nothing
    journey.submit(alpha, letter("to-nobody@beta.test", "refused"), recipients=("to-nobody@beta.test",))
    report, message, rcpt = report_parts(alpha.wait_inbox("alice")[0])
    expect(report["In-Reply-To"] == "<m.refused@alpha.test>" and report["Return-Path"] == "<>", report.as_string())
    expect(message["Reporting-MTA"] == "dns; mx.beta.test", message.as_string())
    expect(rcpt["Action"] == "failed" and rcpt["Final-Recipient"] == "rfc822; nobody@gamma.test", rcpt.as_string())
    expect(rcpt["Original-Recipient"] == "rfc822;to-nobody@beta.test", rcpt.as_string())
    # gamma takes it and forwards it once more, to nobody: SRS1, and back over both
    journey.submit(alpha, letter("to-late@beta.test", "late"), recipients=("to-late@beta.test",))
    alpha.wait_inbox("alice", 2)
    late = next(p for p in alpha.inbox("alice") if read(p)["In-Reply-To"] == "<m.late@alpha.test>")
    report, message, rcpt = report_parts(late)
    expect(message["Reporting-MTA"] == "dns; mx.gamma.test", message.as_string())
    expect(rcpt["Final-Recipient"] == "rfc822; nobody@gamma.test", rcpt.as_string())
    passed = " ".join(report.get_all("Delivered-To"))
    expect("SRS1=" in passed and "=beta.test==" in passed and "SRS0=" in passed, passed)
    for host in net.hosts.values():
        hosts.wait_for(lambda: not host.queued(), 20, f"{host.name}'s queue to be empty")


def test_reports_about_a_list_go_to_its_owner(net):
    alpha, beta, gamma = net["alpha"], net["beta"], net["gamma"]
    start(net)
    journey.submit(alpha, letter("club@beta.test", "club"), recipients=("club@beta.test",))
    expect(read(gamma.wait_inbox("cara")[0])["Return-Path"] == "<owner-club@beta.test>", "the list's sender")
    _, _, rcpt = report_parts(beta.wait_inbox("bob")[0])
    expect(rcpt["Action"] == "failed" and rcpt["Final-Recipient"] == "rfc822; nobody@gamma.test", rcpt.as_string())
    for host in net.hosts.values():
        hosts.wait_for(lambda: not host.queued(), 20, f"{host.name}'s queue to be empty")
    expect(not alpha.inbox("alice"), "alice was told")


def test_postmaster_elsewhere_is_told_once(net):
    """What cannot reach the postmaster is no news for the postmaster."""
    beta = net["beta"]
    beta.command("alias", "add", "postmaster@beta.test", "nobody@gamma.test")
    start(net, "alpha")
    code, words = bring(beta, "", "to-nobody@beta.test", source="127.0.0.1")
    expect(code == 250, (code, words))
    hosts.wait_for(lambda: beta.station("hold"), 20, "it to be on hold")
    expect(list(beta.queued()) == ["hold"] and len(beta.station("hold")) == 1, beta.queued())
    told = [line for line in beta.log_text().splitlines() if " bounced to=" in line]
    expect(len(told) == 1, told)


def test_ours_and_null_keep_their_sender(net):
    beta, gamma = net["beta"], net["gamma"]
    start(net, "alpha")
    journey.submit(beta, letter("to-cara@beta.test", sender="bob@beta.test"), "bob@beta.test", ("to-cara@beta.test",))
    expect(read(gamma.wait_inbox("cara")[0])["Return-Path"] == "<bob@beta.test>", "a sender of ours")
    code, words = bring(beta, "", "to-cara@beta.test", source="127.0.0.1")
    expect(code == 250, (code, words))
    gamma.wait_inbox("cara", 2)
    expect({read(p)["Return-Path"] for p in gamma.inbox("cara")} == {"<bob@beta.test>", "<>"}, "the null sender")
    beta.stop("mta", "mda")
    beta.set("mda", "srs", "no")
    beta.start("mta", "mda")
    code, words = bring(beta, "x@far.test", "to-cara@beta.test", source="127.0.0.1")
    gamma.wait_inbox("cara", 3)
    expect("<x@far.test>" in {read(p)["Return-Path"] for p in gamma.inbox("cara")}, "srs = no")
    code, words = bring(beta, "", "SRS0=AAAAAA=AA=far.test=x@beta.test")
    expect(code == 550 and "5.1.1" in words, (code, words))


def test_unproven_mail_goes_as_attachment(net):
    beta, gamma = net["beta"], net["gamma"]
    judged(net)
    start(net, "alpha")
    wire = letter("both@beta.test", "who knows", "ann@far.test")
    code, words = bring(beta, "ann@far.test", "both@beta.test", wire)
    expect(code == 250, (code, words))
    plain = open(beta.wait_inbox("bob")[0], "rb").read()
    expect(plain.endswith(wire.replace(b"\r\n", b"\n") + b"\n"), "bob has it as it came")
    whole = open(gamma.wait_inbox("cara")[0], "rb").read()
    got = email.message_from_bytes(whole, policy=email.policy.default)
    expect(not got.defects and got.get_content_type() == "multipart/mixed", got.as_string())
    expect(got["From"] == '"Some Body via beta.test" <both@beta.test>', got["From"])
    expect(got["Reply-To"] == "Some Body <ann@far.test>" and got["Subject"] == "Fwd: who knows", got.as_string())
    expect(got["Return-Path"] == "<>" and got["Auto-Submitted"] == "auto-generated", got.as_string())
    expect("Some Body <ann@far.test>" in got.get_payload(0).get_payload(decode=True).decode(), "the words")
    inside = got.get_payload(1)
    expect(inside.get_content_type() == "message/rfc822" and inside.get_payload(0)["Subject"] == "who knows", "inside")
    # byte for byte: all of what bob has but the two lines that are his
    boundary = b"\n--" + got.get_boundary().encode()
    attached = whole.split(boundary)[-2].split(b"\n\n", 1)[1]
    expect(attached == plain.split(b"\n", 2)[2], (attached, plain))


def test_proven_mail_goes_as_it_is(net):
    alpha, gamma = net["alpha"], net["gamma"]
    judged(net)
    start(net)
    journey.submit(alpha, letter("to-cara@beta.test"), recipients=("to-cara@beta.test",))   # SPF, and no policy
    got = read(gamma.wait_inbox("cara")[0])
    expect(got["From"] == "Some Body <alice@alpha.test>" and got["Return-Path"].startswith("<SRS0="), got.as_string())


def test_success_is_told_to_proven_senders_only(net):
    """Or a stranger could have anybody told, in our name, with words of his."""
    alpha, beta, gamma = net["alpha"], net["beta"], net["gamma"]
    judged(net)
    start(net)
    for sender, source in (("cara@gamma.test", STRANGER), ("alice@alpha.test", alpha.address)):
        code, words = bring(beta, sender, "bob@beta.test", source=source, wishes=["NOTIFY=SUCCESS"])
        expect(code == 250, (code, words))
    _, _, rcpt = report_parts(alpha.wait_inbox("alice")[0])
    expect(rcpt["Action"] == "delivered", rcpt.as_string())
    beta.wait_inbox("bob", 2)
    reports = [line for line in beta.log_lines(" received ") if "protocol=report" in line]
    expect(len(reports) == 1 and not gamma.inbox("cara"), reports)


def test_refused_or_forwarded_by_setting(net):
    beta, gamma = net["beta"], net["gamma"]
    judged(net)
    beta.set("mda", "forward-unverified", "refuse")
    start(net, "alpha")
    code, words = bring(beta, "ann@far.test", "to-cara@beta.test", letter("to-cara@beta.test", "no", "ann@far.test"))
    expect(code == 550 and "5.7.1" in words and "we send on only what DMARC, DKIM or SPF" in words, (code, words))
    code, words = bring(beta, "ann@far.test", "both@beta.test", letter("both@beta.test", "no", "ann@far.test"))
    expect(code == 250, (code, words))
    beta.wait_inbox("bob")
    beta.wait_log("unforwarded to=<both@beta.test>", "5.7.1", "whose author DMARC, DKIM or SPF proves")
    code, words = bring(beta, "ann@far.test", "abuse@beta.test", letter("abuse@beta.test", "your spam", "ann@far.test"))
    expect(code == 250, (code, words))
    expect(read(gamma.wait_inbox("cara")[0])["Subject"] == "Fwd: your spam", "abuse cannot be reached")
    with smtplib.SMTP(beta.address, beta.port("smtp"), "mail.far.test", 20, source_address=(STRANGER, 0)) as s:
        s.ehlo()
        s.mail("ann@far.test")
        answers = [s.rcpt(f"{who}@beta.test")[0] for who in ("bob", "to-cara", "both")]
        expect(answers == [250, 452, 250], answers)
    expect(not beta.station("in/own"), "somebody was told who may not have sent it")
    hosts.wait_for(lambda: not beta.station("local"), 10, "beta's local/ to be empty")
    beta.stop("mta", "mda")
    beta.set("mda", "forward-unverified", "forward")
    beta.start("mta", "mda")
    code, words = bring(beta, "ann@far.test", "to-cara@beta.test", letter("to-cara@beta.test", "as it is", "ann@far.test"))
    expect(code == 250, (code, words))
    got = next(m for m in map(read, gamma.wait_inbox("cara", 2)) if m["Subject"] == "as it is")
    expect(got["Return-Path"].startswith("<SRS0="), got.as_string())
    expect(len(gamma.inbox("cara")) == 2, "what was refused came")


if __name__ == "__main__":
    main(make=network)
