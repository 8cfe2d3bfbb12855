#!/usr/bin/env python3
"""Dovecot and we take turns at one Maildir: UIDs, flags, keywords, folders and subscriptions
must be the same for both, whoever came first, and while both are at it."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from e2e import Skip, expect, main, need  # noqa: E402

TEXT = b"From: a@example.org\nSubject: %s\n\nbody\n.dot\nlast\n"


class Maildir:
    """Ours by store-tool, Dovecot's by doveadm; both as one user, who is not root."""

    def __init__(self):
        self.doveadm = need("doveadm")
        self.top = tempfile.mkdtemp(prefix="dovecot-store-")
        self.path = os.path.join(self.top, "Maildir")
        self.conf = os.path.join(self.top, "dovecot.conf")
        self.ids = None
        os.mkdir(self.path, 0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.ids = (nobody.pw_uid, nobody.pw_gid)
            os.chmod(self.top, 0o755)
            os.chown(self.top, *self.ids)
            os.chown(self.path, *self.ids)
        user = pwd.getpwuid(self.ids[0] if self.ids else os.geteuid())
        self.env = {"USER": user.pw_name, "HOME": self.top, "PATH": os.environ["PATH"]}
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"base_dir = {self.top}/run\nstate_dir = {self.top}/state\nlog_path = /dev/stderr\n"
                    f"mail_location = maildir:{self.path}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n"
                    "ssl = no\ndefault_internal_user = root\ndefault_login_user = nobody\n"
                    "default_internal_group = root\nprotocols = imap pop3\nmail_access_groups =\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def run(self, *words, stdin=b""):
        def become():
            if self.ids:
                os.setgroups([])
                os.setgid(self.ids[1])
                os.setuid(self.ids[0])
        got = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=self.env, preexec_fn=become, check=False, timeout=60, cwd="/")
        expect(got.returncode == 0, f"{' '.join(words)}: {got.stderr.decode()} {got.stdout.decode()}")
        complaints = [x for x in got.stderr.decode().splitlines() if "Error" in x or "Warning" in x]
        expect(not complaints, f"{' '.join(words)}: {complaints}")
        return got.stdout.decode()

    def ours(self, *words, stdin=b""):
        return self.run(os.environ["STORE_TOOL"], self.path, *words, stdin=stdin)

    def dovecot(self, *words, stdin=b""):
        return self.run(self.doveadm, "-c", self.conf, *words, stdin=stdin)

    def our_list(self, folder="-"):
        lines = self.ours("list", folder).splitlines()
        rows = {}
        for line in lines[1:]:
            uid, letters, keywords, size, wire = line.split(" ")
            rows[int(uid)] = (letters, frozenset(k for k in keywords.split(",") if k), int(size), int(wire))
        return tuple(int(n) for n in lines[0].split()), rows

    def their_list(self, folder="INBOX"):
        status = dict(w.split("=") for w in self.dovecot(
            "mailbox", "status", "uidvalidity uidnext", folder).split() if "=" in w)
        names = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}
        rows = {}
        text = self.dovecot("-f", "tab", "fetch", "uid flags size.physical size.virtual", "mailbox", folder, "ALL")
        for line in text.splitlines()[1:]:
            uid, flags, size, wire = line.split("\t")
            words = [w for w in flags.split() if w != "\\Recent"]
            rows[int(uid)] = ("".join(sorted(names[w] for w in words if w in names)),
                              frozenset(w for w in words if w not in names), int(size), int(wire))
        return (int(status["uidvalidity"]), int(status["uidnext"])), rows

    def same(self, folder="-", when=""):
        ours, theirs = self.our_list(folder), self.their_list("INBOX" if folder == "-" else folder.lstrip("."))
        expect(ours == theirs, f"{when}: we see {ours}, Dovecot {theirs}")
        return ours

    def put(self, n, folder="-", *flags):
        self.ours("put", folder, f"{1700000000 + n}.test{n}.host", *flags, stdin=TEXT % str(n).encode())

    def save(self, n, folder="INBOX"):
        self.dovecot("save", "-m", folder, stdin=TEXT % str(n).encode())


def test_ours_first(_):
    with Maildir() as m:
        m.put(1)
        m.put(2, "-", "FS")
        first = m.our_list()
        expect(sorted(first[1]) == [1, 2], f"{first}")
        expect(m.same(when="opened by us first") == first, "UIDs changed")


def test_dovecot_first(_):
    with Maildir() as m:
        for n in range(3):
            m.save(n)
        m.dovecot("flags", "add", "\\Seen $Junk Hello", "2:2")
        theirs = m.their_list()
        expect(m.same(when="opened by Dovecot first") == theirs, "UIDs changed")
        m.dovecot("expunge", "mailbox", "INBOX", "uid", "2")
        m.same(when="after Dovecot's expunge")


def test_turns(_):
    with Maildir() as m:
        validity = None
        for n in range(6):
            (m.put if n % 2 else m.save)(n)
            (now, _next), rows = m.same(when=f"turn {n}") if n % 3 else m.our_list()
            expect(validity in (None, now), "UIDVALIDITY changed")
            expect(sorted(rows) == list(range(1, n + 2)), f"UIDs {sorted(rows)}")
            validity = now
        m.ours("mark", "-", "2", "FS", "$Forwarded", "Mine")
        m.dovecot("flags", "add", "\\Answered Theirs", "mailbox", "INBOX", "uid", "3")
        m.ours("mark", "-", "4", "T", "Theirs")
        m.same(when="flags by both")
        m.ours("expunge", "-", "6")
        m.dovecot("expunge", "mailbox", "INBOX", "uid", "1")
        m.put(9)
        (_, uidnext), rows = m.same(when="expunged by both")
        expect(sorted(rows) == [2, 3, 4, 5, 7] and uidnext == 8, f"UIDs {sorted(rows)}, next {uidnext}")


def test_new_mail_waits_for_whoever_comes(_):
    with Maildir() as m:
        m.save(0)
        m.put(1)
        m.put(2)
        theirs = m.their_list()
        expect(sorted(theirs[1]) == [1, 2, 3], f"{theirs}")
        m.same(when="new mail given UIDs by Dovecot")


def test_folders(_):
    with Maildir() as m:
        m.ours("create", "Work.Gr&APwA3w-e")
        m.dovecot("mailbox", "create", "Theirs.Möbel")
        m.put(1, "Work.Gr&APwA3w-e")
        m.save(2, "Theirs.Möbel")
        names = sorted(m.dovecot("mailbox", "list").split("\n"))
        expect("Work.Grüße" in names and "Theirs.Möbel" in names, f"{names}")
        expect(m.ours("folders").split() == ["Theirs.M&APY-bel", "Work.Gr&APwA3w-e"], m.ours("folders"))
        a = m.our_list(".Work.Gr&APwA3w-e")
        expect(a == m.their_list("Work.Grüße"), "our folder")
        b = m.their_list("Theirs.Möbel")
        expect(b == m.our_list(".Theirs.M&APY-bel"), "their folder")
        m.ours("rename", "Theirs", "Ours")
        expect(m.their_list("Ours.Möbel")[1] == b[1], "renamed by us")
        m.dovecot("mailbox", "rename", "Work.Grüße", "Work.X")
        expect(m.our_list(".Work.X")[1] == a[1], "renamed by Dovecot")
        m.ours("delete", "Work.X")
        expect("Work.X" not in m.dovecot("mailbox", "list").split("\n"), "deleted by us")


def test_subscriptions(_):
    with Maildir() as m:
        m.dovecot("mailbox", "create", "A.B", "C")
        m.dovecot("mailbox", "subscribe", "INBOX", "A.B")
        expect(m.ours("subscribed").split() == ["INBOX", "A.B"], m.ours("subscribed"))
        m.ours("subscribe", "C")
        m.ours("unsubscribe", "A.B")
        theirs = sorted(m.dovecot("mailbox", "list", "-s").split())
        expect(theirs == ["C", "INBOX"], f"{theirs}")


def test_both_at_once(_):
    with Maildir() as m:
        m.put(0)
        m.same(when="before")
        troubles = []

        def many(act, numbers):
            for n in numbers:
                try:
                    act(n)
                    m.our_list() if act == m.put else m.their_list()
                except Exception as why:        # told in the main thread
                    troubles.append(why)

        threads = [threading.Thread(target=many, args=(m.put, range(1, 15))),
                   threading.Thread(target=many, args=(m.put, range(101, 115))),
                   threading.Thread(target=many, args=(m.save, range(201, 210)))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        expect(not troubles, f"{troubles}")
        (_, uidnext), rows = m.same(when="after all")
        expect(sorted(rows) == list(range(1, 39)) and uidnext == 39, f"UIDs {sorted(rows)}, next {uidnext}")


def test_lock_left_behind(_):
    """A dot-lock of ours that outlived its owner holds up nobody; Dovecot sees that its owner is dead."""
    with Maildir() as m:
        m.put(1)
        m.same(when="before")
        lock = os.path.join(m.path, "dovecot-uidlist.lock")
        for ours in (True, False):
            with open(lock, "w", encoding="ascii") as f:
                f.write(f"999999:{os.uname().nodename}")
            os.chmod(lock, 0o700)
            if m.ids:
                os.chown(lock, *m.ids)
            m.put(2 + ours)
            (m.our_list if ours else m.their_list)()
            expect(not os.path.exists(lock), "the lock is still there")
        m.same(when="after")


class Alone:
    def __exit__(self, *_):
        pass


if __name__ == "__main__":
    main(shared=Alone)
