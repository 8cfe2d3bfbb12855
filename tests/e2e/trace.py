#!/usr/bin/env python3
"""posthorn trace: the whole life of a message, across daemons and hosts, from what is kept of it."""
import json
import os
import shutil
import smtplib
import subprocess
import time

from e2e import build, expect, hosts, journey, main


def letter(subject, to="bob@beta.test", sender="alice@alpha.test", number="<one@alpha.test>"):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {number}\r\n\r\nwords\r\n").encode()


def trace(host, *args, **more):
    return host.command("trace", *args, **more)


def lives(host, *args):
    return {life["id"]: life for life in json.loads(trace(host, "--json", *args))}


def events(life, verb):
    return [e for e in life["events"] if e["event"] == verb]


def id_in(words):
    """"2.0.0 queued as ID" -> ID"""
    return words.split("queued as ")[1].split()[0]


def test_whole_life_on_two_hosts(net):
    """Submitted, relayed, delivered; refused at the other's gate, bounced; asked for by each name it has."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    qid = id_in(journey.submit(alpha, letter("to two"), recipients=("bob@beta.test", "nobody@beta.test")))
    beta.wait_inbox("bob")
    alpha.wait_inbox("alice")
    hosts.wait_for(lambda: not alpha.queued() and not beta.queued(), 20, "empty queues")

    text = trace(alpha, qid)
    lines = text.splitlines()
    expect(lines[0] == qid, text)
    expect("taken from 127." in lines[1] and "login alice@alpha.test, ESMTPSA, TLSv1.3" in lines[1]
           and "sender <alice@alpha.test>, recipients: 2" in lines[1] and "Message-ID <one@alpha.test>" in lines[1], lines[1])
    expect(any("<bob@beta.test> taken by mx.beta.test with TLSv1.3" in x and ": 250 2.0.0 queued as" in x for x in lines), text)
    expect(any("<nobody@beta.test> failed, mx.beta.test: 550" in x for x in lines), text)
    expect(any("<alice@alpha.test> is told, by " in x and x.endswith(": failed") for x in lines), text)
    expect(any(x.startswith("        20") and "<alice@alpha.test> is in the mailbox of alice@alpha.test, INBOX" in x for x in lines),
           f"the report stands below, further in: {text}")

    got = lives(alpha, qid)
    (report,) = [i for i in got if i != qid]
    expect(got[report]["parent"] == qid and events(got[report], "delivered"), str(got))
    expect(lives(alpha, report).keys() == got.keys(), "the report leads to what it is about")
    expect(lives(alpha, "one@alpha.test").keys() == got.keys(), "by Message-ID")
    expect(lives(alpha, "<one@alpha.test>").keys() == got.keys(), "by Message-ID in brackets")
    expect(lives(alpha, "NOBODY@beta.test").keys() == got.keys(), "by recipient")
    expect(lives(alpha, "@Alpha.test").keys() == got.keys(), "by domain")
    expect(not json.loads(trace(alpha, "--json", "--since", "2099-01-01", "one@alpha.test", check=False)[1]), "since")

    theirs = id_in(events(got[qid], "sent")[0]["answer"])
    there = lives(beta, "one@alpha.test")
    expect(list(there) == [theirs], f"{theirs}: {there}")
    expect([e["event"] for e in there[theirs]["events"] if e["event"] in ("received", "rejected", "delivered")]
           == ["rejected", "received", "delivered"], str(there))
    expect("refused at RCPT: from <alice@alpha.test> to <nobody@beta.test> by 127." in trace(beta, "nobody@beta.test"), "the gate")
    expect(theirs in lives(beta, alpha.address), "by the client's address")

    logs = ("--log", alpha.log, "--log", beta.log)
    both = json.loads(subprocess.run([os.path.join(build(), "posthorn"), "--json", "trace", *logs, "one@alpha.test"],
                                     stdout=subprocess.PIPE, check=True).stdout)
    expect({life["id"] for life in both} == {qid, theirs, report}, "two logs, read together")
    piped = subprocess.run([os.path.join(build(), "posthorn"), "trace", "--log", "-", qid], input=alpha.log_text(),
                           text=True, stdout=subprocess.PIPE, check=True).stdout
    expect("goes to out" in piped and "is told" in piped, piped)


def test_gate_and_waiting_and_nothing(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    qid = id_in(journey.submit(alpha, letter("waits")))
    alpha.wait_log("deferred")
    text = trace(alpha, "bob@beta.test")
    expect("<bob@beta.test> put off for" in text and "<bob@beta.test> waiting in out, tried 1 time, again in" in text, text)
    expect(lives(alpha, "alice@alpha.test")[qid]["queue"][0]["recipients"][0]["tries"] == 1, "what the envelope knows")
    code, text = trace(alpha, "never@heard.of", check=False)
    expect(code == 66 and "nothing is known" in text, f"{code} {text}")
    for words in ((), ("a@b", "c@d"), ("--last", "0", "x"), ("--since", "soon", "x"), ("--log",), ("--what", "x")):
        code, text = trace(alpha, *words, check=False)
        expect(code == 64, f"{words}: {code} {text}")
    code, text = trace(alpha, "--log", "/nonexistent", "x", check=False)
    expect(code == 75 and "/nonexistent" in text, f"{code} {text}")

    # A stranger who is refused at MAIL or RCPT leaves a trace, though there is no message.
    with smtplib.SMTP(alpha.address, alpha.port("smtp"), timeout=30) as s:
        s.ehlo("stranger.test")
        s.mail("who@ever.test")
        expect(s.rcpt("x@elsewhere.test")[0] >= 500, "alpha relays")
    expect("refused at rcpt: from <who@ever.test> to <x@elsewhere.test>" in trace(alpha, "who@ever.test"), "the refusal")


def test_what_is_in_quotes_is_found(net):
    """The log has such an address in quotes of its own."""
    log = os.path.join(net["alpha"].directory, "quoted.log")
    with open(log, "w", encoding="ascii") as f:
        f.write('2026-11-25T10:00:00.000Z mta/sched[7]: hoid88td1s0hze sent to="<\\"Ann \\\\\\"A. Other\\"@beta.test>" delay=1s\n'
                '2026-11-25T10:00:00.000Z mta/sched[7]: hoid88td1s0hzf sent to="<\\"Ann\\"@beta.test>" delay=1s\n')
    text = trace(net["alpha"], "--log", log, '"Ann \\"a. other"@BETA.test')
    expect("hoid88td1s0hze" in text and "hoid88td1s0hzf" not in text, text)
    expect("hoid88td1s0hzf" in trace(net["alpha"], "--log", log, "@beta.test"), "a whole domain")


def test_forward_is_a_child(net):
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "team@beta.test", "bob@beta.test", "carol@alpha.test")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("on"), recipients=("team@beta.test",))
    alpha.wait_inbox("carol")
    hosts.wait_for(lambda: not beta.queued(), 20, "beta's queue to be empty")
    got = lives(beta, "team@beta.test")
    (first,) = [i for i, life in got.items() if not life["parent"]]
    (second,) = [i for i, life in got.items() if life["parent"] == first]
    expect(events(got[first], "expanded")[0]["as"] == second and events(got[second], "sent"), str(got))
    lines = trace(beta, second).splitlines()
    expect(lines[0] == first and f"    {second}" in lines, "the parent stands above")


def test_history_is_never_in_the_way(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("first"))
    beta.wait_inbox("bob", 1)
    for writer in ("sub", "net", "mta", "mda"):
        for host in (alpha, beta):
            path = os.path.join(host.queue, "history", writer)
            if (host, writer) not in ((alpha, "net"), (alpha, "mda"), (beta, "sub"), (beta, "mta")):
                hosts.wait_for(lambda: any(len(f) == 10 for f in os.listdir(path)), 10, f"a day in {path}")
            shutil.rmtree(path)
            if writer == "mta":		# a directory where a file should be
                os.makedirs(os.path.join(path, time.strftime("%Y-%m-%d", time.gmtime())))
    journey.submit(alpha, letter("second"))
    beta.wait_inbox("bob", 2)
    hosts.wait_for(lambda: not alpha.queued() and not beta.queued(), 20, "empty queues")
    alpha.stop()
    alpha.set("posthorn", "history", "0")
    shutil.rmtree(os.path.join(alpha.queue, "history"))
    alpha.start()
    journey.submit(alpha, letter("third"))
    beta.wait_inbox("bob", 3)
    expect(not any(files for _, _, files in os.walk(os.path.join(alpha.queue, "history"))), "history = 0 keeps something")


def test_hundred_thousand_messages_are_searched_at_once(net):
    alpha = net["alpha"]
    alpha.start("mta")
    alpha.stop("mta")
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    now = int(time.time() * 1000000)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

    def number(us):
        out = ""
        for _ in range(10):
            us, n = divmod(us, 36)
            out = digits[n] + out
        return out + "0abc"

    files = {}
    for writer in ("sub", "mta"):
        files[writer] = open(os.path.join(alpha.queue, "history", writer, stamp[:10]), "w", encoding="ascii")
    for i in range(100000):
        qid = number(now + i)
        files["sub"].write(f"{stamp}.000Z msa-session[7]: {qid} received peer=192.0.2.1 helo=client.test login=user{i % 100}@alpha.test "
                           f'protocol=ESMTPSA tls="TLSv1.3 TLS_AES_256_GCM_SHA384" from=<user{i % 100}@alpha.test> rcpts=1 bytes=4321 '
                           f"message-id=<{i}.{qid}@alpha.test>\n")
        files["mta"].write(f'{stamp}.100Z mta-sched[8]: {qid} sent to=<r{i}@beta.test> host=mx.beta.test tls="TLSv1.3 '
                           f'TLS_AES_256_GCM_SHA384" delay=1s answer="250 2.0.0 queued as {qid}"\n')
    for f in files.values():
        f.close()
    for word in (number(now + 50000), f"<77777.{number(now + 77777)}@alpha.test>", "r99999@beta.test", "user7@alpha.test"):
        start = time.monotonic()
        got = lives(alpha, word)
        took = time.monotonic() - start
        print(f"# {word}: {len(got)} messages in {took:.2f} s", flush=True)
        expect(len(got) == (100 if word.startswith("user") else 1), f"{word}: {len(got)}")
        expect(took < 3, f"{word}: {took:.1f} s")
    expect("900 older messages are not shown" in trace(alpha, "user7@alpha.test"), "what is left out")


if __name__ == "__main__":
    main()
