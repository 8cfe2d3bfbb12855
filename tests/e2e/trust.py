#!/usr/bin/env python3
"""Is it from whom it says: what beta makes of mail by SPF, DKIM and DMARC, told in the header, the log,
the reply and the folder. The clients are on loopback addresses, which the gate is told not to trust."""
import base64
import email
import email.policy
import gzip
import hashlib
import os
import pwd
import signal
import smtplib
import subprocess
from xml.etree import ElementTree

from e2e import Skip, expect, hosts, journey, main

OTHER = "127.0.0.99"        # a client that no record names


def network(net, *records):
    """Both hosts up; alpha's domain names alpha's address, and wants all else refused."""
    alpha, beta = net["alpha"], net["beta"]
    net.zone += [f'alpha.test. TXT "v=spf1 ip4:{alpha.address} -all exp=why.alpha.test"',
                 'why.alpha.test. TXT "%{i} is none of our servers"',
                 '_dmarc.alpha.test. TXT "v=DMARC1; p=reject; sp=none"',
                 "elsewhere.test A 127.0.0.98", "nowhere.test A 127.0.0.98",
                 "in-addr.arpa SOA x", "test SOA x", *records]
    beta.set("gate", "exempt-networks", "")
    beta.set("gate", "early-wait", "0")
    beta.set("gate", "greylist", "off")     # that is another test's
    beta.set("gate", "tarpit", "0")
    alpha.start()
    beta.start()
    return alpha, beta


def letter(author, subject="hello", more=""):
    return f"{more}From: {author}\r\nTo: bob@beta.test\r\nSubject: {subject}\r\n\r\nwords\r\n".encode()


def bring(beta, wire, sender, source=OTHER, to="bob@beta.test"):
    """By hand to beta's port 25: (code, words) of the last reply."""
    with smtplib.SMTP(beta.address, beta.port("smtp"), "mail.elsewhere.test", 20, source_address=(source, 0)) as s:
        s.ehlo()
        code, words = s.mail(sender)
        if code == 250:
            code, words = s.rcpt(to)
        if code == 250:
            code, words = s.data(wire)
        return code, words.decode()


def read(path):
    with open(path, "rb") as f:
        return email.message_from_binary_file(f, policy=email.policy.default)


def results(message):
    return [" ".join(str(v).split()) for v in message.get_all("Authentication-Results", [])]


def test_honest_mail_is_told_so(net):
    alpha, beta = network(net)
    journey.submit(alpha, letter("alice@alpha.test"), recipients=("bob@beta.test",))
    told = results(read(beta.wait_inbox("bob")[0]))
    expect(len(told) == 1 and told[0].startswith("mx.beta.test;"), told)
    for words in (f"spf=pass (ip4:{alpha.address} of alpha.test) smtp.mailfrom=alice@alpha.test",
                  "dmarc=pass (p=reject) header.from=alpha.test", f"policy.iprev={alpha.address}"):
        expect(words in told[0], f"{words}: {told[0]}")
    beta.wait_log("checked spf=pass", "dmarc=pass")


def test_liar_is_refused(net):
    _, beta = network(net)
    code, words = bring(beta, letter("alice@alpha.test"), "liar@elsewhere.test")
    expect(code == 550 and "5.7.26" in words and "DMARC" in words, (code, words))
    beta.wait_log("checked", "dmarc=fail:reject")
    code, words = bring(beta, letter("alice@alpha.test"), "alice@alpha.test")
    expect(code // 100 == 5, (code, words))
    expect(not beta.inbox("bob") and not beta.queued(), "it was taken all the same")


def test_doubtful_mail_goes_to_junk(net):
    _, beta = network(net, '_dmarc.doubt.test. TXT "v=DMARC1; p=quarantine"', "doubt.test A 127.0.0.98")
    code, words = bring(beta, letter("ann@doubt.test"), "ann@doubt.test")
    expect(code == 250, (code, words))
    beta.wait_log("delivered", "folder=Junk")
    expect(not beta.inbox("bob"), "it is in the inbox")
    expect(os.listdir(os.path.join(beta.maildir("bob"), ".Junk", "new")), "it is not in Junk")


def test_forged_results_go(net):
    _, beta = network(net)
    more = ("Authentication-Results: mx.beta.test; dmarc=pass header.from=bank.test\r\n"
            "Authentication-Results: MX.BETA.TEST (really) 1; spf=pass\r\n"
            "Authentication-Results: mx.other.test; spf=pass\r\n"
            "X-Posthorn-Gate: accept score=-99\r\n")
    code, words = bring(beta, letter("ann@nowhere.test", more=more), "ann@nowhere.test")
    expect(code == 250, (code, words))
    told = results(read(beta.wait_inbox("bob")[0]))
    expect(len(told) == 2, told)
    expect("dmarc=none" in told[0] and told[0].startswith("mx.beta.test;"), told)
    expect(told[1].startswith("mx.other.test;"), told)
    gate = read(beta.wait_inbox("bob")[0]).get_all("X-Posthorn-Gate")
    expect(len(gate) == 1 and gate[0].startswith("accept score=") and "-99" not in gate[0], gate)


def test_forged_results_go_unchecked_too(net):
    net["beta"].set("gate", "check", "no")
    _, beta = network(net)
    more = ("Authentication-Results: mx.beta.test; dmarc=pass header.from=bank.test\r\n"
            "Authentication-Results: mx.other.test; spf=pass\r\n")
    code, words = bring(beta, letter("ann@nowhere.test", more=more), "ann@nowhere.test")
    expect(code == 250, (code, words))
    expect(results(read(beta.wait_inbox("bob")[0])) == ["mx.other.test; spf=pass"], "forged results stay")


def test_users_forge_no_results(net):
    """Between two users of beta no mta looks: what looks as if it had goes."""
    _, beta = network(net)
    more = ("Authentication-Results: mx.beta.test; dmarc=pass header.from=bank.test\r\n"
            "Authentication-Results: mx.other.test; spf=pass\r\nX-Posthorn-Gate: accept score=-99\r\n")
    journey.submit(beta, letter("bob@beta.test", more=more), sender="bob@beta.test", recipients=("bob@beta.test",))
    message = read(beta.wait_inbox("bob")[0])
    expect(results(message) == ["mx.other.test; spf=pass"] and not message["X-Posthorn-Gate"], message.as_string())


def test_nobody_can_tell_the_author(net):
    """A way around every policy, if it were taken: a reader may show the author that we did not check."""
    _, beta = network(net)
    for author in ("alice@alpha.test, eve@nowhere.test", "alice@alpha.test\r\nFrom: eve@nowhere.test",
                   "eve@nowhere.test\r\n" + "X: y\r\n" * 1000 + "From: alice@alpha.test"):
        code, words = bring(beta, letter(author), "eve@nowhere.test")
        expect(code == 550 and "5.7.26" in words, (author[:60], code, words))
    code, words = bring(beta, b"Subject: from nobody\r\n\r\nwords\r\n", "eve@nowhere.test")
    expect(code == 250, (code, words))


def test_settings_know_better(net):
    beta = net["beta"]
    beta.set("gate", "dmarc-overrides", "alpha.test=accept boss@doubt.test=reject")
    beta.set("gate", "received-spf", "yes")
    _, beta = network(net, '_dmarc.doubt.test. TXT "v=DMARC1; p=none"', "doubt.test A 127.0.0.98")
    code, words = bring(beta, letter("alice@alpha.test"), "liar@doubt.test")
    expect(code == 250, (code, words))
    message = read(beta.wait_inbox("bob")[0])
    expect("dmarc=fail (p=reject)" in results(message)[0], results(message))
    expect(message["Received-SPF"].startswith("none (doubt.test"), message["Received-SPF"])
    code, words = bring(beta, letter("boss@doubt.test"), "boss@doubt.test")
    expect(code == 550 and "5.7.26" in words, (code, words))


def test_what_cannot_be_told_now(net):
    """A name server that is not there: taken, or put off, as the setting says."""
    beta = net["beta"]
    beta.set("dns", "forward", "127.0.0.1@9")
    beta.set("dns", "timeout", "1s")
    _, beta = network(net)
    code, words = bring(beta, letter("ann@late.example"), "ann@late.example")
    expect(code == 250, (code, words))
    expect("dmarc=temperror" in results(read(beta.wait_inbox("bob")[0]))[0], "no temperror")
    beta.stop("mta")
    beta.set("gate", "temperror", "defer")
    beta.start("mta")
    code, words = bring(beta, letter("ann@late.example"), "ann@late.example")
    expect(code == 451 and "late.example" in words, (code, words))


def test_silent_domains_of_a_liar_change_nothing(net):
    """SPF and a signature of domains whose servers do not answer, brought in the name of one whose policy is known."""
    beta = net["beta"]
    beta.set("dns", "forward", "127.0.0.1@9")
    beta.set("dns", "timeout", "1s")
    _, beta = network(net)
    digest = base64.b64encode(hashlib.sha256(b"words\r\n").digest()).decode()
    more = "".join(f"DKIM-Signature: v=1; a=rsa-sha256; d={d}; s=s; h=From; bh={digest}; b=AAAA\r\n"
                   for d in ("late.example", "deep.below.late.example"))
    code, words = bring(beta, letter("alice@alpha.test", more=more), "liar@late.example")
    expect(code == 550 and "5.7.26" in words, (code, words))
    beta.wait_log("checked spf=temperror dkim=temperror", "dmarc=fail:reject")


def test_large_message_is_checked_too(net):
    alpha, beta = network(net)
    wire = letter("alice@alpha.test") + b"0123456789abcdef\r\n" * 50000
    journey.submit(alpha, wire, recipients=("bob@beta.test",))
    with open(beta.wait_inbox("bob")[0], "rb") as f:
        text = f.read()
    expect(text.replace(b"\n", b"\r\n").endswith(wire[-800000:]), "the text is another")
    expect(b"dmarc=pass" in text[:4000], text[:4000])


def test_check_process_may_die(net):
    """Killed while it works, again and again: nothing is lost, nobody waits."""
    alpha, beta = network(net)
    for i in range(5):
        for pid, name in beta.processes("mta").items():
            if name == "posthorn-check":
                os.kill(pid, signal.SIGKILL)
        journey.submit(alpha, letter("alice@alpha.test", f"n {i}"), recipients=("bob@beta.test",))
    for path in beta.wait_inbox("bob", 5):
        expect("dmarc=pass" in results(read(path))[0], results(read(path)))


def test_trusted_sealer_vouches(net):
    """A list that changes what it passes on: DMARC fails, its seal says that it passed before."""
    try:
        import authres  # noqa: F401, python3-dkim wants it for this
        import dkim
    except ImportError as e:
        raise Skip("python3-dkim and python3-authres are not installed") from e
    key = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=key, capture_output=True, check=True)
    record = base64.b64encode(public.stdout).decode()
    beta = net["beta"]
    beta.set("gate", "arc-trusted", "list.test")
    _, beta = network(net, *[f'{name}. TXT "v=DKIM1; p={record[:200]}" "{record[200:]}"'
                             for name in ("s._domainkey.list.test", "s._domainkey.evil.test")],
                      "list.test A 127.0.0.98", "evil.test A 127.0.0.98")
    def sealed(domain, subject, results="spf=pass smtp.mailfrom=alpha.test; dmarc=pass header.from=alpha.test"):
        return seal(letter("alice@alpha.test", subject, f"Authentication-Results: {domain}; {results}\r\n"), domain)

    def seal(wire, domain):
        return b"".join(dkim.arc_sign(wire, b"s", domain.encode(), key, domain.encode(), timestamp=1700000000)) + wire
    code, words = bring(beta, sealed("list.test", "sealed"), "bounces@list.test")
    expect(code == 250, (code, words))
    told = results(read(beta.wait_inbox("bob")[0]))[0]
    expect("arc=pass (i=1 sealed by list.test)" in told and "dmarc=fail" in told, told)
    again = b"Authentication-Results: list.test; arc=pass; dmarc=pass header.from=alpha.test\r\n" + sealed("evil.test", "two")
    code, words = bring(beta, seal(again, "list.test"), "bounces@list.test")
    expect(code == 250, (code, words))
    expect(any("arc=pass (i=2 sealed by list.test)" in results(read(p))[0] for p in beta.wait_inbox("bob", 2)), "no chain of two")
    for what, wire in (("another's seal", sealed("evil.test", "evil")),
                       ("a pass in a comment", sealed("list.test", "said",
                                                      "spf=none (so; dmarc=pass) smtp.helo=x.test; dmarc=fail")),
                       ("no pass there", sealed("list.test", "none", "dmarc=fail header.from=alpha.test")),
                       ("a changed body", sealed("list.test", "body").replace(b"words", b"other words"))):
        code, words = bring(beta, wire, "bounces@list.test")
        expect(code == 550 and "5.7.26" in words, f"{what}: {code} {words}")
    expect(len(beta.log_lines("checked")) == 6, "not all were checked")


def hints(host):
    return os.path.join(host.queue, "hints")


def test_rows_are_noted(net):
    alpha, beta = network(net)
    journey.submit(alpha, letter("alice@alpha.test"), recipients=("bob@beta.test",))
    beta.wait_inbox("bob")
    bring(beta, letter("alice@alpha.test"), "liar@elsewhere.test")
    with open(os.path.join(hints(beta), sorted(n for n in os.listdir(hints(beta)) if n.startswith("dmarc."))[-1]),
              encoding="ascii") as f:
        rows = f.read().splitlines()
    expect(f"alpha.test pass - {alpha.address} alpha.test alpha.test fail pass pass" in rows, rows)
    expect(f"alpha.test reject - {OTHER} alpha.test elsewhere.test fail fail none" in rows, rows)


def test_reports_go_out(net):
    """A day that is over: one report for each domain that wants it, for whom may have it."""
    alpha, beta = net["alpha"], net["beta"]
    beta.set("gate", "dmarc-reports", "1s")
    rows = (f"alpha.test pass - {alpha.address} alpha.test alpha.test pass pass pass alpha.test sel pass\n" * 3 +
            "alpha.test reject - 192.0.2.9 alpha.test liar.test fail fail none\n"
            "alpha.test none local_policy 192.0.2.8 sub.alpha.test - fail fail none x.test s fail\n"
            "silent.test none - 192.0.2.8 silent.test silent.test fail fail none\n"
            "other.test none - 192.0.2.8 other.test other.test fail fail none\n")
    net.zone += ['_dmarc.other.test. TXT "v=DMARC1; p=none; rua=mailto:alice@alpha.test"',
                 '_dmarc.silent.test. TXT "v=DMARC1; p=none"']
    os.makedirs(hints(beta))
    path = os.path.join(hints(beta), "dmarc.2026-01-31")
    with open(path, "w", encoding="ascii") as f:
        f.write(rows)
    if os.geteuid() == 0:
        clerk = pwd.getpwnam("posthorn-clerk")
        for p in (hints(beta), path):
            os.chown(p, clerk.pw_uid, clerk.pw_gid)
    net.zone += ['_dmarc.alpha.test. TXT "v=DMARC1; p=reject; adkim=s; rua=mailto:carol@alpha.test,mailto:x@third.test"',
                 "test SOA x", "in-addr.arpa SOA x"]
    alpha.start()
    beta.start()
    message = read(alpha.wait_inbox("carol")[0])
    expect(" ".join(message["Subject"].split()) == "Report Domain: alpha.test Submitter: mx.beta.test "
           "Report-ID: <2026-01-31.alpha.test@mx.beta.test>", message["Subject"])
    expect(message["To"] == "carol@alpha.test" and message["Auto-Submitted"] == "auto-generated", message["To"])
    part = next(p for p in message.walk() if p.get_content_type() == "application/gzip")
    expect(part.get_filename() == "mx.beta.test!alpha.test!1769817600!1769903999.xml.gz", part.get_filename())
    top = ElementTree.fromstring(gzip.decompress(part.get_payload(decode=True)))
    ns = {"d": "urn:ietf:params:xml:ns:dmarc-2.0"}
    expect(top.tag == "{urn:ietf:params:xml:ns:dmarc-2.0}feedback", top.tag)
    value = lambda at, where: at.findtext(where, namespaces=ns)
    expect([value(top, "d:policy_published/d:" + x) for x in ("domain", "p", "sp", "np", "adkim", "aspf", "testing")] ==
           ["alpha.test", "reject", "reject", "reject", "s", "r", "n"], ElementTree.tostring(top))
    records = top.findall("d:record", ns)
    told = sorted((value(r, "d:row/d:source_ip"), value(r, "d:row/d:count"),
                   value(r, "d:row/d:policy_evaluated/d:disposition"), value(r, "d:identifiers/d:header_from"),
                   value(r, "d:row/d:policy_evaluated/d:reason/d:type"), value(r, "d:auth_results/d:dkim/d:domain"))
                  for r in records)
    expect(told == sorted([(alpha.address, "3", "pass", "alpha.test", None, "alpha.test"),
                           ("192.0.2.9", "1", "reject", "alpha.test", None, None),
                           ("192.0.2.8", "1", "none", "sub.alpha.test", "local_policy", "x.test")]), told)
    hosts.wait_for(lambda: not os.path.exists(path), 10, "the day's file to go")
    shown = alpha.command("dmarc", "report", alpha.maildir("carol"))
    expect("alpha.test from 2026-01-31T00:00:00Z, by mx.beta.test" in shown, shown)
    expect("1 reports, 5 messages: 3 pass, 2 fail" in shown, shown)
    expect("192.0.2.8" in shown and "signed by x.test fail (local_policy)" in shown, shown)
    expect(beta.log_lines("does not say that it wants any"), "other.test's report went to alpha.test, which did not ask")
    expect(len(alpha.inbox("carol")) == 1 and not alpha.inbox("alice"), "more reports than there should be")


def test_reports_have_an_end(net):
    """Domains are cheap, and so is mail in their name: nobody gets a report for each that somebody made up."""
    alpha, beta = net["alpha"], net["beta"]
    beta.set("gate", "dmarc-reports", "1s")
    os.makedirs(hints(beta))
    path = os.path.join(hints(beta), "dmarc.2026-01-31")
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"s{i:02}.alpha.test none - 192.0.2.8 s{i:02}.alpha.test - fail fail none\n" for i in range(60))
    if os.geteuid() == 0:
        clerk = pwd.getpwnam("posthorn-clerk")
        for p in (hints(beta), path):
            os.chown(p, clerk.pw_uid, clerk.pw_gid)
    net.zone += [f'_dmarc.s{i:02}.alpha.test. TXT "v=DMARC1; p=none; rua=mailto:carol@alpha.test"' for i in range(60)]
    net.zone += ['_dmarc.alpha.test. TXT "v=DMARC1; p=none"', "test SOA x", "in-addr.arpa SOA x"]
    alpha.start()
    beta.start()
    alpha.wait_inbox("carol", 50)
    hosts.wait_for(lambda: not os.path.exists(path), 20, "the day's file to go")
    hosts.wait_for(lambda: not beta.queued(), 20, "the queue to be empty")
    expect(len(alpha.inbox("carol")) == 50, len(alpha.inbox("carol")))
    expect(len(beta.log_lines("no more than 50 DMARC reports to alpha.test")) == 1, "the log does not say so once")


if __name__ == "__main__":
    main()
