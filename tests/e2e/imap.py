#!/usr/bin/env python3
"""IMAP under its jail, uid and front: every verb that touches the disk, and two clients at once."""
import imaplib

from e2e import build, expect, hosts, main

BIG = b"Subject: big\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n" + b"0123456789abcdef\r\n" * 200000
SMALL = b"Subject: small\r\n\r\nx"


def network():
    net = hosts.Network(build(), names=("alpha",))
    net["alpha"].add_domain()
    net["alpha"].add_user("ann")
    net["alpha"].start("imapd")
    return net


def login(net):
    alpha = net["alpha"]
    box = imaplib.IMAP4_SSL(alpha.address, alpha.port("imaps"), ssl_context=alpha.tls())
    box.login("ann@alpha.test", "secret words")
    return box


def ok(answer):
    expect(answer[0] == "OK", f"answered {answer!r}")
    return answer[1]


def test_every_verb_in_the_jail(net):
    box = login(net)
    ok(box.select())
    ok(box.append("INBOX", "(\\Seen kw)", '"17-Jul-1996 02:44:25 -0700"', BIG))
    ok(box.append("INBOX", None, None, SMALL))
    ok(box.create("A.B"))
    ok(box.copy("1:2", "A.B"))
    ok(box.uid("MOVE", "2", "A.B"))
    ok(box.subscribe("A.B"))
    expect(ok(box.lsub()) == [b'() "." A.B'], "the subscription is lost")
    ok(box.store("1", "+FLAGS", "(\\Flagged other)"))
    (head, part), end = ok(box.fetch("1", "(BODY.PEEK[]<3000000.100000> FLAGS INTERNALDATE)"))
    expect(part == BIG[3000000:3100000], f"another part: {head!r}")
    expect(b"\\Flagged" in end and b"17-Jul-1996 09:44:25 +0000" in end, f"flags and date: {end!r}")
    expect(ok(box.fetch("1", "(BODY[])"))[0][1] == BIG, "the message changed")
    expect(ok(box.search(None, "TEXT", "CDEF", "FROM", '""')) == [b""], "found in a field that is not there")
    expect(ok(box.search("UTF-8", "BODY", "CDEF")) == [b"1"], "not found in a body")
    expect(b"MESSAGES 3" in ok(box.status("A.B", "(MESSAGES UNSEEN SIZE)"))[0], "three copies")
    ok(box.store("1", "+FLAGS.SILENT", "\\Deleted"))
    ok(box.expunge())
    ok(box.append("INBOX", None, None, SMALL))
    ok(box.rename("INBOX", "Old"))
    ok(box.rename("A", "Z"))
    names = b" ".join(ok(box.list()))
    expect(all(n in names for n in (b"INBOX", b"Old", b"Z.B")), f"folders: {names!r}")
    ok(box.delete("Z.B"))
    ok(box.select("Old", readonly=True))
    ok(box.close())
    box.logout()


def test_two_clients_see_each_other(net):
    one, two = login(net), login(net)
    ok(one.select())
    ok(two.select())
    count = int(ok(one.append("INBOX", None, None, SMALL)) and ok(two.noop()) and two.response("EXISTS")[1][-1])
    two.send(b"i IDLE\r\n")
    expect(two.readline().startswith(b"+"), "no IDLE")
    ok(one.append("INBOX", None, None, SMALL))
    expect(two.readline() == b"* %d EXISTS\r\n" % (count + 1), "IDLE does not tell of new mail")
    expect(two.readline().endswith(b"RECENT\r\n"), "IDLE does not tell of recent mail")
    ok(one.store("1", "+FLAGS", "(\\Deleted)"))
    expect(b"\\Deleted" in two.readline(), "IDLE does not tell of flags")
    ok(one.expunge())
    expect(two.readline() == b"* 1 EXPUNGE\r\n", "IDLE does not tell what went")
    two.send(b"DONE\r\n")
    expect(two.readline().startswith(b"i OK"), "IDLE does not end")
    one.logout()
    two.logout()


if __name__ == "__main__":
    main(network)
