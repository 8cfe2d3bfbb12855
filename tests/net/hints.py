#!/usr/bin/env python3
"""mta-hints as a process: this plays its keeper and the sessions. Arguments: run-role, mta-hints."""
import os, socket, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import Role, number, pack, send_fds, unpack

SETTINGS = """
[posthorn]
host-name = hints.test
run-directory = @DIR@
queue-directory = @DIR@
[gate]
hints-max = 100
greylist-delay = 1h
tarpit-sessions = 2
"""
WAIT, PASSED = 1, 2

class Hints:
    def __init__(self, settings):
        self.role = Role(sys.argv[1], sys.argv[2], "test/hints", settings)

    def channel(self):
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mine.settimeout(30)
        send_fds(self.role.keeper, pack("c"), theirs.fileno())
        theirs.close()
        return mine

def ask(ch, *words):
    ch.send(pack(*words))
    verb, f = unpack(ch.recv(65536))
    assert verb == "+", verb
    return [number(x) for x in f]

def test_known_and_greylist(h):
    ch = h.channel()
    assert ask(ch, "K", "192.0.2.1") == [0]
    ask(ch, "T", "192.0.2.1")
    assert ask(ch, "K", "192.0.2.200") == [1] and ask(ch, "K", "192.0.3.1") == [0]
    first = ask(ch, "G", "198.51.100.1", "A@b.test", "c@d.test")
    assert first == [WAIT, 3600], first
    again = ask(ch, "G", "198.51.100.9", "a@B.test", "c@d.test")
    assert again[0] == WAIT and again[1] <= 3600, again

def test_a_flood_pushes_out_nobody_known(h):
    ch = h.channel()
    for i in range(1000):
        assert ask(ch, "G", "203.0.113.1", f"x{i}@b.test", "c@d.test")[0] == WAIT
    assert ask(ch, "K", "192.0.2.1") == [1]

def test_few_may_wait(h):
    one, two, three = h.channel(), h.channel(), h.channel()
    assert ask(one, "H") == [1] and ask(two, "H") == [1] and ask(three, "H") == [0]
    ask(one, "L")
    assert ask(three, "H") == [1] and ask(one, "H") == [0]
    two.close()                 # its session died
    for _ in range(1000):
        if ask(one, "H") == [1]:
            return
    raise AssertionError("the place of a dead session is not given back")

ENTRY = """id: a
fetched: {0}
tried: {0}
used: {1}

version: STSv1
mode: enforce
mx: mx.b.test
max_age: {2}
"""

def policy(ch, domain):
    ch.send(pack("P", domain))
    verb, f = unpack(ch.recv(65536))
    assert verb == "+" and len(f) == 1, (verb, f)
    return f[0].decode()

def test_policies_are_files(h):
    ch, now, directory = h.channel(), int(time.time()), h.role.dir + "/hints/sts"
    assert policy(ch, "b.test") == ""
    ask(ch, "U", "B.test", ENTRY.format(now, now, 86400))
    assert policy(ch, "b.test") == ENTRY.format(now, now, 86400)
    with open(directory + "/b.test") as f:
        assert f.read() == ENTRY.format(now, now, 86400)
    ask(ch, "U", "b.test", ENTRY.format(now, 5, 86400))
    assert "used: 5\n" in policy(ch, "b.test")           # the day of its use is noted then
    used = int(policy(ch, "b.test").split("used: ")[1].split("\n")[0])
    assert abs(used - now) < 60, used
    os.unlink(directory + "/b.test")
    assert policy(ch, "b.test") == ""
    ask(ch, "U", "c.test", f"fetched: 0\ntried: {now}\nused: 0\ntrouble: late\n\n")
    assert "trouble: late" in policy(ch, "c.test")

def test_equal_rows_are_counted(h):
    ch = h.channel()
    rows = ["b.test 1 sts b.test mode:%20none -", "b.test 2 sts b.test mode:%20none -", "b.test 1 no-policy-found b.test - -"]
    for row in rows * 10:
        ask(ch, "R", row)
    files = lambda: [n for n in os.listdir(h.role.dir + "/hints") if n.startswith("tlsrpt.")]
    assert not files()
    for i in range(300):
        ask(ch, "R", f"x{i}.test 1 no-policy-found x{i}.test - -")
    with open(h.role.dir + "/hints/" + files()[0]) as f:
        lines = f.read().splitlines()
    assert lines[0] == "b.test 30 sts b.test mode:%20none -" and lines[1].startswith("b.test 10 no-policy"), lines[:2]

def test_nonsense_is_closed_alone(h):
    good = h.channel()
    for bad in (pack("Z"), pack("K"), pack("K", "no address"), pack("G", "192.0.2.1"), b"K\xff\xff\xff\xff",
                pack("G", "192.0.2.1", "x" * 2000, "y"), pack("R", "b.test"), pack("R"), pack("R", "a 1 b\nc"), pack("R", "a 1 " + "b" * 9000),
                pack("P", "../gate.db"), pack("P", ".x"), pack("P", "local"), pack("P"), pack("U", "b.test", "x"), pack("U", "b/c.test", "tried: 1\n\n"),
                pack("U", "b.test", "tried: 1\n\nversion: STSv1\n")):
        ch = h.channel()
        ch.send(bad)
        assert ch.recv(65536) == b"", bad
    assert ask(good, "K", "192.0.2.1") == [1]

def main():
    h = Hints(SETTINGS)
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test(h)
            print("ok", name, flush=True)
    ch = h.channel()
    assert h.role.process.poll() is None, h.role.told()
    assert ask(ch, "K", "192.0.2.1") == [1]
    directory, role = h.role.dir, h.role
    role.keeper.close()
    assert role.process.wait(20) == 0, "no clean end"
    with open([f"{directory}/hints/{n}" for n in os.listdir(directory + "/hints") if n.startswith("tlsrpt.")][0]) as f:
        assert len(f.read().splitlines()) == 302, "rows of the last minute are lost"
    role.stop()

if __name__ == "__main__":
    main()
