#!/usr/bin/env python3
"""Who the living processes are: uid, no-new-privs, seccomp filter, capabilities, as the kernel
tells it and as `posthorn ps` prints it; and that the daemons stop and start in good order."""
import os
import pwd
import signal
import time

from e2e import build, expect, hosts, journey, main

USERS = {"posthorn-front": "posthorn-front", "posthorn-clerk": "posthorn-clerk", "posthorn-resolver": "posthorn-dns",
         "posthorn-check": "posthorn-check", "posthorn-sign": "posthorn-sign", "posthorn-fetch": "posthorn-out",
         "msa-session": "posthorn-sub", "mta-inbound": "posthorn-in", "mta-hints": "posthorn-clerk", "mta-sched": "posthorn-mta",
         "mta-send": "posthorn-out", "mda-pick": "posthorn-mda", "mda-deliver": "posthorn-vmail",
         "imapd-login": "posthorn-login", "pop3d-login": "posthorn-login",
         "imapd-session": "posthorn-vmail", "pop3d-session": "posthorn-vmail"}


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_every_process_is_jailed(net):
    for h in net.hosts.values():
        h.start()
    journey.submit(net["alpha"], journey.a_message().as_bytes())
    net["beta"].wait_inbox("bob")
    import imaplib
    box = imaplib.IMAP4_SSL(net["beta"].address, net["beta"].port("imaps"), ssl_context=net["beta"].tls())
    box.login("bob@beta.test", "secret words")
    box.select()
    seen = set()
    for h in net.hosts.values():
        for daemon in h.running:
            for pid, name in h.processes(daemon).items():
                if pid == h.running[daemon].pid:
                    continue
                try:
                    s = status(pid)
                except OSError:
                    continue
                full = next((u for u in USERS if u.startswith(name)), name)
                seen.add(full)
                expect(s["NoNewPrivs"] == "1", f"{name}: may gain privileges")
                expect(s["Seccomp"] == "2", f"{name}: no system call filter")
                expect(int(s["CapEff"], 16) == 0 and int(s["CapPrm"], 16) == 0, f"{name}: has capabilities {s['CapEff']}")
                if os.geteuid() == 0:
                    uid = int(s["Uid"].split()[0])
                    expect(full in USERS and pwd.getpwuid(uid).pw_name == USERS[full], f"{name} runs as uid {uid}")
    box.logout()
    missing = set(USERS) - seen - {"posthorn-check", "posthorn-sign", "posthorn-fetch", "pop3d-session", "mda-deliver", "mta-send"}
    expect(not missing, f"not seen: {missing}")
    text = net["beta"].command("ps")
    for word in ("front", "clerk", "sched", "pick", "resolver", "inbound"):
        expect(word in text, f"posthorn ps does not show {word}:\n{text}")


def test_sessions_link_no_crypto(net):
    import subprocess
    for program in ("msa-session", "mta-inbound", "imapd-session", "pop3d-session", "imapd-login", "pop3d-login", "mda-deliver"):
        text = subprocess.run(["ldd", os.path.join(build(), program)], capture_output=True, text=True, check=True).stdout
        for bad in ("libssl", "libcrypto", "libpam", "libunbound", "libdb"):
            expect(bad not in text, f"{program} links {bad}")


def test_stop_is_clean_and_quick(net):
    alpha = net["alpha"]
    alpha.start()
    for daemon in list(alpha.running):
        p = alpha.running[daemon]
        children = list(alpha.processes(daemon))
        start = time.monotonic()
        p.send_signal(signal.SIGTERM)
        code = p.wait(15)
        expect(code == 0, f"{daemon} ended with {code}")
        hosts.wait_for(lambda c=children: not any(os.path.exists(f"/proc/{x}") for x in c), 10, f"{daemon}'s children to end")
        print(f"# {daemon} stopped in {time.monotonic() - start:.2f} s", flush=True)
        alpha.running.pop(daemon)


def test_new_certificate_without_restart(net):
    import ssl
    alpha = net["alpha"]
    alpha.start("imapd")

    def serial():
        import socket
        with alpha.tls().wrap_socket(socket.create_connection((alpha.address, alpha.port("imaps"))),
                                     server_hostname=alpha.host_name) as s:
            return s.getpeercert()["serialNumber"]

    first = serial()
    hosts.make_certificate(net.directory, alpha.host_name, alpha.address,
                           os.path.join(alpha.directory, "cert.pem"), os.path.join(alpha.directory, "key.pem"))
    alpha.running["imapd"].send_signal(signal.SIGHUP)
    hosts.wait_for(lambda: serial() != first, 10, "the new certificate")
    expect(ssl.OPENSSL_VERSION, "ssl")


if __name__ == "__main__":
    main()
