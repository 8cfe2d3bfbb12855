#!/usr/bin/env python3
"""DKIM beside OpenDKIM, dkimpy and Mail::DKIM, both ways, over messages made from one seed: what
we sign they accept, what they sign we accept, and nobody accepts what was changed. Our side asks
nsd through libunbound. Arguments: [build directory] [test_name]; DKIM_MAILS is how many messages."""
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from e2e import Skip, build, expect, need

MAILS = int(os.environ.get("DKIM_MAILS", "60"))
DOMAIN = "sign.test"

# --- messages ---

WORDS = "alpha beta  gamma\tdelta é ü 漢字 . .. --- =20 From <x@y> \"q\" very".split(" ")


def header_lines(dice):
    fold = lambda text: text.replace(" ", dice.choice([" ", "  ", "\n ", "\n\t", "\n \t", " \n  "]), dice.randrange(3))
    word = lambda: dice.choice("one two three four a;b c=d \"e f\" (g)".split(" "))
    lines = [dice.choice(["From", "FROM", "from"]) + dice.choice([": ", ":", ":  ", ":\t"]) + f"Ann Other <ann@{DOMAIN}>"]
    for name in ("To", "Subject", "Date", "Message-ID", "X-Thing", "MIME-Version", "List-Id", "Cc", "Received", "Reply-To"):
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3]) if name in ("X-Thing", "Received", "Subject") else dice.choice([0, 1, 1])):
            text = " ".join(word() for _ in range(dice.randrange(12)))
            lines.append(f"{name}:{dice.choice([' ', '', ' ', '  '])}{fold(text)}{dice.choice(['', '', ' ', chr(9)])}")
    if dice.random() < 0.1:
        lines.append("X-Long: " + "x" * 900)
    dice.shuffle(lines)
    return lines


def body_text(dice):
    kind = dice.randrange(8)
    if kind == 0:
        return dice.choice(["", "\n", "\n\n\n", " \n", "\t\n \n"])
    if kind == 1:
        part = f"--b{dice.random()}"
        return "\n".join(f"{part}\nContent-Type: text/plain\n\n{' '.join(dice.sample(WORDS, 4))}\n" for _ in range(4)) + f"{part}--\n"
    if kind == 2:
        return "".join(chr(dice.randrange(33, 127)) for _ in range(900)) + "\n"
    lines = []
    for _ in range(dice.randrange(1, 60)):
        lines.append("".join(dice.choice(WORDS) + dice.choice([" ", "  ", "\t", "", " \t "]) for _ in range(dice.randrange(12))))
    return "\n".join(lines) + "\n" * dice.choice([1, 1, 1, 2, 5])


def messages(count):
    """With CRLF, as on the wire: the others want that."""
    for i in range(count):
        dice = random.Random(f"dkim {i}")
        text = "\n".join(header_lines(dice)) + "\n\n" + body_text(dice)
        yield text.encode("utf-8").replace(b"\n", b"\r\n")


# --- the field of play ---

class Field:
    """Settings, keys, a name server, and messages as files."""

    def __init__(self):
        self.directory = d = tempfile.mkdtemp(prefix="posthorn-dkim-")
        os.chmod(d, 0o755)              # as root the resolver is somebody else
        os.makedirs(f"{d}/conf")
        self.address = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.53"
        self.write("conf/posthorn.conf", f"[posthorn]\nhost-name = mx.test\nqueue-directory = {d}/queue\nrun-directory = {d}/run\n")
        self.posthorn("key", "new", DOMAIN)
        self.posthorn("rotate", "--activate", "--force", DOMAIN)
        self.records = {r["name"]: r["value"] for r in json.loads(self.posthorn("--json", "record", DOMAIN))}
        self.selectors = {n[0]: n.split(".")[0] for n in self.records}
        self.mails = list(messages(MAILS))
        self.nsd = None

    def __enter__(self):
        d = self.directory
        zone = self.posthorn("record", DOMAIN).decode()
        self.write("zone", f"$TTL 60\n@ IN SOA ns.test. admin.test. 1 3600 600 86400 60\n@ IN NS ns.test.\nns.test. IN A {self.address}\n{zone}")
        self.write("nsd.conf", f'server:\n ip-address: {self.address}@5353\n zonesdir: "{d}"\n pidfile: "{d}/pid"\n xfrdfile: "{d}/xfrd"\n'
                   f' zonelistfile: "{d}/zonelist"\n database: ""\n username: ""\n do-ip6: no\n'
                   'remote-control:\n control-enable: no\nzone:\n name: "test."\n zonefile: "zone"\n')
        self.nsd = subprocess.Popen([need("nsd"), "-d", "-c", f"{d}/nsd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            got = subprocess.run(self.words("rotate", "--check", "--resolver", f"{self.address}@5353", DOMAIN),
                                 capture_output=True, check=False)
            if got.returncode == 0:
                return self
            time.sleep(0.1)
        raise AssertionError(f"the keys that we printed for a zone file are not what nsd answers: {got.stdout + got.stderr}")

    def __exit__(self, *_):
        if self.nsd:
            self.nsd.terminate()
            self.nsd.wait(10)
        shutil.rmtree(self.directory)

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return f"{self.directory}/{name}"

    def words(self, *args):
        return [os.path.join(build(), "posthorn"), "-c", f"{self.directory}/conf/posthorn.conf", "dkim", *args]

    def posthorn(self, *args, said=b""):
        got = subprocess.run(self.words(*args), input=said, capture_output=True, check=False, timeout=60)
        expect(got.returncode == 0, f"{args}: {got.returncode} {got.stderr.decode()}")
        return got.stdout

    def sign(self, mail):
        return self.posthorn("sign", said=mail)

    def verify(self, mail):
        got = subprocess.run(self.words("--json", "verify", "--resolver", f"{self.address}@5353"), input=mail,
                             capture_output=True, check=False, timeout=60)
        expect(got.returncode in (0, 65), f"verify: {got.returncode} {got.stderr.decode()}")
        return json.loads(got.stdout)

    def key_file(self, kind):
        return f"{self.directory}/conf/dkim/{DOMAIN}/{self.selectors[kind]}.active.pem"

    def signed(self):
        if not hasattr(self, "ours"):
            self.ours = [self.sign(m) for m in self.mails]
        return self.ours


def spoil(mail, dice):
    """Change one letter of the body's text; None where there is none."""
    at = mail.index(b"\r\n\r\n") + 4
    letters = [i for i in range(at, len(mail)) if mail[i:i + 1].isalpha() and mail[i] < 128]
    if not letters:
        return None
    i = dice.choice(letters)
    return mail[:i] + bytes([mail[i] ^ 1]) + mail[i + 1:]


# --- what we sign ---

def test_we_accept_what_we_sign(field):
    dice = random.Random("spoil")
    for mail in field.signed():
        expect([r["result"] for r in field.verify(mail)] == ["pass", "pass"], f"{field.verify(mail)}\n{mail.decode()}")
        spoilt = spoil(mail, dice)
        expect(not spoilt or [r["result"] for r in field.verify(spoilt)] == ["fail", "fail"], "a change was not noticed")


def the_dkim_module():
    try:
        import dkim
        import nacl.signing             # noqa: F401
        return dkim
    except ImportError as why:
        raise Skip("python3-dkim or python3-nacl is not installed") from why


def record_for(field, name):
    return field.records.get(name.decode().rstrip("."), "").encode()


def test_dkimpy_accepts_what_we_sign(field):
    dkim = the_dkim_module()
    for mail in field.signed():
        for index in (0, 1):
            ok = dkim.DKIM(mail).verify(idx=index, dnsfunc=lambda name, timeout=5: record_for(field, name))
            expect(ok, f"dkimpy refuses signature {index} of:\n{mail.decode()}")


MAIL_DKIM_VERIFY = r"""
use strict; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS::Resolver;
my ($server, @files) = @ARGV;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => [$server], port => 5353, recurse => 0));
for my $file (@files) {
	my $v = Mail::DKIM::Verifier->new();
	open my $f, '<', $file or die; binmode $f;
	while (<$f>) { s/\r?\n$/\r\n/; $v->PRINT($_); }
	$v->CLOSE;
	print join(' ', map { ($_->algorithm // '?') . '=' . $_->result } $v->signatures), "\n";
}
"""


def have_mail_dkim():
    got = subprocess.run(["perl", "-MMail::DKIM::Verifier", "-e", "1"], capture_output=True, check=False)
    if got.returncode:
        raise Skip("libmail-dkim-perl is not installed")


def test_mail_dkim_accepts_what_we_sign(field):
    have_mail_dkim()
    files = [field.write(f"ours{i}", m) for i, m in enumerate(field.signed())]
    out = subprocess.run(["perl", "-e", MAIL_DKIM_VERIFY, field.address, *files], capture_output=True, check=True, timeout=300).stdout
    for i, line in enumerate(out.decode().splitlines()):
        expect("rsa-sha256=pass" in line, f"Mail::DKIM says {line} to:\n{field.signed()[i].decode()}")
    expect(i + 1 == MAILS, "Mail::DKIM stopped early")


def test_opendkim_accepts_what_we_sign(field):
    opendkim = need("opendkim")
    table = field.write("dns-data", "".join(f"{n} {v}\n" for n, v in field.records.items()))
    conf = field.write("opendkim.conf", f"Mode v\nSocket inet:8899@127.0.0.1\nTestDNSData file:{table}\nBackground no\n")
    # it knows no Ed25519 and looks at all signatures, so it gets the one by RSA
    for i, mail in enumerate(field.signed()):
        second = mail.index(b"DKIM-Signature:", 5)
        name = field.write(f"rsa{i}", mail[second:])
        got = subprocess.run([opendkim, "-x", conf, "-t", name], capture_output=True, check=False, timeout=60)
        words = (got.stdout + got.stderr).decode()
        expect("verification (s=" in words and "succeeded" in words, f"opendkim says {words} to:\n{mail.decode()}")


# --- what others sign ---

def test_we_accept_what_dkimpy_signs(field):
    dkim = the_dkim_module()
    with open(field.key_file("r"), "rb") as f:
        rsa = f.read()
    pem = subprocess.run(["openssl", "rsa", "-traditional"], input=rsa, capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-in", field.key_file("e"), "-outform", "DER"], capture_output=True, check=True).stdout
    import base64
    seed = base64.b64encode(der[-32:])
    dice = random.Random("dkimpy")
    for mail in field.mails:
        forms = (dice.choice([b"simple", b"relaxed"]), dice.choice([b"simple", b"relaxed"]))
        ed = dice.random() < 0.4
        length = dice.random() < 0.3
        sig = dkim.sign(mail, field.selectors["e" if ed else "r"].encode(), DOMAIN.encode(), seed if ed else pem,
                        canonicalize=forms, length=length, signature_algorithm=b"ed25519-sha256" if ed else b"rsa-sha256")
        got = field.verify(sig + mail)
        expect([r["result"] for r in got] == ["pass"], f"{forms} {got}\n{(sig + mail).decode()}")
        more = field.verify(sig + mail + b"more\r\n")
        same = not mail[mail.index(b"\r\n\r\n") + 4:].strip(b"\r\n\t ") and length
        want = "pass" if length else "fail"
        expect(same or more[0]["result"] == want, f"text added at the end: {forms} l={length} {more}\n{(sig + mail).decode()}")


MAIL_DKIM_SIGN = r"""
use strict; use Mail::DKIM::Signer;
my ($domain, $selector, $key, @files) = @ARGV;
my @forms = ('relaxed/relaxed', 'simple/simple', 'relaxed/simple', 'simple/relaxed', 'relaxed', 'simple');
my $n = 0;
for my $file (@files) {
	my $s = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $forms[$n++ % @forms],
		Domain => $domain, Selector => $selector, KeyFile => $key);
	open my $f, '<', $file or die; binmode $f;
	while (<$f>) { s/\r?\n$/\r\n/; $s->PRINT($_); }
	$s->CLOSE;
	open my $o, '>', "$file.signed" or die; binmode $o;
	print $o $s->signature->as_string, "\r\n"; close $o;
}
"""


def test_we_accept_what_mail_dkim_signs(field):
    have_mail_dkim()
    pem = subprocess.run(["openssl", "rsa", "-traditional", "-in", field.key_file("r")], capture_output=True, check=True).stdout
    key = field.write("rsa.pem", pem)
    files = [field.write(f"plain{i}", m) for i, m in enumerate(field.mails)]
    subprocess.run(["perl", "-e", MAIL_DKIM_SIGN, DOMAIN, field.selectors["r"], key, *files], check=True, timeout=300)
    for name, mail in zip(files, field.mails):
        with open(f"{name}.signed", "rb") as f:
            mail = f.read() + mail
        got = field.verify(mail)
        expect([r["result"] for r in got] == ["pass"], f"{got}\n{mail.decode()}")


class Milter:
    """As much of the milter protocol as an MTA needs to have a message signed."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)
        # all actions; no protocol step left out; blanks in front of values stay (SMFIP_HDR_LEADSPC)
        self.say(b"O", struct.pack(">III", 6, 0x1ff, 0x100000))
        expect(self.hear()[0] == b"O", "no milter")
        self.say(b"D", b"C{daemon_name}\0here\0")
        self.ask(b"C", b"client.test\x004" + struct.pack(">H", 9999) + b"127.0.0.1\0")
        self.ask(b"H", b"client.test\0")

    def say(self, verb, data=b""):
        self.sock.sendall(struct.pack(">I", len(data) + 1) + verb + data)

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.sock.recv(n - len(got))
            expect(more, "the milter hung up")
            got += more
        return got

    def hear(self):
        data = self.exactly(struct.unpack(">I", self.exactly(4))[0])
        return data[:1], data[1:]

    def ask(self, verb, data=b""):
        self.say(verb, data)
        got = self.hear()[0]
        expect(got == b"c", f"{verb} got {got}")

    def sign(self, mail):
        """The fields it puts on top."""
        head, body = mail.split(b"\r\n\r\n", 1)
        self.ask(b"M", b"<ann@sign.test>\0")
        self.ask(b"R", b"<bob@other.test>\0")
        self.ask(b"T")
        for field in re.split(rb"\r\n(?![ \t])", head):
            name, value = field.split(b":", 1)
            self.ask(b"L", name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0")
        self.ask(b"N")
        for i in range(0, len(body), 65535):
            self.ask(b"B", body[i:i + 65535])
        self.say(b"E")
        top = b""
        while True:
            verb, data = self.hear()
            if verb == b"i":
                name, value = data[4:].split(b"\0")[:2]
                top += name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"
            elif verb in b"acdrt":
                return top


def test_we_accept_what_opendkim_signs(field):
    opendkim = need("opendkim")
    pem = subprocess.run(["openssl", "rsa", "-traditional", "-in", field.key_file("r")], capture_output=True, check=True).stdout
    key = field.write("opendkim.pem", pem)
    os.chmod(key, 0o600)
    for forms in ("simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed"):
        path = f"{field.directory}/milter-{forms.replace(chr(47), chr(45))}"
        conf = field.write("signer.conf", f"Mode s\nDomain {DOMAIN}\nKeyFile {key}\nSelector {field.selectors['r']}\nCanonicalization {forms}\n"
                           f"SignatureAlgorithm rsa-sha256\nSocket local:{path}\nInternalHosts 127.0.0.1\nBackground no\nSyslog no\n"
                           "RequireSafeKeys no\nOversignHeaders From\n")
        daemon = subprocess.Popen([opendkim, "-f", "-x", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            signed_by_opendkim(field, daemon, path, forms)
        finally:
            daemon.terminate()
            daemon.wait(10)


def signed_by_opendkim(field, daemon, path, forms):
    signed = 0
    milter = None
    while not milter:
        try:
            milter = Milter(path)
        except (ConnectionRefusedError, FileNotFoundError):
            expect(daemon.poll() is None, "opendkim does not start")
            time.sleep(0.05)
    for mail in field.mails:
        top = milter.sign(mail)
        signed += bool(top)
        got = field.verify(top + mail)
        expect(not top or [r["result"] for r in got] == ["pass"], f"{forms}: {got}\n{(top + mail).decode()}")
    # it leaves alone what has no Date, or two Subjects
    expect(signed > MAILS // 10, f"opendkim signed only {signed}")


def main():
    tests = [(n, f) for n, f in sys.modules["__main__"].__dict__.items()
             if n.startswith("test_") and (len(sys.argv) < 3 or n in sys.argv[2:])]
    print(f"1..{len(tests)}", flush=True)
    failed = False
    try:
        field = Field()
        field.__enter__()
    except Skip as why:
        for i, (name, _) in enumerate(tests, 1):
            print(f"ok {i} - {name} # SKIP {why}")
        return
    for i, (name, test) in enumerate(tests, 1):
        try:
            test(field)
            print(f"ok {i} - {name}", flush=True)
        except Skip as why:
            print(f"ok {i} - {name} # SKIP {why}", flush=True)
        except Exception:               # whatever it is, the next test runs
            traceback.print_exc()
            print(f"not ok {i} - {name}", flush=True)
            failed = True
    field.__exit__()
    sys.exit(failed)


main()
