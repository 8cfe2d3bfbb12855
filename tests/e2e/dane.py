#!/usr/bin/env python3
"""What protects mail on its way out: DANE from a signed zone, certificates. alpha
sends; beta is the server of many domains, of which each publishes something else."""
import hashlib
import json
import os
import subprocess
import sys

from e2e import HERE, Skip, build, expect, hosts, journey, main

sys.path.insert(0, os.path.join(HERE, ".."))
import signed  # noqa: E402

PORT = hosts.PORTS["smtp"]


def der(pem, key=False):
    words = ["openssl", "x509", "-in", pem] + (["-pubkey", "-noout"] if key else ["-outform", "DER"])
    got = subprocess.run(words, check=True, capture_output=True).stdout
    if key:
        got = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=got, check=True, capture_output=True).stdout
    return got


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class World:
    """A network whose zone is signed, all daemons up."""

    def __init__(self):
        missing = signed.tools()
        if missing:
            raise Skip(f"{' and '.join(missing)} not installed")
        self.net = hosts.two_hosts(build())
        beta = self.net["beta"]
        cert = os.path.join(beta.directory, "cert.pem")
        with open(cert, "a", encoding="ascii") as f, open(self.net.authority, encoding="ascii") as more:
            f.write(more.read())            # a record about the authority needs it in the chain
        self.key, self.cert = sha256(der(cert, key=True)), sha256(der(cert))
        self.authority = sha256(der(self.net.authority, key=True))
        lines, bogus = list(self.net.zone), []
        for name, record in (("right", f"3 1 1 {self.key}"), ("wrong", f"3 1 1 {'ab' * 32}"), ("absent", None),
                             ("bogus", f"3 1 1 {self.key}"), ("pkix", f"1 1 1 {'ab' * 32}"),
                             ("stranger", f"2 1 1 {self.authority}")):
            lines += [f"{name}.test. MX 10 mx.{name}.test.", f"mx.{name}.test. A {beta.address}"]
            if record:
                lines.append(f"_{PORT}._tcp.mx.{name}.test. TLSA {record}")
            if name == "bogus":
                bogus.append(f"_{PORT}._tcp.mx.{name}.test")
        lines.append(f"_{PORT}._tcp.mx.beta.test. TLSA 2 1 1 {self.authority}")
        # An alias of beta's real name, and two servers of which the first is no use.
        lines += [f"pointed.test. MX 10 mx.pointed.test.", "mx.pointed.test. CNAME mx.right.test.",
                  "two.test. MX 10 mx.wrong.test.", "two.test. MX 20 mx.right.test."]
        self.insecure = ["open.test. MX 10 mx.wrong.test."]
        self.dns = signed.Signed(os.path.join(self.net.directory, "nsd"),
                                 beta.address.rsplit(".", 1)[0] + ".53", 5353, lines, bogus, insecure=("open.test",))
        self.dns.plain("open.test", self.insecure)

    def __enter__(self):
        self.dns.__enter__()
        for h in self.net.hosts.values():
            h.settings["dns"] = {"local-data": "", "forward": self.dns.forward, "trust-anchor": self.dns.anchor}
            h.settings["mta"]["authorities"] = self.net.authority
            h.settings["mta"]["retry"] = "1h"
            h.write_settings()
        for name in ("right", "wrong", "absent", "bogus", "pkix", "stranger", "pointed", "two", "open"):
            self.net["beta"].add_domain(f"{name}.test")
            self.net["beta"].add_user(f"eve@{name}.test")
        for h in self.net.hosts.values():
            h.start()
        return self

    def __exit__(self, *why):
        self.net.__exit__(*why)
        self.dns.__exit__(*why)

    def send(self, to):
        journey.submit(self.net["alpha"], journey.a_message(recipient=to).as_bytes(), recipients=(to,))

    def arrives(self, to):
        before = len(self.net["beta"].inbox(to))
        self.send(to)
        self.net["beta"].wait_inbox(to, count=before + 1)
        return self.net["alpha"].wait_log(" sent ", to)

    def waits(self, to, *words):
        before = len(self.net["beta"].inbox(to))
        self.send(to)
        self.net["alpha"].wait_log(" deferred ", to, *words)
        expect(len(self.net["beta"].inbox(to)) == before, f"{to} has more mail")

    def set_tls(self, level):
        alpha = self.net["alpha"]
        alpha.stop("mta")
        alpha.set("mta", "tls", level)
        alpha.command("destination", "forget", "all")       # nobody is left alone for what was before
        alpha.start("mta")


def test_a_record_that_is_right_lets_mail_through(world):
    for to in ("eve@right.test", "bob@beta.test", "eve@pointed.test", "eve@two.test"):
        line = world.arrives(to)
        expect("TLSv1" in line, line)


def test_an_authority_vouches_for_names_only(world):
    world.waits("eve@stranger.test", "does not prove who it is", "ostname mismatch")


def test_no_record_is_no_reason(world):
    world.arrives("eve@absent.test")


def test_records_that_cannot_be_used_ask_for_tls(world):
    line = world.arrives("eve@pkix.test")
    expect("TLSv1" in line, line)
    world.net["alpha"].wait_log("tls-policy", "domain=mx.pkix.test", "tlsa-invalid")


def test_a_record_that_is_wrong_keeps_mail_back(world):
    world.waits("eve@wrong.test", "does not prove who it is", "4.7.5")
    world.net["alpha"].wait_log("tls-policy", "policy=tlsa", "domain=mx.wrong.test", "certificate-not-trusted")


def test_a_forged_answer_keeps_mail_back(world):
    world.waits("eve@bogus.test", "cannot look up the TLSA records", "4.7.5")
    world.net["alpha"].wait_log("tls-policy", "policy=tlsa", "domain=mx.bogus.test", "dnssec-invalid")


def test_who_is_not_signed_has_no_dane(world):
    world.arrives("eve@open.test")


def rehearse(world, *words, code=0):
    """What posthorn destination test says, as steps."""
    got, text = world.net["alpha"].command("--json", "destination", "test", *words, check=False)
    expect(got == code, f"exit {got}: {text}")
    return json.loads(text)


def has(steps, step, ok, *words):
    found = [s for s in steps if s["step"] == step and s["ok"] == ok and all(w in s["text"] for w in words)]
    expect(found, f"no step {step} {ok} {words} in {steps}")
    return found[0]


def test_a_rehearsal_tells_what_would_happen(world):
    before = len(world.net["beta"].inbox("eve@right.test"))
    steps = rehearse(world, "--rcpt", "eve@right.test")
    has(steps, "mx", True, "10 mx.right.test")
    has(steps, "mx", None, "DNSSEC vouches")
    has(steps, "tlsa", True, f"3 1 1 {world.key}")
    has(steps, "certificate", True, "as its TLSA records say")
    has(steps, "recipient", True, "250 2.1.5")
    has(steps, "end", True, "goes to mx.right.test")
    expect(len(world.net["beta"].inbox("eve@right.test")) == before, "a message was sent")
    steps = rehearse(world, "wrong.test", code=75)
    has(steps, "result", False, "does not prove who it is")
    has(steps, "end", False, "would wait: 4.7.5")
    steps = rehearse(world, "bogus.test", code=75)
    has(steps, "policy", False, "cannot look up the TLSA records")
    steps = rehearse(world, "two.test")
    has(steps, "result", False, "mx.wrong.test")
    has(steps, "end", True, "goes to mx.right.test")
    steps = rehearse(world, "--rcpt", "nobody@right.test", code=69)
    has(steps, "recipient", False, "550 5.1.1")
    steps = rehearse(world, "absent.test", "tls=verify", code=75)
    has(steps, "way", None, "tls=verify")
    has(steps, "end", False, "mismatch")
    steps = rehearse(world, "no-such.test", code=69)
    has(steps, "end", False, "5.1.2")
    has(rehearse(world, "alpha.test"), "end", True, "is ours")
    text = world.net["alpha"].command("destination", "test", "pkix.test")
    expect("can not be used" in text and "+ end " in text, text)


def test_level_dane_needs_records(world):
    world.set_tls("dane")
    world.arrives("eve@right.test")
    world.waits("eve@absent.test", "DANE must be there", "4.7.5")
    world.waits("eve@open.test", "DNSSEC does not vouch", "4.7.5")
    world.waits("eve@pkix.test", "no TLSA record can be used")


def test_level_verify_needs_a_name(world):
    world.set_tls("verify")
    # beta's certificate is for mx.beta.test alone
    world.arrives("bob@beta.test")
    world.waits("eve@absent.test", "does not prove who it is", "mismatch")


if __name__ == "__main__":
    main(shared=lambda: World().__enter__())
