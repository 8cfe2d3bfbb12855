#!/usr/bin/env python3
"""Mail that begins here is signed on its way out, and what the receiver gets can be verified. A key in
the store is all that it takes; a stranger's mail is never signed."""
import glob
import json
import os
import re
import smtplib
import subprocess
import time

from e2e import build, expect, hosts, journey, main

RECORD = re.compile(r"[^ ]+\._domainkey[^ ]+ IN TXT ")


def make_keys(net, domain):
    alpha = net["alpha"]
    alpha.command("dkim", "key", "new", domain)
    alpha.command("dkim", "rotate", "--activate", "--force", domain)
    for r in json.loads(alpha.command("dkim", "record", "--json", domain)):
        net.zone.append(f'{r["name"]}. IN TXT "{r["value"]}"')
    for h in net.hosts.values():
        h.write_settings()


def inbox(net, user="bob", count=1):
    with open(net["beta"].wait_inbox(user, count)[-1], "rb") as f:
        return f.read()


def verdicts(net, text):
    """Without what delivery has put on top."""
    with open(f"{net.directory}/mail", "wb") as f:
        f.write(text)
    got = subprocess.run([os.path.join(build(), "posthorn"), "-c", net["beta"].conf, "dkim", "--json", "verify", f.name],
                         capture_output=True, check=False, timeout=60)
    return json.loads(got.stdout)


def test_submitted_mail_is_signed(net):
    make_keys(net, "alpha.test")
    for h in net.hosts.values():
        h.start()
    journey.submit(net["alpha"], journey.a_message().as_bytes())
    text = inbox(net)
    got = verdicts(net, text)
    expect([r["result"] for r in got] == ["pass", "pass"], f"{got}\n{text.decode('utf-8', 'replace')}")
    expect({r["algorithm"] for r in got} == {"rsa-sha256", "ed25519-sha256"}, str(got))
    head = text.split(b"\n\n")[0]
    expect(max(len(line) for line in head.split(b"\n") if b"Received" not in line) < 200, "folded badly")
    with open(net["alpha"].log, encoding="utf-8") as f:
        expect(" signed signatures=2" in f.read(), "nothing in the log")


def test_each_try_sends_the_same(net):
    make_keys(net, "alpha.test")
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    journey.submit(alpha, journey.a_message().as_bytes())
    until = time.monotonic() + 20
    tops = None
    while not tops and time.monotonic() < until:
        files = [f"{alpha.queue}/out/new/{n}" for n in os.listdir(f"{alpha.queue}/out/new") if n.endswith(".e")]
        for name in files:
            with open(name, encoding="utf-8") as f:
                tops = [line[5:].rstrip("\n") for line in f if line.startswith("top: ")]
        time.sleep(0.1)
    expect(tops and len(tops) == 2, f"the envelope has no signatures: {tops}")
    alpha.wait_log(" deferred ")  # the first try, or it may find beta up
    beta.start()
    for name in files:
        alpha.command("queue", "retry", os.path.basename(name)[:-2])
    text = inbox(net).decode("utf-8", "replace")
    flat = re.sub(r"\n[ \t]", " ", text)
    for top in tops:
        expect(re.sub(r"\s", "", top) in re.sub(r"[ \t]", "", flat), f"{top}\n{text}")
    expect(all(r["result"] == "pass" for r in verdicts(net, text.encode())), text)


def test_a_key_that_cannot_be_read_is_waited_for(net):
    make_keys(net, "alpha.test")
    alpha = net["alpha"]
    keys = glob.glob(f"{os.path.dirname(alpha.conf)}/dkim/alpha.test/*.active.pem")
    expect(len(keys) == 2, str(keys))
    for key in keys:
        os.chmod(key, 0)
    for h in net.hosts.values():
        h.start()
    journey.submit(alpha, journey.a_message().as_bytes())
    alpha.wait_log("signing", "ermission denied")
    expect(not net["beta"].inbox("bob"), "it went without")
    for key in keys:
        os.chmod(key, 0o600)
    text = inbox(net)
    expect([r["result"] for r in verdicts(net, text)] == ["pass", "pass"], text.decode("utf-8", "replace"))


def test_sendmail_and_subdomains_are_signed_and_others_not(net):
    make_keys(net, "alpha.test")
    for h in net.hosts.values():
        h.start()
    mail = b"From: cron@host.alpha.test\nTo: bob@beta.test\nSubject: x\n\nhello\n"
    net["alpha"].command("-f", "cron@host.alpha.test", "bob@beta.test", stdin=mail, program="sendmail")
    got = verdicts(net, inbox(net))
    expect([(r["result"], r["domain"]) for r in got] == [("pass", "alpha.test")] * 2, str(got))
    net["alpha"].command("-f", "", "bob@beta.test", stdin=mail.replace(b"cron@host.alpha.test", b"x@other.test"), program="sendmail")
    got = verdicts(net, inbox(net, count=2))
    expect(got == [], f"signed for a domain without a key: {got}")


def test_a_stranger_in_our_name_is_not_signed(net):
    make_keys(net, "alpha.test")
    net["alpha"].command("alias", "add", "list@alpha.test", "bob@beta.test")
    for h in net.hosts.values():
        h.start()
    with smtplib.SMTP(net["alpha"].address, net["alpha"].port("smtp"), timeout=30) as s:
        s.sendmail("mallory@evil.test", ["list@alpha.test"],
                   b"From: alice@alpha.test\r\nTo: list@alpha.test\r\nSubject: forged\r\n\r\npay me\r\n")
    got = verdicts(net, inbox(net))
    expect(got == [], f"we vouched for a forgery: {got}")


if __name__ == "__main__":
    main()
