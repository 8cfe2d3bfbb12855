"""A signed zone and the name server for it: nsd and ldns as Debian packages them. The zone test.
has whatever lines it is given; what is below bogus names a signature that is not right."""
import os
import re
import shutil
import socket
import subprocess
import time


def tools():
    """Names of what is missing."""
    return [t for t in ("nsd", "ldns-keygen", "ldns-signzone") if not shutil.which(t, path=path())]


def path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin"


def run(*words, cwd):
    env = {**os.environ, "PATH": path()}
    return subprocess.run(words, cwd=cwd, env=env, check=True, capture_output=True, text=True).stdout.strip()


class Signed:
    """with Signed(directory, address, port, lines, bogus) as dns: ... dns.anchor, dns.forward"""

    def __init__(self, directory, address, port, lines, bogus=(), insecure=()):
        self.directory, self.address, self.port = directory, address, port
        self.forward = f"{address}@{port}"
        os.makedirs(directory, exist_ok=True)
        self.sign("test", lines + [f"{name}. NS ns.test." for name in insecure], bogus)
        self.zones = {"test": "test.signed"}
        for name in insecure:
            self.zones[name] = name + ".plain"
        self.process = None

    def head(self, name):
        return (f"$TTL 60\n$ORIGIN {name}.\n@ IN SOA ns.test. admin.test. 1 3600 600 86400 60\n@ IN NS ns.test.\n")

    def sign(self, name, lines, bogus):
        key = os.path.join(self.directory, "key")
        if not os.path.exists(key + ".name"):
            made = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", name, cwd=self.directory)
            with open(key + ".name", "w", encoding="ascii") as f:
                f.write(made)
        with open(key + ".name", encoding="ascii") as f:
            made = f.read()
        self.anchor = os.path.join(self.directory, made + ".key")
        os.chmod(self.anchor, 0o644)
        with open(f"{self.directory}/{name}.zone", "w", encoding="ascii") as f:
            f.write(self.head(name) + f"ns.test. IN A {self.address}\n" + "\n".join(lines) + "\n")
        run("ldns-signzone", "-f", f"{name}.signed", f"{name}.zone", made, cwd=self.directory)
        with open(f"{self.directory}/{name}.signed", encoding="ascii") as f:
            text = f.read()
        for owner in bogus:         # another signature than the one that was made
            text = re.sub(rf"^({re.escape(owner)}\.\s.*\sRRSIG\s+TLSA\s.*\s)(\S)(\S+)$",
                          lambda m: m[1] + ("A" if m[2] != "A" else "B") + m[3], text, flags=re.M)
        with open(f"{self.directory}/{name}.signed", "w", encoding="ascii") as f:
            f.write(text)

    def plain(self, name, lines):
        with open(f"{self.directory}/{name}.plain", "w", encoding="ascii") as f:
            f.write(self.head(name) + "\n".join(lines) + "\n")

    def __enter__(self):
        d = self.directory
        zones = "".join(f'zone:\n name: "{n}."\n zonefile: "{f}"\n' for n, f in self.zones.items())
        with open(f"{d}/conf", "w", encoding="ascii") as f:
            f.write(f'server:\n ip-address: {self.address}@{self.port}\n zonesdir: "{d}"\n pidfile: "{d}/pid"\n'
                    f' xfrdfile: "{d}/xfrd"\n zonelistfile: "{d}/zonelist"\n database: ""\n username: ""\n do-ip6: no\n'
                    f'remote-control:\n control-enable: no\n{zones}')
        self.process = subprocess.Popen([shutil.which("nsd", path=path()), "-d", "-c", f"{d}/conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()
        return self

    def wait(self):
        until = time.monotonic() + 10
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            while time.monotonic() < until:
                probe.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1", (self.address, self.port))
                try:
                    if probe.recv(512):
                        return
                except OSError:
                    time.sleep(0.02)
        raise AssertionError("nsd does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
