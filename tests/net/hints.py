#!/usr/bin/env python3
"""mta-hints as a process: this plays its keeper and the sessions. Arguments: run-role, mta-hints."""
import os, socket, sys
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

def test_nonsense_is_closed_alone(h):
    good = h.channel()
    for bad in (pack("Z"), pack("K"), pack("K", "no address"), pack("G", "192.0.2.1"), b"K\xff\xff\xff\xff",
                pack("G", "192.0.2.1", "x" * 2000, "y")):
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
    assert h.role.stop() == 0, "no clean end"

if __name__ == "__main__":
    main()
