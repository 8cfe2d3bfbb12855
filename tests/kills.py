#!/usr/bin/env python3
"""Mail between two hosts while any of their processes is killed at any moment. Each mail has a
number; what was acknowledged is looked for in the mailboxes of both hosts, byte for byte:

	tests/kills.py BUILD [--kills N] [--mails N] [--seed N] [--keep DIR]

Prints lost, doubled and damaged, and how each doubled one came to be. tests/e2e/kill.py is the
short form."""
import argparse
import collections
import os
import random
import re
import signal
import smtplib
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402

CLIENTS = (("alpha", "alice"), ("alpha", "carol"), ("beta", "bob"), ("beta", "dora"))
LARGE = 200 << 10
DRAIN_S = 120
ONE_IN_KEEPER = 12              # kills that hit a keeper, and with it all of a daemon

# Whom a mail may go to, and where that ends: the Delivered-To lines of the copy, the last one first;
# None is a report to the sender.
WAYS = {
    "alice@alpha.test": (("alice@alpha.test",),),
    "carol@alpha.test": (("carol@alpha.test",),),
    "bob@beta.test": (("bob@beta.test",),),
    "dora@beta.test": (("dora@beta.test",),),
    "two@beta.test": (("two@beta.test", "bob"), ("two@beta.test", "dora")),
    "away@beta.test": (("carol@alpha.test", "away@beta.test"),),
    "nobody@beta.test": (None,),
    "nobody@alpha.test": (None,),
}


class Mail:
    """Number n of a run: what is in it, and to whom it goes, follow from the run's seed."""

    def __init__(self, seed, n, sender):
        dice = random.Random(f"{seed} {n}")
        self.n, self.sender = n, sender
        local = [r for r in WAYS if not r.startswith("nobody@")]
        self.recipients = dice.sample(local, dice.choice((1, 1, 2, 3)))
        # An unknown user of one's own host is refused at once; one of the other's comes back.
        there = "beta" if sender.endswith("@alpha.test") else "alpha"
        if dice.random() < 0.1:
            self.recipients.append(f"nobody@{there}.test")
        size = int(600 * (LARGE / 600) ** (dice.random() ** 3))
        self.text = (f"From: {sender}\nTo: {', '.join(self.recipients)}\nSubject: number {n}\n"
                     f"Date: Thu, 26 Nov 2026 12:00:00 +0000\nMessage-ID: <{n}.{seed}@kills.test>\n"
                     "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                     "Content-Transfer-Encoding: 8bit\n\n").encode() + body(n, size)

    def wire(self):
        return self.text.replace(b"\n", b"\r\n")

    def copies(self):
        """All copies that there must be in the end: (number, Delivered-To lines)."""
        return [(self.n, way) for r in self.recipients for way in WAYS[r]]


def body(n, size):
    line = "{n} line {i} Καλημέρα, Grüße {x}\n"
    lines, total, i = [], 0, 0
    while total < size:
        one = ("." * (i % 3) + line.format(n=n, i=i, x=(n * 31 + i * 17) % 9973)).encode()
        lines.append(one)
        total += len(one)
        i += 1
    return b"".join(lines)


class Run:
    def __init__(self, net, seed, rest=0.05):
        self.net, self.seed, self.rest = net, seed, rest       # rest: seconds between two mails of a client
        self.lock = threading.Lock()
        self.sent = {}              # number -> mail: acknowledged, or nobody knows (the 250 was not heard)
        self.acknowledged = set()
        self.stop = threading.Event()
        self.next = 0
        self.killed = collections.Counter()

    # --- clients ---

    def new_mail(self, sender):
        with self.lock:
            self.next += 1
            n = self.next
        mail = Mail(self.seed, n, sender)
        self.sent[n] = mail
        return mail

    def client(self, host, user):
        """Mail after mail on one connection, as long as it lives. Nothing is sent twice."""
        sender = f"{user}@{host.domain}"
        while not self.stop.is_set():
            try:
                with smtplib.SMTP(host.address, host.port("submission"), timeout=30) as s:
                    s.starttls(context=host.tls())
                    s.ehlo()
                    s.login(sender, host.passwords[sender])
                    while not self.stop.is_set():
                        self.submit(s, self.new_mail(sender))
                        self.stop.wait(self.rest)
            except (smtplib.SMTPException, OSError):
                self.stop.wait(0.02)

    def submit(self, s, mail):
        wire = mail.wire()
        s.mail(mail.sender, [f"size={len(wire)}", "body=8bitmime"])
        for r in mail.recipients:
            code, _ = s.rcpt(r)
            if code != 250:
                s.rset()
                return
        code, _ = s.data(wire)
        if code == 250:
            self.acknowledged.add(mail.n)

    # --- killing ---

    def victim(self, dice):
        """A kind of process first, then one of them: who is alone is hit as often as who is many."""
        kinds = collections.defaultdict(list)
        for h in self.net.hosts.values():
            for d in h.running:
                for pid, name in h.processes(d).items():
                    if pid != h.running[d].pid:
                        kinds[name].append(pid)
        name = dice.choice(sorted(kinds) or [""])
        return (name, dice.choice(kinds[name])) if name else (None, None)

    def kill_one(self, dice):
        name, pid = self.victim(dice)
        try:
            if pid:
                os.kill(pid, signal.SIGKILL)
                self.killed[name] += 1
        except ProcessLookupError:
            pass

    def kill_keeper(self, dice):
        """The keeper dies, so do its children; a supervisor would start it again: we do."""
        host = self.net[dice.choice(sorted(self.net.hosts))]
        daemon = dice.choice(sorted(host.running))
        children = [p for p in host.processes(daemon) if p != host.running[daemon].pid]
        host.running[daemon].kill()
        host.running.pop(daemon).wait()
        hosts.wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in children), 15,
                       f"the children of a dead {daemon} to end")
        host.start(daemon)
        self.killed["keeper"] += 1

    def killing(self, kills, mails, pause, seconds, enough, dice):
        """Until there were enough of both, and of what else is wanted."""
        until = time.monotonic() + seconds
        while sum(self.killed.values()) < kills or len(self.acknowledged) < mails or not enough():
            if time.monotonic() > until:
                raise hosts.Trouble(f"only {len(self.acknowledged)} mails were taken in {seconds} s")
            time.sleep(dice.expovariate(1 / pause))
            if sum(self.killed.values()) >= kills:
                continue
            if dice.randrange(ONE_IN_KEEPER) == 0:
                self.kill_keeper(dice)
            else:
                self.kill_one(dice)

    # --- all of it ---

    def go(self, kills, mails, pause, seconds=3600, enough=lambda: True):
        threads = [threading.Thread(target=self.client, args=(self.net[h], u)) for h, u in CLIENTS]
        for t in threads:
            t.start()
        try:
            self.killing(kills, mails, pause, seconds, enough, random.Random(self.seed))
        finally:
            self.stop.set()
            for t in threads:
                t.join()

    def drain(self):
        def left():
            return {h.name: h.queued() for h in self.net.hosts.values() if h.queued()}
        try:
            hosts.wait_for(lambda: not left(), DRAIN_S, "both queues to be empty")
        except hosts.Trouble:
            return left()
        return {}


# --- what arrived ---

class Copy:
    """One file in a mailbox."""

    def __init__(self, host, user, path):
        with open(path, "rb") as f:
            text = f.read()
        self.path, self.name = path, os.path.basename(path)
        # SECONDS.ID.rN.HOST, or rN-USER for one of several behind an alias
        self.base = ".".join(self.name.split(".")[:3])
        head = text.split(b"\n\n", 1)[0].decode("utf-8", "replace")
        fields = re.sub(r"\n[ \t]+", " ", head).split("\n")
        to = [f.split(": ", 1)[1] for f in fields if f.startswith("Delivered-To: ")]
        # oldest first: (host, id) of each queue that it stood in
        self.hops = [m.groups() for m in (re.search(r"by mx\.(\w+)\.test .*? id (\w{14})", f) for f in
                                          reversed(fields) if f.startswith("Received: ")) if m]
        number = re.search(rb"^Subject: number (\d+)$", text, re.M)
        self.n = int(number.group(1)) if number else None
        self.is_report = b"\nReturn-Path: <>\n" in b"\n" + text[:200]
        self.text = text
        alias = to and to[0] not in (f"{user}@{host.domain}",)
        self.key = (self.n, None if self.is_report else tuple(to + ([user] if alias else [])))


def collect(net):
    return [Copy(h, u, path) for h in net.hosts.values() for u in ("alice", "bob", "carol", "dora")
            for path in h.inbox(u)]


def where_doubled(net, one, other):
    """The story behind two copies with one key: between hosts, or inside which?"""
    if one.base == other.base:
        return "one name twice in a mailbox"
    if one.is_report:
        return f"told twice by {one.hops[0][0]}"
    for i, (a, b) in enumerate(zip(one.hops, other.hops)):
        if a == b:
            continue
        if i == 0:
            return f"taken twice by msa of {a[0]}"
        last, host = one.hops[i - 1][1], net[one.hops[i - 1][0]]
        again = [line for line in host.log_lines(f" received parent={last} ") if "protocol=forward" in line]
        return f"forwarded twice by {host.name}" if len(again) > 1 else f"sent twice by {host.name}"
    return "no one knows"


class Verdict:
    def __init__(self, run, copies):
        self.acknowledged = len(run.acknowledged)
        found = collections.defaultdict(list)
        for c in copies:
            found[c.key].append(c)
        wanted = [k for n in sorted(run.acknowledged) for k in run.sent[n].copies()]
        self.wanted = len(wanted)
        self.lost = [k for k in wanted if k not in found]
        self.damaged = [c.path for c in copies if not self.whole(run, c)]
        possible = {k for m in run.sent.values() for k in m.copies()}
        self.strange = [k for k in found if k not in possible]
        self.doubled = collections.Counter(
            where_doubled(run.net, cs[0], c) for cs in found.values() for c in cs[1:])

    @staticmethod
    def whole(run, copy):
        if copy.n not in run.sent:
            return False
        text = run.sent[copy.n].text
        if copy.is_report:              # carries the original, or its header
            return text.split(b"\n\n", 1)[0] in copy.text
        return copy.text.endswith(b"\n" + text)

    def bad(self):
        """What must not be. Twice on the way is what SMTP cannot help (RFC 5321 4.5.3.2.6)."""
        wrong = {k: n for k, n in self.doubled.items() if not k.startswith("sent twice")}
        return bool(self.lost or self.damaged or self.strange or wrong)

    def text(self):
        return (f"{self.acknowledged} mails acknowledged, {self.wanted} copies due: {len(self.lost)} lost, "
                f"{sum(self.doubled.values())} doubled {dict(self.doubled)}, {len(self.damaged)} damaged, "
                f"{len(self.strange)} that should not be")


def prepare(net):
    """The addresses of WAYS, and both hosts started."""
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "two@beta.test", "bob@beta.test", "dora@beta.test")
    beta.command("alias", "add", "away@beta.test", "carol@alpha.test")
    for h in (alpha, beta):
        h.set("mta", "retry", "1s").start()


def run(net, kills, mails, pause, seed):
    """Kill, drain, compare: the verdict, and what is still in the queues."""
    this = Run(net, seed)
    began = time.monotonic()
    this.go(kills, mails, pause)
    killed = time.monotonic() - began
    left = this.drain()
    verdict = Verdict(this, collect(net))
    print(f"# seed {seed}: {sum(this.killed.values())} kills in {killed:.0f} s {dict(this.killed)}\n"
          f"# {verdict.text()}\n# drained in {time.monotonic() - began - killed:.0f} s", flush=True)
    for what in ("lost", "damaged", "strange"):
        for one in getattr(verdict, what)[:20]:
            print(f"# {what}: {one}", flush=True)
    return verdict, left


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("build")
    p.add_argument("--kills", type=int, default=300)
    p.add_argument("--mails", type=int, default=3000)
    p.add_argument("--pause", type=float, default=0.3, help="seconds between two kills, on average")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--keep", metavar="DIR")
    a = p.parse_args()
    with hosts.two_hosts(a.build, a.keep, keep=bool(a.keep)) as net:
        prepare(net)
        verdict, left = run(net, a.kills, a.mails, a.pause, a.seed)
        if left:
            print(f"still in the queues: {left}")
    sys.exit(bool(verdict.bad() or left))


if __name__ == "__main__":
    main()
