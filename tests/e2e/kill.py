#!/usr/bin/env python3
"""kill -9 of any process of two hosts at any time: nothing acknowledged is lost or damaged, and what
comes twice was doubled on its way between hosts. tests/kills.py is the long form."""
import os
import random
import signal
import socket
import threading

from e2e import expect, hosts, journey, main
import kills

KILLS, MAILS = int(os.environ.get("POSTHORN_KILLS", 60)), int(os.environ.get("POSTHORN_MAILS", 300))


def test_nothing_acknowledged_is_lost(net):
    kills.prepare(net)
    seed = int(os.environ.get("POSTHORN_SEED", random.randrange(1 << 30)))
    verdict, left = kills.run(net, KILLS, MAILS, 0.15, seed)
    expect(not left, f"still in the queues: {left}")
    expect(not verdict.bad(), verdict.text())
    doubled = sum(verdict.doubled.values())
    expect(doubled <= 5 + verdict.wanted // 50, f"{doubled} of {verdict.wanted} doubled")


def test_loss_and_damage_are_seen(net):
    """The proof can fail: a copy is taken away, one is changed, one is there twice."""
    kills.prepare(net)
    run = kills.Run(net, 1)
    run.go(0, 30, 0.05)
    expect(not run.drain(), "the queues are not empty")
    copies = [c for c in kills.collect(net) if c.n in run.acknowledged]
    expect(not kills.Verdict(run, copies).bad(), kills.Verdict(run, copies).text())
    expect(len(kills.Verdict(run, copies[1:]).lost) == 1, "a copy that is gone is not missed")
    copies[0].text = copies[0].text.replace(b" line ", b" lime ", 1)
    expect(len(kills.Verdict(run, copies).damaged) == 1, "a byte that was changed is not seen")
    expect(kills.Verdict(run, copies[1:] + copies[1:2]).bad(), "one name twice is not seen")


class Slow(threading.Thread):
    """A server that says 354 only when it may; counts the messages that it was given whole."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.listener = socket.create_server((address, hosts.PORTS["smtp"]))
        self.may = threading.Event()
        self.asked = self.over = self.whole = 0
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.talk, args=(self.listener.accept()[0],), daemon=True).start()

    def talk(self, s):
        with s, s.makefile("rwb", buffering=0) as f:
            f.write(b"220 slow\r\n")
            for line in f:
                if line == b"DATA\r\n":
                    self.asked += 1
                    self.may.wait()
                    f.write(b"354 go on\r\n")
                    continue
                self.whole += line == b".\r\n"
                if line[:4] in (b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT", b".\r\n"):
                    f.write(b"250 ok\r\n")
            self.over += 1


def test_what_a_killed_sched_began_is_not_ended(net):
    """The next sched sends the message again; so the one who was at it must not end it."""
    alpha = net["alpha"]
    address = alpha.address.rsplit(".", 1)[0] + ".20"
    net.zone += ["slow.test. 300 IN MX 10 mx.slow.test.", f"mx.slow.test. 300 IN A {address}"]
    slow = Slow(address)
    alpha.start("msa", "mta")
    journey.submit(alpha, b"From: alice@alpha.test\r\nSubject: once\r\n\r\nwords\r\n", recipients=("x@slow.test",))
    hosts.wait_for(lambda: slow.asked == 1, 20, "DATA")
    os.kill(next(p for p, name in alpha.processes("mta").items() if name == "mta-sched"), signal.SIGKILL)
    hosts.wait_for(lambda: slow.asked == 2, 20, "DATA of the next")
    slow.may.set()
    hosts.wait_for(lambda: not alpha.queued() and slow.over, 20, "both to be over")
    expect(slow.whole == 1, f"it was given {slow.whole} times")


if __name__ == "__main__":
    main()
