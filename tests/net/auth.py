#!/usr/bin/env python3
"""posthorn-auth as a process: this plays its keeper, and sessions that have been taken over.
Arguments: run-role, posthorn-auth."""
import os, struct, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from play import Role, pack

SETTINGS = """
[posthorn]
host-name = auth.test
run-directory = @DIR@
queue-directory = @DIR@
[directory]
system-users = no
[auth]
mechanisms = PLAIN SCRAM-SHA-256 EXTERNAL
directory = @DIR@
"""
NO, YES, CANNOT_TELL, ASK = range(4)
KEY = (0x1122334455667788, 0x99aabbccddeeff00)

def siphash(key, data):
    """SipHash-2-4, by its authors' paper."""
    mask = (1 << 64) - 1
    rot = lambda x, b: (x << b | x >> (64 - b)) & mask
    v = [key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573]
    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask; v[1] = rot(v[1], 13) ^ v[0]; v[0] = rot(v[0], 32)
            v[2] = (v[2] + v[3]) & mask; v[3] = rot(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask; v[3] = rot(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask; v[1] = rot(v[1], 17) ^ v[2]; v[2] = rot(v[2], 32)
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for (m,) in struct.iter_unpack("<Q", padded):
        v[3] ^= m; rounds(2); v[0] ^= m
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]

def seal(names, key=KEY, exporter=""):
    text = f":{exporter}::{names}"
    return f"{siphash(key, text.encode()):016x}{text}"

def ask(packet):
    """What a fresh helper says to one packet."""
    role = Role(sys.argv[1], sys.argv[2], "imapd/auth", SETTINGS)
    with open(role.dir + "/users", "w") as f:
        f.write("ann@x.test::1234:1234\nbob@x.test::1234:1234\neve@x.test:!:1234:1234\n")
    role.keeper.send(packet)
    r = role.keeper.recv(65536)
    told = role.told()
    role.stop()
    assert r, told
    magic, verdict = struct.unpack_from("=II", r)
    assert magic == 0x70686132
    text = lambda at, n: r[at:at + n].split(b"\0")[0].decode()
    challenge_n, state_n = struct.unpack_from("=II", r, 16 + 320 + 2048 + 200)
    at = 16 + 320 + 2048 + 200 + 8
    return verdict, text(16, 320), text(16 + 320 + 2048, 200), r[at:at + challenge_n], r[at + 1024:at + 1024 + state_n]

def exchange(mechanism, word, message=b"", state=b"", key=KEY):
    return ask(pack("X", mechanism, "imaps", "imapd", "192.0.2.1", word, key[0], key[1], bytes(32), state, message))

def test_certificate_is_the_fronts_word():
    verdict, login, why, *_ = exchange("EXTERNAL", seal("ann@x.test"))
    if os.geteuid() == 0:
        assert (verdict, login) == (YES, "ann@x.test"), (verdict, login, why)
    for word in (seal("bob@x.test").replace("bob", "ann"), seal("ann@x.test", (1, 2)), "0:::ann@x.test", "ann@x.test"):
        verdict, login, why, *_ = exchange("EXTERNAL", word)
        assert verdict == NO, (word, verdict, login, why)
    assert "not the front's word" in exchange("EXTERNAL", seal("ann@x.test", (1, 2)))[2]
    assert exchange("EXTERNAL", seal("eve@x.test"))[0] == NO
    assert exchange("EXTERNAL", "")[0] == NO

def test_binding_is_the_fronts_word():
    first = b"p=tls-exporter,,n=ann@x.test,r=abc"
    assert exchange("SCRAM-SHA-256-PLUS", seal("", exporter="00" * 32), first)[0] == ASK
    verdict, _, why, *_ = exchange("SCRAM-SHA-256-PLUS", seal("", (1, 2), "00" * 32), first)
    assert verdict == NO and "not the front's word" in why, (verdict, why)

def test_mechanism_must_be_offered():
    for mechanism in ("OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "PLAIN", "CRAM-MD5", ""):
        verdict, _, why, *_ = exchange(mechanism, "", b"n,,n=ann@x.test,r=abc")
        assert verdict == NO and why == "no such mechanism", (mechanism, verdict, why)

def test_state_goes_round():
    verdict, login, _, challenge, state = exchange("SCRAM-SHA-256", "", b"n,,n=nobody@x.test,r=abc")
    assert verdict == ASK and login == "nobody@x.test" and challenge.startswith(b"r=abc")
    again = exchange("SCRAM-SHA-256", "", b"n,,n=nobody@x.test,r=abc")
    assert challenge.split(b",")[1] == again[3].split(b",")[1], "the salt of nobody changes"
    assert challenge != again[3], "one nonce for all"
    verdict, _, why, challenge, _ = exchange("SCRAM-SHA-256", "", b"c=biws," + challenge.split(b",")[0] + b",p=" + b"A" * 43 + b"=", state)
    assert (verdict, why, challenge) == (NO, "no such user", b""), (verdict, why)

def test_nonsense_is_no():
    for message in (b"", b"\0", b"n,,", b"x" * 9000, b"n,,n=ann@x.test,r="):
        assert exchange("SCRAM-SHA-256", "", message)[0] == NO, message
    for state in (b"x", b"\n", b"n,,n=ann@x.test,r=abc\n", b"n,,n=ann@x.test,r=abc\nr=abcdef,s=AAAA,i=4096"):
        assert exchange("SCRAM-SHA-256", "", b"c=biws,r=abcdef,p=AAAA", state)[0] == NO, state

for name, test in sorted(globals().copy().items()):
    if name.startswith("test_"):
        test()
        print("ok", name, flush=True)
