#!/usr/bin/env python3
"""MTA-STS and TLS reports: beta sends to domains whose policy a web server of the test's own has, and tells
them how it went."""
import email
import email.policy
import gzip
import json
import os
import pwd

from e2e import expect, hosts, main
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


if __name__ == "__main__":
    main()
