#!/usr/bin/env python3
"""A keeper as a process: ports, restarts and their pace, who asks for too much, reload, service
manager, and its end. Roles are the real programs or small scripts that play them. TAP."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.path.join(os.path.abspath(os.environ.get("POSTHORN_BUILD") or sys.argv[1]), "common", "programs")


def expect(yes, words):
    if not yes:
        raise AssertionError(words)


def wait_for(what, words, seconds=10):
    until = time.monotonic() + seconds
    while not what():
        expect(time.monotonic() < until, f"waited for {words}")
        time.sleep(0.02)


class Daemon:
    """One msa (or other) in a directory of its own, with real programs but for those in play."""

    def __init__(self, play=None, name="msa", **settings):
        self.dir = tempfile.mkdtemp(prefix="posthorn-keeper.")
        os.chmod(self.dir, 0o755)
        self.name, self.process = name, None
        self.log = os.path.join(self.dir, "log")
        programs = os.path.join(self.dir, "programs")
        os.mkdir(programs)
        for program in os.listdir(BUILD):
            path = os.path.join(BUILD, program)
            if os.path.isfile(path) and program not in (play or {}):
                os.symlink(path, os.path.join(programs, program))
        for program, text in (play or {}).items():
            with open(os.path.join(programs, program), "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(os.path.join(programs, program), 0o755)
        self.conf = os.path.join(self.dir, "posthorn.conf")
        self.settings = {"listen": "submission=127.0.0.1:0", "sessions-spare": "2"} | settings
        self.write()

    def write(self, more=""):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"""[posthorn]
host-name = mx.alpha.test
queue-directory = {self.dir}/queue
run-directory = {self.dir}/run
config-directory = {self.dir}
program-directory = {self.dir}/programs
disk-reserve = 1M
debug = yes
[directory]
mail-directory = {self.dir}/mail
system-users = no
[limits]
sessions-spare = {self.settings['sessions-spare']}
[{self.name}]
listen = {self.settings['listen']}
{more}
""")

    def start(self, wait="ready", before=(), env=None, **more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*before, os.path.join(BUILD, self.name), "-c", self.conf], stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, **more)
        if wait:
            self.wait_log(wait)
        return self

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, seconds=10):
        wait_for(lambda: re.search(pattern, self.text()), f"{pattern} in\n{self.text()}", seconds)

    def port(self, name="submission"):
        with open(os.path.join(self.dir, "run", self.name + ".ports"), encoding="ascii") as f:
            return next(int(line.split()[2]) for line in f if line.startswith(name + " "))

    def greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port()), 5) as s:
                return s.recv(3) == b"220"
        except OSError:
            return False

    def children(self, comm):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    name, rest = re.match(r"\d+ \((.*)\) (.*)", f.read()).groups()
            except OSError:
                continue
            if int(rest.split()[1]) == self.process.pid and name == comm[:15]:
                found.append(int(pid))
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if value is not None:
            sys.stderr.write(self.text())
        shutil.rmtree(self.dir, ignore_errors=True)


def a_role_that(says):
    """A program in the place of a session: says packets to its keeper, then waits for its end."""
    return f"""#!{sys.executable}
import os, socket, struct, time
s = socket.socket(fileno=3)
def ask(verb, *fields):
    s.send(verb + b"".join(struct.pack("=I", len(f)) + f for f in fields))
{says}
time.sleep(60)
"""


def test_serves_and_ends_in_good_order():
    with Daemon() as d:
        d.start()
        expect(d.greets(), "no greeting")
        expect(oct(os.stat(d.dir + "/run/peers").st_mode & 0o777) == "0o600", "peers can be read by others")
        expect(d.stop() == 0, "exit code")
        expect(not d.children("msa-session"), "sessions left")


def test_a_killed_role_is_back_within_a_second():
    for comm in ("posthorn-clerk", "posthorn-front", "msa-session"):
        with Daemon() as d:
            d.start()
            count = int(d.settings["sessions-spare"]) if comm == "msa-session" else 1
            wait_for(lambda c=comm, n=count: len(d.children(c)) == n, f"{comm} to be there", 5)
            victim = d.children(comm)[0]
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda c=comm, n=count, v=victim: len(d.children(c)) == n and v not in d.children(c),
                     f"{comm} to be back", 1.5)
            wait_for(d.greets, "service after the kill", 5)


def test_all_end_with_their_keeper():
    with Daemon() as d:
        d.start()
        children = [p for c in ("posthorn-clerk", "posthorn-front", "msa-session") for p in d.children(c)]
        d.process.kill()
        d.process.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in children), "all to end", 3)
        d.start(wait=None)
        wait_for(d.greets, "a second life", 10)


def test_no_fork_storm():
    with Daemon({"msa-session": "#!/bin/sh\nexit 1\n"}) as d:
        d.start()
        time.sleep(2)
        started = len(re.findall(r"msa/session\[\d+\] started", d.text()))
        expect(2 <= started <= 20, f"{started} starts in two seconds")
        expect(d.stop() == 0, "exit code")


def test_missing_program_is_named():
    with Daemon() as d:
        os.unlink(d.dir + "/programs/posthorn-clerk")
        d.start(wait=None)
        expect(d.process.wait(10) == 78, "exit code")
        expect("posthorn-clerk" in d.text(), "the log does not name it")


def test_who_asks_for_too_much_is_killed():
    asks = {"deliver": 'ask(b"D", b"\\0" * 8, b"\\0" * 8, b"/tmp")', "send": 'ask(b"O")', "session": 'ask(b"S", b"", b"", b"")',
            "nothing": 'ask(b"?")', "resolver": 'ask(b"C", b"resolver")'}
    for name, says in asks.items():
        if name == "resolver":
            with Daemon({"msa-session": a_role_that(says + "\nprint(s.recv(500), file=__import__('sys').stderr, flush=True)")}) as d:
                d.start()
                d.wait_log("no service resolver here")
            continue
        with Daemon({"msa-session": a_role_that(says)}) as d:
            d.start()
            d.wait_log(r"msa/session\[\d+\] asked for what it may not have .*: killed")


def test_two_of_one_kind_do_not_share_a_run_directory():
    with Daemon() as d:
        d.start()
        other = subprocess.run([os.path.join(BUILD, "msa"), "-c", d.conf], capture_output=True, timeout=10, check=False)
        expect(other.returncode == 69 and b"at work already" in other.stderr, f"{other}")
        expect(d.greets(), "the first one suffers")


def test_port_in_use():
    with socket.socket() as s, Daemon() as d:
        s.bind(("127.0.0.1", 0))
        s.listen()
        d.settings["listen"] = f"submission=127.0.0.1:{s.getsockname()[1]}"
        d.write()
        d.start(wait=None)
        expect(d.process.wait(10) == 69, "exit code")
        expect(re.search(rf"port {s.getsockname()[1]} of 127.0.0.1 is in use", d.text()), d.text())


def test_broken_settings_change_nothing():
    with Daemon() as d:
        d.start()
        d.write("no-such-key = 1")
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("the old settings stay: .*no-such-key")
        expect(d.greets(), "no greeting")
        d.write()
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("settings read again")
        expect(d.greets(), "no greeting")


def test_service_manager():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket() as given, Daemon() as d:
        manager.bind(d.dir + "/notify")
        manager.settimeout(10)
        given.bind(("127.0.0.1", 0))
        given.listen()
        d.settings["listen"] = "submission=127.0.0.1:1"		# which it would not get
        d.write()
        number = given.fileno()
        d.start(before=["/bin/sh", "-c", f'exec 3<&{number}; export LISTEN_PID=$$; exec "$@"', "sh"],
                env={"NOTIFY_SOCKET": d.dir + "/notify", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "submission",
                     "WATCHDOG_USEC": "400000"}, pass_fds=[number])
        said = {manager.recv(100) for _ in range(4)}
        expect(said == {b"READY=1", b"WATCHDOG=1"}, f"{said}")
        expect(d.port() == given.getsockname()[1] and d.greets(), "does not serve the socket it was given")
        d.process.send_signal(signal.SIGTERM)
        while manager.recv(100) != b"STOPPING=1":
            pass
        expect(d.process.wait(15) == 0, "exit code")


def test_options():
    with Daemon() as d:
        for words, code in ((["-t", "-c", d.conf], 0), (["-V"], 0), (["-x"], 64), (["-c", d.conf, "more"], 64), (["-c", "/does/not/exist"], 78)):
            got = subprocess.run([os.path.join(BUILD, "msa"), *words], capture_output=True, timeout=10, check=False)
            expect(got.returncode == code and (got.stdout or got.stderr), f"{words}: {got}")


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_") and (len(sys.argv) < 3 or n in sys.argv[2:])]
    print(f"1..{len(tests)}", flush=True)
    bad = 0
    for i, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {name}", flush=True)
        except Exception:		# whatever it is, the next test runs
            traceback.print_exc()
            print(f"not ok {i} - {name}", flush=True)
            bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
