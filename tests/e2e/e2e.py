"""How the end-to-end tests run: a file defines functions test_*(net) and calls main(). Each gets
a network of two hosts of its own unless the file asks for a shared one. Output is TAP."""
import os
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import hosts  # noqa: E402
import journey  # noqa: E402,F401


class Skip(Exception):
    """This machine lacks something the test needs; ./check installs it."""


def build():
    """Where the programs are."""
    return os.path.join(os.path.abspath(os.environ.get("POSTHORN_BUILD") or sys.argv[1]), "common", "programs")


def need(program):
    for directory in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin", "/usr/bin"]:
        if os.access(os.path.join(directory, program), os.X_OK):
            return os.path.join(directory, program)
    raise Skip(f"{program} is not installed")


def run(*words, stdin=None, env=None, seconds=60):
    """Exit code and all output of a program that somebody else wrote."""
    got = subprocess.run([str(w) for w in words], input=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False, timeout=seconds,
                         env={**os.environ, "HOME": "/nonexistent", **(env or {})})
    return got.returncode, got.stdout.decode("utf-8", "replace")


def expect(yes, words):
    if not yes:
        raise hosts.Trouble(words)


def main(shared=None, make=None):
    """shared: a function that makes the network all tests of the file use; make: one for each test."""
    tests = [(n, f) for n, f in sys.modules["__main__"].__dict__.items()
             if n.startswith("test_") and (len(sys.argv) < 3 or n in sys.argv[2:])]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    net = None
    try:
        net = shared() if shared else None
        for i, (name, test) in enumerate(tests, 1):
            failed += one(i, name, test, net, make)
    finally:
        if net:
            net.__exit__(*(sys.exc_info() if not failed else (None, hosts.Trouble("failed"), None)))
    sys.exit(bool(failed))


def one(number, name, test, net, make):
    try:
        if net:
            test(net)
        else:
            with make() if make else hosts.two_hosts(build()) as own:
                test(own)
    except Skip as why:
        print(f"ok {number} - {name} # SKIP {why}", flush=True)
    except Exception:               # whatever it is, the next test runs
        traceback.print_exc()
        print(f"not ok {number} - {name}", flush=True)
        return 1
    else:
        print(f"ok {number} - {name}", flush=True)
    return 0
