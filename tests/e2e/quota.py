#!/usr/bin/env python3
"""A mailbox that is full: what mda, mta, imapd and its owner make of it; and Dovecot with the same file."""
import imaplib
import os
import smtplib

from e2e import Skip, build, expect, hosts, main, need, run

LIMIT = 20480


def letter(size, subject="hello"):
    head = f"From: alice@alpha.test\r\nTo: bob@beta.test\r\nSubject: {subject}\r\n\r\n".encode()
    return head + b"0123456789abcdef\r\n" * ((size - len(head)) // 18)


def network():
    net = hosts.two_hosts(build())
    beta = net["beta"]
    address = "quota@beta.test"
    beta.command("user", "add", "--stdin", "-q", "20K", address, stdin=b"secret words\n")
    beta.passwords[address] = "secret words"
    beta.settings["gate"] = {"exempt-networks": "", "early-wait": "0", "tarpit": "0", "check": "no", "greylist": "off", "lists": ""}
    beta.set("mta", "retry", "1s")
    beta.start()
    return net


def rcpt(beta, size=None, to="quota@beta.test"):
    """What beta's mta says to RCPT, as anybody hears it."""
    with smtplib.SMTP(beta.address, beta.port("smtp"), timeout=30) as s:
        s.ehlo("mx.alpha.test")
        s.mail("", [f"SIZE={size}"] if size else [])
        code, words = s.rcpt(to)
        return f"{code} {words.decode()}"


def send(beta, wire, to="quota@beta.test"):
    with smtplib.SMTP(beta.address, beta.port("smtp"), timeout=30) as s:
        s.ehlo("mx.alpha.test")
        s.sendmail("", [to], wire)


def imap(beta):
    box = imaplib.IMAP4_SSL(beta.address, beta.port("imaps"), ssl_context=beta.tls())
    box.login("quota@beta.test", "secret words")
    return box


def size_file(beta):
    with open(os.path.join(beta.maildir("quota"), "maildirsize"), encoding="ascii") as f:
        limit, *lines = f.read().splitlines()
    return limit, [sum(int(line.split()[i]) for line in lines) for i in (0, 1)]


def really(beta):
    """Bytes and messages, by looking at every file."""
    sizes = [os.stat(os.path.join(at, name)).st_size for at, _, names in os.walk(beta.maildir("quota"))
             if os.path.basename(at) in ("new", "cur") for name in names]
    return [sum(sizes), len(sizes)]


def is_exact(beta):
    """The line of a delivery comes right behind the message."""
    def same():
        try:
            return size_file(beta) == ("20480S", really(beta))
        except OSError:
            return False
    hosts.wait_for(same, 20, "maildirsize to say what is there")


def test_full_is_refused_before_the_text(net):
    beta = net["beta"]
    send(beta, letter(12000))
    beta.wait_inbox("quota")
    is_exact(beta)
    send(beta, letter(12000, "second"))
    beta.wait_log("deferred to=<quota@beta.test>", "status=4.2.2", "the mailbox is full")
    got = rcpt(beta, 12000)
    expect(got.startswith("45") and " 4.2.2 " in got and "mailbox of quota@beta.test is full" in got, got)
    got = rcpt(beta, 2000)
    expect(got.startswith("250"), f"what fits is refused: {got}")
    got = rcpt(beta)
    expect(got.startswith("250"), f"what may fit is refused: {got}")
    got = rcpt(beta, 12000, "postmaster@beta.test")
    expect(got.startswith("250"), got)
    got = rcpt(beta, 12000, "bob@beta.test")
    expect(got.startswith("250"), got)


def test_deleted_mail_makes_room(net):
    """By IMAP: what waits comes by itself, and mta takes mail again."""
    beta = net["beta"]
    box = imap(beta)
    box.select()
    box.store("1", "+FLAGS.SILENT", "\\Deleted")
    box.expunge()
    box.logout()
    hosts.wait_for(lambda: not beta.station("local"), 20, "the message that waited")
    expect(len(beta.inbox("quota")) == 1, "not one message")
    is_exact(beta)
    got = rcpt(beta, 5000)
    expect(got.startswith("250"), got)
    send(beta, letter(5000, "third"))
    beta.wait_inbox("quota", 2)


def test_imap_keeps_the_count(net):
    beta = net["beta"]
    box = imap(beta)
    box.select()
    box.append("INBOX", None, None, letter(700))
    box.create("A")
    box.select()
    box.copy("1:3", "A")
    is_exact(beta)
    box.uid("MOVE", "1:*", "A")
    is_exact(beta)
    box.select("A")
    box.store("2:*", "+FLAGS.SILENT", "\\Deleted")
    box.expunge()
    box.append("INBOX", None, None, letter(700))
    box.delete("A")
    box.create("A")
    expect(not os.path.exists(os.path.join(beta.maildir("quota"), "maildirsize")), "a removed folder is still counted")
    send(beta, letter(300))
    beta.wait_inbox("quota", 2)
    is_exact(beta)
    box.logout()


def test_dovecot_reads_and_keeps_it(net):
    doveadm = need("doveadm")
    beta = net["beta"]
    if os.geteuid() != 0:
        raise Skip("Dovecot wants root")
    home = os.path.dirname(beta.maildir("quota"))
    owner = os.stat(home)
    conf = os.path.join(beta.directory, "dovecot-quota.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"""base_dir = {beta.directory}/dovecot-run
log_path = /dev/stderr
mail_location = maildir:~/Maildir
mail_plugins = quota
first_valid_uid = 0
mail_uid = {owner.st_uid}
mail_gid = {owner.st_gid}
mail_home = {home}
ssl = no
plugin {{
  quota = maildir:User quota
  quota_rule = *:bytes={LIMIT}
}}
""")
    code, text = run(doveadm, "-c", conf, "-f", "tab", "quota", "get", env={"USER": "quota@beta.test", "HOME": home})
    bytes_now, count = really(beta)
    expect(code == 0 and f"STORAGE\t{-(-bytes_now // 1024)}\t" in text and f"MESSAGE\t{count}\t" in text, f"{bytes_now} {count}: {text}")
    code, text = run(doveadm, "-c", conf, "quota", "recalc", env={"USER": "quota@beta.test", "HOME": home})
    expect(code == 0, text)
    is_exact(beta)
    send(beta, letter(500, "after Dovecot"))
    before = len(beta.inbox("quota"))
    hosts.wait_for(lambda: len(beta.inbox("quota")) == before + 1 or not beta.queued(), 20, "a delivery")
    is_exact(beta)


def test_other_servers_wait(net):
    """Nothing fits any more: alpha's mail waits there, and comes when there is room."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.set("mta", "retry", "1s")
    alpha.start()
    fill = LIMIT - really(beta)[0] - 100
    send(beta, letter(fill, "fills"))
    hosts.wait_for(lambda: not beta.queued(), 20, "the mailbox to fill")
    send(beta, letter(8000, "does not fit"))
    hosts.wait_for(lambda: os.path.exists(os.path.join(beta.directory, "run/full/quota@beta.test")), 20, "the mark of a full mailbox")
    got = rcpt(beta)
    expect(got.startswith("452 4.2.2 "), got)
    code, text = beta.command("gate", "explain", "--ip", "127.0.0.1", "--from", "a@alpha.test", "--to", "quota@beta.test", check=False)
    expect(code and "4.2.2" in text, f"{code} {text}")
    with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as s:
        s.starttls(context=alpha.tls())
        s.ehlo()
        s.login("alice@alpha.test", alpha.passwords["alice@alpha.test"])
        s.sendmail("alice@alpha.test", ["quota@beta.test"], letter(6000, "from alpha"))
    alpha.wait_log("deferred to=<quota@beta.test>", "4.2.2", "is full")
    box = imap(beta)
    for folder in ("INBOX", "A"):
        box.select(folder)
        box.store("1:*", "+FLAGS.SILENT", "\\Deleted")
        box.expunge()
    box.logout()
    hosts.wait_for(lambda: not beta.queued() and not alpha.queued(), 40, "both messages to arrive")
    expect(len(beta.inbox("quota")) == 2, "not both came")
    is_exact(beta)


if __name__ == "__main__":
    main(network)
