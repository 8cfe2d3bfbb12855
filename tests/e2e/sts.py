#!/usr/bin/env python3
"""MTA-STS and TLS reports: beta sends to domains whose policy a web server of the test's own has, and tells
them how it went."""
import email
import email.policy
import gzip
import json
import os
import pwd
import smtplib
import time

from e2e import expect, hosts, journey, main
from https import Web

RECORD = '_smtp._tls.alpha.test. TXT "v=TLSRPTv1; rua=mailto:carol@alpha.test,https://tell.alpha.test:{port}/tls"'


def hints(host):
    return os.path.join(host.queue, "hints")


def give_to_clerk(*paths):
    if os.geteuid() == 0:
        clerk = pwd.getpwnam("posthorn-clerk")
        for p in paths:
            os.chown(p, clerk.pw_uid, clerk.pw_gid)


def web_of(net, *names):
    """A web server with a certificate for these names."""
    web = Web("127.0.0.1", *certificate(net, *names))
    net.web = web
    for name in names:
        net.zone.append(f"{name}. A 127.0.0.1")
    beta = net["beta"]
    beta.set("mta", "sts-port", web.port)
    beta.set("mta", "fetch-private", "yes")
    beta.set("mta", "authorities", net.authority)
    return web


def certificate(net, *names):
    base = os.path.join(net.directory, "web")
    alt = ",".join(f"DNS:{n}" for n in names)
    hosts.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key",
                  "-out", base + ".req", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alt}")
    hosts.openssl("x509", "-req", "-in", base + ".req", "-CA", os.path.join(net.directory, "ca.pem"), "-CAkey",
                  os.path.join(net.directory, "ca.key"), "-CAcreateserial", "-days", "2", "-copy_extensions", "copy",
                  "-out", base + ".pem")
    return base + ".pem", base + ".key"


def make_keys(net, host):
    host.command("dkim", "key", "new", host.domain)
    host.command("dkim", "rotate", "--activate", "--force", host.domain)
    for r in json.loads(host.command("dkim", "record", "--json", host.domain)):
        net.zone.append(f'{r["name"]}. IN TXT "{r["value"]}"')
    for h in net.hosts.values():
        h.write_settings()


def note_rows(host, day, *rows):
    os.makedirs(hints(host))
    path = os.path.join(hints(host), f"tlsrpt.{day}")
    with open(path, "w", encoding="ascii") as f:
        f.writelines(row + "\n" for row in rows)
    give_to_clerk(hints(host), path)
    return path


POLICY = "version:%20STSv1|mode:%20enforce|mx:%20*.alpha.test|max_age:%2086400|"
ROWS = (f"alpha.test 40 sts alpha.test {POLICY} -",
        f"alpha.test 2 sts alpha.test {POLICY} certificate-expired mx.alpha.test 192.0.2.1 192.0.2.9 mx.alpha.test over",
        f"alpha.test 3 sts alpha.test {POLICY} -",
        f"alpha.test 1 sts alpha.test {POLICY} certificate-expired mx.alpha.test 192.0.2.1 192.0.2.9 mx.alpha.test over",
        "alpha.test 5 tlsa mx.alpha.test 3%201%201%20AB| -",
        "silent.test 1 no-policy-found silent.test - -",
        "nonsense")


def test_reports_go_out(net):
    """A day that is over: by mail and by HTTPS, the same document, readable to ourselves too."""
    alpha, beta = net["alpha"], net["beta"]
    web = web_of(net, "tell.alpha.test")
    web.pages["/tls"] = (201, None, b"")
    net.zone += [RECORD.format(port=web.port), "test SOA x", "in-addr.arpa SOA x"]
    beta.set("mta", "tls-reports", "1s")
    make_keys(net, beta)
    path = note_rows(beta, "2026-01-31", *ROWS)
    for h in net.hosts.values():
        h.start()
    arrived = alpha.wait_inbox("carol")[0]
    with open(arrived, "rb") as f:
        message = email.message_from_binary_file(f, policy=email.policy.default)
    expect(message["TLS-Report-Domain"] == "alpha.test" and message["TLS-Report-Submitter"] == "mx.beta.test", message)
    expect(message["TLS-Required"] == "No" and message.get_content_type() == "multipart/report", message)
    expect(message.get_param("report-type") == "tlsrpt", message["Content-Type"])
    part = next(p for p in message.walk() if p.get_content_type() == "application/tlsrpt+gzip")
    name = part.get_filename().split("!")
    expect(name[:4] == ["mx.beta.test", "alpha.test", "1769817600", "1769903999"] and name[4].endswith(".json.gz"), name)
    document = json.loads(gzip.decompress(part.get_payload(decode=True)))
    check_document(document)
    hosts.wait_for(lambda: web.asked, 20, "the report at the web server")
    method, _, where, fields, body = web.asked[0]
    expect((method, where, fields["Content-Type"]) == ("POST", "/tls", "application/tlsrpt+gzip"), web.asked)
    expect(json.loads(gzip.decompress(body)) == document, "not the same report")
    hosts.wait_for(lambda: not os.path.exists(path), 10, "the day's file to go")
    expect(len(alpha.inbox("carol")) == 1 and len(web.asked) == 1, "more reports than there should be")
    with open(arrived, "rb") as f:          # RFC 8460 3: who gets one without a signature ignores it
        verified = json.loads(alpha.command("--json", "dkim", "verify", stdin=f.read()))
    expect(verified and all((v["domain"], v["result"]) == ("beta.test", "pass") for v in verified), verified)
    read_by_ourselves(alpha, document)
    shown = alpha.command("tlsrpt", "explain", "alpha.test")
    expect(f"by mail to carol@alpha.test\n  by HTTPS to tell.alpha.test, port {web.port}" in shown, shown)


def read_by_ourselves(alpha, document):
    shown = alpha.command("tlsrpt", "report", alpha.maildir("carol"))
    for words in ("mx.beta.test (2026-01-31.alpha.test@mx.beta.test), from 2026-01-31T00:00:00Z to 2026-01-31T23:59:59Z",
                  "alpha.test sts: 43 good, 3 failed", "mx.alpha.test tlsa: 5 good, 0 failed",
                  "3  certificate-expired from=192.0.2.9 to=mx.alpha.test at=192.0.2.1 helo=mx.alpha.test why=over",
                  "1 reports, 51 sessions: 48 good, 3 failed"):
        expect(words in shown, shown)
    for bytes_ in (json.dumps(document).encode(), gzip.compress(json.dumps(document).encode())):
        again = alpha.command("--json", "tlsrpt", "report", "-", alpha.maildir("carol"), stdin=bytes_)
        expect(json.loads(again) == [document], again)
    code, words = alpha.command("tlsrpt", "report", "-", stdin=b"{}", check=False)
    expect(code == 65 and "no TLS report" in words, (code, words))


def check_document(d):
    """RFC 8460 4.4, field by field."""
    expect(set(d) == {"organization-name", "date-range", "contact-info", "report-id", "policies"}, d)
    expect(d["organization-name"] == "mx.beta.test" and d["contact-info"] == "postmaster@beta.test", d)
    expect(d["date-range"] == {"start-datetime": "2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"}, d)
    sts, tlsa = sorted(d["policies"], key=lambda p: p["policy"]["policy-type"])
    expect(sts["policy"] == {"policy-type": "sts", "policy-domain": "alpha.test", "mx-host": ["*.alpha.test"],
                             "policy-string": ["version: STSv1", "mode: enforce", "mx: *.alpha.test", "max_age: 86400"]}, sts)
    expect(sts["summary"] == {"total-successful-session-count": 43, "total-failure-session-count": 3}, sts)
    expect(sts["failure-details"] == [{
        "result-type": "certificate-expired", "sending-mta-ip": "192.0.2.9", "receiving-mx-hostname": "mx.alpha.test",
        "receiving-mx-helo": "mx.alpha.test", "receiving-ip": "192.0.2.1", "failed-session-count": 3,
        "failure-reason-code": "over"}], sts)
    expect(tlsa["policy"] == {"policy-type": "tlsa", "policy-domain": "mx.alpha.test", "policy-string": ["3 1 1 AB"]}, tlsa)


# --- policies ---

def policy(mode="enforce", mx="mx.alpha.test", max_age=86400):
    return f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: {max_age}\r\n".encode()


def with_policy(net, text, record="v=STSv1; id=1"):
    """Both hosts up, and alpha.test has this policy."""
    web = web_of(net, "mta-sts.alpha.test")
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", text)
    net.zone += [f'_mta-sts.alpha.test. TXT "{record}"', "test SOA x", "in-addr.arpa SOA x"]
    for h in net.hosts.values():
        h.start()
    return web


def new_record(net, record=None):
    """The DNS says another thing from now on."""
    beta = net["beta"]
    beta.stop("mta")
    net.zone[:] = [line for line in net.zone if not line.startswith("_mta-sts.")]
    if record:
        net.zone.append(f'_mta-sts.alpha.test. TXT "{record}"')
    beta.write_settings()
    beta.start("mta")


def send(net):
    journey.submit(net["beta"], b"From: bob@beta.test\r\nTo: alice@alpha.test\r\nSubject: hello\r\n\r\nwords\r\n",
                   sender="bob@beta.test", recipients=("alice@alpha.test",))


def rows(host):
    """What is noted for today's report; the host's mta is stopped for it."""
    host.stop("mta")
    found = []
    for name in sorted(os.listdir(hints(host))):
        if name.startswith("tlsrpt."):
            with open(os.path.join(hints(host), name), encoding="ascii") as f:
                found += f.read().splitlines()
    return found


def kept(host, domain="alpha.test"):
    with open(os.path.join(hints(host), "sts", domain), encoding="ascii") as f:
        return f.read()


def test_policy_is_fetched_once_and_met(net):
    web = with_policy(net, policy(mx="*.alpha.test"))
    alpha, beta = net["alpha"], net["beta"]
    for count in (1, 2):        # one after the other: two at once may both find nothing and fetch
        send(net)
        alpha.wait_inbox("alice", count)
    beta.wait_log("policy domain=alpha.test id=1 mode=enforce max_age=86400")
    expect([a[:3] for a in web.asked] == [("GET", f"mta-sts.alpha.test:{web.port}", "/.well-known/mta-sts.txt")], web.asked)
    expect("mode: enforce\nmx: *.alpha.test\nmax_age: 86400\n" in kept(beta) and "id: 1\n" in kept(beta), kept(beta))
    got = rows(beta)
    expect(got and all("alpha.test sts alpha.test version:%20STSv1|mode:%20enforce|mx:%20*.alpha.test|max_age:%2086400| -"
                       == " ".join(row.split()[:1] + row.split()[2:]) for row in got), got)


def test_commands_tell(net):
    web = with_policy(net, policy(mx="*.alpha.test"))
    beta = net["beta"]
    shown = beta.command("sts", "show", "Alpha.test")
    expect(shown == "the record at _mta-sts.alpha.test has the id 1\nthe policy:\n  version: STSv1\n  mode: enforce\n"
           "  mx: *.alpha.test\n  max_age: 86400\nits servers:\n     10 mx.alpha.test: named by *.alpha.test\n"
           "kept here: nothing\n", shown)
    expect(beta.command("sts", "list") == "", "something is kept")
    send(net)
    net["alpha"].wait_inbox("alice")
    expect("alpha.test " in beta.command("sts", "list") and "enforce  id=1 until 20" in beta.command("sts", "list"),
           beta.command("sts", "list"))
    listed = json.loads(beta.command("--json", "sts", "list"))
    expect([(x["domain"], x["mode"], x["id"], x["mx"]) for x in listed] == [("alpha.test", "enforce", "1", ["*.alpha.test"])], listed)
    expect("kept here: enforce  id=1 until" in beta.command("sts", "show", "alpha.test"), "show does not say so")
    beta.command("sts", "forget", "alpha.test")
    code, words = beta.command("sts", "forget", "alpha.test", check=False)
    expect(code == 66 and "nothing is kept of alpha.test" in words, (code, words))
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy(mx="mx.elsewhere.test"))
    code, words = beta.command("sts", "show", "alpha.test", check=False)
    expect(code == 65 and "mx.alpha.test: not named, so it gets no mail" in words, (code, words))
    web.pages["/.well-known/mta-sts.txt"] = (404, "text/plain", b"")
    code, words = beta.command("sts", "show", "alpha.test", check=False)
    expect(code == 65 and "mta-sts.txt: the web server answers 404" in words, (code, words))
    code, words = beta.command("sts", "show", "beta.test", check=False)
    expect(code == 65 and "no record there" in words, (code, words))


def test_own_record_is_one(net):
    """What we tell others to publish is what we would obey."""
    beta = net["beta"]
    beta.write_settings()
    shown = beta.command("sts", "record", "beta.test")
    expect("mode: testing\nmx: mx.beta.test\nmax_age: 86400\n" in shown and "https://mta-sts.beta.test/.well-known/mta-sts.txt" in shown, shown)
    text = beta.command("sts", "record", "--policy", "--mode", "enforce", "alpha.test", "*.Alpha.test", "mx.beta.test")
    expect(text == "version: STSv1\nmode: enforce\nmx: *.alpha.test\nmx: mx.beta.test\nmax_age: 604800\n", text)
    record = shown.split('_mta-sts.beta.test. IN TXT "')[1].split('"')[0]
    with_policy(net, text.encode(), record)
    send(net)
    net["alpha"].wait_inbox("alice")
    expect("mode: enforce" in kept(beta), kept(beta))
    for bad in (("localhost",), ("--mode", "strict", "a.test"), ("a.test", "no mx"), ()):
        expect(beta.command("sts", "record", *bad, check=False)[0] == 64, bad)


def test_server_that_is_not_named_gets_nothing(net):
    with_policy(net, policy(mx="mx.elsewhere.test"))
    send(net)
    net["beta"].wait_log("deferred", "policy of alpha.test does not name mx.alpha.test")
    expect(not net["alpha"].inbox("alice"), "it went there")
    got = rows(net["beta"])
    expect(len(got) == 1 and " validation-failure mx.alpha.test " in got[0] and "elsewhere" in got[0], got)


def another_certificate(net, name):
    alpha = net["alpha"]
    hosts.make_certificate(net.directory, name, "127.0.0.250", f"{alpha.directory}/cert.pem", f"{alpha.directory}/key.pem")


def test_wrong_certificate_waits(net):
    another_certificate(net, "mx.elsewhere.test")
    with_policy(net, policy())
    send(net)
    net["beta"].wait_log("deferred", "mx.alpha.test")
    expect(not net["alpha"].inbox("alice"), "it went there")
    got = rows(net["beta"])
    expect(len(got) == 1 and " certificate-host-mismatch mx.alpha.test " in got[0], got)


def test_testing_only_notes(net):
    another_certificate(net, "mx.elsewhere.test")
    with_policy(net, policy("testing"))
    send(net)
    net["alpha"].wait_inbox("alice")
    got = rows(net["beta"])
    expect(len(got) == 1 and " certificate-host-mismatch mx.alpha.test " in got[0] and "testing" in got[0], got)


def test_none_is_no_policy(net):
    another_certificate(net, "mx.elsewhere.test")
    with_policy(net, policy("none", "mx.elsewhere.test"))
    send(net)
    net["alpha"].wait_inbox("alice")
    got = rows(net["beta"])
    expect(got == ["alpha.test 1 no-policy-found alpha.test - -"], got)


def test_new_id_is_a_new_policy(net):
    web = with_policy(net, policy(mx="mx.elsewhere.test"))
    beta = net["beta"]
    send(net)
    beta.wait_log("deferred", "does not name")
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy())
    age(beta)
    new_record(net, "v=STSv1; id=2")
    beta.command("queue", "retry", "all")
    net["alpha"].wait_inbox("alice")
    beta.wait_log("policy domain=alpha.test id=2 mode=enforce")
    expect("id: 2\n" in kept(beta), kept(beta))


def age(host, seconds=400):
    """As if all that is kept had been fetched earlier."""
    path = os.path.join(hints(host), "sts", "alpha.test")
    text = kept(host)
    for word in ("fetched", "tried"):
        was = text.split(f"{word}: ")[1].split("\n")[0]
        text = text.replace(f"{word}: {was}\n", f"{word}: {int(was) - seconds}\n")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def test_what_was_enforced_stays(net):
    """Neither a web server that fails nor a record that is gone lets mail go where it must not."""
    another_certificate(net, "mx.elsewhere.test")
    web = with_policy(net, policy())
    beta = net["beta"]
    send(net)
    beta.wait_log("deferred")
    elsewhere = f"https://mta-sts.alpha.test:{web.port}/x".encode()
    web.pages["/x"] = (200, "text/plain", policy("none"))
    for status, kind, page, why in ((500, "text/plain", policy("none"), "answers 500"),
                                    (200, "text/html", policy("none"), "text/html"),
                                    (302, "text/plain", elsewhere, "answers 302")):
        web.pages["/.well-known/mta-sts.txt"] = (status, kind, page)
        tries = len(beta.log_lines(" deferred "))
        age(beta)
        new_record(net, "v=STSv1; id=2")
        beta.command("queue", "retry", "all")
        beta.wait_log("policy domain=alpha.test why=", why, "(the old one stays)")
        hosts.wait_for(lambda: len(beta.log_lines(" deferred ")) > tries, 20, "another try")
    tries = len(beta.log_lines(" deferred "))
    new_record(net)
    beta.command("queue", "retry", "all")
    hosts.wait_for(lambda: len(beta.log_lines(" deferred ")) > tries, 20, "another try")
    expect(not net["alpha"].inbox("alice"), "it went there")
    expect("id: 1\n" in kept(beta) and "mode: enforce\n" in kept(beta), kept(beta))
    got = rows(beta)
    expect(any(" sts alpha.test - sts-policy-fetch-error " in row for row in got), got)


def test_no_policy_to_be_had(net):
    """The first fetch fails: mail goes as if there was none, and the web server has its peace for a while."""
    web = with_policy(net, b"version: STSv1\nmode: enforce\nmax_age: 1\n")
    send(net)
    net["alpha"].wait_inbox("alice")
    send(net)
    net["alpha"].wait_inbox("alice", 2)
    expect(len(web.asked) == 1, web.asked)
    expect("trouble: it has no mx" in kept(net["beta"]), kept(net["beta"]))
    got = rows(net["beta"])
    expect(any(" sts alpha.test - sts-policy-invalid - - - - it%20has%20no%20mx" in row for row in got), got)
    expect(any(" no-policy-found alpha.test - -" in row for row in got), got)


def test_untrusted_web_server(net):
    web = web_of(net, "mta-sts.other.test")
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy(mx="mx.elsewhere.test"))
    net.zone += ['_mta-sts.alpha.test. TXT "v=STSv1; id=1"', "mta-sts.alpha.test. A 127.0.0.1", "test SOA x", "in-addr.arpa SOA x"]
    for h in net.hosts.values():
        h.start()
    send(net)
    net["alpha"].wait_inbox("alice")
    expect(not web.asked, "it asked a stranger")
    got = rows(net["beta"])
    expect(any(" sts-webpki-invalid " in row for row in got), got)


def test_requiretls_is_content_with_it(net):
    """RFC 8689 4.2.1: without DNSSEC a policy that is enforced says whose server it is; a tested one does not."""
    with_policy(net, policy("testing"))
    beta = net["beta"]

    def send_secret():
        with smtplib.SMTP(beta.address, beta.port("submission"), timeout=30) as s:
            s.starttls(context=beta.tls())
            s.ehlo()
            s.login("bob@beta.test", beta.passwords["bob@beta.test"])
            s.mail("bob@beta.test", ["REQUIRETLS"])
            s.rcpt("alice@alpha.test")
            expect(s.data(b"From: bob@beta.test\r\nTo: alice@alpha.test\r\nSubject: secret\r\n\r\nwords\r\n")[0] == 250, "refused")
    send_secret()
    beta.wait_log("5.7.30", "vouches for mx.alpha.test")
    net.web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy())
    age(beta)
    new_record(net, "v=STSv1; id=2")
    send_secret()
    net["alpha"].wait_inbox("alice")


def test_old_policies_are_refreshed(net):
    """A day old and in use: fetched anew without a message; not in use for long: left to run out."""
    web = web_of(net, "mta-sts.alpha.test", "mta-sts.unused.test")
    web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy(max_age=500000))
    net.zone += ['_mta-sts.alpha.test. TXT "v=STSv1; id=1"', "test SOA x", "in-addr.arpa SOA x"]
    beta = net["beta"]
    beta.set("mta", "tls-reports", "1s")
    now, day = int(time.time()), 86400
    directory = os.path.join(hints(beta), "sts")
    os.makedirs(directory)
    for name, used in (("alpha.test", now - day), ("unused.test", now - 40 * day)):
        with open(os.path.join(directory, name), "w", encoding="ascii") as f:
            f.write(f"id: 1\nfetched: {now - 2 * day}\ntried: {now - 2 * day}\nused: {used}\n\n"
                    f"version: STSv1\nmode: enforce\nmx: mx.alpha.test\nmax_age: {9 * day}\n")
        give_to_clerk(os.path.join(directory, name))
    give_to_clerk(hints(beta), directory)
    beta.start()
    beta.wait_log("policy domain=alpha.test id=1 mode=enforce max_age=500000")
    hosts.wait_for(lambda: "max_age: 500000" in kept(beta), 10, "the file to be new")
    expect([a[1] for a in web.asked] == [f"mta-sts.alpha.test:{web.port}"], web.asked)
    expect(f"used: {now - day}\n" in kept(beta), "a refresh is no use")


if __name__ == "__main__":
    main()
