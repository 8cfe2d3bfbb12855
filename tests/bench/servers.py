"""What the benches share: what the machine says of its work, and servers to measure: Posthorn, and
Postfix with virtual delivery into Maildirs, each with its files below tempfile.tempdir."""
import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here))
import hosts  # noqa: E402

USERS = 50
PASSWORD = "bench"
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
KERNEL_STACK_KIB = 16


# --- what the machine says ---

def machine_cpu_ms():
    with open("/proc/stat", encoding="ascii") as f:
        n = [int(x) for x in f.readline().split()[1:9]]
    return (sum(n) - n[3] - n[4]) * TICK_MS            # all but idle and iowait


def device_flushes(path):
    dev = os.stat(path).st_dev
    for end in ("", "/.."):                             # a partition has no flushes of its own
        try:
            with open(f"/sys/dev/block/{os.major(dev)}:{os.minor(dev)}{end}/stat", encoding="ascii") as f:
                fields = f.read().split()
            if len(fields) > 15:
                return int(fields[15])
        except OSError:
            pass
    return None


class Group:
    """A control group that counts the CPU of a server and of all that it ever started."""
    ROOTS = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage", 1e-6), ("/sys/fs/cgroup", "cpu.stat", 1e-3))

    def __init__(self, name):
        self.path = None
        for root, counter, unit in self.ROOTS:
            path = f"{root}/posthorn-bench-{name}-{os.getpid()}"
            try:
                os.mkdir(path)
                if os.path.exists(f"{path}/{counter}"):
                    self.path, self.counter, self.unit = path, counter, unit
                    break
                os.rmdir(path)
            except OSError:
                pass

    def enter(self):
        if self.path:
            with open(f"{self.path}/cgroup.procs", "w", encoding="ascii") as f:
                f.write(str(os.getpid()))

    def cpu_ms(self):
        with open(f"{self.path}/{self.counter}", encoding="ascii") as f:
            return int(re.search(r"\d+", f.read()).group()) * self.unit

    def pids(self):
        with open(f"{self.path}/cgroup.procs", encoding="ascii") as f:
            return [int(line) for line in f]

    def remove(self):
        for _ in range(50):
            if not self.path:
                return
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.1)


@contextlib.contextmanager
def inside(group):
    """Children started here belong to the group."""
    home = None
    if group.path:
        with open("/proc/self/cgroup", encoding="ascii") as f:
            rows = [line.strip().split(":", 2) for line in f]
        want = "cpuacct" if "cpuacct" in group.path else ""
        mine = next((r[2] for r in rows if want in r[1].split(",")), "/")
        home = os.path.dirname(group.path) + mine
        group.enter()
    try:
        yield
    finally:
        if home:
            with open(f"{home.rstrip('/')}/cgroup.procs", "w", encoding="ascii") as f:
                f.write(str(os.getpid()))


def tree(tops):
    """All processes below these."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                parents[int(entry)] = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found, more = set(tops), True
    while more:
        more = {p for p, up in parents.items() if up in found and p not in found}
        found |= more
    return found


def processes_cpu_ms(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                n = f.read().rsplit(")", 1)[1].split()
            total += sum(int(x) for x in n[11:15])      # its own and its reaped children's
        except OSError:
            pass
    return total * TICK_MS


def processes_kib(pids):
    """What they hold: their share of pages, page tables, and a stack in the kernel each."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                pages = int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
                tables = int(re.search(r"^VmPTE:\s+(\d+)", f.read(), re.M).group(1))
            total += pages + tables + KERNEL_STACK_KIB
        except (OSError, AttributeError):
            pass
    return total


# --- where it happens ---

def has_journal(path):
    dev = os.stat(path).st_dev
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(dev)}:{os.minor(dev)}"))
    return os.path.exists(f"/proc/fs/jbd2/{name}-8")


def filesystem_of(path):
    got = subprocess.run(("findmnt", "-n", "-o", "FSTYPE", "-T", path), capture_output=True, text=True, check=True)
    kind = got.stdout.strip()
    return kind + (" without a journal" if kind == "ext4" and not has_journal(path) else "")


@contextlib.contextmanager
def own_ext4(directory):
    """A fresh ext4 with a journal, in a file in directory."""
    place = tempfile.mkdtemp(prefix="posthorn-ext4-", dir=directory)
    image, mount = f"{place}/image", f"{place}/mount"
    os.mkdir(mount)
    with open(image, "wb") as f:
        f.truncate(4 << 30)
    try:
        subprocess.run(("mkfs.ext4", "-q", "-F", image), check=True)
        subprocess.run(("mount", "-o", "loop", image, mount), check=True)
        os.chmod(place, 0o755)
        try:
            yield mount
        finally:
            subprocess.run(("umount", mount), check=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def hash_of(password):
    got = subprocess.run(("openssl", "passwd", "-6", "-stdin"), input=password, capture_output=True, text=True,
                         check=True)
    return got.stdout.strip()


# --- the servers ---

class Server:
    def __init__(self, sinks=None):
        self.group = Group(self.name)
        self.sinks = sinks                              # where the part outbound sends to

    def connections_gone(self, port):
        """Is no connection to this port of anybody left?"""
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        return not any(r[2].endswith(f":{port:04X}") and r[3] == "01" for r in rows)

    def pids(self):
        return self.group.pids() if self.group.path else tree(self.tops())

    def cpu_ms(self):
        return self.group.cpu_ms() if self.group.path else processes_cpu_ms(self.pids())

    def maildirs(self):
        return [os.path.join(self.mail, "bench.test", f"u{i}", "Maildir", "new") for i in range(USERS)]

    def delivered(self):
        return sum(len(os.listdir(d)) for d in self.maildirs() if os.path.isdir(d))

    def empty(self):
        for d in self.maildirs():
            if os.path.isdir(d):
                for name in os.listdir(d):
                    os.unlink(os.path.join(d, name))


class Posthorn(Server):
    name = "posthorn"

    def __init__(self, build, settings=(), sinks=None):
        super().__init__(sinks)
        self.network = hosts.Network(os.path.join(build, "common", "programs"), names=("bench",))
        self.network.zone += sinks.zone() if sinks else []
        self.host = self.network["bench"]
        for key in ("connections-per-address", "strangers-per-address", "strangers-per-network", "strangers-max",
                    "data-per-address", "data-max"):
            self.host.set("limits", key, "0")
        self.host.set("limits", "greet-timeout", "1h").set("mta", "sessions-max", "2000")
        self.host.set("msa", "sessions-max", "2000")
        for section, key, value in settings:
            self.host.set(section, key, value)
        with open(f"{self.host.directory}/domains", "w", encoding="ascii") as f:
            f.write("bench.test\n")
        with open(f"{self.host.directory}/users", "w", encoding="ascii") as f:
            f.writelines(f"u{i}@bench.test:{hash_of(PASSWORD)}\n" for i in range(USERS))
        self.mail, self.directory = self.host.mail, self.network.directory
        with inside(self.group):
            self.host.start("mta", "mda", "msa", "imapd")
        self.at = (self.host.address, self.host.port("smtp"))
        self.submission = (self.host.address, self.host.port("submission"))

    def tops(self):
        return [p.pid for p in self.host.running.values()]

    def fill(self, build, load, count, size, destinations):
        """Mail of 50 senders, in a queue beside ours."""
        self.aside = f"{self.host.queue}.aside"
        for name in "tmp", "new":
            os.makedirs(f"{self.aside}/in/sub/{name}", exist_ok=True)
        ours = os.stat(f"{self.host.queue}/in/sub/new")
        os.chown(f"{self.aside}/in/sub/new", ours.st_uid, ours.st_gid)
        os.chmod(f"{self.aside}/in/sub/new", 0o2770)
        subprocess.run((os.path.join(build, "tests", "bench", "bench-fill"), "-d", str(destinations), self.aside,
                        "in/sub", str(count), str(size)), check=True)
        os.sync()

    def release(self):
        """Texts first: a message exists when its envelope does."""
        new = f"{self.aside}/in/sub/new"
        for name in sorted(os.listdir(new), key=lambda n: (not n.endswith(".m"), n)):
            os.rename(f"{new}/{name}", f"{self.host.queue}/in/sub/new/{name}")

    def stop(self):
        self.network.stop()
        self.group.remove()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postfix(Server):
    name = "postfix"
    MAIN = """\
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = {d}
maillog_file = {d}/log
myhostname = mx.bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
smtpd_client_connection_count_limit = {per_address}
default_process_limit = {limit}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {d}/cert.pem
smtpd_tls_key_file = {d}/key.pem
virtual_mailbox_domains = bench.test
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = texthash:{d}/users
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
alias_maps =
transport_maps = texthash:{d}/transport
disable_dns_lookups = yes
smtp_tls_security_level =
"""

    def __init__(self, process_limit=1500, sinks=None):
        """100 is its default, with half of it for one address."""
        super().__init__(sinks)
        d = self.directory = tempfile.mkdtemp(prefix="posthorn-postfix-")
        os.chmod(d, 0o755)
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        self.mail = f"{d}/mail"
        for name in ("etc", "queue", "data", "mail"):
            os.mkdir(f"{d}/{name}")
        os.chown(f"{d}/data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        with open(f"{d}/users", "w", encoding="ascii") as f:
            f.writelines(f"u{i}@bench.test bench.test/u{i}/Maildir/\n" for i in range(USERS))
        with open(f"{d}/transport", "w", encoding="ascii") as f:
            f.writelines(f"d{i}.test smtp:[{a}]:2526\n" for i, a in enumerate(sinks.addresses if sinks else ()))
        with open(f"{d}/etc/main.cf", "w", encoding="ascii") as f:
            f.write(self.MAIN.format(d=d, uid=nobody.pw_uid, gid=nobody.pw_gid, limit=process_limit,
                                     per_address=50 if process_limit == 100 else 0))
        address = hosts.free_addresses(1)[0]
        hosts.make_authority(d)
        hosts.make_certificate(d, "mx.bench.test", address, f"{d}/cert.pem", f"{d}/key.pem")
        self.at = (address, hosts.PORTS["smtp"])
        self.submission = (address, hosts.PORTS["submission"])
        self.write_services()
        with inside(self.group):
            self.run("start")
        hosts.wait_for(self.greets, 20, "Postfix to answer")

    def write_services(self):
        """Debian's own master.cf, on our port and without chroot jails, which need copied files."""
        with open("/usr/share/postfix/master.cf.dist", encoding="ascii") as f:
            rows = [line for line in f if line.strip() and not line.startswith("#")]
        with open(f"{self.directory}/etc/master.cf", "w", encoding="ascii") as f:
            for row in rows:
                words = row.split()
                if not row[0].isspace() and len(words) > 7:
                    words[4] = "n"
                    if words[0] == "smtp" and words[1] == "inet":
                        words[0] = f"{self.at[0]}:{self.at[1]}"
                        f.write(f"{self.submission[0]}:{self.submission[1]} {' '.join(words[1:])}\n")
                    row = " ".join(words) + "\n"
                f.write(row)

    def run(self, verb):
        got = subprocess.run(("postfix", "-c", f"{self.directory}/etc", verb), capture_output=True, text=True,
                             check=False)
        if got.returncode:
            raise hosts.Trouble(f"postfix {verb}: {got.stderr}")

    def greets(self):
        try:
            with socket.create_connection(self.at, 5) as s:
                return s.recv(4) == b"220 "
        except OSError:
            return False

    def hold_back(self, transports):
        subprocess.run(("postconf", "-c", f"{self.directory}/etc", "-e", f"defer_transports={transports}"), check=True)
        self.run("reload")
        time.sleep(1)

    def deferred(self):
        return sum(len(names) for _, _, names in os.walk(f"{self.directory}/queue/deferred"))

    def fill(self, build, load, count, size, destinations):
        self.hold_back("smtp")
        for i in range(destinations):
            subprocess.run((load, self.at[0], str(self.at[1]), "10", str(count // destinations // 10), str(size),
                            f"u%d@d{i}.test"), check=True, stdout=subprocess.DEVNULL)
        hosts.wait_for(lambda: self.deferred() >= count // destinations // 10 * 10 * destinations, 60,
                       "Postfix to put off what it has")
        self.hold_back("")
        os.sync()

    def release(self):
        subprocess.run(("postqueue", "-c", f"{self.directory}/etc", "-f"), check=True)

    def tops(self):
        with open(f"{self.directory}/queue/pid/master.pid", encoding="ascii") as f:
            return [int(f.read())]

    def stop(self):
        self.run("stop")
        self.group.remove()
        shutil.rmtree(self.directory, ignore_errors=True)
