#!/usr/bin/env python3
"""kill -9 of any process of two hosts at any time: nothing acknowledged is lost or damaged, and what
comes twice was doubled on its way between hosts. tests/kills.py is the long form."""
import os
import random

from e2e import expect, main
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


if __name__ == "__main__":
    main()
