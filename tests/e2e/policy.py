#!/usr/bin/env python3
"""Who may send as whom, and how much: refused, completed, held, told, released, dropped."""
import email
import json
import os
import signal
import smtplib

from e2e import build, expect, hosts, main

PASSWORD = "secret words"
ALIASES = """group sales: alice@alpha.test, carol@alpha.test (receive-only)
shop@alpha.test: group sales
shop-*@alpha.test: group sales
boss@alpha.test: carol@alpha.test (send-only)
"""


def network():
    net = hosts.two_hosts(build())
    alpha = net["alpha"]
    alpha.add_user("boss")
    with open(os.path.join(alpha.directory, "aliases"), "a", encoding="ascii") as f:
        f.write(ALIASES)
    alpha.start("msa", "mta", "mda")
    net["beta"].start("mta", "mda")
    return net


def client(net, login):
    host = net["alpha"]
    s = smtplib.SMTP(host.address, host.port("submission"), timeout=60)
    s.starttls(context=host.tls())
    s.login(f"{login}@alpha.test", PASSWORD)
    return s


def send(net, login, header, sender=None, to=("bob@beta.test",)):
    """The answer to the text: code and words."""
    s = client(net, login)
    try:
        code, said = s.mail(sender if sender is not None else f"{login}@alpha.test")
        if code != 250:
            return code, said.decode()
        answers = [s.rcpt(one) for one in to]
        if not any(a[0] == 250 for a in answers):
            return answers[0][0], answers[0][1].decode()
        code, said = s.data(header.replace("\n", "\r\n").encode() + b"\r\nbody\r\n")
        return code, said.decode()
    finally:
        s.close()


def last(net, user="bob", host="beta", count=None):
    """The newest message there, once there are count."""
    paths = net[host].wait_inbox(user, count or 1)
    with open(max(paths, key=os.path.getmtime), "rb") as f:
        return email.message_from_binary_file(f)


def test_envelope_and_from_belong_to_the_login(net):
    def ok(*a, **k):
        code, said = send(net, *a, **k)
        expect(code == 250, f"{a} {k}: {code} {said}")

    def no(status, *a, **k):
        code, said = send(net, *a, **k)
        expect(code in (550, 554) and status in said, f"{a} {k}: {code} {said}")
        return said

    ok("alice", "From: alice@alpha.test\n")
    ok("alice", "From: Alice <ALICE+lists@alpha.test>\n")
    ok("alice", "From: shop@alpha.test\n", sender="shop@alpha.test")
    ok("alice", "From: shop-books@alpha.test\n")
    no("5.7.1", "carol", "From: carol@alpha.test\n", sender="shop@alpha.test")
    no("5.7.1", "carol", "From: shop@alpha.test\n")
    ok("carol", "From: boss@alpha.test\nSender: carol@alpha.test\n", sender="boss@alpha.test")
    said = no("5.7.1", "alice", "From: boss@alpha.test\n")
    expect("boss@alpha.test, who stands in From; choose an own address" in said, said)
    no("5.7.1", "alice", "From: alice@alpha.test\nSender: boss@alpha.test\n")
    no("5.7.1", "alice", "From: alice@alpha.test, boss@alpha.test\n")
    no("5.6.0", "alice", "From: alice@alpha.test\nFrom: boss@alpha.test\n")
    no("5.6.0", "alice", "From: boss@alpha.test <alice@alpha.test>\n")
    no("5.7.1", "alice", "Resent-From: alice@alpha.test\nFrom: boss@alpha.test\n")
    ok("alice", "Resent-From: alice@alpha.test\nResent-To: bob@beta.test\nFrom: friend@far.test\n")
    ok("alice", "From: alice@alpha.test\nContent-Type: multipart/report; report-type=disposition-notification\n", sender="")
    told = net["alpha"].command("address", "explain", "shop-books@alpha.test", "--login", "alice@alpha.test")
    expect("aliases:3: shop-*@alpha.test: group sales" in told, told)


def test_header_is_completed(net):
    before = len(net["beta"].inbox("dora"))
    code, said = send(net, "alice", "To: dora@beta.test\nBcc: secret@beta.test\nMessage-ID: nonsense\n"
                      "Return-Path: <x@far.test>\nDate: soon\n", to=("dora@beta.test",))
    expect(code == 250, said)
    m = last(net, "dora", count=before + 1)
    expect(m["From"] == "<alice@alpha.test>" and m["Bcc"] is None, m.as_string())
    expect(m["Message-ID"].endswith("@alpha.test>") and m["Date"] != "soon", m.as_string())
    expect(m.get_all("Return-Path") == ["<alice@alpha.test>"], m.as_string())
    expect("127." not in m["Received"].split("by mx.alpha.test")[0] or "mx.alpha.test" in m["Received"], m.as_string())
    code, said = send(net, "alice", "From: alice@alpha.test, shop@alpha.test\n", to=("dora@beta.test",))
    expect(code == 250, said)
    m = last(net, "dora", count=before + 2)
    expect(m["Sender"] == "<alice@alpha.test>", m.as_string())
    code, said = send(net, "alice", "Resent-From: alice@alpha.test\nResent-Bcc: x@far.test\nFrom: f@far.test\n",
                      to=("dora@beta.test",))
    m = last(net, "dora", count=before + 3)
    expect(m["Resent-Date"] and m["Resent-Message-ID"].startswith("<r.") and m["Resent-Bcc"] is None, m.as_string())
    inner = [line for line in m.get_all("Received")[-1].splitlines()]
    expect(not any("127." in line for line in inner), f"the client is not hidden: {inner}")


def test_on_behalf_of_and_no_check(net):
    alpha = net["alpha"]
    alpha.set("msa", "from-check", "sender")
    alpha.stop("msa")
    alpha.start("msa")
    before = len(net["beta"].inbox("dora"))
    code, said = send(net, "alice", "From: boss@alpha.test\nSender: boss@alpha.test\n", to=("dora@beta.test",))
    expect(code == 250, said)
    m = last(net, "dora", count=before + 1)
    expect(m.get_all("Sender") == ["<alice@alpha.test>"] and m["From"] == "boss@alpha.test", m.as_string())
    expect(send(net, "alice", "From: x@far.test\n", sender="boss@alpha.test")[0] == 550, "envelope is always checked")
    alpha.set("msa", "from-check", "no")
    alpha.stop("msa")
    alpha.start("msa")
    expect(send(net, "alice", "From: boss@alpha.test\n")[0] == 250, "from-check = no")
    alpha.set("msa", "from-check", "refuse")
    alpha.stop("msa")
    alpha.start("msa")


def limits(alpha, **most):
    for key in ("messages", "recipients", "new_recipients"):
        alpha.set("msa", key.replace("_", "-") + "-per-day", most.get(key, 0))
    alpha.stop("msa")
    alpha.start("msa")


def test_too_much_is_held_told_and_released(net):
    alpha, beta = net["alpha"], net["beta"]
    limits(alpha, messages=1000, new_recipients=3)
    header = "From: carol@alpha.test\nSubject: held\n"
    hosts.wait_for(lambda: alpha.queued() == {} == beta.queued(), 30, "an empty queue")
    inbox = len(beta.inbox("bob"))
    strangers = lambda *n: tuple(f"bob+n{i}@beta.test" for i in n)
    expect("held" not in send(net, "carol", header, to=strangers(1, 2))[1], "two new recipients are fine")
    expect("held" not in send(net, "carol", header, to=strangers(1, 2) + ("alice@alpha.test",))[1],
           "the known and our own are not new")
    code, said = send(net, "carol", header, to=strangers(3))
    expect(code == 250 and "(held: 3 and 1 more are over new-recipients-per-day = 3)" in said, f"{code} {said}")
    one = said.split("queued as ")[1].split()[0]
    hosts.wait_for(lambda: alpha.station("hold") == [one], 20, "the message on hold")
    code, said = send(net, "carol", header, to=strangers(3, 4))
    expect("held" in said, said)
    hosts.wait_for(lambda: len(alpha.station("hold")) == 2, 20, "both on hold")
    m = last(net, "carol", "alpha")
    expect("carol@alpha.test is on hold" in m["Subject"] and m["Auto-Submitted"] == "auto-generated", m.as_string())
    expect("posthorn queue release --login carol@alpha.test" in m.get_payload(), m.as_string())
    postmaster = os.path.join(alpha.mail, "postmaster", "Maildir", "new")
    hosts.wait_for(lambda: os.path.isdir(postmaster) and os.listdir(postmaster), 20, "the postmaster's copy")
    listed = json.loads(alpha.command("queue", "list", "hold", "--json"))
    expect(all(e["hold"].startswith("carol@alpha.test: 3 and ") for e in listed), str(listed))
    expect("on hold: carol@alpha.test: 3 and 1 more" in alpha.command("queue", "list", "hold"), "list says why")
    expect("0 messages" in alpha.command("queue", "release", "--login", "boss@alpha.test"), "boss")
    hosts.wait_for(lambda: list(alpha.queued()) == ["hold"], 20, "only what is on hold")
    told = [p for p in alpha.inbox("carol") if b"is on hold" in open(p, "rb").read()]
    expect(len(told) == 1, f"told {len(told)} times")
    alpha.command("queue", "release", "--login", "CAROL@alpha.test")
    beta.wait_inbox("bob", inbox + 4 + 3)
    expect(alpha.station("hold") == [], "something is still on hold")
    send(net, "carol", header, to=strangers(5))
    hosts.wait_for(lambda: len(alpha.station("hold")) == 1, 20, "the next on hold")
    alpha.command("queue", "delete", "--login", "carol@alpha.test")
    expect(alpha.queued() == {}, f"left: {alpha.queued()}")
    expect(len(beta.inbox("bob")) == inbox + 7, "dropped mail came")


def test_counts_survive_and_limits_have_exceptions(net):
    alpha = net["alpha"]
    limits(alpha, messages=3)
    header = "From: boss@alpha.test\n"
    for _ in range(3):
        expect("held" not in send(net, "boss", header)[1], "below the limit")
    clerk = next(p for p, name in alpha.processes("msa").items() if "clerk" in name)
    os.kill(clerk, signal.SIGKILL)
    hosts.wait_for(lambda: send(net, "boss", header, to=("nobody@alpha.test",))[0] >= 0 and
                   any("clerk" in n and p != clerk for p, n in alpha.processes("msa").items()), 30, "a new clerk")
    code, said = send(net, "boss", header)
    expect(code == 250 and "held: 3 and 1 more are over messages-per-day = 3" in said, f"{code} {said}")
    limits(alpha, messages=3)
    expect("held" in send(net, "boss", header)[1], "the counts are gone after a restart")
    alpha.set("msa", "unlimited", "boss@alpha.test")
    alpha.stop("msa")
    alpha.start("msa")
    expect("held" not in send(net, "boss", header)[1], "unlimited")
    alpha.command("queue", "bounce", "--login", "boss@alpha.test")
    hosts.wait_for(lambda: alpha.station("hold") == [], 20, "nothing on hold")


main(network)
