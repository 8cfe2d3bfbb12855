#!/usr/bin/env python3
"""Milters: one of our own that does all that a milter can do, also what none should, and the
milters of OpenDKIM and rspamd."""
import os
import shutil
import smtplib
import subprocess
import tempfile
import time

import a_milter
from a_milter import ACCEPT, CONTINUE, DISCARD, PROGRESS, REJECT, SKIP_BODY, TEMPFAIL, Milter, frame
from e2e import Skip, expect, hosts, journey, main, need, run

LETTER = b"From: ann@far.test\r\nTo: bob@beta.test\r\nX-Old: one\r\nX-Old:  two\r\n folded\r\nSubject: hello\r\n\r\n"
TEXT = b"words\r\n.dots\r\n\r\nmore words\r\n"


def path(net, name):
    return os.path.join(net.directory, name + ".sock")


def start(net, *milters, section="mta", more=""):
    beta = net["beta"]
    beta.set(section, "milters", " ".join(f"m{i}={m.setting}{more}" for i, m in enumerate(milters)))
    beta.set("milter", "command-timeout", "2s").set("milter", "content-timeout", "3s").set("milter", "connect-timeout", "2s")
    return beta.start("mta", "mda") if section == "mta" else beta.start("msa", "mta", "mda")


def client(beta):
    smtp = smtplib.SMTP(beta.address, beta.port("smtp"), "client.test", 30)
    smtp.ehlo()
    return smtp


def bring(beta, text=LETTER + TEXT, sender="ann@far.test", rcpts=("bob@beta.test",)):
    """What the last command was answered with."""
    with client(beta) as smtp:
        answer = smtp.mail(sender)
        for rcpt in rcpts:
            answer = smtp.rcpt(rcpt) if answer[0] == 250 else answer
        return smtp.data(text) if answer[0] == 250 else answer


def data_answer(beta, **how):
    """As bring(), where smtplib makes an exception of a refused DATA."""
    try:
        return bring(beta, **how)
    except smtplib.SMTPDataError as e:
        return e.smtp_code, e.smtp_error


def read(name):
    with open(name, "rb") as f:
        return f.read()


def taken(beta, user="bob", **how):
    code, words = data_answer(beta, **how)
    expect(code == 250, f"not taken: {code} {words}")
    got = read(beta.wait_inbox(user)[0])
    return got


def header_of(text):
    return text.split(b"\n\n", 1)[0] + b"\n"


def body_of(text):
    return text.split(b"\n\n", 1)[1]


# --- what it hears ---

def test_it_hears_all(net):
    m = Milter(path(net, "m"), steps=a_milter.LEADING_SPACE)
    beta = start(net, m)
    got = taken(beta)
    hosts.wait_for(lambda: m.letters().endswith("Q"), 10, "QUIT")
    expect(m.letters() == "CHMRTLLLLLNBEQ", m.letters())
    expect(m.offered == (6, 0x1fd, 0x1ff7ff), f"offered {m.offered}")
    connect = m.of("C")[0][0]
    expect(connect.startswith(b"[127.") and b"\x00" in connect, connect)
    expect(m.of("H") == [[b"client.test"]], m.of("H"))
    expect(m.of("M")[0][0] == b"<ann@far.test>" and m.of("R") == [[b"<bob@beta.test>"]], f"{m.of('M')} {m.of('R')}")
    expect(m.of("L")[3] == [b"X-Old", b"  two\n folded"], m.of("L"))
    expect(m.body() == TEXT, m.body())
    macros = m.macros["C"]
    expect(macros["j"] == "mx.beta.test" and macros["{daemon_name}"] == "smtp", macros)
    expect(macros["{client_addr}"].startswith("127.") and int(macros["{client_port}"]) > 0, macros)
    queue_id = m.macros["M"]["i"]
    expect(m.macros["E"]["i"] == queue_id and m.macros["M"]["{mail_addr}"] == "ann@far.test", m.macros)
    expect(m.macros["R"]["{rcpt_addr}"] == "bob@beta.test", m.macros["R"])
    expect(beta.log_lines(f"{queue_id} received"), "another id")
    expect(body_of(got) == TEXT.replace(b"\r\n", b"\n"), "the body changed")


def test_a_proxys_client_may_be_unknown(net):
    m = Milter(path(net, "m"))
    net["beta"].set("proxy", "xclient", "127.0.0.0/8")
    with client(start(net, m)) as smtp:
        expect(smtp.docmd("XCLIENT", "ADDR=[UNAVAILABLE]")[0] == 220, "XCLIENT")
        smtp.ehlo()
        expect(smtp.mail("ann@far.test")[0] == 250, "MAIL")
    expect(m.of("C") == [[b"[unknown]\0U"]], f"heard {m.of('C')}")


def test_it_hears_a_large_body(net):
    m = Milter(("127.0.0.1", 0), steps=a_milter.LEADING_SPACE | a_milter.MUTE_BODY | a_milter.MUTE_HEADER)
    beta = start(net, m)
    text = b"".join(b"line %d of many\r\n" % i for i in range(30000))
    taken(beta, text=LETTER + text)
    expect(m.body() == text, f"{len(m.body())} bytes, not {len(text)}")
    expect(max(len(f[0]) for f in m.of("B")) <= 65535, "a piece is too large")


def test_no_field_is_too_long_for_it(net):
    """Who says more than a filter takes does not get past it, not even where it may be away."""
    m = Milter(path(net, "m"))
    beta = start(net, m, more=":open")
    long = b"X-Long: y\r\n" + b"".join(b" %s\r\n" % (b"z" * 900) for _ in range(400))
    with client(beta) as smtp:
        for head, code in ((long, 552), (b"", 250)):
            smtp.mail("ann@far.test")
            smtp.rcpt("bob@beta.test")
            smtp.docmd("DATA")
            smtp.send(head + LETTER + b"words\r\n.\r\n")
            got = smtp.getreply()
            expect(got[0] == code, f"{got}")
    expect(m.body() == b"words\r\n", f"heard {m.body()}")


def test_it_wants_less(net):
    m = Milter(path(net, "m"), steps=0x1 | 0x2 | a_milter.NO_BODY | 0x200, version=2,
               lists=frame("", 2, "i {client_addr}")[4:])
    start(net, m)
    taken(net["beta"])
    hosts.wait_for(lambda: m.letters().endswith("Q"), 10, "QUIT")
    expect(m.letters() == "MRLLLLLNEQ", m.letters())
    expect(set(m.macros["M"]) == {"i", "{client_addr}"}, m.macros["M"])
    expect(m.of("L")[3] == [b"X-Old", b"two\n folded"], m.of("L"))


def test_one_client_two_messages(net):
    m = Milter(path(net, "m"))
    beta = start(net, m)
    with client(beta) as smtp:
        for _ in range(2):
            smtp.sendmail("ann@far.test", ["bob@beta.test"], LETTER + TEXT)
        smtp.mail("ann@far.test")
        smtp.rset()
    beta.wait_inbox("bob", 2)
    hosts.wait_for(lambda: m.letters().endswith("Q"), 10, "QUIT")
    expect(m.letters() == "CH" + "MRTLLLLLNBE" * 2 + "MAQ", m.letters())


def test_body_is_skipped(net):
    m = Milter(path(net, "m"), lambda letter, fields: SKIP_BODY if letter == "B" else None, steps=a_milter.SKIP)
    taken(start(net, m), text=LETTER + b"0123456789\r\n" * 20000)
    expect(m.letters().count("B") == 1, m.letters())


# --- what it does ---

def changing(*frames):
    return lambda letter, fields: [PROGRESS, *frames, CONTINUE] if letter == "E" else None


HEADER_CHANGES = (
    frame("i", 0, "X-Top", " first"), frame("i", 2, "X-Under", " received"), frame("h", "X-End", " last\n\tfolded"),
    frame("m", 2, "x-old", ""), frame("m", 1, "Subject", " changed"), frame("m", 1, "X-New", " added"))


def check_header(got, large=""):
    lines = header_of(got).decode().splitlines()
    lines = lines[[line.startswith("X-Top") for line in lines].index(True):]
    expect(lines[0] == "X-Top: first" and lines[1].startswith("Received: "), f"{lines} {large}")
    at = lines.index("X-Under: received")
    expect(lines[at + 1:] == ["From: ann@far.test", "To: bob@beta.test", "X-Old: one", "Subject: changed",
                              "X-End: last", "\tfolded", "X-New: added"], f"{lines} {large}")


def test_header_is_changed(net):
    m = Milter(path(net, "m"), changing(*HEADER_CHANGES), steps=a_milter.LEADING_SPACE)
    beta = start(net, m)
    got = taken(beta)
    check_header(got)
    expect(body_of(got) == TEXT.replace(b"\r\n", b"\n"), "the body changed")
    for did in ("inserted-header what=X-Top", "added-header what=X-End", "changed-header what=Subject"):
        expect(beta.log_lines(did), f"no log of {did}")


def test_header_of_a_large_message_is_changed(net):
    m = Milter(path(net, "m"), changing(*HEADER_CHANGES), steps=a_milter.LEADING_SPACE)
    text = b"0123456789 0123456789\r\n" * 20000
    got = taken(start(net, m), text=LETTER + text)
    check_header(got, "(large)")
    expect(body_of(got) == text.replace(b"\r\n", b"\n"), "the body changed")


def test_values_without_leading_blank(net):
    m = Milter(path(net, "m"), changing(frame("h", "X-A", "one"), frame("m", 1, "Subject", "two")))
    header = header_of(taken(start(net, m)))
    expect(b"\nX-A: one\n" in header and b"\nSubject: two\n" in header, header)


def test_envelope_is_changed(net):
    m = Milter(path(net, "m"), changing(
        frame("e", "<other@far.test>"), frame("+", "<dora@beta.test>"), frame("2", "dora@beta.test", "NOTIFY=NEVER"),
        frame("-", "<bob@beta.test>"), frame("+", "not an address"), frame("+", "<a@b>\r\nRCPT TO:<c@d>")))
    beta = start(net, m)
    got = taken(beta, "dora")
    expect(b"Return-Path: <other@far.test>" in got, header_of(got))
    time.sleep(0.2)
    expect(not beta.inbox("bob"), "bob got it too")
    expect(len(beta.log_lines("doing what a milter wants")) == 2, "bad addresses are not logged")


def test_quarantine(net):
    beta = start(net, Milter(path(net, "m"), changing(frame("q", "looks bad\r\nreally"))))
    code, words = data_answer(beta)
    expect(code == 250, words)
    held = hosts.wait_for(lambda: beta.station("hold"), 20, "a message on hold")
    expect("looks bad" in beta.command("queue", "list") + beta.log_text(), "nobody says why")
    beta.command("queue", "release", held[0])
    beta.wait_inbox("bob")


def test_everybody_deleted_and_discarded(net):
    m = Milter(path(net, "m"), changing(frame("-", "<bob@beta.test>")))
    beta = start(net, m)
    expect(data_answer(beta)[0] == 250, "refused")
    beta.wait_log("removed", "a milter wanted it so")
    for at in "MRTLNBE":
        m.answer = lambda letter, fields, at=at: DISCARD if letter == at else None
        expect(data_answer(beta)[0] == 250, f"discarded at {at}: refused")
    hosts.wait_for(lambda: len(beta.log_lines("did=discarded")) == 7, 10, "seven discarded")
    expect(not beta.queued() and not beta.inbox("bob"), "something was kept")


def test_accepted_is_asked_no_more(net):
    for i, at in enumerate("CHMRTLNB"):
        m = Milter(path(net, at), lambda letter, fields, at=at: ACCEPT if letter == at else None)
        beta = start(net, m)
        bring(beta)
        beta.wait_inbox("bob", i + 1)
        expect(m.letters().rstrip("QA").endswith(at), f"{at}: {m.letters()}")
        beta.stop()


# --- what it refuses ---

REPLIES = (
    (REJECT, 550, b"5.7.1 our filter m0 does not take this"), (TEMPFAIL, 451, b"4.7.1 our filter m0 asks"),
    (frame("y", "554 5.6.0 too ugly"), 554, b"5.6.0 too ugly"), (frame("y", "450 come again"), 450, b"4.7.1 come again"),
    (frame("y", "550-5.7.0 line one\r\n550 5.7.0 line two"), 550, b"5.7.0 line one\n5.7.0 line two"),
    (frame("y", "550 100%% bad"), 550, b"5.7.1 100% bad"),
    (frame("y", "550 5.7.1 a\x01b\u00fc"), 550, b"5.7.1 a?b??"))


def test_replies_at_each_step(net):
    m = Milter(path(net, "m"))
    beta = start(net, m)
    for answer, code, words in REPLIES:
        for at in "CHMRTLNBE":
            m.answer = lambda letter, fields, at=at, answer=answer: answer if letter == at else None
            got = data_answer(beta)
            expect(got[0] == code and got[1].startswith(words), f"{answer} at {at}: {got}, not {code} {words}")
    expect(not beta.queued(), "something was kept")
    expect(beta.log_lines("rejected") and beta.log_lines("did=refused"), "not in the log")


def test_shut_down_ends_the_connection(net):
    m = Milter(path(net, "m"), lambda letter, fields: frame("4") if letter == "M" else None)
    beta = start(net, m)
    smtp = client(beta)
    expect(smtp.mail("ann@far.test")[0] == 421, "no 421")
    try:
        smtp.noop()
        expect(False, "still there")
    except smtplib.SMTPServerDisconnected:
        pass


def test_one_recipient_is_refused(net):
    m = Milter(path(net, "m"), lambda letter, fields: REJECT if letter == "R" and fields[0] == b"<dora@beta.test>" else None)
    beta = start(net, m)
    with client(beta) as smtp:
        smtp.sendmail("ann@far.test", ["dora@beta.test", "bob@beta.test"], LETTER + TEXT)
    beta.wait_inbox("bob")
    expect(not beta.inbox("dora"), "dora got it")


# --- what no milter should do ---

def test_nothing_is_injected(net):
    m = Milter(path(net, "m"), changing(
        frame("h", "X-A", " a\r\nX-Evil: b\r\n\r\nbody"), frame("h", "X-Bad\r\nX-Evil2", "c"), frame("h", "", "d"),
        frame("i", 0, "X-B", " e\n\n\nX-Evil3: f"), frame("h", "X-Long", " " + "x" * 2000)))
    beta = start(net, m)
    got = taken(beta)
    names = [line.split(b":")[0] for line in header_of(got).splitlines() if line[:1] not in b" \t"]
    expect(not any(b"Evil" in n or b"Long" in n for n in names), names)
    expect(b"X-A" in names and b"X-B" in names, names)
    expect(body_of(got) == TEXT.replace(b"\r\n", b"\n"), "the body changed")
    m.answer = lambda letter, fields: frame("y", "550 no\r\n250 yes") if letter == "M" else None
    expect(bring(beta)[0] == 451, "a crooked reply")


NONSENSE = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1Z", frame("y", "no"), frame("h", "X-A", "1") + CONTINUE, PROGRESS,
            frame("+", b"x"), False)


def test_nonsense_is_a_milter_gone(net):
    m = Milter(path(net, "m"))
    for more, code in (("", 451), (":open", 250)):
        beta = start(net, m, more=more)
        for answer in NONSENSE:
            m.answer = lambda letter, fields, answer=answer: answer if letter == "R" else None
            got = data_answer(beta)
            expect(got[0] == code, f"{answer} {more}: {got}")
        told = beta.log_lines("milter m0")
        expect(len(told) >= len(NONSENSE), f"{len(told)} lines in the log")
        beta.stop()


def test_a_body_is_never_changed(net):
    m = Milter(path(net, "m"), changing(frame("h", "X-A", "1"), frame("b", b"other words\r\n")), actions=0x1ff)
    beta = start(net, m)
    got = data_answer(beta)
    expect(got[0] == 451, got)
    beta.wait_log("we change no body")
    beta.wait_log("may-not-change-bodies")
    beta.stop()
    beta = start(net, m, more=":open")
    got = taken(beta)
    expect(b"X-A" not in got and body_of(got) == TEXT.replace(b"\r\n", b"\n"), "half of it was done")


def test_late_and_not_there(net):
    def sleeps(at):
        return lambda letter, fields: time.sleep(6) if letter == at else None

    m = Milter(path(net, "m"))
    for more, code in (("", 451), (":open", 250)):
        beta = start(net, m, more=more)
        for at in ("M", "E"):
            m.answer = sleeps(at)
            got = data_answer(beta)
            expect(got[0] == code, f"late at {at}{more}: {got}")
        expect(beta.log_lines("no answer in time"), "not in the log")
        beta.stop()
    m.close()
    os.unlink(path(net, "m"))
    for more, code in (("", 451), (":open", 250)):
        beta = start(net, m, more=more)
        got = data_answer(beta)
        expect(got[0] == code, f"not there{more}: {got}")
        beta.stop()
    gone = Milter(("127.0.0.1", 0))
    gone.close()
    got = data_answer(start(net, gone))
    expect(got[0] == 451 and b"m0" in got[1], got)


def test_progress_keeps_it_alive(net):
    m = Milter(path(net, "m"))
    beta = start(net, m)
    original = m.one

    def one(connection, stream):
        m.answer = lambda letter, fields: works(connection) if letter == "E" else None
        return original(connection, stream)

    def works(connection):
        for _ in range(4):
            time.sleep(1.2)         # in all longer than content-timeout
            connection.sendall(PROGRESS)
        return CONTINUE

    m.one = one
    taken(beta)


# --- several ---

def test_several_in_order(net):
    first = Milter(path(net, "first"), changing(frame("i", 0, "X-First", " 1"), frame("m", 1, "X-Old", "")),
                   steps=a_milter.LEADING_SPACE)
    second = Milter(("127.0.0.1", 0), changing(frame("i", 0, "X-Second", " 2")), steps=a_milter.LEADING_SPACE)
    beta = start(net, first, second)
    got = taken(beta)
    names = [fields[0] for fields in second.of("L")]
    expect(names == [b"X-First", b"From", b"To", b"X-Old", b"Subject"], names)
    expect(b"X-Second: 2\nX-First: 1\n" in got, header_of(got))
    first.answer = lambda letter, fields: REJECT if letter == "R" else None
    before = second.letters().count("R")
    expect(bring(beta)[0] == 550 and second.letters().count("R") == before, "the second was asked after a no")


def test_submission(net):
    m = Milter(path(net, "m"), changing(frame("i", 1, "X-Signed", "yes")))
    beta = start(net, m, section="msa")
    with smtplib.SMTP_SSL(beta.address, beta.port("submissions"), "laptop", timeout=30, context=beta.tls()) as smtp:
        smtp.login("bob@beta.test", "secret words")
        smtp.sendmail("bob@beta.test", ["dora@beta.test"], LETTER.replace(b"ann@far", b"bob@beta") + TEXT)
    got = read(beta.wait_inbox("dora")[0])
    expect(b"\nX-Signed: yes\n" in got, header_of(got))
    expect(m.macros["M"]["{auth_authen}"] == "bob@beta.test" and m.macros["M"]["{auth_type}"] == "PLAIN", m.macros)
    expect(m.macros["H"]["{tls_version}"].startswith("TLSv1."), m.macros["H"])
    expect([f[0] for f in m.of("L")].count(b"Message-ID") == 1, "it did not see what we added")


# --- what others wrote ---

def private_directory():
    """OpenDKIM takes no key from below a directory that others may write to, like /tmp."""
    if not os.access("/run", os.W_OK):
        raise Skip("only root has a place for OpenDKIM's key")
    return tempfile.mkdtemp(prefix="posthorn-dkim-", dir="/run")


def eventually_listens(process, where):
    hosts.wait_for(lambda: process.poll() is not None or os.path.exists(where), 20, where)
    expect(process.poll() is None, f"{process.args[0]} ended with {process.poll()}")


def test_opendkim(net):
    opendkim, genkey = need("opendkim"), need("opendkim-genkey")
    try:
        import dkim
    except ImportError:
        raise Skip("python3-dkim is not installed") from None
    d = private_directory()
    run(genkey, "-D", d, "-d", "beta.test", "-s", "s1", "-b", "1024")
    os.chmod(os.path.join(d, "s1.private"), 0o600)
    socket_path = os.path.join(d, "sock")
    with open(os.path.join(d, "conf"), "w", encoding="ascii") as f:
        f.write(f"Domain beta.test\nSelector s1\nKeyFile {d}/s1.private\nSocket local:{socket_path}\nMode s\n"
                f"UMask 0\nBackground no\nCanonicalization simple/simple\nSyslog no\nAutoRestart no\n"
                f"OmitHeaders *,+X-Old\n")
    process = subprocess.Popen([opendkim, "-f", "-x", os.path.join(d, "conf")], stdout=subprocess.DEVNULL)
    try:
        eventually_listens(process, socket_path)
        beta = net["beta"]
        beta.set("msa", "milters", f"dkim=unix:{socket_path}")
        beta.start("msa", "mta", "mda")
        for size in (1, 20000):
            with smtplib.SMTP_SSL(beta.address, beta.port("submissions"), "laptop", timeout=30, context=beta.tls()) as smtp:
                smtp.login("bob@beta.test", "secret words")
                smtp.sendmail("bob@beta.test", ["dora@beta.test"], LETTER.replace(b"ann@far", b"bob@beta") + TEXT * size)
            name = hosts.wait_for(lambda: beta.inbox("dora"), 20, "the message")[-1]
            got = read(name)
            expect(b"DKIM-Signature:" in got, header_of(got))
            with open(os.path.join(d, "s1.txt"), encoding="ascii") as f:
                record = "".join(f.read().split('"')[1::2])
            ok = dkim.verify(got.replace(b"\n", b"\r\n"), dnsfunc=lambda name, timeout=5: record.encode())
            expect(ok, f"the signature does not verify ({size})")
            os.unlink(name)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(d)


GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


def rspamd_settings(d, address):
    os.makedirs(os.path.join(d, "db"))
    os.chmod(os.path.join(d, "db"), 0o777)
    with open(os.path.join(d, "tld"), "w", encoding="ascii") as f:
        f.write("test\ncom\n")             # its own list takes it half a minute to compile
    with open(os.path.join(d, "rspamd.conf"), "w", encoding="ascii") as f:
        f.write(f"""options {{ filters = ""; url_tld = "{d}/tld"; tempdir = "{d}/db"; pidfile = "{d}/pid"; dns {{ nameserver = ["127.0.0.1:9:1"]; timeout = 0.1s; retransmits = 1; }}
  control_socket = "{d}/control mode=0600"; hs_cache_dir = "{d}/db"; stats_file = "{d}/db/stats"; history_file = "{d}/db/history"; }}
logging {{ type = "file"; filename = "{d}/log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; }}
worker "normal" {{ bind_socket = "{d}/normal.sock mode=0666"; count = 1; }}
worker "rspamd_proxy" {{ bind_socket = "{address}"; milter = yes; count = 1;
  upstream "local" {{ default = yes; self_scan = yes; hosts = "{d}/normal.sock"; }} }}
milter_headers {{ use = ["x-spamd-result", "x-spam-status"]; skip_local = false; skip_authenticated = false; }}
modules {{ path = "/usr/share/rspamd/plugins/milter_headers.lua"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua";
""")


def test_rspamd(net):
    rspamd = need("rspamd")
    d = os.path.join(net.directory, "rspamd")
    address = f"{net['beta'].address}:2599"
    rspamd_settings(d, address)
    words = [rspamd, "-f", "-c", os.path.join(d, "rspamd.conf")] + (["-i"] if os.geteuid() == 0 else [])
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        hosts.wait_for(lambda: process.poll() is not None or run("sh", "-c", f"ss -ltn | grep -q {address}")[0] == 0, 120,
                       "rspamd")
        expect(process.poll() is None, f"rspamd ended: {read(os.path.join(d, 'log'))[-2000:]}")
        beta = net["beta"]
        beta.set("mta", "milters", f"rspamd=inet:{address}")
        beta.start("mta", "mda")
        got = taken(beta)
        expect(beta.log_lines("name=rspamd did=added-header") or beta.log_lines("name=rspamd did=inserted-header"),
               f"rspamd did nothing: {header_of(got)}")
        code, words = data_answer(beta, text=LETTER + GTUBE)
        expect(code == 554 and b"5.7.1" in words, f"{code} {words}")
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
