#!/usr/bin/env python3
"""Mail to, from and by way of a real Postfix, each with its own configuration directory on a loopback address."""
import os
import pwd
import subprocess

from e2e import Skip, expect, hosts, journey, main, need


class Postfix:
    """One Postfix for peer.test, with a virtual mailbox for pete, on an address of its own."""

    def __init__(self, net, address, *settings):
        self.net, self.address = net, address
        self.directory = os.path.join(net.directory, "postfix")
        for d in ("etc", "queue", "data", "mail"):
            os.makedirs(os.path.join(self.directory, d), exist_ok=True)
        owner = pwd.getpwnam("postfix")
        os.chown(f"{self.directory}/data", owner.pw_uid, owner.pw_gid)
        self.owner = pwd.getpwnam("nobody")
        os.chown(f"{self.directory}/mail", self.owner.pw_uid, self.owner.pw_gid)
        self.write()
        for setting in settings:
            self.set(setting)

    def write(self):
        d, alpha = self.directory, self.net["alpha"]
        with open(f"{d}/etc/main.cf", "w", encoding="ascii") as f:
            f.write(f"""compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
inet_interfaces = loopback-only
inet_protocols = ipv4
smtp_bind_address = {self.address}
myhostname = mx.peer.test
mydomain = peer.test
mydestination =
mynetworks = {self.address}/32
virtual_mailbox_domains = peer.test
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = inline:{{ {{ pete@peer.test = pete/ }} }}
virtual_uid_maps = static:{self.owner.pw_uid}
virtual_gid_maps = static:{self.owner.pw_gid}
virtual_minimum_uid = 1
alias_maps =
transport_maps = inline:{{ {{ alpha.test = smtp:[{alpha.address}]:{alpha.port('smtp')} }} }}
smtpd_tls_cert_file = {d}/cert.pem
smtpd_tls_key_file = {d}/key.pem
smtpd_tls_security_level = may
smtp_tls_security_level = may
smtp_tls_CAfile = {self.net.authority}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
disable_dns_lookups = yes
maillog_file = {d}/log
maillog_file_prefixes = {d}
smtputf8_enable = no
""")
        with open("/etc/postfix/master.cf", encoding="utf-8") as f:
            rows = f.read()
        rows = rows.replace("smtp      inet", f"{self.address}:2525 inet", 1)
        with open(f"{d}/etc/master.cf", "w", encoding="utf-8") as f:
            for row in rows.splitlines(keepends=True):
                words = row.split()
                if len(words) >= 8 and not row.startswith(("#", " ")):
                    words[4] = "n"          # no chroot: the queue has no copies of /etc
                    row = " ".join(words) + "\n"
                f.write(row)
            f.write("postlog unix-dgram n - n - 1 postlogd\n" if "postlog" not in rows else "")
        hosts.make_certificate(self.net.directory, "mx.peer.test", self.address, f"{d}/cert.pem", f"{d}/key.pem")

    def command(self, *words, **more):
        return subprocess.run([*words[:1], "-c", f"{self.directory}/etc", *words[1:]], capture_output=True,
                              text=True, check=False, timeout=60, **more)

    def set(self, setting):
        expect(self.command(need("postconf"), "-e", setting).returncode == 0, setting)

    def __enter__(self):
        got = self.command(need("postfix"), "start")
        if got.returncode:
            raise Skip(f"Postfix does not start here: {got.stderr.strip()[-300:]}")
        return self

    def __exit__(self, *_):
        self.command(need("postfix"), "stop")

    def log(self):
        try:
            with open(f"{self.directory}/log", encoding="utf-8") as f:
                return f.read()
        except OSError:
            return ""

    def inbox(self):
        new = f"{self.directory}/mail/pete/new"
        return [os.path.join(new, n) for n in os.listdir(new)] if os.path.isdir(new) else []


class DovecotAuth:
    """The half of Dovecot that Postfix asks about logins; there is one user, isp-me."""

    def __init__(self, directory):
        self.directory, self.socket = directory, f"{directory}/auth.sock"
        os.makedirs(directory)
        with open(f"{directory}/users", "w", encoding="ascii") as f:
            f.write("isp-me:{PLAIN}words of mine\n")
        with open(f"{directory}/conf", "w", encoding="ascii") as f:
            f.write(f"""base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols =
ssl = no
auth_mechanisms = plain login scram-sha-1 scram-sha-256
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {self.socket} {{
    mode = 0666
  }}
}}
""")

    def __enter__(self):
        self.process = subprocess.Popen([need("dovecot"), "-F", "-c", f"{self.directory}/conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        hosts.wait_for(lambda: os.path.exists(self.socket) or self.process.poll() is not None, 30, "dovecot")
        expect(self.process.poll() is None, "dovecot ended")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def needs_root():
    need("postfix")
    if os.geteuid() != 0:
        raise Skip("Postfix is started by root only")


def test_login_at_postfix(net):
    """It relays for who logs in over TLS; each mechanism that we know, the best one when there are several."""
    needs_root()
    alpha, beta = net["alpha"], net["beta"]
    address = alpha.address.rsplit(".", 1)[0] + ".9"
    net.zone += [f"mx.peer.test. 300 IN A {address}"]
    alpha.set("mta", "authorities", net.authority)
    for name, text, mode in (("destinations", "* via=mx.peer.test:2525 login=isp carried=1\n", 0o644),
                             ("relay-secrets", "isp isp-me words of mine\n", 0o600)):
        with open(f"{alpha.directory}/{name}", "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(f.name, mode)
    alpha.start()
    beta.start()
    with DovecotAuth(os.path.join(net.directory, "auth")) as auth, Postfix(
            net, address, "smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot", "smtpd_tls_auth_only = yes",
            f"smtpd_sasl_path = {auth.socket}", "smtpd_relay_restrictions = permit_sasl_authenticated, reject",
            f"transport_maps = inline:{{ {{ beta.test = smtp:[{beta.address}]:{beta.port('smtp')} }} }}") as peer:
        for count, mechanism in enumerate(("SCRAM-SHA-256", "SCRAM-SHA-1", "LOGIN", "PLAIN"), 1):
            if count > 1:
                peer.set(f"smtpd_sasl_mechanism_filter = {mechanism}")
                peer.command(need("postfix"), "reload")
            wire = journey.a_message(recipient="bob@beta.test").as_bytes()
            journey.submit(alpha, wire)
            try:
                beta.wait_inbox("bob", count)
            except hosts.Trouble as e:
                raise hosts.Trouble(f"{mechanism}: {e}\n{peer.log()[-3000:]}") from None
            expect(f"sasl_method={mechanism}, sasl_username=isp-me" in peer.log(), f"{mechanism}: {peer.log()[-3000:]}")
        expect("words of mine" not in alpha.log_text(), "the password stands in the log")


def test_to_and_from_postfix(net):
    needs_root()
    alpha = net["alpha"]
    address = alpha.address.rsplit(".", 1)[0] + ".9"
    net.zone += ["peer.test. 300 IN MX 10 mx.peer.test.", f"mx.peer.test. 300 IN A {address}"]
    alpha.start()
    with Postfix(net, address) as peer:
        wire = journey.a_message(recipient="pete@peer.test").as_bytes()
        journey.submit(alpha, wire, recipients=("pete@peer.test",))
        hosts.wait_for(peer.inbox, 30, "our message in Postfix's Maildir\n" + peer.log())
        with open(peer.inbox()[0], "rb") as f:
            got = f.read()
        why = journey.first_difference(wire, got.replace(b"\n", b"\r\n"))
        expect(why is None, f"to Postfix: {why}")
        expect(b"ESMTPS" in got, "it did not go by TLS")
        wire = journey.a_message("pete@peer.test", "alice@alpha.test").as_bytes()
        sent = subprocess.run(
            [need("sendmail"), "-C", f"{peer.directory}/etc", "-f", "pete@peer.test", "alice@alpha.test"],
            input=wire.replace(b"\r\n", b"\n"), capture_output=True, check=False, timeout=30)
        expect(sent.returncode == 0, f"Postfix's sendmail: {sent.stderr}")
        try:
            path = alpha.wait_inbox("alice")[0]
        except hosts.Trouble as e:
            raise hosts.Trouble(f"{e}\n{peer.log()[-3000:]}") from None
        with open(path, "rb") as f:
            got = f.read()
        why = journey.first_difference(wire, got.replace(b"\n", b"\r\n"))
        expect(why is None, f"from Postfix: {why}")
        expect(b"with ESMTPS" in got, "it did not come by TLS")
        bad = subprocess.run([need("sendmail"), "-C", f"{peer.directory}/etc", "-f", "pete@peer.test", "nobody@alpha.test"],
                             input=b"Subject: x\n\nx\n", capture_output=True, check=False, timeout=30)
        expect(bad.returncode == 0, "sendmail")
        hosts.wait_for(lambda: "550 5.1.1" in peer.log(), 20, "our 550 5.1.1 in Postfix's log")


if __name__ == "__main__":
    main()
