#!/usr/bin/env python3
"""Relays that are not on this machine, as far as anybody in a network of its own can tell: our password
goes to 192.0.2.2 over TLS that proves who is there, and to nobody else. Needs root, for that network."""
import os
import socket
import subprocess
import sys
import threading

from e2e import Skip, build, expect, hosts, journey, main, need
from routes import letter, read, write

OURS, RELAY, STRANGER = (f"192.0.2.{n}" for n in (1, 2, 3))     # RFC 5737


def enter_own_network():
    """This program once more, where there is nothing but a loopback."""
    if "POSTHORN_FAR" in os.environ or os.geteuid() != 0:
        return
    try:
        unshare = need("unshare")
        need("ip")
        subprocess.run([unshare, "--net", "true"], check=True, stderr=subprocess.DEVNULL)
    except (Skip, subprocess.CalledProcessError):
        return
    os.environ["POSTHORN_FAR"] = "yes"
    os.execv(unshare, [unshare, "--net", sys.executable, *sys.argv])


def far_hosts():
    if "POSTHORN_FAR" not in os.environ:
        raise Skip("it takes root, unshare and ip to make a network")
    ip = need("ip")
    subprocess.run([ip, "link", "set", "lo", "up"], check=True)
    for address in (OURS, RELAY, STRANGER):
        subprocess.run([ip, "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    hosts.free_addresses = lambda count: [OURS, RELAY][:count]
    net = hosts.two_hosts(build())
    net["beta"].command("alias", "add", "alice@alpha.test", "dora@beta.test (send-only)")
    write(net["alpha"], "relay-secrets", f"hub dora@beta.test {net['beta'].passwords['dora@beta.test']}\n", 0o600)
    return net


def came_by_login(beta):
    got = read(beta.wait_inbox("bob")[0])
    return "ESMTPSA" in str(got.get_all("Received")) and beta.log_lines("login=dora@beta.test")


class Stranger(threading.Thread):
    """A server in the clear that would like to be told who we are, and takes all."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server((STRANGER, hosts.PORTS["submission"]))
        self.heard = []
        self.start()

    def run(self):
        while True:
            with self.listener.accept()[0] as s, s.makefile("rwb", buffering=0) as f:
                f.write(b"220 stranger\r\n")
                for line in f:
                    self.heard.append(line)
                    f.write({b"EHLO": b"250-stranger\r\n250 AUTH PLAIN LOGIN\r\n", b"AUTH": b"235 thanks\r\n",
                             b"DATA": b"354 go on\r\n"}.get(line[:4], b"250 ok\r\n"))


def test_login_to_an_address_that_proves_itself(net):
    alpha, beta = net["alpha"], net["beta"]
    write(alpha, "destinations", f"* via=[{RELAY}]:{beta.port('submission')} login=hub\n")
    alpha.set("mta", "authorities", os.path.join(net.directory, "ca.pem"))
    alpha.start()
    beta.start()
    journey.submit(alpha, letter())
    expect(came_by_login(beta), "no login")


def test_no_login_to_an_address_that_does_not(net):
    alpha, beta = net["alpha"], net["beta"]
    write(alpha, "destinations", f"* via=[{RELAY}]:{beta.port('submission')} login=hub\n")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter())
    alpha.wait_log("deferred", f"our password is not for {RELAY}", "issuer certificate")
    expect(not beta.log_lines("login=") and not beta.log_lines("login-refused"), "it was told the password")
    alpha.set("mta", "authorities", os.path.join(net.directory, "ca.pem"))
    alpha.stop("mta")
    alpha.start("mta")
    alpha.command("queue", "retry", "all")
    expect(came_by_login(beta), "no login")


def test_no_login_in_the_clear(net):
    """Not even where tls=none says that nobody wants TLS there."""
    alpha, beta = net["alpha"], net["beta"]
    stranger = Stranger()
    write(alpha, "destinations", f"* via=[{STRANGER}]:{beta.port('submission')} login=hub tls=none\n")
    alpha.start()
    beta.start()
    journey.submit(alpha, letter())
    alpha.wait_log("deferred", f"our password is not for {STRANGER}", "there is no TLS")
    expect(any(line.startswith(b"EHLO") for line in stranger.heard), "nobody came")
    expect(not any(line.startswith((b"AUTH", b"MAIL")) for line in stranger.heard), f"it heard {stranger.heard}")
    expect(alpha.station("out") and not alpha.inbox("alice"), "the message does not wait")


enter_own_network()
if __name__ == "__main__":
    main(make=far_hosts)
