#!/usr/bin/env python3
"""The clerk as a process, jailed: this plays its keeper and those who ask.
Arguments: run-role, posthorn-clerk."""
import os, socket, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
import play
from play import Role, number, pack, send_fds, unpack

ELSEWHERE, LOCAL, UNKNOWN, RELAY, RETURN = range(5)
SETTINGS = """
[posthorn]
host-name = mx.test
run-directory = @DIR@
queue-directory = @DIR@
[directory]
mail-directory = @DIR@/mail
system-users = no
"""

class Clerk:
    def __init__(self, name="test/clerk", **texts):
        make = play.tempfile.mkdtemp

        def with_texts(**args):		# they must be there before the clerk is
            d = make(**args)
            for kind, text in texts.items():
                with open(f"{d}/{kind}", "w") as f:
                    f.write(text)
            return d
        play.tempfile.mkdtemp = with_texts
        try:
            self.role = Role(sys.argv[1], sys.argv[2], name, SETTINGS)
        finally:
            play.tempfile.mkdtemp = make
        self.dir = self.role.dir

    def channel(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(20)
        send_fds(self.role.keeper, pack("c"), theirs.fileno())
        theirs.close()
        return ours

    def write(self, name, text):
        with open(f"{self.dir}/{name}.new", "w") as f:
            f.write(text)
        os.rename(f"{self.dir}/{name}.new", f"{self.dir}/{name}")

def ask(ch, verb, *fields):
    ch.send(pack(verb, *fields))
    return unpack(ch.recv(65536))

def who(ch, address):
    verb, fields = ask(ch, "R", address)
    return number(fields[0]) if verb == "+" else fields[1].decode()

def until(ch, address, wanted):
    deadline = time.monotonic() + 10
    while who(ch, address) != wanted:
        assert time.monotonic() < deadline, (address, who(ch, address), wanted)
        time.sleep(0.1)

TEXTS = {"users": "ann@a.test\n", "domains": "a.test\nrelay: r.test\n", "aliases": "all@a.test: ann@a.test, zed@far.test\n"}

def test_answers():
    c = Clerk(**TEXTS)
    ch = c.channel()
    for address, is_ in (("ann@a.test", LOCAL), ("all@a.test", LOCAL), ("no@a.test", UNKNOWN), ("x@r.test", RELAY),
                         ("x@y.test", ELSEWHERE), ("postmaster", LOCAL), ("", "5.1.3"), ("a\nb@a.test", "5.1.3")):
        assert who(ch, address) == is_, (address, who(ch, address))
    verb, fields = ask(ch, "X", "all@a.test", 0)
    assert verb == "+" and number(fields[0]) == 2 and fields[2] == b"ann@a.test" and fields[11] == b"zed@far.test", fields
    assert ask(ch, "M", "ann@a.test", "all@a.test")[0] == "+"
    verb, fields = ask(ch, "M", "ann@a.test", "no@a.test")
    assert verb == "-" and fields[1] == b"5.7.1", fields
    assert number(ask(ch, "D", "A.TEST")[1][0]) == LOCAL
    assert c.role.stop() == 0, c.role.told()

def test_forwards_lead_back():
    """Only mda's clerk makes senders of forwards; mta's knows them; the key is the clerk's alone."""
    maker = Clerk(name="mda/clerk", **TEXTS)
    ch = maker.channel()
    verb, fields = ask(ch, "F", "zed@far.test", "all@a.test")
    assert verb == "+" and fields[0].startswith(b"SRS0=") and fields[0].endswith(b"=far.test=zed@a.test"), fields
    made = fields[0].decode()
    assert who(ch, made) == RETURN and ask(ch, "F", "ann@a.test", "all@a.test")[1][0] == b"ann@a.test"
    verb, fields = ask(ch, "X", made, 0)
    assert verb == "+" and fields[2] == b"zed@far.test", fields
    verb, fields = ask(ch, "X", made.replace("zed", "zod"), 0)
    assert verb == "-" and fields[1] == b"5.1.1", fields
    assert os.stat(f"{maker.dir}/srs/keys").st_mode & 0o777 == 0o600 and os.stat(f"{maker.dir}/srs").st_mode & 0o777 == 0o700
    with open(f"{maker.dir}/srs/keys.new", "w") as f:
        f.write("00112233445566778899aabbccddeeff\n")
    os.chown(f"{maker.dir}/srs/keys.new", os.stat(f"{maker.dir}/srs").st_uid, -1)
    os.rename(f"{maker.dir}/srs/keys.new", f"{maker.dir}/srs/keys")
    deadline = time.monotonic() + 10
    while ask(ch, "X", made, 0)[0] == "+":		# another key, soon
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert maker.role.stop() == 0, maker.role.told()
    other = Clerk(name="mta/clerk", **TEXTS)
    ch = other.channel()
    assert who(ch, made) == RETURN
    ch.send(pack("F", "zed@far.test", "all@a.test"))
    assert ch.recv(65536) == b"", "mta's clerk made one"
    assert other.role.stop() == 0, other.role.told()

def test_jailed():
    c = Clerk(**TEXTS)
    ch = c.channel()
    who(ch, "ann@a.test")
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{c.role.process.pid}/status") if ":\t" in line)
    assert status["NoNewPrivs"].strip() == "1" and status["CapEff"].strip() == "0" * 16, status
    assert "0" not in status["Uid"].split(), status["Uid"]
    assert c.role.stop() == 0

def test_changed_texts_count_soon():
    c = Clerk(**TEXTS)
    ch = c.channel()
    assert who(ch, "bob@a.test") == UNKNOWN
    c.write("users", "ann@a.test\nbob@a.test\n")
    until(ch, "bob@a.test", LOCAL)
    c.write("users", "ann@a.test\nbroken\n")
    time.sleep(1.2)
    assert who(ch, "bob@a.test") == LOCAL
    assert f"{c.dir}/users:2: expected an address" in c.role.told() and "before goes on" in c.role.told()
    c.write("users", "carl@a.test\n")
    until(ch, "carl@a.test", LOCAL)
    assert who(ch, "bob@a.test") == UNKNOWN
    assert c.role.stop() == 0

def test_unreadable_texts_answer_later():
    c = Clerk(users="broken\n", domains="a.test\n")
    ch = c.channel()
    assert who(ch, "ann@a.test").startswith("4."), who(ch, "ann@a.test")
    c.write("users", "ann@a.test\n")
    until(ch, "ann@a.test", LOCAL)
    assert c.role.stop() == 0

def test_nonsense_closes_that_channel_only():
    c = Clerk(**TEXTS)
    good = c.channel()
    for junk in (b"Z", b"R", b"R\xff\xff\xff\xff", b"X" + b"\0" * 60000, b"R\x05\0\0\0abc", pack("X", "a@b", "short"), b"\0"):
        bad = c.channel()
        bad.send(junk)
        assert bad.recv(65536) == b"", junk
        bad.close()
    deaf = c.channel()			# asks and never listens
    deaf.settimeout(1)
    try:
        for _ in range(10000):
            deaf.send(pack("R", "ann@a.test"))
    except (BrokenPipeError, ConnectionResetError, socket.timeout):
        pass
    assert who(good, "ann@a.test") == LOCAL
    many = [c.channel() for _ in range(300)]
    assert all(who(ch, "ann@a.test") == LOCAL for ch in many)
    send_fds(c.role.keeper, b"c")		# nothing in it
    assert who(good, "ann@a.test") == LOCAL
    assert c.role.stop() == 0

def test_fast_enough():
    c = Clerk(**TEXTS)
    ch = c.channel()
    start = time.monotonic()
    for _ in range(5000):
        who(ch, "ann@a.test")
    each = (time.monotonic() - start) / 5000
    print(f"   {each * 1e6:.0f} us a question")
    assert each < 0.005
    assert c.role.stop() == 0

failed = 0
for name, test in list(globals().items()):
    if name.startswith("test_"):
        try:
            test()
            print("ok", name)
        except Exception as e:
            failed += 1
            print("FAILED", name, repr(e))
sys.exit(bool(failed))
