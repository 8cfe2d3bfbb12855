#!/usr/bin/env python3
"""Mail goes the way that destinations says: by another server's submission with a login, by a relay
after the direct way has failed, to Dovecot's LMTP server, for one sender only."""
import email
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time

from e2e import Skip, expect, hosts, journey, main, need


def letter(subject="hello", to="bob@beta.test", sender="alice@alpha.test"):
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n.words\r\n".encode()


def read(path):
    with open(path, "rb") as f:
        return email.message_from_bytes(f.read())


def write(host, name, text, mode=0o644):
    path = os.path.join(host.directory, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def log_after(host, word, seconds=30):
    hosts.wait_for(lambda: word in host.log_text(), seconds, f"{word!r} in the log of {host.name}")


def test_login_at_a_relay(net):
    """alpha hands all to beta's submission port as dora; beta lets dora send as alice."""
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "alice@alpha.test", "dora@beta.test (send-only)")
    write(alpha, "destinations", f"* via=[{beta.address}]:{beta.port('submission')} login=hub\n")
    write(alpha, "relay-secrets", f"hub dora@beta.test {beta.passwords['dora@beta.test']}\n", 0o600)
    alpha.set("mta", "authorities", os.path.join(net.directory, "ca.pem"))
    alpha.start()
    beta.start()
    alpha.command("config", "check")
    journey.submit(alpha, letter("by login"))
    got = read(beta.wait_inbox("bob")[0])
    expect("ESMTPSA" in str(got.get_all("Received")), f"no login: {got.get_all('Received')}")
    expect("words of" not in alpha.log_text() and beta.passwords["dora@beta.test"] not in alpha.log_text(),
           "the password stands in the log")


def test_no_password_without_proof(net):
    """beta's certificate is from an authority that alpha does not know, then from one that it knows."""
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "alice@alpha.test", "dora@beta.test (send-only)")
    write(alpha, "destinations", f"* via={beta.host_name}:{beta.port('submission')} login=hub\n")
    write(alpha, "relay-secrets", f"hub dora@beta.test {beta.passwords['dora@beta.test']}\n", 0o600)
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("waits for proof"))
    alpha.wait_log("deferred", "our password is not for mx.beta.test", "issuer certificate")
    expect(not beta.log_lines("login=") and not beta.log_lines("login-refused"), "beta was told the password")
    expect(not alpha.inbox("alice") and alpha.station("out"), "the message does not wait")
    alpha.set("mta", "authorities", os.path.join(net.directory, "ca.pem"))
    alpha.stop("mta")
    alpha.start("mta")
    alpha.command("queue", "retry", "all")
    got = read(beta.wait_inbox("bob")[0])
    expect("ESMTPSA" in str(got.get_all("Received")), f"no login: {got.get_all('Received')}")
    expect(beta.log_lines("login=dora@beta.test"), "no login in beta's log")


def test_a_refused_login_costs_no_mail(net):
    alpha, beta = net["alpha"], net["beta"]
    beta.command("alias", "add", "alice@alpha.test", "dora@beta.test (send-only)")
    write(alpha, "destinations", f"beta.test via={beta.address}:{beta.port('submission')} login=hub\n")
    write(alpha, "relay-secrets", "hub dora@beta.test not the password\n", 0o600)
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("waits"))
    log_after(alpha, "login refused")
    expect(not alpha.inbox("alice"), "the sender got a bounce for our own mistake")
    write(alpha, "relay-secrets", f"hub dora@beta.test {beta.passwords['dora@beta.test']}\n", 0o600)
    alpha.command("queue", "retry", "all")
    beta.wait_inbox("bob")


def test_relay_after_the_direct_way(net):
    """Nobody is at gone.test's server; beta, which relays for alpha, takes it the second time."""
    alpha, beta = net["alpha"], net["beta"]
    net.zone.append(f"gone.test. IN A {beta.address}")
    beta.command("alias", "add", "@gone.test", "bob@beta.test")
    beta.command("domain", "add", "gone.test")
    write(alpha, "destinations", f"gone.test port=1 via={beta.address}:{beta.port('smtp')} after=1\n")
    alpha.set("mta", "retry", "1s")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("second", "x@gone.test"), recipients=("x@gone.test",))
    beta.wait_inbox("bob")
    log = alpha.log_text()
    expect("port 1:" in log, "the direct way was not tried")


def test_for_one_sender(net):
    """bulk@ goes by a server that does not exist, alice@ goes as ever; a change counts at once."""
    alpha, beta = net["alpha"], net["beta"]
    alpha.add_user("bulk")
    write(alpha, "destinations", f"from:bulk@alpha.test via={beta.address}:1\n")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter("bulk", sender="bulk@alpha.test"), sender="bulk@alpha.test")
    journey.submit(alpha, letter("single"))
    expect(read(beta.wait_inbox("bob")[0])["Subject"] == "single", "who came first")
    log_after(alpha, "port 1:")
    write(alpha, "destinations", "")
    time.sleep(6)               # what the clerk said counts for five seconds
    alpha.command("queue", "retry", "all")
    beta.wait_inbox("bob", 2)


class Dovecot:
    """An LMTP server in a directory of its own; every user exists but nobody@."""

    def __init__(self, address, port):
        self.program = need("dovecot")
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise Skip("dovecot-lmtpd is not installed")
        self.top = tempfile.mkdtemp(prefix="routes-dovecot-")
        os.chmod(self.top, 0o755)
        root = os.geteuid() == 0
        who = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
        os.mkdir(f"{self.top}/mail", 0o755)
        os.chown(f"{self.top}/mail", who.pw_uid, who.pw_gid)
        with open(f"{self.top}/users", "w", encoding="ascii") as f:
            for user in ("ann", "ben"):
                f.write(f"{user}@lists.test::{who.pw_uid}:{who.pw_gid}::{self.top}/mail/{user}::\n")
        with open(f"{self.top}/conf", "w", encoding="ascii") as f:
            f.write(f"""base_dir = {self.top}/run
state_dir = {self.top}/state
log_path = {self.top}/log
protocols = lmtp
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
default_internal_user = {'dovecot' if root else who.pw_name}
default_internal_group = {'dovecot' if root else ''}
default_login_user = {'dovenull' if root else who.pw_name}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.top}/users
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {self.top}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = {address}
    port = {port}
  }}
  unix_listener {self.top}/lmtp.sock {{
    mode = 0666
  }}
}}
""")
        self.process = subprocess.Popen([self.program, "-F", "-c", f"{self.top}/conf"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        hosts.wait_for(lambda: os.path.exists(f"{self.top}/lmtp.sock") or self.process.poll() is not None, 30, "dovecot")
        expect(self.process.poll() is None, "dovecot ended")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.top, ignore_errors=True)

    def inbox(self, user):
        return glob.glob(f"{self.top}/mail/{user}/Maildir/new/*")


def test_dovecot_takes_it_by_lmtp(net):
    alpha, beta = net["alpha"], net["beta"]
    with Dovecot(beta.address, beta.port("smtp")) as dovecot:
        write(alpha, "destinations", f"lists.test via=lmtp:{beta.address}:{beta.port('smtp')}\n")
        alpha.start()
        journey.submit(alpha, letter("by LMTP", "ann@lists.test"),
                       recipients=("ann@lists.test", "ben@lists.test", "nobody@lists.test"))
        hosts.wait_for(lambda: dovecot.inbox("ann") and dovecot.inbox("ben"), 30, "mail at Dovecot")
        got = read(dovecot.inbox("ann")[0])
        expect(got["Subject"] == "by LMTP" and ".words" in got.get_payload(), "the text")
        report = open(alpha.wait_inbox("alice")[0], "rb").read()
        expect(b"nobody@lists.test" in report and b"ann@lists.test" not in report.split(b"message/delivery-status")[1]
               .split(b"text/rfc822")[0].split(b"message/rfc822")[0], "one bounce, for one recipient")
        write(alpha, "destinations", f"lists.test via=lmtp:{dovecot.top}/lmtp.sock\n")
        time.sleep(6)
        journey.submit(alpha, letter("by socket", "ann@lists.test"), recipients=("ann@lists.test",))
        hosts.wait_for(lambda: len(dovecot.inbox("ann")) == 2, 30, "mail by the socket")
        expect("ip=/" in alpha.log_text(), "not by the socket")


if __name__ == "__main__":
    main()
