"""Complete Posthorn mail hosts on loopback addresses, for ./try, the end-to-end tests and the
bench. Each run takes addresses of its own below 127.0.0.0/8, so that any number of runs stand
side by side with the same port numbers. Nothing here leaves the machine."""
import errno
import os
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

DAEMONS = ("msa", "mta", "mda", "pop3d", "imapd")
PORTS = {"smtp": 2525, "submission": 2587, "submissions": 2465,
         "pop3": 2110, "pop3s": 2995, "imap": 2143, "imaps": 2993}
SERVICES = {"msa": ("submission", "submissions"), "mta": ("smtp",), "mda": (),
            "pop3d": ("pop3", "pop3s"), "imapd": ("imap", "imaps")}
TLS_AT_ONCE = ("submissions", "pop3s", "imaps")


class Trouble(Exception):
    """Something that a person should read as one sentence."""


def free_addresses(count):
    """Loopback addresses on which none of our ports is taken."""
    for _ in range(200):
        net = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        addresses = [f"{net}.{i + 1}" for i in range(count)]
        try:
            for address in addresses:
                for port in PORTS.values():
                    with socket.socket() as s:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        s.bind((address, port))
            return addresses
        except OSError as e:
            if e.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    raise Trouble("no free loopback addresses")


def make_authority(directory):
    """A certificate authority of this run's own."""
    key, cert = os.path.join(directory, "ca.key"), os.path.join(directory, "ca.pem")
    if not os.path.exists(cert):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=Posthorn trial authority",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return cert


def make_certificate(directory, name, address, out_cert, out_key):
    """A certificate for name and address, signed by the run's authority."""
    request = out_cert + ".req"
    extensions = out_cert + ".ext"
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", out_key, "-out", request, "-subj", f"/CN={name}")
    # Some clients (mbsync) take the address for a name, and look for it among the names.
    with open(extensions, "w", encoding="ascii") as f:
        f.write(f"subjectAltName=DNS:{name},IP:{address},DNS:{address}\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", request, "-CA", os.path.join(directory, "ca.pem"),
            "-CAkey", os.path.join(directory, "ca.key"), "-CAcreateserial", "-days", "30",
            "-extfile", extensions, "-out", out_cert)
    os.chmod(out_key, 0o600)
    os.unlink(request)
    os.unlink(extensions)


def openssl(*args):
    got = subprocess.run(("openssl",) + args, capture_output=True, text=True, check=False)
    if got.returncode:
        raise Trouble(f"openssl {args[0]} failed: {got.stderr.strip()}")


class Network:
    """Some hosts that know each other by local data of their resolvers."""

    def __init__(self, build, directory=None, keep=False, names=("alpha", "beta")):
        programs = os.path.join(os.path.abspath(build), "common", "programs")
        self.build = programs if os.path.isdir(programs) else os.path.abspath(build)
        self.keep = keep
        self.directory = directory or tempfile.mkdtemp(prefix="posthorn-")
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)        # the daemons' own users must get through
        self.authority = make_authority(self.directory)
        addresses = free_addresses(len(names))
        self.zone = []
        for name, address in zip(names, addresses):
            self.zone += [f"{name}.test. 300 IN MX 10 mx.{name}.test.",
                          f"mx.{name}.test. 300 IN A {address}"]
        self.hosts = {n: Host(self, n, a) for n, a in zip(names, addresses)}

    def __getitem__(self, name):
        return self.hosts[name]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if value is not None:
            for host in self.hosts.values():
                sys.stderr.write(f"---- log of {host.name} ----\n" + host.log_text()[-20000:])
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self):
        for host in self.hosts.values():
            host.stop()


class Host:
    """One mail host: five daemons over one settings file."""

    def __init__(self, network, name, address):
        self.network, self.name, self.address = network, name, address
        self.domain = name + ".test"
        self.host_name = "mx." + self.domain
        self.directory = os.path.join(network.directory, name)
        self.conf = os.path.join(self.directory, "posthorn.conf")
        self.log = os.path.join(self.directory, "log")
        self.queue = os.path.join(self.directory, "queue")
        self.mail = os.path.join(self.directory, "mail")
        self.running = {}
        self.passwords = {}
        os.makedirs(self.directory, exist_ok=True)
        for d in ("mail", "run"):
            os.makedirs(os.path.join(self.directory, d), exist_ok=True)
        self.own_mail_directory()
        make_certificate(network.directory, self.host_name, address,
                         os.path.join(self.directory, "cert.pem"),
                         os.path.join(self.directory, "key.pem"))
        self.settings = self.default_settings()

    def own_mail_directory(self):
        if os.geteuid() == 0:
            vmail = pwd.getpwnam("posthorn-vmail")
            os.chown(self.mail, vmail.pw_uid, vmail.pw_gid)

    def default_settings(self):
        def listen(daemon):
            return " ".join(f"{s}={self.address}:{PORTS[s]}" + (":tls" if s in TLS_AT_ONCE else "")
                            for s in SERVICES[daemon])

        d = self.directory
        return {
            "posthorn": {"host-name": self.host_name, "queue-directory": self.queue,
                         "run-directory": f"{d}/run", "config-directory": d,
                         "program-directory": self.network.build, "log": self.log,
                         "postmaster": f"postmaster@{self.domain}", "disk-reserve": "1M"},
            "directory": {"mail-directory": self.mail, "system-users": "no",
                          "system-domains": "localhost"},
            "tls": {"certificate": f"{d}/cert.pem", "key": f"{d}/key.pem"},
            "auth": {"directory": f"{d}/auth"},
            "limits": {"connections-per-address": "1000", "connections-per-minute": "100000",
                       "strangers-per-address": "1000", "strangers-per-network": "1000",
                       "messages-per-minute": "0", "recipients-per-minute": "0",
                       "refusals-per-minute": "0", "errors-per-minute": "0", "data-per-address": "0"},
            "msa": {"listen": listen("msa"), "messages-per-day": "0", "recipients-per-day": "0",
                    "new-recipients-per-day": "0"},
            "mta": {"listen": listen("mta"), "port": str(PORTS["smtp"]),
                    "source-address": self.address},
            "pop3d": {"listen": listen("pop3d")},
            "imapd": {"listen": listen("imapd")},
            "dns": {},
        }

    def write_settings(self):
        with open(self.conf, "w", encoding="utf-8") as f:
            for section, keys in self.settings.items():
                f.write(f"[{section}]\n")
                if section == "dns" and "local-data" not in keys:
                    f.write("local-data = " + "; ".join(self.network.zone) + "\n")
                for key, value in keys.items():
                    f.write(f"{key} = {value}\n")
                f.write("\n")

    def set(self, section, key, value):
        self.settings.setdefault(section, {})[key] = str(value)
        self.write_settings()
        return self

    def command(self, *args, stdin=None, program="posthorn", check=True):
        """Run an admin's command of ours: (exit code, standard output and error together)."""
        got = subprocess.run((os.path.join(self.network.build, program), "-c", self.conf) + args,
                             input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False, timeout=60)
        text = got.stdout.decode("utf-8", "replace")
        if check and got.returncode:
            raise Trouble(f"{program} {' '.join(args)}: exit {got.returncode}: {text}")
        return text if check else (got.returncode, text)

    def add_domain(self, domain=None):
        self.write_settings()
        self.command("domain", "add", domain or self.domain)
        return self

    def add_user(self, name, password="secret words"):
        address = name if "@" in name else f"{name}@{self.domain}"
        self.command("user", "add", "--stdin", address, stdin=password.encode() + b"\n")
        self.passwords[address] = password
        return address

    def start(self, *daemons):
        self.write_settings()
        for daemon in daemons or DAEMONS:
            with open(self.log, "ab") as err:
                self.running[daemon] = subprocess.Popen(
                    (os.path.join(self.network.build, daemon), "-c", self.conf),
                    stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        for daemon in daemons or DAEMONS:
            self.wait_ready(daemon)
        return self

    def wait_ready(self, daemon, seconds=30):
        until = time.monotonic() + seconds
        for service in SERVICES[daemon]:
            while not self.greets(service):
                code = self.running[daemon].poll()
                if code is not None:
                    raise Trouble(f"{daemon} of {self.name} ended with {code}:\n{self.log_text()[-3000:]}")
                if time.monotonic() > until:
                    raise Trouble(f"{daemon} of {self.name} does not answer on {service}:\n"
                                  f"{self.log_text()[-3000:]}")
                time.sleep(0.02)

    def greets(self, service):
        """Is the service there? It is left without a word said."""
        try:
            with socket.create_connection((self.address, PORTS[service]), 5) as s:
                if service in TLS_AT_ONCE:
                    return True
                s.settimeout(5)
                return bool(s.recv(4))
        except OSError:
            return False

    def stop(self, *daemons):
        going = [(d, self.running.pop(d)) for d in (daemons or list(self.running)) if d in self.running]
        for _, p in going:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for daemon, p in going:
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                raise Trouble(f"{daemon} of {self.name} did not stop in 15 s") from None

    def processes(self, daemon):
        """pid -> name of all processes below a keeper."""
        if daemon not in self.running:
            return {}
        top = self.running[daemon].pid
        parents, names = {}, {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    text = f.read()
            except (OSError, ValueError):
                continue
            name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            parents[int(entry)] = int(rest[1])
            names[int(entry)] = name
        found, more = {top: names.get(top, daemon)}, True
        while more:
            more = {p: names[p] for p, up in parents.items() if up in found and p not in found}
            found.update(more)
        return found

    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def log_lines(self, word):
        return [line for line in self.log_text().splitlines() if word in line]

    def wait_log(self, *words, seconds=20):
        """The first log line that has all of the words."""
        return wait_for(lambda: next((line for line in self.log_text().splitlines()
                                      if all(w in line for w in words)), None),
                        seconds, f"a log line with {' and '.join(words)}")

    def station(self, name):
        """Ids of the messages in one station of the queue."""
        try:
            return sorted(f[:-2] for f in os.listdir(os.path.join(self.queue, name, "new"))
                          if f.endswith(".e"))
        except OSError:
            return []

    def queued(self):
        return {s: self.station(s) for s in ("in/sub", "in/net", "in/own", "out", "local", "hold")
                if self.station(s)}

    def maildir(self, user):
        local, domain = (user if "@" in user else f"{user}@{self.domain}").split("@")
        return os.path.join(self.mail, domain, local, "Maildir")

    def inbox(self, user):
        """Paths of the messages in a user's inbox."""
        found = []
        for d in ("new", "cur"):
            path = os.path.join(self.maildir(user), d)
            if os.path.isdir(path):
                found += [os.path.join(path, f) for f in os.listdir(path)]
        return sorted(found)

    def wait_inbox(self, user, count=1, seconds=30):
        return wait_for(lambda: len(self.inbox(user)) >= count and self.inbox(user), seconds,
                        f"{count} message(s) in the inbox of {user}@{self.domain}")

    def tls(self):
        """What a client needs to trust this host."""
        context = ssl.create_default_context(cafile=self.network.authority)
        return context

    def port(self, service):
        return PORTS[service]


def wait_for(what, seconds, words):
    until = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > until:
            raise Trouble(f"waited {seconds} s for {words}")
        time.sleep(0.01)


def two_hosts(build, directory=None, keep=False):
    """alpha.test with alice and carol, beta.test with bob and dora."""
    network = Network(build, directory, keep)
    for host, users in (("alpha", ("alice", "carol")), ("beta", ("bob", "dora"))):
        network[host].add_domain()
        for user in users:
            network[host].add_user(user)
    return network
