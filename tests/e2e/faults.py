#!/usr/bin/env python3
"""Bad days while mail flows: disks that break or are full, too little memory, too few descriptors,
clocks that jump. What was acknowledged arrives in the end, whole. faults.c breaks the calls."""
import contextlib
import os
import signal
import struct
import subprocess

from e2e import Skip, build, expect, hosts, journey, main
import kills

WRITERS = ("msa-session", "mta-inbound", "mta-sched", "mda-pick", "mda-deliver")
LIBRARY = os.path.abspath(os.environ["POSTHORN_FAULTS"])
DAY = 86400
SCHED_FILES = 34                # its stations, its loop, and a few more


def bend(host, programs, before):
    """From the next start of these programs on, `before` is what a shell runs first; its last word is exec."""
    bent = os.path.join(host.directory, "programs")
    if not os.path.isdir(bent):
        os.mkdir(bent)
        for name in os.listdir(host.network.build):
            os.symlink(os.path.join(host.network.build, name), os.path.join(bent, name))
        host.set("posthorn", "program-directory", bent)
    for name in programs:
        path = os.path.join(bent, name)
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\n{before} {os.path.join(host.network.build, name)} \"$@\"\n")
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)


def preload(**faults):
    words = " ".join(f"FAULT_{k.upper()}={v}" for k, v in faults.items())
    return f"exec env LD_PRELOAD={LIBRARY} ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 {words}"


def mend(host, programs):
    """As they were, from now on."""
    bend(host, programs, "exec")
    for daemon in list(host.running):
        for pid, name in host.processes(daemon).items():
            if name in [p[:15] for p in programs]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def finish(run):
    """All queues empty; every copy compared."""
    left = run.drain()
    verdict = kills.Verdict(run, kills.collect(run.net))
    print(f"# {len(run.sent)} tried, {verdict.text()}", flush=True)
    expect(not left, f"still in the queues: {left}")
    expect(not verdict.bad(), verdict.text())


def flow(net, mails):
    run = kills.Run(net, 7, rest=0.01)
    run.go(0, mails, 0.05, 60)
    finish(run)
    return run


def broken(net, mails, **faults):
    for h in net.hosts.values():
        bend(h, WRITERS, preload(**faults))
    kills.prepare(net)
    run = flow(net, mails)
    expect(len(run.sent) > len(run.acknowledged), "no fault was met: is the library loaded?")


def plain():
    """Sanitizers take memory and descriptors of their own; and one bad disk tells them enough."""
    with open(os.path.join(build(), "mta-sched"), "rb") as f:
        if b"__asan_init" in f.read():
            raise Skip("only without sanitizers")


def long():
    plain()
    if "POSTHORN_LONG" not in os.environ:
        raise Skip("half a minute; set POSTHORN_LONG for it")


def test_a_broken_disk(net):
    broken(net, 50, flush=17, write=23, name=29)


def test_every_7th_flush_fails(net):
    long()
    broken(net, 300, flush=7)


def test_every_7th_write_fails(net):
    long()
    broken(net, 300, write=7)


def test_every_9th_name_fails(net):
    long()
    broken(net, 300, name=9)


def mount(path, options):
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small filesystem")
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options + ",mode=755", "tmpfs", path], check=True)


@contextlib.contextmanager
def small_disks(net, what, options):
    """Both hosts' queues or mailboxes on filesystems that are soon full."""
    mounted = [getattr(h, what) for h in net.hosts.values()]
    try:
        for path in mounted:
            mount(path, options)
        for h in net.hosts.values():
            h.own_mail_directory()
            h.set("posthorn", "disk-reserve", "300k")
        kills.prepare(net)
        yield mounted
    finally:
        net.stop()
        for path in mounted:
            subprocess.run(["umount", "-l", path], check=False)


def fill_the_queues(net, options):
    plain()
    with small_disks(net, "queue", options):
        for h in net.hosts.values():
            h.stop("mda")
        run = kills.Run(net, 7, rest=0.01)
        run.go(0, 0, 0.05, 60, lambda: len(run.sent) > len(run.acknowledged) + 20)
        for h in net.hosts.values():
            h.start("mda")
        finish(run)


def test_full_queue(net):
    fill_the_queues(net, "size=1m")


def test_no_inodes(net):
    long()
    fill_the_queues(net, "size=64m,nr_inodes=220")


def test_full_mailboxes(net):
    plain()
    with small_disks(net, "mail", "size=600k") as mounted:
        run = kills.Run(net, 7, rest=0.01)
        run.go(0, 60, 0.05, 60)
        hosts.wait_for(lambda: net["beta"].log_lines("status=4.3.1"), 20, "a mailbox to be full")
        for path in mounted:
            subprocess.run(["mount", "-o", "remount,size=1g", path], check=True)
        finish(run)


def test_too_little_memory(net):
    """Who has none left ends, and is started again; nobody answers 250 for what it could not keep."""
    plain()
    alpha, beta = net["alpha"], net["beta"]
    recipients = [f"bob+{i}@beta.test" for i in range(300)]
    short = ("mta-sched", "mta-send", "mta-inbound", "mda-pick")
    for h in (alpha, beta):
        bend(h, short, "ulimit -d 500; exec")
    kills.prepare(net)
    letter = b"From: alice@alpha.test\r\nSubject: many\r\n\r\nwords\r\n"
    journey.submit(alpha, letter, recipients=recipients)
    hosts.wait_for(lambda: any("out of memory" in h.log_text() for h in (alpha, beta)), 20, "somebody to run out of memory")
    for h in (alpha, beta):
        mend(h, short)
    beta.wait_inbox("bob", len(recipients), 60)
    hosts.wait_for(lambda: not alpha.queued() and not beta.queued(), 30, "both queues to be empty")


def test_too_few_descriptors(net):
    """Enough to start with, and too few for what there is to do."""
    plain()
    few = {"msa-session": 13, "mta-inbound": 13, "mta-sched": SCHED_FILES, "mta-send": 12, "mda-pick": 22, "mda-deliver": 12}
    for h in net.hosts.values():
        for program, files in few.items():
            bend(h, (program,), f"ulimit -n {files}; exec")
    kills.prepare(net)
    run = kills.Run(net, 7, rest=0.01)
    run.go(0, 40, 0.05, 60)
    for h in net.hosts.values():
        mend(h, few)
    finish(run)
    expect(any(h.log_lines("Too many open files") for h in net.hosts.values()), "there were always enough")


class Clock:
    """The wall clock of some programs of a host."""

    def __init__(self, host, programs):
        self.path = os.path.join(host.directory, "clock")
        self.set(0)
        bend(host, programs, preload(clock=self.path))

    def set(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as f:
            f.write(struct.pack("q", seconds))


def test_a_clock_that_jumps(net):
    """Ten days ahead and back: what could not be delivered is not given up at once, nor forgotten."""
    plain()
    alpha, beta = net["alpha"], net["beta"]
    clock = Clock(alpha, ("mta-sched", "mda-pick"))
    alpha.set("mta", "retry", "1s").start()
    os.makedirs(os.path.dirname(alpha.maildir("carol")), exist_ok=True)
    with open(alpha.maildir("carol"), "wb"):        # no mailbox, but in its place: so she waits too
        pass
    letter = b"From: alice@alpha.test\r\nSubject: when\r\n\r\nwords\r\n"
    journey.submit(alpha, letter, recipients=("carol@alpha.test", "bob@beta.test"))
    waiting = ("carol@alpha.test", "bob@beta.test")
    for days in (0, 10, -3, 0):
        clock.set(days * DAY)
        # Whoever comes makes sched look at the clock; else it does within a minute.
        journey.submit(alpha, letter.replace(b"when", b"%d" % days), recipients=("bob@beta.test",))
        for who in waiting:
            seen = len(alpha.log_lines(f"deferred to=<{who}>"))
            hosts.wait_for(lambda: len(alpha.log_lines(f"deferred to=<{who}>")) > seen + 2, 90, f"{who} at {days} days")
            expect(len(alpha.log_lines(f"deferred to=<{who}>")) < seen + 20, f"{who} goes round at {days} days")
    os.unlink(alpha.maildir("carol"))
    alpha.wait_inbox("carol", 1, 90)
    beta.start()
    beta.wait_inbox("bob", 5, 90)
    hosts.wait_for(lambda: not alpha.queued(), 30, "the queue to be empty")
    expect(not alpha.inbox("alice"), "the sender was told that it failed")


if __name__ == "__main__":
    main()
