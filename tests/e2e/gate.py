#!/usr/bin/env python3
"""The gate of mta: who a stranger is, by its address, names, lists and manners, and what it hears."""
import json
import os
import re
import socket
import threading
import time

from e2e import build, expect, hosts, main

ZONE = """. SOA; good.test MX 10 mx.good.test; mx.good.test A {good}; {good_ptr} PTR mx.good.test;
  null.test MX 0 .; bad.test MX 10 mx.good.test; liar.test A 127.9.9.9; {liar_ptr} PTR liar.test;
  {listed_rev}.bl.test A 127.0.0.2; {listed_rev}.bl.test TXT "spam seen here"; {listed_ptr} PTR listed.test;
  listed.test A {listed}; {liar_rev}.wl.test A 127.0.3.2; bad.test.dbl.test A 127.0.1.2; list.test MX 10 mx.good.test"""


def addresses(host):
    """Loopback addresses of the host's own network, for clients: good, listed, liar, nobody. Each in a /24 of its own."""
    a, b, _, _ = host.address.split(".")
    return {n: f"{a}.{b}.{200 + i}.{i + 10}" for i, n in enumerate(("good", "listed", "liar", "nobody"))}


def network():
    net = hosts.two_hosts(build())
    alpha = net["alpha"]
    at = net.clients = addresses(alpha)
    words = dict(at)
    for name, ip in at.items():
        words[name + "_rev"] = ".".join(reversed(ip.split(".")))
        words[name + "_ptr"] = words[name + "_rev"] + ".in-addr.arpa"
    alpha.settings["dns"] = {"local-data": "; ".join(net.zone) + "; " + ZONE.format(**words).replace("\n", " ")}
    settings(net)
    alpha.start()
    return net


def settings(net, **more):
    net["alpha"].settings["gate"] = {
        "exempt-networks": "", "early-wait": "0", "tarpit": "0", "check": "no", "greylist": "off", "lists": "bl.test:8 bl.test=127.0.0.2-9:2 wl.test:-4",
        "sender-lists": "dbl.test:10", **{k.replace("_", "-"): v for k, v in more.items()}}
    net["alpha"].write_settings()


def again(net, **more):
    """mta with other settings of the gate."""
    net["alpha"].stop("mta")
    settings(net, **more)
    net["alpha"].start("mta")


class Talk:
    def __init__(self, net, client, helo="mx.good.test", early=b""):
        self.sock = socket.create_connection((net["alpha"].address, net["alpha"].port("smtp")), 20,
                                             source_address=(net.clients.get(client, client), 0))
        if early:
            self.sock.sendall(early)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()
        if helo:
            self.ask("EHLO " + helo)

    def reply(self):
        got = ""
        while True:
            line = self.file.readline().decode()
            got += line
            if line[3:4] != "-":
                return got

    def ask(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def rcpt(self, sender="a@good.test", to="alice@alpha.test"):
        self.ask("RSET")
        got = self.ask(f"MAIL FROM:<{sender}>")
        expect(got.startswith("250"), got)
        return self.ask(f"RCPT TO:<{to}>")

    def send(self, **who):
        got = self.rcpt(**who)
        if not got.startswith("250"):
            return got
        self.ask("DATA")
        return self.ask("Subject: gate\r\n\r\nx\r\n.")

    def close(self):
        self.file.close()
        self.sock.close()


def one(net, client, helo="mx.good.test", **who):
    t = Talk(net, client, helo)
    got = t.rcpt(**who)
    t.close()
    return got


def is_answer(got, code, *words):
    expect(got.startswith(code) and all(w in got for w in words), f"wanted {code} with {words}, got {got!r}")


def test_an_honest_server_is_taken(net):
    t = Talk(net, "good")
    is_answer(t.send(), "250 2.0.0")
    net["alpha"].wait_inbox("alice", len(net["alpha"].inbox("alice")) or 1)
    t.close()


def test_senders(net):
    is_answer(one(net, "good", sender="a@nowhere.test"), "550 5.1.8", "nowhere.test does not exist")
    is_answer(one(net, "good", sender="a@liar.test"), "250")
    is_answer(one(net, "good", sender="a@null.test"), "550 5.7.27", "null MX")
    is_answer(one(net, "good", sender="a@bad.test"), "550 5.7.1", "bad.test is on the list dbl.test")
    is_answer(one(net, "good", sender="bob@alpha.test"), "550 5.7.1", "alpha.test is our own domain", "587")
    is_answer(one(net, "good", sender=""), "250")


def test_names_and_lists(net):
    is_answer(one(net, "good", helo="mx.alpha.test"), "550 5.7.1", "our name")
    is_answer(one(net, "nobody", helo="no-such.test"), "250")
    got = one(net, "listed")
    is_answer(got, "550 5.7.1", "is on the list bl.test (spam seen here)", "postmaster@alpha.test, quoting ")
    number = re.search(r"quoting (\w+)", got).group(1)
    line = net["alpha"].wait_log(number, " rejected ")
    expect("code=550" in line, line)
    line = net["alpha"].wait_log(number, " gate ")
    expect("score=10" in line and "listed:bl.test=8 listed:bl.test=2" in line, line)
    is_answer(one(net, "listed", to="postmaster@alpha.test"), "250")
    # a false PTR weighs 2, an allow list takes 4 off
    is_answer(one(net, "liar", helo="liar"), "250")
    line = net["alpha"].wait_log(net.clients["liar"], " gate ")
    expect("score=0 " in line and "reverse-false=2" in line and "listed:wl.test=-4" in line, line)


def test_recipients_first(net):
    got = one(net, "listed", to="nobody@alpha.test")
    is_answer(got, "550 5.1.1", "nobody here has the address nobody@alpha.test")
    number = re.search(r"\((\w{14})\)", got).group(1)
    net["alpha"].wait_log(number, " rejected ")
    is_answer(one(net, "good", to="bob@beta.test"), "550 5.7.1", "587")


def test_early_talker(net):
    t = Talk(net, "good", helo=None, early=b"EHLO mx.good.test\r\n")
    is_answer(t.greeting, "554 5.5.1", "220", "quoting ")
    t.close()
    again(net, weights="early=3", early_wait="1s")
    t = Talk(net, "liar", helo=None, early=b"EHLO mx.good.test\r\n")
    is_answer(t.greeting, "220")
    t.reply()
    is_answer(t.rcpt(), "250")
    net["alpha"].wait_log(net.clients["liar"], " gate ", "early=3")
    t.close()
    again(net)


def test_greylist(net):
    alpha = net["alpha"]
    again(net, greylist="unknown", greylist_delay="2s")
    is_answer(one(net, "nobody"), "450 4.7.1", "let it try again in ")
    is_answer(one(net, "nobody"), "450 4.7.1")
    time.sleep(2.1)
    t = Talk(net, "nobody")
    is_answer(t.send(), "250")
    t.close()
    alpha.wait_log(net.clients["nobody"], " gate ")
    # its whole network is known now, whatever it brings
    neighbour = net.clients["nobody"].rsplit(".", 1)[0] + ".99"
    deadline = time.monotonic() + 10
    while not one(net, neighbour, sender="new@list.test").startswith("250"):
        expect(time.monotonic() < deadline, "the network did not become known")
        time.sleep(0.05)
    # and after a restart, and a kill
    again(net, greylist="unknown", greylist_delay="2s")
    is_answer(one(net, neighbour, sender="newer@list.test"), "250")
    # who is on an allow list never waits
    is_answer(one(net, "liar"), "250")
    again(net)


def test_what_waits_for_dkim(net):
    """With DKIM checked, who might pass by it is judged after the text."""
    again(net, check="yes", greylist="unknown", greylist_delay="1h", known_for="0")
    t = Talk(net, "nobody")
    is_answer(t.rcpt(sender="bob@alpha.test"), "250")
    is_answer(t.send(sender="bob@alpha.test"), "550 5.7.1", "alpha.test is our own domain")
    is_answer(t.send(), "450 4.7.1", "let it try again in ")
    is_answer(t.send(), "450 4.7.1")
    t.close()
    again(net)


def test_greylist_by_score(net):
    again(net, greylist="suspicious", greylist_at="2", greylist_delay="1h", known_for="0")
    is_answer(one(net, "good"), "250")
    is_answer(one(net, "good", helo="friend"), "450 4.7.1")
    again(net)


def test_tarpit_holds_few(net):
    again(net, tarpit="2s", tarpit_sessions="1", known_for="0")
    took = []

    def come():
        start = time.monotonic()
        is_answer(one(net, "nobody", helo="friend"), "250")
        took.append(time.monotonic() - start)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect(len(took) == 4 and max(took) >= 2, f"nobody waited: {took}")
    expect(sum(t >= 2 for t in took) == 1, f"more than one waited: {took}")
    again(net)


def test_damaged_hints_are_thrown_away(net):
    alpha = net["alpha"]
    alpha.stop("mta")
    path = os.path.join(alpha.queue, "hints", "gate.db")
    expect(os.path.exists(path), f"{path} is not there")
    with open(path, "r+b") as f:
        f.write(b"\xff" * 8192)
    alpha.start("mta")
    alpha.wait_log("gate.db was damaged")
    is_answer(one(net, "good"), "250")


def test_dead_dns_refuses_nobody(net):
    alpha = net["alpha"]
    alpha.stop("mta")
    old = alpha.settings["dns"]
    alpha.settings["dns"] = {"local-data": "", "forward": alpha.address.rsplit(".", 1)[0] + ".54@5353", "timeout": "3s"}
    settings(net, dns_wait="1s")
    alpha.start("mta")
    start = time.monotonic()
    is_answer(one(net, "listed", sender="a@nowhere.test"), "250")
    expect(time.monotonic() - start < 3, "waited too long")
    alpha.stop("mta")
    alpha.settings["dns"] = old
    again(net)


def test_exempt_and_relay_networks(net):
    again(net, exempt_networks=net.clients["listed"])
    is_answer(one(net, "listed", helo="friend", sender="a@nowhere.test"), "250")
    is_answer(one(net, "listed", to="bob@beta.test"), "550 5.7.1")
    net["alpha"].settings["mta"]["relay-networks"] = net.clients["listed"] + "/32"
    again(net)
    is_answer(one(net, "listed", helo="friend", to="bob@beta.test"), "250")
    is_answer(one(net, "good", to="bob@beta.test"), "550 5.7.1")
    del net["alpha"].settings["mta"]["relay-networks"]
    again(net)


def test_recipients_of_a_relay_domain(net):
    alpha = net["alpha"]
    alpha.command("domain", "add", "--relay", "open.test")
    alpha.command("domain", "add", "--relay", "--listed", "map.test")
    with open(os.path.join(alpha.directory, "relay-recipients"), "w", encoding="ascii") as f:
        f.write("# of map.test\nmia@map.test\n")
    time.sleep(1.1)     # the clerk looks once a second
    is_answer(one(net, "good", to="anybody@open.test"), "250")
    is_answer(one(net, "good", to="Mia+lists@map.test"), "250")
    is_answer(one(net, "good", to="postmaster@map.test"), "250")
    is_answer(one(net, "good", to="max@map.test"), "550 5.1.1")
    expect("relay: map.test listed" in open(os.path.join(alpha.directory, "domains"), encoding="utf-8").read(), "no line")


def client_certificate(net, address):
    """A certificate of the run's authority that names address."""
    base = os.path.join(net.directory, "client")
    with open(base + ".ext", "w", encoding="ascii") as f:
        f.write(f"subjectAltName=email:{address}\nextendedKeyUsage=clientAuth\n")
    hosts.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key",
                  "-out", base + ".req", "-subj", "/CN=client")
    hosts.openssl("x509", "-req", "-in", base + ".req", "-CA", net.authority, "-CAkey", os.path.join(net.directory, "ca.key"),
                  "-CAcreateserial", "-days", "30", "-extfile", base + ".ext", "-out", base + ".pem")
    return base + ".pem", base + ".key"


def test_relay_by_certificate(net):
    alpha = net["alpha"]
    alpha.settings["tls"]["client-ca"] = net.authority
    alpha.settings["mta"]["relay-certificates"] = "gateway@branch.test"
    again(net)
    for name, answer in (("gateway@branch.test", "250"), ("other@branch.test", "550 5.7.1"), (None, "550 5.7.1")):
        context = alpha.tls()
        if name:
            context.load_cert_chain(*client_certificate(net, name))
        t = Talk(net, "good")
        is_answer(t.ask("STARTTLS"), "220")
        t.sock = context.wrap_socket(t.sock, server_hostname=alpha.host_name)
        t.file = t.sock.makefile("rb")
        t.ask("EHLO mx.good.test")
        is_answer(t.rcpt(to="bob@beta.test"), answer)
        t.close()
    del alpha.settings["tls"]["client-ca"], alpha.settings["mta"]["relay-certificates"]
    again(net)


def test_explain_says_what_the_server_does(net):
    alpha, at = net["alpha"], net.clients
    code, text = alpha.command("gate", "explain", "--ip", at["listed"], "--helo", "mx.good.test", "--from", "a@good.test",
                               "--to", "alice@alpha.test", check=False)
    expect(code == 77 and "listed:bl.test" in text and "spam seen here" in text and "10  is the score" in text
           and "reject: 5.7.1 " in text, text)
    code, text = alpha.command("gate", "explain", "--ip", at["good"], "--helo", "mx.good.test", "--from", "a@good.test", check=False)
    expect(code == 0 and "   0  is the score" in text and text.endswith("accept\n"), f"{code} {text}")
    code, text = alpha.command("--json", "gate", "explain", "--ip", at["liar"], "--helo", "liar", "--from", "bob@alpha.test", check=False)
    got = json.loads(text)
    expect(code == 77 and got["verdict"] == "reject" and got["score"] == 10 and
           {f["name"] for f in got["facts"]} == {"reverse-false", "helo-syntax", "sender-ours", "listed"}, text)
    code, text = alpha.command("gate", "explain", "--ip", at["good"], "--to", "nobody@alpha.test", check=False)
    expect(code == 77 and "5.1.1" in text, text)
    code, text = alpha.command("gate", "explain", "--helo", "x", check=False)
    expect(code == 64, f"{code} {text}")


def test_lists_are_tried(net):
    alpha = net["alpha"]
    code, text = alpha.command("gate", "lists", check=False)
    expect(code == 69 and "bl.test: lacks its test entry" in text and "dbl.test: lacks" in text, f"{code} {text}")
    old = alpha.settings["dns"]["local-data"]
    alpha.settings["dns"]["local-data"] = old + "; 2.0.0.127.bl.test A 127.0.0.2; test.dbl.test A 127.0.1.2"
    alpha.write_settings()
    code, text = alpha.command("gate", "lists", check=False)
    expect(code == 0 and "bl.test: works" in text and "dbl.test: works" in text and "wl.test: has no test entry" in text, f"{code} {text}")
    alpha.settings["dns"]["local-data"] += "; 1.0.0.127.bl.test A 127.0.0.2"
    alpha.write_settings()
    code, text = alpha.command("gate", "lists", check=False)
    expect(code == 69 and "bl.test: lists what must never be listed" in text, f"{code} {text}")
    alpha.settings["dns"]["local-data"] = old
    alpha.write_settings()


if __name__ == "__main__":
    main(network)
