#!/usr/bin/env python3
"""sendmail(8) and mailq(1) as the programs of a machine call them."""
import email
import json
import os
import shutil
import smtplib
import socket
import subprocess

from e2e import Skip, build, expect, hosts, main, need

TEXT = b"To: bob@beta.test\nSubject: a subject\n\nwords\n.\nmore words\n"


def sendmail(host, *args, text=TEXT, code=0, name="sendmail"):
    got = subprocess.run([os.path.join(build(), name), "-C", host.conf, *args], input=text, capture_output=True,
                         check=False, timeout=60)
    expect(got.returncode == code, f"{name} {args}: exit {got.returncode}: {got.stdout} {got.stderr}")
    return (got.stdout + got.stderr).decode()


def envelopes(host):
    """The messages that wait, as the queue knows them, oldest first."""
    return sorted(json.loads(host.command("queue", "--json")), key=lambda m: m["id"])


def text_of(host, envelope):
    return email.message_from_string(host.command("queue", "cat", envelope["id"]))


def taken(host, *args, text=TEXT):
    """The one message that this call leaves; it is thrown away again."""
    sendmail(host, *args, text=text)
    (env,) = envelopes(host)
    message = text_of(host, env)
    host.command("queue", "delete", "--all")
    return env, message


def rcpts(envelope):
    return [r["address"] for r in envelope["recipients"]]


def quiet(net):
    """A queue without daemons."""
    alpha = net["alpha"]
    alpha.start("msa")
    alpha.stop("msa")
    return alpha


def test_as_programs_call_it(net):
    alpha = quiet(net)
    env, m = taken(alpha, "-t", "-i")                                           # PHP
    expect(rcpts(env) == ["bob@beta.test"] and "more words" in m.get_payload(), str(env))
    expect(m["From"] and m["Date"] and m["Message-ID"], m.as_string())
    env, m = taken(alpha, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", text=b"Subject: job\n\nout\n")   # cron
    expect(rcpts(env) == ["root@mx.alpha.test"] and m["From"].startswith("CronDaemon <"), m.as_string())
    env, m = taken(alpha, "-oem", "-oi", "-f", "ann@alpha.test", "-N", "success,Failure", "-R", "HDRS", "-V", "QQ1",
                   "--", "bob@beta.test", "-odd@beta.test")                      # mutt
    expect(rcpts(env) == ["bob@beta.test", "-odd@beta.test"] and env["sender"] == "ann@alpha.test", str(env))
    env, _ = taken(alpha, "-f", "Ann <ann@alpha.test>", "-i", "bob@beta.test", "Dora <dora@beta.test>")       # git send-email
    expect(rcpts(env) == ["bob@beta.test", "dora@beta.test"] and env["sender"] == "ann@alpha.test", str(env))
    env, _ = taken(alpha, "-oi", "-t", "-ODeliveryMode=b", "-OErrorMode=m")     # RT
    expect(rcpts(env) == ["bob@beta.test"], str(env))
    env, _ = taken(alpha, "-f", "ann@alpha.test", "-oi", "-t", "-oem", "-odb", "-om")                         # Emacs
    expect(env["sender"] == "ann@alpha.test", str(env))
    env, _ = taken(alpha, "-f", "", "bob@beta.test")
    expect(env["sender"] == "", "an empty -f is the null sender")
    env, _ = taken(alpha, "-r", "<>", "bob@beta.test")
    expect(env["sender"] == "", "-r <>")
    env, m = taken(alpha, "-Am", "-Ac", "-d0.1", "-ep", "-G", "-h", "17", "-L", "x", "-m", "-n", "-o7", "-o", "8", "-p", "ESMTP",
                   "-U", "-v", "-X", "/dev/null", "-x", "-bm", "bob@beta.test")
    expect(m.get_payload() == "words\n", "without -i a dot ends it")


def test_mistakes_have_their_codes(net):
    alpha = quiet(net)
    for args, code in (((), 64), (("-t",), 64), (("-N", "never,delay", "x"), 64), (("-R", "half", "x"), 64), (("-bd",), 64),
                       (("-bt",), 64), (("-bH",), 64), (("-q", "-bz"), 64), (("-Z", "x"), 64), (("-bv",), 64), (("-qI",), 64),
                       (("-XVab", "x"), 64), (("-V", "a b", "x"), 64), (("-V", "", "x"), 64), (("-V", 101 * "a", "x"), 64), (("-f", "(nobody)", "x"), 65), (("a b@@c",), 65), (("x@y.test", "a@b.test c@d.test"), 65), (("a@",), 65)):
        said = sendmail(alpha, *args, text=b"Subject: x\n\nx\n", code=code)
        expect(len(said.splitlines()) == 1, f"{args}: {said}")
    got = subprocess.run([os.path.join(build(), "sendmail"), "-C", "/nonexistent", "x"], input=b"x", capture_output=True, check=False)
    expect(got.returncode == 78, f"no settings: {got.returncode}")
    alpha.set("posthorn", "message-size-limit", "1K")
    expect("message-size-limit" in sendmail(alpha, "x", text=b"x" * 2000, code=65), "too large")
    alpha.set("posthorn", "disk-reserve", "1T")
    sendmail(alpha, "x", text=b"x", code=75)
    expect(not alpha.queued(), str(alpha.queued()))


def test_a_sender_for_each(net):
    alpha = quiet(net)
    sendmail(alpha, "-XV", "-f", "list@alpha.test", "bob@beta.test", "dora@beta.test")
    two = envelopes(alpha)
    expect([(m["sender"], rcpts(m)) for m in two] == [("list+bob=beta.test@alpha.test", ["bob@beta.test"]),
                                                      ("list+dora=beta.test@alpha.test", ["dora@beta.test"])], str(two))
    ids = {text_of(alpha, m)["Message-ID"] for m in two}
    expect(len(ids) == 1, f"copies of one message: {ids}")


def test_smtp_on_standard_input(net):
    """As Symfony's mailer does by default."""
    alpha = quiet(net)
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen([os.path.join(build(), "sendmail"), "-C", alpha.conf, "-bs"], stdin=theirs, stdout=theirs)
    s = smtplib.SMTP()
    s.sock = ours
    expect(s.getreply()[0] == 220 and s.ehlo()[0] == 250, "greeting")
    expect(not s.has_extn("auth") and not s.has_extn("starttls") and s.has_extn("8bitmime"), str(s.esmtp_features))
    s.sendmail("ann@alpha.test", ["bob@beta.test"], b"Subject: by SMTP\r\nBcc: x@y.test\r\n\r\n.dots\r\n")
    expect(s.rcpt("x@y.test")[0] == 503, "RCPT without MAIL")
    s.quit()
    expect(child.wait(20) == 0, "exit code")
    (env,) = envelopes(alpha)
    message = text_of(alpha, env)
    expect(rcpts(env) == ["bob@beta.test"] and env["peer"].startswith("local ") and env["login"], str(env))
    expect(message["From"] == "<ann@alpha.test>" and message["Date"] and message["Bcc"] is None
           and message.get_payload() == ".dots\n", message.as_string())
    expect("taken from local" in alpha.command("trace", "ann@alpha.test"), "the trace")
    sendmail(alpha, "-bs", text=b"EHLO x\r\nMAIL FROM:<ann@alpha.test>\r\nRCPT TO:<bob@beta.test>\r\nDATA\r\nhalf")
    expect(len(envelopes(alpha)) == 1, "half a message was taken")
    said = sendmail(alpha, "-bs", text=b"EHLO x\r\nMAIL FROM:<ann@alpha.test>\r\nRCPT TO:<bob@beta.test>\r\nDATA\r\n"
                    b"Subject: all at once\r\n\r\nwords\r\n.\r\nQUIT\r\n")
    expect(len(envelopes(alpha)) == 2, f"a script does not read replies: {said}")
    said = sendmail(alpha, "-bs", text=b"EHLO x\nMAIL FROM:<ann@alpha.test>\nRCPT TO:<bob@beta.test>\nDATA\n"
                    b"Subject: no CR\n\n" + b"words\n" * 40000 + b".\nQUIT\n")
    expect(len(envelopes(alpha)) == 3, f"nor writes CR: {said}")
    for n in (1, 2, 3):         # chunks, odd and even, whose length counts
        text = b"Subject: " + b"x" * n + b"\r\n\r\n" + b"y" * n + b"\r\n"
        said = sendmail(alpha, "-bs", text=b"EHLO x\r\nMAIL FROM:<ann@alpha.test>\r\nRCPT TO:<bob@beta.test>\r\nBDAT 1\r\n"
                        + text[:1] + b"BDAT %d LAST\r\n" % (len(text) - 1) + text[1:] + b"QUIT\r\n")
        expect(len(envelopes(alpha)) == 3 + n, f"in chunks: {said}")
    expect(any(text_of(alpha, e).get_payload() == "words\n" * 40000 for e in envelopes(alpha)), "the words")


def test_mail_is_traced_and_queue_is_flushed(net):
    alpha, beta = net["alpha"], net["beta"]
    alpha.start()
    said = sendmail(alpha, "-v", "-f", "alice@alpha.test", "bob@beta.test")
    expect(said.startswith("taken as "), said)
    qid = said.split()[2]

    def wait_tries(n):
        hosts.wait_for(lambda: envelopes(alpha)[0]["recipients"][0]["tries"] >= n, 20, f"try {n}")
        return n + 1

    tries = wait_tries(1)
    for args in (("-q",), ("-q15m",), (f"-qI{qid}",), ("-qI", qid), ("-qRbeta.test",), ("-qRbob@beta.test",), ("-qSalice@alpha.test",),
                 ("-qSalpha.test",)):
        sendmail(alpha, *args)
        tries = wait_tries(tries)
    text = sendmail(alpha, "-bp")
    expect(qid in alpha.command("-v", program="mailq"), "mailq -v")
    expect(qid in text and text.splitlines()[-1].startswith("-- ") and text.endswith(" Kbytes in 1 Request.\n"), text)
    expect("a user" in sendmail(alpha, "-bv", "alice@alpha.test"), "-bv")
    beta.start()
    sendmail(alpha, "-q")
    beta.wait_inbox("bob")
    hosts.wait_for(lambda: not alpha.queued(), 20, "alpha's queue to be empty")
    expect(sendmail(alpha, "-bp") == "Mail queue is empty\n", "an empty queue")
    text = alpha.command("trace", qid)
    expect(f"taken from local {os.getuid()}, login " in text, text)
    expect("<bob@beta.test> taken by mx.beta.test" in text, text)


def test_other_names(net):
    alpha = quiet(net)
    links = os.path.join(alpha.directory, "links")
    os.mkdir(links)
    for name in ("mailq", "newaliases"):
        os.symlink(os.path.join(build(), "sendmail"), os.path.join(links, name))
        got = subprocess.run([os.path.join(links, name), "-C", alpha.conf], capture_output=True, check=False, timeout=60)
        expect(b"cannot run" not in got.stderr, f"{name}: {got}")
    shutil.rmtree(links)


def test_mutt_sends_by_it(net):
    alpha = quiet(net)
    mutt = need("mutt")
    got = subprocess.run([mutt, "-n", "-F", "/dev/null", "-e", f"set sendmail='{build()}/sendmail -C {alpha.conf} -oem -oi'",
                          "-e", "set from=ann@alpha.test use_envelope_from copy=no realname='Ann Onymous' dsn_return=hdrs",
                          "-s", "by mutt", "bob@beta.test"], input="gr\u00fc\u00dfe\n".encode(), capture_output=True, check=False,
                         timeout=60, env={**os.environ, "HOME": alpha.directory, "LC_ALL": "C.UTF-8"})
    expect(got.returncode == 0, str(got))
    (env,) = envelopes(alpha)
    message = text_of(alpha, env)
    expect(env["sender"] == "ann@alpha.test" and message["From"] == "Ann Onymous <ann@alpha.test>", message.as_string())


def test_git_sends_by_it(net):
    alpha = quiet(net)
    git = need("git")
    if subprocess.run([git, "send-email", "--help"], capture_output=True, check=False).returncode:
        raise Skip("git send-email is not installed")
    patch = os.path.join(alpha.directory, "0001.patch")
    with open(patch, "w", encoding="utf-8") as f:
        f.write("From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@alpha.test>\n"
                "Date: Tue, 24 Nov 2026 05:00:00 +0000\nSubject: [PATCH] x\n\n---\ndiff\n")
    ann = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Ann"), ("EMAIL", "ann@alpha.test"))}
    got = subprocess.run([git, "send-email", "--confirm=never", "--no-thread", "--quiet", "--from=Ann <ann@alpha.test>",
                          "--envelope-sender=bounces@alpha.test", "--to=bob@beta.test", "--suppress-cc=all", "--smtp-server-option=-C",
                          f"--smtp-server-option={alpha.conf}", f"--smtp-server={os.path.join(build(), 'sendmail')}", patch],
                         capture_output=True, check=False, timeout=60, cwd=alpha.directory, env={**os.environ, **ann})
    expect(got.returncode == 0, str(got))
    (env,) = envelopes(alpha)
    expect(env["sender"] == "bounces@alpha.test" and rcpts(env) == ["bob@beta.test"], str(env))


if __name__ == "__main__":
    main()
