#!/usr/bin/env python3
"""kill -9 of any process at any time loses nothing that was acknowledged. Numbered messages are
submitted to alpha while processes of both hosts are killed at random; in the end each number that
got its 250 must be in bob's inbox, whole, and hardly any twice."""
import os
import random
import re
import signal
import smtplib
import threading
import time

from e2e import expect, hosts, journey, main

MESSAGES, SECONDS = int(os.environ.get("POSTHORN_MESSAGES", 300)), int(os.environ.get("POSTHORN_SECONDS", 60))


def body(n):
    return "".join(f"{n} line {i}\r\n" for i in range(50 + n % 40))


def submit_all(alpha, accepted, stop):
    n = 0
    while n < MESSAGES and not stop.is_set():
        wire = (f"From: alice@alpha.test\r\nTo: bob@beta.test\r\nSubject: number {n}\r\n\r\n" + body(n)).encode()
        try:
            journey.submit(alpha, wire)
            accepted.append(n)
        except (smtplib.SMTPException, OSError, hosts.Trouble):
            time.sleep(0.05)        # no 250: nobody promised anything, and n + 1 is another message
        n += 1


def victims(net):
    """All processes of both hosts but the keepers; those are started again by no one of ours."""
    return [(pid, name) for h in net.hosts.values() for d in h.running
            for pid, name in h.processes(d).items() if pid != h.running[d].pid]


def kill_some(net, seconds, dice):
    killed = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.01, 0.15))
        pid, name = dice.choice(victims(net) or [(0, "")])
        if not pid:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
            killed[name] = killed.get(name, 0) + 1
        except ProcessLookupError:
            pass
    return killed


def kill_a_keeper(net, dice):
    """The keeper dies, so do its children; a supervisor would start it again: we do."""
    host = net[dice.choice(("alpha", "beta"))]
    daemon = dice.choice(sorted(host.running))
    children = [p for p in host.processes(daemon) if p != host.running[daemon].pid]
    host.running[daemon].kill()
    host.running.pop(daemon).wait()
    hosts.wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in children), 15,
                   f"the children of a dead {daemon} to end")
    host.start(daemon)


def arrived(host):
    """number -> times; damaged ones are an error at once."""
    found = {}
    for path in host.inbox("bob"):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        n = int(re.search(r"^Subject: number (\d+)$", text, re.M).group(1))
        expect(text.endswith("\n\n" + body(n).replace("\r\n", "\n")), f"number {n} is damaged: {path}")
        found[n] = found.get(n, 0) + 1
    return found


def test_nothing_acknowledged_is_lost(net):
    seed = int(os.environ.get("POSTHORN_SEED", random.randrange(1 << 30)))
    print(f"# seed {seed}", flush=True)
    dice = random.Random(seed)
    for h in net.hosts.values():
        h.set("mta", "retry", "1s 1s 1s 1s 1s 1s 1s 1s").start()
    accepted, stop = [], threading.Event()
    sender = threading.Thread(target=submit_all, args=(net["alpha"], accepted, stop))
    sender.start()
    killed = {}
    until = time.monotonic() + SECONDS
    while sender.is_alive() and time.monotonic() < until:
        for name, n in kill_some(net, 4, dice).items():
            killed[name] = killed.get(name, 0) + n
        kill_a_keeper(net, dice)
        killed["keeper"] = killed.get("keeper", 0) + 1
    stop.set()
    sender.join()
    try:
        hosts.wait_for(lambda: set(accepted) <= set(arrived(net["beta"])), 60, "all accepted messages")
    except hosts.Trouble:
        lost = sorted(set(accepted) - set(arrived(net["beta"])))
        raise hosts.Trouble(f"lost {lost}; alpha {net['alpha'].queued()}, beta {net['beta'].queued()}") from None
    hosts.wait_for(lambda: not net["alpha"].queued() and not net["beta"].queued(), 60, "both queues to be empty")
    found = arrived(net["beta"])
    doubled = sum(n - 1 for n in found.values())
    print(f"# {sum(killed.values())} kills {killed}; {len(accepted)} acknowledged, "
          f"0 lost, {doubled} doubled, 0 damaged", flush=True)
    expect(len(accepted) > 10, f"only {len(accepted)} messages were accepted: the hosts hardly served")
    expect(doubled <= 5 + len(accepted) // 10, f"{doubled} doubled")


if __name__ == "__main__":
    main()
