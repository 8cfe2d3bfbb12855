#!/usr/bin/env python3
"""The front as a process: this plays its keeper, its sessions and its clients.
Arguments: run-role, posthorn-front."""
import os, random, signal, socket, ssl, subprocess, sys, tempfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import Role, number, pack, send_fds, unpack

SANITIZED = os.environ.get("POSTHORN_SANITIZE", "none") != "none"	# then memory says nothing
REFUSAL = "421 4.7.0 come back later\r\n"
SETTINGS = """
[posthorn]
host-name = front.test
run-directory = @DIR@
queue-directory = @DIR@
[limits]
connections-per-address = 40
strangers-per-address = 0
strangers-per-network = 0
refusals-per-minute = 0
errors-per-minute = 0
messages-per-minute = 0
recipients-per-minute = 0
connections-per-minute = 100000
sessions-spare = 2
greet-timeout = 1s
"""

def certificate(where, *names):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", where + ".key", "-out", where + ".crt", "-days", "2", "-subj", "/CN=" + names[0],
                    "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names)],
                   check=True, stderr=subprocess.DEVNULL)
    return where + ".crt", where + ".key"

class Front:
    def __init__(self, settings=SETTINGS):
        self.role = Role(sys.argv[1], sys.argv[2], "test/front", settings)
        self.keeper = self.role.keeper
        self.asked = 0
        self.ports = {}
        peers = os.memfd_create("peers")
        os.truncate(peers, 2 << 20)
        send_fds(self.keeper, pack("p"), peers)
        os.close(peers)

    def certify(self, crt, key):
        a, b = os.open(crt, os.O_RDONLY), os.open(key, os.O_RDONLY)
        send_fds(self.keeper, pack("k"), a, b)
        os.close(a)
        os.close(b)

    def listen(self, name, flags=0, alpn="smtp esmtp", host=""):
        s = socket.create_server((host, 0), backlog=1000)
        s.setblocking(False)
        send_fds(self.keeper, pack("l", name, flags, alpn, REFUSAL), s.fileno())
        self.ports[name] = s.getsockname()[1]
        s.close()

    def go(self, sessions=0):
        self.keeper.send(pack("g", sessions))
        while self.heard()[0] != "G":
            pass

    def heard(self):
        verb, fields = unpack(self.keeper.recv(65536))
        if verb == "W":
            self.asked += number(fields[0])
        return verb, fields

    def wire(self):
        """One more session, ready made: our end of its wire."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mine.settimeout(10)
        send_fds(self.keeper, pack("w"), theirs.fileno())
        theirs.close()
        return mine

    def connect(self, name, source=None, host="127.0.0.1"):
        s = socket.create_connection((host, self.ports[name]), 10, source and (source, 0))
        s.settimeout(10)
        return s

    def memory(self):
        """KiB; always 0 where we may not look, because the front is undumpable and we are not root."""
        try:
            for line in open(f"/proc/{self.role.process.pid}/smaps_rollup"):
                if line.startswith("Pss:"):
                    return int(line.split()[1])
        except PermissionError:
            return 0

    def descriptors(self):
        try:
            return len(os.listdir(f"/proc/{self.role.process.pid}/fd"))
        except PermissionError:
            return 0

def kind(wire, want):
    p = wire.recv(65536)
    assert p[:1].decode() == want, f"wanted {want}, got {p[:80]!r}"
    return p[1:]

def drained(sock):
    """All until the end."""
    out = b""
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return out
        if not more:
            return out
        out += more

def context(alpn=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if alpn:
        c.set_alpn_protocols(alpn)
    return c

def eventually(what, fact, seconds=5):
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until, what
        time.sleep(0.01)

# ---- what must be true ----

def plain_talk_and_goodbye(f):
    w, c = f.wire(), f.connect("smtp")
    p = kind(w, "P").decode().split()
    assert p[0] == "127.0.0.1" and int(p[1]) == c.getsockname()[1], p
    assert p[2] == "127.0.0.1" and int(p[3]) == f.ports["smtp"] and p[4] == "smtp" and len(p) == 5, p
    w.send(b"D220 hello\r\n")
    assert c.recv(100) == b"220 hello\r\n"
    c.send(b"QUIT\r\n")
    assert kind(w, "D") == b"QUIT\r\n"
    w.send(b"D221 bye\r\n")
    w.send(b"Q")
    assert drained(c) == b"221 bye\r\n"
    w.close()

def session_serves_one_after_the_other(f):
    w = f.wire()
    for i in range(3):
        c = f.connect("smtp")
        kind(w, "P")
        w.send(b"Dhello %d" % i)
        w.send(b"Q")
        assert drained(c) == b"hello %d" % i
        w.send(b"R")
    w.close()

def starttls_drops_what_came_in_the_clear(f):
    w, c = f.wire(), f.connect("smtp")
    kind(w, "P")
    c.send(b"STARTTLS\r\nMAIL FROM:<evil>\r\n")
    assert kind(w, "D") == b"STARTTLS\r\nMAIL FROM:<evil>\r\n"	# the session's to throw away
    w.send(b"D220 go ahead\r\n")
    w.send(b"T")
    assert c.recv(100) == b"220 go ahead\r\n"
    t = context().wrap_socket(c, server_hostname="mx.front.test")
    text = kind(w, "T").decode().split()
    assert text[0] == t.version() and text[1] == t.cipher()[0] and text[3] == "sni=mx.front.test", text
    t.send(b"EHLO again\r\n")
    assert kind(w, "D") == b"EHLO again\r\n"
    w.send(b"D250 fine\r\n")
    assert t.recv(100) == b"250 fine\r\n"
    w.send(b"Q")
    assert t.recv(100) == b""
    w.close()

def clear_text_behind_starttls_never_gets_through(f):
    w, c = f.wire(), f.connect("smtp")
    kind(w, "P")
    c.send(b"STARTTLS\r\n")
    kind(w, "D")
    w.send(b"D220\r\n")
    w.send(b"T")
    c.recv(100)
    c.send(b"MAIL FROM:<evil>\r\n")
    assert kind(w, "T") == b""			# the handshake failed, and no D came before
    assert kind(w, "E") == b""
    w.send(b"Q")
    w.close()
    drained(c)

def tls_from_the_first_byte(f):
    w, c = f.wire(), f.connect("submissions")
    t = context().wrap_socket(c, server_hostname="other.test")
    p = kind(w, "P").decode().split()
    assert p[4:6] == ["submissions", "tls"] and p[6] == t.version() and p[9] == "sni=other.test", p
    t.send(b"x" * 100)
    assert kind(w, "D") == b"x" * 100
    w.close()					# the session died
    assert t.recv(100) == b""

def alpn_is_strict(f):
    w = f.wire()
    for offer, ours in (["imap", "smtp"], "smtp"), (["esmtp"], "esmtp"):
        t = context(offer).wrap_socket(f.connect("submissions"))
        assert t.selected_alpn_protocol() == ours
        kind(w, "P")
        w.send(b"Q")
        w.send(b"R")
    for offer in ["h2", "http/1.1"], ["smtp esmtp"], ["smt"]:
        try:
            context(offer).wrap_socket(f.connect("submissions"))
            assert False, "a browser was let in"
        except ssl.SSLError as e:
            assert "application protocol" in str(e).lower().replace("_", " "), e
    w.close()

def nonsense_instead_of_tls_is_closed(f):
    c = f.connect("submissions")
    c.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"POST" not in drained(c)

def half_closed_client_reads_on(f):
    w, c = f.wire(), f.connect("smtp")
    kind(w, "P")
    c.send(b"last words\r\n")
    c.shutdown(socket.SHUT_WR)
    assert kind(w, "D") == b"last words\r\n"
    assert kind(w, "E") == b""
    w.send(b"D250 heard\r\n")
    w.send(b"Q")
    assert drained(c) == b"250 heard\r\n"
    w.close()

def client_that_vanishes_frees_its_session(f):
    w, c = f.wire(), f.connect("smtp")
    kind(w, "P")
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.close()
    assert kind(w, "E") == b""
    w.send(b"Dto nobody")
    w.send(b"Q")
    w.send(b"R")
    c = f.connect("smtp")
    kind(w, "P")
    w.close()
    assert drained(c) == b""

def pump(f, name, wrap, size):
    """size bytes each way at once, with a slow start of each reader."""
    w, c = f.wire(), f.connect(name)
    c = wrap(c)
    kind(w, "P")
    data = os.urandom(1 << 16) * (size >> 16)
    got = [b"", b""]
    def session_reads():
        time.sleep(0.3)
        parts, n = [], 0
        while n < size:
            parts.append(kind(w, "D"))
            n += len(parts[-1])
        got[0] = b"".join(parts)
    def client_reads():
        time.sleep(0.3)
        parts, n = [], 0
        while n < size:
            parts.append(c.recv(65536))
            assert parts[-1]
            n += len(parts[-1])
        got[1] = b"".join(parts)
    def session_writes():
        for at in range(0, size, 60000):
            w.send(b"D" + data[at:at + 60000])
    # Python's TLS sockets may not be used by two threads at once: one way after the other then
    if isinstance(c, ssl.SSLSocket):
        rounds = [[session_reads, lambda: c.sendall(data)], [client_reads, session_writes]]
    else:
        rounds = [[session_reads, client_reads, lambda: c.sendall(data), session_writes]]
    before = f.memory()
    for jobs in rounds:
        threads = [threading.Thread(target=j) for j in jobs]
        for t in threads:
            t.start()
        time.sleep(0.2)
        grown = f.memory() - before
        assert grown < 400 or SANITIZED, f"{grown} KiB for one stalled connection"
        for t in threads:
            t.join()
    assert got[0] == data and got[1] == data
    w.send(b"Q")
    w.close()
    c.close()

def much_both_ways_in_the_clear(f):
    pump(f, "smtp", lambda c: c, 16 << 20)

def much_both_ways_in_tls(f):
    pump(f, "submissions", context().wrap_socket, 16 << 20)

def session_end_behind_much_output(f):
    w, c = f.wire(), f.connect("smtp")
    kind(w, "P")
    data = os.urandom(60000)
    sent = threading.Thread(target=lambda: ([w.send(b"D" + data) for _ in range(200)], w.close()))
    sent.start()
    time.sleep(0.2)
    assert drained(c) == data * 200
    sent.join()

def one_address_cannot_take_all(f):
    def come(source):
        w, c = f.wire(), f.connect("smtp", source)
        return w, c, kind(w, "P").split()[0]
    held = [come("127.0.0.1") for _ in range(40)]
    assert drained(f.connect("smtp")) == REFUSAL.encode()
    try:
        context().wrap_socket(f.connect("submissions"))
        assert False, "the other port counts apart"
    except (ssl.SSLError, OSError):
        pass
    held.append(come("127.0.0.9"))
    assert held[-1][2] == b"127.0.0.9"
    for w, c, _ in held:
        c.close()
        w.close()
    eventually("the address stays full", lambda: comes_in(f))

def comes_in(f):
    w, c = f.wire(), f.connect("smtp")
    w.settimeout(0.5)
    try:
        kind(w, "P")
        return True
    except (AssertionError, OSError):
        return False
    finally:
        c.close()
        w.close()

def waits_for_a_session(f):
    c = f.connect("smtp")
    time.sleep(0.2)
    w = f.wire()
    kind(w, "P")
    w.send(b"Dat last")
    w.send(b"Q")
    assert drained(c) == b"at last"
    w.close()

def waits_not_for_ever(f):
    c, t = f.connect("smtp"), context().wrap_socket(f.connect("submissions"))
    began = time.monotonic()
    assert drained(c) == REFUSAL.encode()
    assert 0.5 < time.monotonic() - began < 4
    assert drained(t) == REFUSAL.encode()

def certificate_changes_while_we_run(f):
    def served():
        w = f.wire()
        t = context().wrap_socket(f.connect("submissions"))
        kind(w, "P")
        w.close()
        return t.getpeercert(True)
    first = served()
    f.certify(*certificate(f.role.dir + "/second", "second.test"))
    eventually("still the old certificate", lambda: served() != first)
    second = served()
    bad = f.role.dir + "/bad"
    open(bad, "w").write("this is no certificate\n")
    f.certify(bad, bad)
    eventually("no word in the log", lambda: "cannot use the certificate" in f.role.told())
    assert served() == second

def asks_for_spare_sessions(f):
    g = Front()
    g.listen("smtp")
    g.go()
    while g.asked < 2:
        g.heard()
    assert g.asked == 2
    w, _ = g.wire(), g.wire()
    c = g.connect("smtp")
    while g.asked < 3:
        g.heard()
    assert g.asked == 3
    c.close()
    w.close()
    assert g.role.stop() == 0, "the keeper is gone and the front stays"

def without_certificate_no_tls(f):
    g = Front()
    g.listen("smtp")
    g.listen("submissions", 1)
    g.go()
    w, c = g.wire(), g.connect("smtp")
    kind(w, "P")
    w.send(b"T")
    assert kind(w, "T") == b""
    c.send(b"on in the clear")
    assert kind(w, "D") == b"on in the clear"
    assert drained(g.connect("submissions")) == b""
    g.role.stop()

def stops_when_told(f):
    g = Front()
    g.listen("smtp")
    g.go()
    w, spare, c = g.wire(), g.wire(), g.connect("smtp")
    busy = next(x for x in (w, spare) if comes(x))
    g.role.process.send_signal(signal.SIGTERM)
    idle = spare if busy is w else w
    assert idle.recv(10) == b"", "a ready session is not sent home"
    busy.send(b"Dbye")
    assert c.recv(10) == b"bye"
    busy.send(b"Q")
    c.close()
    assert g.role.process.wait(5) == 0
    g.role.stop()

def comes(wire):
    wire.settimeout(0.5)
    try:
        return wire.recv(65536)[:1] == b"P"
    except TimeoutError:
        return False
    finally:
        wire.settimeout(10)

def full_of_stallers_still_serves(f):
    """All places are taken by clients that stall in the handshake, from many addresses."""
    g = Front(SETTINGS.replace("sessions-spare", "connections-max = 20\nsessions-spare"))
    g.certify(*certificate(g.role.dir + "/c", "front.test"))
    g.listen("smtp")
    g.listen("submissions", 1)
    g.go()
    stallers = [g.connect("submissions", f"127.0.1.{n}") for n in range(1, 40)]
    assert stallers[0].recv(10) == b"", "who stalls for longest is not let go"
    w, c = g.wire(), g.connect("smtp")
    kind(w, "P")
    held = [(w, c)]
    for _ in range(19):
        w, c = g.wire(), g.connect("smtp")
        kind(w, "P")
        held.append((w, c))
    assert drained(g.connect("smtp", "127.0.2.1")) == REFUSAL.encode(), "all places are taken by sessions"
    held[0][0].send(b"Dstill there")
    assert held[0][1].recv(100) == b"still there"
    for w, c in held:
        w.close()
    g.role.stop()

def small(limits, sessions=0):
    """A front of its own, with these settings too."""
    keys = [line.split(" ")[0] for line in limits.splitlines()]
    rest = [line for line in SETTINGS.splitlines() if line.split(" ")[0] not in keys]
    g = Front("\n".join(rest).replace("greet-timeout = 1s", "greet-timeout = 20s") + "\n" + limits)
    g.listen("smtp")
    g.go(sessions)
    return g

def greeted(g, source=None):
    """A client whose session has greeted it and waits for a word."""
    w, c = g.wire(), g.connect("smtp", source)
    kind(w, "P")
    w.send(b"D220 hello\r\n")
    assert c.recv(100) == b"220 hello\r\n"
    return w, c

def silent_strangers_make_room_for_who_waits(f):
    """All sessions there can be are taken. A newcomer gets the one whose client is silent for longest."""
    g = small("", sessions=3)
    held = [greeted(g, f"127.0.1.{n}") for n in range(1, 4)]
    time.sleep(1.1)
    held[0][1].send(b"EHLO there\r\n")		# it speaks, and its session works
    kind(held[0][0], "D")
    c = g.connect("smtp", "127.0.1.9")
    assert drained(held[1][1]) == REFUSAL.encode(), "who is silent for longest is kept"
    w = held[1][0]
    assert kind(w, "E") == b""
    w.send(b"Q")
    w.send(b"R")
    assert kind(w, "P").split()[0] == b"127.0.1.9"
    w.send(b"D220 hello\r\n")
    assert c.recv(100) == b"220 hello\r\n"
    for w, c in held[0], held[2]:
        w.send(b"Dstill there")
        assert c.recv(100) == b"still there"
    assert "shed peer=127.0.1.2" in g.role.told()
    g.role.stop()

def who_logged_in_is_never_shed(f):
    g = small("strangers-max = 3\n", sessions=2)
    known = greeted(g, "127.0.1.1")
    known[0].send(b"C\1\0\0\0\0")
    stranger = greeted(g, "127.0.1.2")
    time.sleep(1.1)
    c = g.connect("smtp", "127.0.1.3")
    assert drained(stranger[1]) == REFUSAL.encode()
    assert kind(stranger[0], "E") == b""
    stranger[0].send(b"Q")
    stranger[0].send(b"R")
    assert kind(stranger[0], "P").split()[0] == b"127.0.1.3"
    stranger[0].send(b"C\1\0\0\0\0" + b"235 welcome")
    assert c.recv(100) == b"235 welcome"
    time.sleep(1.1)
    late = g.connect("smtp", "127.0.1.4")
    late.settimeout(0.5)
    try:
        assert late.recv(10) and False, "somebody who logged in had to go"
    except TimeoutError:
        pass
    known[0].send(b"Dstill there")
    assert known[1].recv(100) == b"still there"
    g.role.stop()

def strangers_leave_in_a_crowd(f):
    """Four of five places are taken: silence for crowd-timeout is enough, before the session's own time is over."""
    g = small("strangers-max = 10\ncrowd-timeout = 1s\n")
    held = [greeted(g, f"127.0.1.{n}") for n in range(1, 9)]
    assert drained(held[0][1]) == REFUSAL.encode()
    eventually("not all of the others may stay", lambda: "scarce" in g.role.told())
    g.role.stop()

def one_network_cannot_take_all(f):
    g = small("strangers-per-network = 3\n")
    held = [greeted(g, f"127.0.1.{n}") for n in range(1, 4)]
    assert drained(g.connect("smtp", "127.0.1.99")) == REFUSAL.encode()
    held.append(greeted(g, "127.0.2.1"))
    held[0][0].send(b"C\1\0\0\0\0")			# a login: no stranger any more
    eventually("a login is not given back", lambda: comes_in_from(g, "127.0.1.99"))
    g.role.stop()

def comes_in_from(g, source):
    c = g.connect("smtp", source)
    c.settimeout(0.2)
    try:
        return c.recv(100) != REFUSAL.encode()
    except TimeoutError:
        return True

def sessions_count_and_hear(f):
    """What a session counts comes back with the client's words when it is too much."""
    g = small("messages-per-minute = 2\nrecipients-per-minute = 3\ndata-max = 1\n"
              "refusals-per-minute = 5\nerrors-per-minute = 0\n")
    until = time.time() % 60
    if until > 50:
        time.sleep(61 - until)				# all of it within one minute
    w, c = greeted(g)
    def says(count, words=b"250\r\n"):
        w.send(b"C" + count + words)
        assert c.recv(100) == words
        c.send(b"NOOP\r\n")
        p = w.recv(100)
        return p[1] if p[:1] == b"L" else 0
    MESSAGES, RCPTS, REFUSALS, DATA = 1, 2, 4, 16
    assert says(b"\0\1\1\0\0") == 0
    assert says(b"\0\1\1\0\xff") == MESSAGES
    assert says(b"\0\0\1\4\0") == MESSAGES | RCPTS
    other = greeted(g, "127.0.0.9")
    assert says(b"\2\0\0\0\0") == MESSAGES | RCPTS | DATA
    other[1].send(b"DATA\r\n")
    assert other[0].recv(100) == b"L\x10DATA\r\n", "what is too much in all is not told to others"
    assert says(b"\0\0\0\0\0") == MESSAGES | RCPTS
    other[1].send(b"DATA\r\n")
    assert other[0].recv(100) == b"DDATA\r\n", "one address's counts are another's"
    c.send(b"last words\r\n")
    c.close()					# what it did counts, even when it is gone
    assert w.recv(100) == b"L\3last words\r\n"
    assert kind(w, "E") == b""
    w.send(b"C\0\0\0\1\0too late")
    w.send(b"Q")
    eventually("who guesses may come again", lambda: drained_at_once(g.connect("smtp")) == REFUSAL.encode())
    w.send(b"C")
    assert w.recv(10) == b"", "nonsense is taken"
    g.role.stop()

def drained_at_once(c):
    c.settimeout(0.3)
    try:
        return drained(c)
    except TimeoutError:
        return b""

def newest_first_in_a_crowd(f):
    """Fifty wait and do nothing; who comes then does not have to wait behind them."""
    g = small("strangers-per-network = 100\n")
    held = [g.connect("smtp", f"127.0.1.{n}") for n in range(1, 51)]
    time.sleep(0.2)
    c = g.connect("smtp", "127.0.2.1")
    time.sleep(0.2)
    assert kind(g.wire(), "P").split()[0] == b"127.0.2.1"
    order = [kind(g.wire(), "P").split()[0] for _ in range(50)]
    assert order[0] == b"127.0.1.50" and order[-1] == b"127.0.1.32", order	# once few wait, in their order
    g.role.stop()

def chaos_leaves_nothing_behind(f):
    """Clients and sessions that do anything at any time. Then nothing may be left, and all must work."""
    dice = random.Random(4711)
    before = f.descriptors()
    wires, clients = [], []
    until = time.monotonic() + 4
    while time.monotonic() < until:
        r = dice.random()
        if r < 0.2 and len(clients) < 30:
            c = f.connect(dice.choice(["smtp", "submissions"]))
            c.setblocking(False)
            clients.append(c)
        elif r < 0.35 and len(wires) < 30:
            w = f.wire()
            w.setblocking(False)
            wires.append(w)
        elif r < 0.65 and clients:
            client_whim(dice, clients)
        elif wires:
            session_whim(dice, wires)
    for s in wires + clients:
        s.close()
    eventually("something is left behind", lambda: f.descriptors() <= before, 15)
    eventually("it serves no more", lambda: serves(f), 15)
    plain_talk_and_goodbye(f)

def serves(f):
    """A new client gets a session at once; behind those of the chaos it may not yet."""
    w, c = f.wire(), f.connect("smtp")
    w.settimeout(0.5)
    try:
        return w.recv(65536).split()[1] == b"%d" % c.getsockname()[1]
    except TimeoutError:
        return False
    finally:
        w.close()
        c.close()

def hung_up_while_waiting(f):
    gone = [f.connect("smtp") for _ in range(5)]
    time.sleep(0.1)
    for c in gone:
        c.close()
    last = f.connect("smtp")
    time.sleep(0.1)
    w = f.wire()
    assert int(kind(w, "P").split()[1]) == last.getsockname()[1]
    w.close()

def client_whim(dice, clients):
    c = dice.choice(clients)
    try:
        whim = dice.randrange(6)
        if whim == 0:
            clients.remove(c)
            c.close()
        elif whim == 1:
            c.shutdown(socket.SHUT_WR)
        elif whim == 2:
            c.recv(65536)
        elif whim == 3:
            c.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(100))
        else:
            c.send(dice.randbytes(dice.choice([1, 100, 60000])))
    except OSError:
        pass

def session_whim(dice, wires):
    w = dice.choice(wires)
    try:
        whim = dice.randrange(10)
        if whim == 0:
            wires.remove(w)
            w.close()
        elif whim < 4:
            w.recv(65536)
        else:
            w.send(dice.choice([b"D" + dice.randbytes(1000), b"D" * 60000, b"D", b"T", b"Q", b"R", b"Q", b"X",
                                b"C\\1\\1\\1\\1\\1", b"C\\2\\0\\0\\0\\1" + b"D" * 60000, b"C"]))
    except OSError:
        pass

def idle_tls_costs_little(f):
    """Not a limit to sleep by, a guard against keeping buffers: below 25 KiB each."""
    g = Front(SETTINGS.replace("connections-per-address = 40", "connections-per-address = 1000"))
    g.certify(*certificate(g.role.dir + "/c", "front.test"))
    g.listen("submissions", 1)
    g.go()
    kept = []
    def more(n):
        for _ in range(n):
            w = g.wire()
            t = context().wrap_socket(g.connect("submissions"))
            kind(w, "P")
            w.send(b"D* OK\r\n")
            assert t.recv(100)
            t.send(b"a NOOP\r\n")
            kind(w, "D")
            kept.append((w, t))
    more(20)
    before = g.memory()
    more(200)
    each = (g.memory() - before) / 200
    print(f"  an idle TLS connection costs the front {each:.1f} KiB", flush=True)
    assert each < 25 or SANITIZED, each
    for w, t in kept:
        w.close()
        t.close()
    g.role.stop()

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"

def proxied_front():
    g = Front(SETTINGS.replace("greet-timeout = 1s", "greet-timeout = 10s") + "[proxy]\nnetworks = 127.0.0.1\n"
              "[mta]\nrelay-networks = 192.0.2.200\n")
    g.certify(*certificate(g.role.dir + "/c", "front.test"))
    g.listen("smtp", 2)
    g.listen("submissions", 3)
    g.go()
    return g

def a_proxy_names_its_client(f):
    g = proxied_front()
    headers = {
        b"PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\n": "192.0.2.1 40000 192.0.2.25 25",
        b"PROXY TCP6 2001:db8::1 2001:db8::25 40000 25\r\n": "2001:db8::1 40000 2001:db8::25 25",
        SIGNATURE + b"\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\x19\x9c\x40\0\x19": "192.0.2.1 40000 192.0.2.25 25",
        SIGNATURE + b"\x20\0\0\0": None, b"PROXY UNKNOWN\r\n": None,
    }
    for header, named in headers.items():
        for cut in 0, 1, 20, len(header):
            w, c = g.wire(), g.connect("smtp")
            c.send(header[:cut])
            time.sleep(0.02 if cut else 0)
            c.send(header[cut:] + b"EHLO x\r\n")
            p = kind(w, "P").decode()
            here = "127.0.0.1 %d 127.0.0.1 %d" % (c.getsockname()[1], g.ports["smtp"])
            assert p == (named or here) + " smtp", p
            assert kind(w, "D") == b"EHLO x\r\n"
            w.send(b"D250 x\r\n")
            w.send(b"Q")
            assert drained(c) == b"250 x\r\n"
            w.close()
    w, c = g.wire(), g.connect("submissions")
    c.send(b"PROXY TCP4 192.0.2.1 192.0.2.25 40000 465\r\n")
    t = context().wrap_socket(c)
    p = kind(w, "P").decode().split()
    assert p[:6] == ["192.0.2.1", "40000", "192.0.2.25", "465", "submissions", "tls"], p
    w.close()
    t.close()
    g.role.stop()

def only_a_known_proxy_may(f):
    g = proxied_front()
    assert drained(g.connect("smtp", "127.0.0.2")) == REFUSAL.encode()
    for nonsense in b"EHLO x\r\n", b"PROXY TCP4 nonsense\r\n", b"\x16\x03\x01" + b"x" * 500, SIGNATURE + b"\x41\x11\0\x0c", \
            b"PROXY " + b"x" * 200, SIGNATURE + b"\x21\x11\xff\xff":
        c = g.connect("smtp")
        c.send(nonsense)
        assert drained(c) == b"", nonsense
    c = g.connect("smtp")
    c.send(b"PROXY TCP4 192.0")			# and not a byte more
    cpu = open(f"/proc/{g.role.process.pid}/stat").read().split()[13:15]
    time.sleep(0.3)
    after = open(f"/proc/{g.role.process.pid}/stat").read().split()[13:15]
    assert sum(map(int, after)) - sum(map(int, cpu)) < 10, "it spins while a header is not whole"
    c.shutdown(socket.SHUT_WR)
    assert drained(c) == b""
    assert g.role.process.poll() is None
    g.role.stop()

def proxied_clients_are_counted_as_themselves(f):
    g = proxied_front()
    def come(ip):
        w, c = g.wire(), g.connect("smtp")
        c.send(b"PROXY TCP4 %s 192.0.2.25 40000 25\r\n" % ip.encode())
        return w, c
    held = []
    for _ in range(40):
        held.append(come("192.0.2.1"))
        assert kind(held[-1][0], "P").startswith(b"192.0.2.1 ")
    spare, c = come("192.0.2.1")
    got = drained(c)
    assert got == REFUSAL.encode(), got
    for ip in b"192.0.2.2", b"192.0.2.200":		# the refused one's session is theirs
        c = g.connect("smtp")
        c.send(b"PROXY TCP4 %s 192.0.2.25 40000 25\r\n" % ip)
        assert kind(spare, "P").startswith(ip + b" ")
        held.append((spare, c))
        spare = g.wire()
    for w, c in held:
        w.close()
        c.close()
    g.role.stop()

def filters_are_not_counted(f):
    """By XCLIENT a filter tells its session who its clients are; the front sees it alone."""
    g = small("refusals-per-minute = 3\nstrangers-per-address = 2\n[proxy]\nxclient = 127.0.3.1\n")
    held = [greeted(g, "127.0.3.1") for _ in range(4)]
    w, c = held[0]
    w.send(b"C\0\0\0\x09\x09550\r\n")
    assert c.recv(100) == b"550\r\n"
    c.send(b"RCPT\r\n")
    assert w.recv(100) == b"DRCPT\r\n", "one of its clients has guessed for all of them"
    assert comes_in_from(g, "127.0.3.1")
    g.role.stop()

def main():
    f = Front()
    f.certify(*certificate(f.role.dir + "/first", "front.test", "*.front.test"))
    f.listen("smtp")
    f.listen("submissions", 1)
    f.go()
    failed = 0
    tests = [plain_talk_and_goodbye, session_serves_one_after_the_other, starttls_drops_what_came_in_the_clear,
             clear_text_behind_starttls_never_gets_through, tls_from_the_first_byte, alpn_is_strict,
             nonsense_instead_of_tls_is_closed, half_closed_client_reads_on, client_that_vanishes_frees_its_session,
             much_both_ways_in_the_clear, much_both_ways_in_tls, session_end_behind_much_output,
             one_address_cannot_take_all, waits_for_a_session, hung_up_while_waiting, waits_not_for_ever,
             certificate_changes_while_we_run, asks_for_spare_sessions, without_certificate_no_tls,
             stops_when_told, full_of_stallers_still_serves, silent_strangers_make_room_for_who_waits,
             who_logged_in_is_never_shed, strangers_leave_in_a_crowd, one_network_cannot_take_all,
             sessions_count_and_hear, newest_first_in_a_crowd, chaos_leaves_nothing_behind, idle_tls_costs_little,
             a_proxy_names_its_client, only_a_known_proxy_may, proxied_clients_are_counted_as_themselves,
             filters_are_not_counted]
    for t in tests:
        if len(sys.argv) > 3 and t.__name__ not in sys.argv[3:]:
            continue
        try:
            t(f)
            print(f"ok {t.__name__}", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAILED {t.__name__}: {type(e).__name__}: {e}", flush=True)
            import traceback
            traceback.print_exc()
            if f.role.process.poll() is not None:
                break
    if failed:
        print(f.role.told())
    f.role.stop()
    sys.exit(failed > 0)

main()
