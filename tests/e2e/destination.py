#!/usr/bin/env python3
"""What mta remembers of destinations, and what a person says about them: while it runs, and while it
does not."""
import json
import os
import socket
import threading
import time

from e2e import expect, hosts, journey, main


def letter(subject, to="bob@beta.test"):
    return f"From: alice@alpha.test\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nhello\r\n".encode()


def known(alpha):
    return {d["name"]: d for d in json.loads(alpha.command("destination", "list", "--json"))}


def test_what_worked_is_remembered(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    expect(known(alpha) == {}, "something is known at the start")
    journey.submit(alpha, letter("one"))
    beta.wait_inbox("bob")
    d = hosts.wait_for(lambda: known(alpha).get("beta.test"), 10, "beta.test to be known")
    expect(d["taken"] == 1 and d["host"] == "mx.beta.test" and d["ip"] == beta.address and d["family"] == 4, d)
    expect(d["tls"].startswith("TLSv1.3") and not d["dead_until"], d)
    text = alpha.command("destination", "show", "Beta.Test")
    expect("PIPELINING" in text and "mx.beta.test" in text, text)
    alpha.stop("mta")
    expect(known(alpha)["beta.test"]["taken"] == 1, "it is not known any more while mta is stopped")
    alpha.command("destination", "set", "beta.test", "concurrency=3")
    alpha.start("mta")
    expect(known(alpha)["beta.test"]["concurrency"] == 3, "what was set while mta was stopped")
    code, text = alpha.command("destination", "set", "beta.test", "concurrency=lots", check=False)
    expect(code == 64 and "nothing that concurrency can be" in text, text)
    code, text = alpha.command("destination", "show", "gamma.test", check=False)
    expect(code == 66 and "nothing is known of gamma.test" in text, text)


def test_kept_back_and_let_go(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    code, text = alpha.command("destination", "set", "beta.test", "dead=2h", check=False)
    expect(code == 64 and "longer than unreachable-max, 1h" in text, text)
    alpha.command("destination", "set", "beta.test", "dead=30m")
    expect("left alone for" in alpha.command("destination", "list", "b*"), "list")
    journey.submit(alpha, letter("not now"))
    alpha.wait_log("deferred", "the administrator keeps mail for it back")
    hosts.wait_for(lambda: "the administrator keeps" in alpha.command("queue"), 10, "the reason in the queue")
    alpha.command("destination", "forget", "beta.test")
    expect(known(alpha) == {}, "forgotten")
    alpha.command("queue", "retry", "all")
    beta.wait_inbox("bob")


def test_dead_stays_dead_over_a_restart(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    journey.submit(alpha, letter("first"))
    alpha.wait_log("deferred")
    d = known(alpha)["beta.test"]
    expect(d["fails"] == 1 and d["dead_until"] > d["failed_at"] and "connect" in d["why"], d)
    alpha.stop("mta")
    beta.start()
    alpha.start("mta")
    tries = len(alpha.log_lines("unreachable"))
    journey.submit(alpha, letter("second"))
    hosts.wait_for(lambda: len(alpha.log_lines("deferred")) == 2, 20, "the second one to wait, too")
    expect(len(alpha.log_lines("unreachable")) == tries, "it was tried")
    expect("2 messages" in alpha.command("queue"), alpha.command("queue"))
    alpha.command("destination", "set", "beta.test", "dead=no")
    alpha.command("queue", "retry", "all")
    beta.wait_inbox("bob", 2)


def test_a_rehearsal_of_the_first_try_has_no_login(net):
    """Who is tried before the relay is named by the DNS, and has no business with our password."""
    alpha, beta = net["alpha"], net["beta"]
    with open(os.path.join(alpha.directory, "destinations"), "w", encoding="utf-8") as f:
        f.write("beta.test via=relay.test login=isp after=2\ngamma.test via=relay.test login=isp\n")
    beta.start()
    text = alpha.command("destination", "test", "beta.test")
    expect("mail for beta.test goes to mx.beta.test" in text and "login" not in text, text)
    code, text = alpha.command("destination", "test", "beta.test", "login=isp", "after=0", check=False)
    expect(code == 75 and "there is no via" in text, text)
    text = alpha.command("destination", "test", "gamma.test", f"via=mx.beta.test:{hosts.PORTS['smtp']}")
    expect("mail for gamma.test goes to mx.beta.test" in text and "login" not in text, text)
    for words in (("test", "bob@beta.test"), ("test", "beta..test"), ("way", "bob@"), ("way", "not a domain")):
        code, text = alpha.command("destination", *words, check=False)
        expect(code == 64, (words, code, text))
    code, text = alpha.command("destination", "test", "gamma.test", "via=lmtp:/no/where", check=False)
    expect(code == 75 and "- connect      cannot connect to /no/where" in text, text)


class Greedy(threading.Thread):
    """A server that greets so many clients at once, and tells others that there are too many."""

    def __init__(self, address, most):
        super().__init__(daemon=True)
        self.listener = socket.create_server((address, hosts.PORTS["smtp"]), backlog=100)
        self.room = threading.Semaphore(most)
        self.clients = self.taken = 0
        self.greeting = b"421 4.7.0 too many connections\r\n"
        self.start()

    def run(self):
        while True:
            s = self.listener.accept()[0]
            self.clients += 1
            threading.Thread(target=self.talk, args=(s,), daemon=True).start()

    def talk(self, s):
        with s, s.makefile("rwb", buffering=0) as f:
            if not self.room.acquire(blocking=False):
                f.write(self.greeting)
                return
            f.write(b"220 greedy\r\n")
            for line in f:
                if line == b".\r\n":
                    time.sleep(0.02)
                    self.taken += 1
                if line[:4].upper() in (b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT", b".\r\n"):
                    f.write(b"250 ok\r\n")
                elif line == b"DATA\r\n":
                    f.write(b"354 go on\r\n")
            self.room.release()


def test_who_says_too_many_is_asked_for_less(net):
    """No message waits for that, and the server does not hear us knock without end."""
    alpha = net["alpha"]
    address = alpha.address.rsplit(".", 1)[0] + ".20"
    net.zone += ["greedy.test. 300 IN MX 10 mx.greedy.test.", f"mx.greedy.test. 300 IN A {address}"]
    greedy = Greedy(address, 3)
    alpha.start("msa")
    for i in range(60):
        journey.submit(alpha, letter(f"number {i}", "x@greedy.test"), recipients=("x@greedy.test",))
    alpha.start("mta")
    hosts.wait_for(lambda: greedy.taken == 60, 30, "60 messages at greedy.test")
    d = hosts.wait_for(lambda: known(alpha).get("greedy.test"), 10, "greedy.test to be known")
    expect(d["polite"] and d["refused"] and d["at_once"] <= d["polite"], d)
    expect(greedy.clients < 20, f"{greedy.clients} connections for 60 messages")
    expect(not alpha.log_lines("deferred"), "a message waits")


def test_a_server_of_many_domains_is_one_server(net):
    """Who refuses the sixth connection does not care for which of his domains it is."""
    alpha = net["alpha"]
    address = alpha.address.rsplit(".", 1)[0] + ".20"
    net.zone += [f"mx.greedy.test. 300 IN A {address}"] + [f"d{i}.greedy.test. 300 IN MX 10 mx.greedy.test." for i in range(30)]
    greedy = Greedy(address, 5)
    alpha.start("msa")
    for i in range(60):
        to = f"x@d{i % 30}.greedy.test"
        journey.submit(alpha, letter(f"number {i}", to), recipients=(to,))
    alpha.start("mta")
    hosts.wait_for(lambda: greedy.taken == 60, 30, "60 messages at mx.greedy.test")
    expect(not alpha.log_lines("deferred"), "a message waits")
    expect(greedy.clients < 120, f"{greedy.clients} connections for 60 messages")


def test_the_server_that_refuses_is_named(net):
    """Also to those messages for which nobody asks it again."""
    alpha = net["alpha"]
    address = alpha.address.rsplit(".", 1)[0] + ".20"
    net.zone += ["greedy.test. 300 IN MX 10 mx.greedy.test.", f"mx.greedy.test. 300 IN A {address}"]
    greedy = Greedy(address, 0)
    alpha.start("msa", "mta")
    for i in range(2):
        journey.submit(alpha, letter(f"number {i}", "x@greedy.test"), recipients=("x@greedy.test",))
        hosts.wait_for(lambda: len(alpha.log_lines("deferred")) > i, 20, "it to wait")
    expect(greedy.clients == 1, f"{greedy.clients} connections")
    got = [r for m in json.loads(alpha.command("queue", "list", "--json")) for r in m["recipients"]]
    expect([(r["remote"], r["answer"]) for r in got] == [("mx.greedy.test", "421 4.7.0 too many connections")] * 2, got)
    greedy.greeting = b"554 5.7.1 not from you\r\n"
    alpha.command("queue", "retry", "all")
    hosts.wait_for(lambda: not alpha.station("out"), 20, "the queue to be empty")
    expect(known(alpha)["greedy.test"]["taken"] == 0, known(alpha))
    expect("host          mx.greedy.test" in alpha.command("destination", "show", "greedy.test"), "destination show")


if __name__ == "__main__":
    main()
