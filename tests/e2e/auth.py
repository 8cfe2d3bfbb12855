#!/usr/bin/env python3
"""Logins: SCRAM with and without channel binding, app passwords, tokens, certificates, and the
tricks that others fell for. Clients: gsasl, curl, msmtp, swaks, Python."""
import base64
import hashlib
import hmac
import http.server
import imaplib
import json
import os
import poplib
import random
import smtplib
import socket
import subprocess
import tempfile
import threading
import time

from e2e import Skip, build, expect, hosts, main, need, run

PASSWORD = "secret words"
BOB = "bob@beta.test"


def network():
    net = hosts.two_hosts(build())
    net["beta"].start()
    return net


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


class Scram:
    """A client of our own, which can say what no honest one would."""

    def __init__(self, user, password, header="n,,", binding=b"", digest="sha256", final_binding=None):
        self.user, self.password, self.header, self.digest = user, password, header, digest
        self.binding = binding if final_binding is None else final_binding
        self.nonce = b64(os.urandom(18))
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, challenge):
        self.challenge = challenge.decode()
        fields = dict(f.split("=", 1) for f in self.challenge.split(","))
        expect(fields["r"].startswith(self.nonce), "another nonce")
        self.salt = fields["s"]
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.new(salted, b"Client Key", self.digest).digest()
        stored = hashlib.new(self.digest, key).digest()
        without = f"c={b64(self.header.encode() + self.binding)},r={fields['r']}"
        message = f"{self.bare},{self.challenge},{without}".encode()
        proof = bytes(a ^ b for a, b in zip(key, hmac.new(stored, message, self.digest).digest()))
        self.signature = hmac.new(hmac.new(salted, b"Server Key", self.digest).digest(), message, self.digest).digest()
        return f"{without},p={b64(proof)}".encode()


def somewhere():
    """An address that has guessed nothing yet: the keeper makes each that has wait longer."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


class Imap(imaplib.IMAP4_SSL):
    def _create_socket(self, timeout=None):
        sock = socket.create_connection((self.host, self.port), timeout, (somewhere(), 0))
        return self.ssl_context.wrap_socket(sock, server_hostname=self.host)


def imap(host, context=None):
    return Imap(host.address, host.port("imaps"), ssl_context=context or host.tls(), timeout=60)


def scram_imap(host, client, mechanism="SCRAM-SHA-256"):
    """True when let in; the exception's words when not."""
    box = imap(host)

    def answer(said):
        if not said:
            return client.first()
        if said.startswith(b"r="):
            return client.final(said)
        expect(said == b"v=" + b64(client.signature).encode(), "the server does not know the verifier")
        return b""
    try:
        box.authenticate(mechanism, answer)
        box.logout()
        return True
    except imaplib.IMAP4.error as why:
        box.shutdown()
        return str(why)


def end_point(host):
    """RFC 5929 4.1, of a certificate that is signed with SHA-256."""
    with socket.create_connection((host.address, host.port("imaps")), 10) as s:
        with host.tls().wrap_socket(s, server_hostname=host.address) as t:
            return hashlib.sha256(t.getpeercert(True)).digest()


def test_gsasl_by_scram(net):
    beta, gsasl = net["beta"], need("gsasl")
    for service, how in (("imap", "--imap"), ("submission", "--smtp")):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"):
            words = [gsasl, "--connect", f"{beta.address}:{beta.port(service)}", "--starttls", how,
                     "--authentication-id", BOB, "--mechanism", mechanism, "--x509-ca-file", net.authority]
            if not mechanism.endswith("PLUS"):
                words.append("--no-cb")
            code, text = run(*words, "--password", PASSWORD, stdin=b"")
            expect(code == 0 and "server trusted" in text, f"{mechanism}: {text}")
            code, text = run(*words, "--password", "wrong", stdin=b"")
            expect("server trusted" not in text and ("535 5.7.8" in text or "NO [AUTHENTICATIONFAILED]" in text), text)
    beta.wait_log("login", "mechanism=SCRAM-SHA-256-PLUS", "service=submission")
    # It used tls-exporter, of TLS 1.3, and a channel of its own each time.


def test_msmtp_by_scram(net):
    beta, msmtp = net["beta"], need("msmtp")
    with tempfile.TemporaryDirectory() as d:
        rc = os.path.join(d, "rc")
        for password, good in ((PASSWORD, True), ("wrong", False)):
            with open(rc, "w", encoding="ascii") as f:
                f.write(f"account a\nhost {beta.address}\nport {beta.port('submissions')}\nfrom {BOB}\nauth scram-sha-256\n"
                        f"user {BOB}\npassword {password}\ntls on\ntls_starttls off\ntls_trust_file {net.authority}\n")
            os.chmod(rc, 0o600)
            code, text = run(msmtp, "-C", rc, "-a", "a", "dora@beta.test",
                             stdin=b"From: bob@beta.test\nTo: dora@beta.test\nSubject: by scram\n\nhello\n")
            expect((code == 0) == good, f"msmtp: {code} {text}")
    beta.wait_inbox("dora")


def test_python_binds_to_the_certificate(net):
    """TLS 1.2 and 1.3 with tls-server-end-point; another certificate's digest is somebody between us."""
    beta = net["beta"]
    digest = end_point(beta)
    bound = "p=tls-server-end-point,,"
    expect(scram_imap(beta, Scram(BOB, PASSWORD, bound, digest), "SCRAM-SHA-256-PLUS") is True, "end-point")
    for client, mechanism, why in (
            (Scram(BOB, PASSWORD, bound, bytes(32)), "SCRAM-SHA-256-PLUS", "another channel"),
            (Scram(BOB, PASSWORD, "p=tls-unique,,", digest), "SCRAM-SHA-256-PLUS", "of a type we have not"),
            (Scram(BOB, PASSWORD, "n,,"), "SCRAM-SHA-256-PLUS", "no binding in -PLUS"),
            (Scram(BOB, PASSWORD, bound, digest), "SCRAM-SHA-256", "a binding without -PLUS"),
            (Scram(BOB, PASSWORD, "y,,"), "SCRAM-SHA-256", "the downgrade of RFC 5802 6"),
            (Scram(BOB, "wrong", "n,,"), "SCRAM-SHA-256", "a wrong password"),
            (Scram(BOB, PASSWORD, "n,a=dora@beta.test,"), "SCRAM-SHA-256", "for somebody else")):
        got = scram_imap(beta, client, mechanism)
        expect(got is not True, f"{why} was let in")
    expect(scram_imap(beta, Scram("BOB@Beta.Test", PASSWORD, "n,a=bob@beta.test,")) is True, "the same name, otherwise written")
    expect(beta.log_lines("somebody hides from the client"), "no word of the downgrade in the log")
    expect(beta.log_lines("somebody is between us"), "no word of another channel in the log")


def challenge_for(beta, user):
    box = imap(beta)
    client = Scram(user, "x")
    box.send(b"a AUTHENTICATE SCRAM-SHA-256 " + b64(client.first()).encode() + b"\r\n")
    line = box.readline()
    box.shutdown()
    expect(line.startswith(b"+ "), f"{user}: {line}")
    return dict(f.split("=", 1) for f in base64.b64decode(line[2:]).decode().split(","))


def test_who_does_not_exist_is_asked_like_who_does(net):
    beta = net["beta"]
    real, nobody, other = (challenge_for(beta, u) for u in (BOB, "nobody@beta.test", "other@beta.test"))
    expect(real["i"] == nobody["i"] and len(real["s"]) == len(nobody["s"]), f"{real} {nobody}")
    expect(nobody["s"] != other["s"], "one salt for all")
    beta.stop("imapd")
    beta.start("imapd")
    expect(challenge_for(beta, "nobody@beta.test")["s"] == nobody["s"], "the salt changed with a start")
    expect(challenge_for(beta, "NOBODY@beta.test")["s"] == nobody["s"], "case tells")
    expect(scram_imap(beta, Scram("nobody@beta.test", "x")) is not True, "nobody was let in")


def test_pop3_and_smtp_by_scram(net):
    beta = net["beta"]
    box = poplib.POP3_SSL(beta.address, beta.port("pop3s"), context=beta.tls(), timeout=30)
    expect("SCRAM-SHA-256-PLUS" in box.capa()["SASL"], str(box.capa()))
    client = Scram(BOB, PASSWORD)
    line = box._shortcmd("AUTH SCRAM-SHA-256 " + b64(client.first()))
    line = box._shortcmd(b64(client.final(base64.b64decode(line[2:]))))
    expect(base64.b64decode(line[2:]) == b"v=" + b64(client.signature).encode(), str(line))
    expect(box._shortcmd("").startswith(b"+OK"), "not let in")
    box.quit()
    smtp = smtplib.SMTP_SSL(beta.address, beta.port("submissions"), context=beta.tls(), timeout=30)
    smtp.ehlo()
    # begun as one, given up, and done as another
    code, _ = smtp.docmd("AUTH", "SCRAM-SHA-256 " + b64(Scram("dora@beta.test", PASSWORD).first()))
    expect(code == 334 and smtp.docmd("*")[0] == 501, "not given up")
    client = Scram(BOB, PASSWORD)
    _, words = smtp.docmd("AUTH", "SCRAM-SHA-256 " + b64(client.first()))
    code, _ = smtp.docmd(b64(client.final(base64.b64decode(words))))
    expect(code == 334 and smtp.docmd("")[0] == 235, "SMTP")
    expect(smtp.docmd("MAIL", "FROM:<dora@beta.test>")[0] == 550, "bob sends as dora")
    expect(smtp.docmd("MAIL", f"FROM:<{BOB}>")[0] == 250, "bob does not send as bob")
    smtp.quit()


def test_idle_exchanges_stop_nobody(net):
    """Forty strangers begin SCRAM and say no more; a helper that waited for each would be forty, of sixteen."""
    beta = net["beta"]
    idle = []
    for _ in range(40):
        box = imap(beta)
        box.send(b"a AUTHENTICATE SCRAM-SHA-256 " + b64(Scram(BOB, "x").first()).encode() + b"\r\n")
        expect(box.readline().startswith(b"+ "), "no challenge")
        idle.append(box)
    box = imap(beta)
    box.login(BOB, PASSWORD)
    box.logout()
    for box in idle:
        box.shutdown()


def test_logins_given_up_kill_no_session(net):
    """The keeper kills a session that asks too often; a client that gives up in the middle may not bring that about."""
    beta = net["beta"]
    box = imap(beta)
    for n in range(12):
        box.send(b"a AUTHENTICATE SCRAM-SHA-256 " + b64(Scram(BOB, "x").first()).encode() + b"\r\n")
        said = box.readline()
        if n < 10:
            expect(said.startswith(b"+ "), f"no challenge: {said!r}")
            box.send(b"*\r\n")
            said = box.readline()
        expect(said.startswith((b"a BAD", b"a NO")[n >= 10]), f"try {n}: {said!r}")
    box.shutdown()
    expect("too often" not in beta.log_text(), "a healthy session was killed")


def test_parallel_logins_do_not_cross(net):
    beta, wrong = net["beta"], []

    def one(i):
        user = (BOB, "dora@beta.test")[i % 2]
        try:
            smtp = smtplib.SMTP_SSL(beta.address, beta.port("submissions"), context=beta.tls(), timeout=60)
            smtp.ehlo()
            client = Scram(user, PASSWORD)
            _, words = smtp.docmd("AUTH", "SCRAM-SHA-256 " + b64(client.first()))
            time.sleep(0.01 * (i % 3))
            smtp.docmd(b64(client.final(base64.b64decode(words))))
            code, _ = smtp.docmd("")
            if code != 235 or smtp.docmd("MAIL", f"FROM:<{user}>")[0] != 250:
                wrong.append(f"{user}: {code}")
            smtp.quit()
        except Exception as why:               # told below
            wrong.append(f"{user}: {why!r}")
    threads = [threading.Thread(target=one, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect(not wrong, str(wrong))


def test_names_that_are_tricks(net):
    """SAFETY: NUL, authorization identities, homographs."""
    beta = net["beta"]
    for message in (b"dora@beta.test\0bob@beta.test\0" + PASSWORD.encode(), b"\0bob@beta.test\0x\0" + PASSWORD.encode(),
                    b"\0bob@beta.test\0dora@beta.test\0" + PASSWORD.encode(), b"\0bob@beta.test*dora\0" + PASSWORD.encode(),
                    b"\0b\xd0\xbeb@beta.test\0" + PASSWORD.encode(), b"\0-bob\0x", b"\0../bob\0x", b"\0" + b"a" * 5000 + b"\0x"):
        box = imap(beta)
        try:
            box.authenticate("PLAIN", lambda _, m=message: m)
            raise hosts.Trouble(f"let in: {message!r}")
        except imaplib.IMAP4.error:
            box.shutdown()


def test_scram_is_offered_where_nobody_would_fail(net):
    beta = net["beta"]

    def offered():
        box = imap(beta)
        found = [c for c in box.capabilities if c.startswith("AUTH=")]
        box.shutdown()
        return found
    expect("AUTH=SCRAM-SHA-256-PLUS" in offered(), str(offered()))
    with open(os.path.join(beta.directory, "users"), encoding="ascii") as f:
        before = f.read()
    beta.command("user", "add", "--stdin", "old@beta.test", stdin=b"x\n")
    with open(os.path.join(beta.directory, "users"), encoding="ascii") as f:
        lines = f.read().splitlines()
    lines[-1] = lines[-1].split(" ")[0]                 # the verifier is gone: adopted from another system
    with open(os.path.join(beta.directory, "users"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    hosts.wait_for(lambda: not any("SCRAM" in c for c in offered()), 20, "SCRAM is offered no longer")
    with open(os.path.join(beta.directory, "users"), "w", encoding="ascii") as f:
        f.write(before)
    hosts.wait_for(lambda: any("SCRAM" in c for c in offered()), 20, "SCRAM is offered again")


def test_app_passwords(net):
    beta = net["beta"]
    phone = beta.command("user", "app", "add", BOB, "phone").strip()
    printer = beta.command("user", "app", "add", "-r", "send", BOB, "printer").strip()
    box = imap(beta)
    box.login(BOB, phone.upper().replace("-", " "))
    box.logout()
    with smtplib.SMTP_SSL(beta.address, beta.port("submissions"), context=beta.tls(), timeout=30) as smtp:
        smtp.login(BOB, printer)
    for user, secret in ((BOB, printer), ("dora@beta.test", phone), (BOB, phone[:-1])):
        box = imap(beta)
        try:
            box.login(user, secret)
            raise hosts.Trouble(f"{user} was let in to read")
        except imaplib.IMAP4.error:
            box.shutdown()
    beta.wait_log("login-refused", "the app password printer is not one to read mail")
    text = beta.command("user", "app", "list")
    expect(f"{BOB} phone read,send  20" in text and "imapd from 127." in text and "msa from 127." in text, text)
    beta.command("user", "app", "revoke", BOB, "phone")
    box = imap(beta)
    try:
        box.login(BOB, phone)
        raise hosts.Trouble("revoked, and let in")
    except imaplib.IMAP4.error:
        box.shutdown()
    box = imap(beta)
    box.login(BOB, PASSWORD)
    box.logout()


# --- tokens ---

def tokens():
    try:
        import jwt
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as why:
        raise Skip(f"python3-jwt is not installed: {why}") from None
    key = ec.generate_private_key(ec.SECP256R1())
    n = key.public_key().public_numbers()

    def url64(i):
        return base64.urlsafe_b64encode(i.to_bytes(32, "big")).rstrip(b"=").decode()
    jwks = {"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": url64(n.x), "y": url64(n.y)}]}

    def make(**claims):
        return jwt.encode({"iss": "https://id.test", "aud": "mail", "scope": "mail", "email": BOB,
                           "exp": int(time.time()) + 300, **claims}, key, "ES256", {"kid": "1"})
    return jwks, make


class Issuer(http.server.BaseHTTPRequestHandler):
    known = {}
    asked = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Issuer.asked.append((self.path, self.headers.get("Authorization"), body))
        token = body.split("token=")[1]
        answer = json.dumps(self.known.get(token, {"active": False})).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def test_tokens(net):
    jwks, make = tokens()
    alpha, curl = net["alpha"], need("curl")
    with open(os.path.join(alpha.directory, "jwks"), "w", encoding="ascii") as f:
        json.dump(jwks, f)
    with open(os.path.join(alpha.directory, "client-secret"), "w", encoding="ascii") as f:
        f.write("s:cret\n")
    server = http.server.ThreadingHTTPServer((alpha.address, 0), Issuer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    alice = "alice@alpha.test"
    for key, value in (("oauth-jwks", f"{alpha.directory}/jwks"), ("oauth-issuer", "https://id.test"),
                       ("oauth-audience", "mail"), ("oauth-scope", "mail"),
                       ("oauth-introspection-url", f"http://{alpha.address}:{server.server_port}/introspect"),
                       ("oauth-introspection-client", "posthorn"),
                       ("oauth-introspection-secret", f"{alpha.directory}/client-secret"),
                       ("oauth-configuration-url", "https://id.test/.well-known/openid-configuration")):
        alpha.set("auth", key, value)
    alpha.start("imapd", "msa", "pop3d")
    ca = ("--silent", "--show-error", "--cacert", net.authority, "--max-time", "40")
    url = f"imaps://{alpha.address}:{alpha.port('imaps')}/"
    Issuer.known = {"opaque1": {"active": True, "email": alice, "scope": "mail", "aud": "mail", "iss": "https://id.test"}}

    def fetch(token, user=alice, mechanism="OAUTHBEARER", at=url):
        return run(curl, *ca, "--interface", somewhere(), "--user", user, "--oauth2-bearer", token, "--login-options", f"AUTH={mechanism}", at)
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        for token in (make(email=alice), "opaque1"):
            code, text = fetch(token, mechanism=mechanism)
            expect(code == 0 and "INBOX" in text, f"{mechanism} {token}: {text}")
    code, text = fetch(make(email=alice), at=f"pop3s://{alpha.address}:{alpha.port('pop3s')}/")
    expect(code == 0, f"POP3: {text}")
    expect(Issuer.asked[0][0] == "/introspect", str(Issuer.asked))
    expect(Issuer.asked[0][1] == "Basic " + b64("posthorn:s%3Acret"), str(Issuer.asked))
    for token, user in ((make(email=alice, exp=int(time.time()) - 3600), alice), (make(email=alice, aud="web"), alice),
                        (make(email=alice, iss="https://evil.test"), alice), (make(email=alice), "carol@alpha.test"),
                        (make(email="nobody@alpha.test"), "nobody@alpha.test"), ("opaque2", alice),
                        (make(email=alice, email_verified="false"), alice), (make(email=alice, email_verified=0), alice)):
        code, text = fetch(token, user)
        expect(code != 0, f"{user} was let in by {token}")
    # what the client hears: RFC 7628 3.2.2
    with smtplib.SMTP_SSL(alpha.address, alpha.port("submissions"), context=alpha.tls(), timeout=60,
                          source_address=(somewhere(), 0)) as smtp:
        smtp.ehlo()
        code, words = smtp.docmd("AUTH", "OAUTHBEARER " + b64(f"n,a={alice},\1auth=Bearer {make(email=alice, scope='x')}\1\1"))
        expect(code == 334, f"{code} {words}")
        said = json.loads(base64.b64decode(words))
        expect(said == {"status": "insufficient_scope", "scope": "mail",
                        "openid-configuration": "https://id.test/.well-known/openid-configuration"}, str(said))
        expect(smtp.docmd("AQ==")[0] == 535, "not refused after it")
        code, words = smtp.docmd("AUTH", "OAUTHBEARER " + b64(f"n,a={alice},\1auth=Bearer {make(email=alice)}\1\1"))
        expect(code == 235, f"{code} {words}")
    server.shutdown()
    server.server_close()
    # nobody to be asked: now, not never
    code, text = fetch("opaque1")
    expect(code != 0, "let in without an answer")
    alpha.wait_log("login-undecided", "service=imap")
    alpha.stop()


# --- certificates ---

def test_berkeley_db_through_pam(net):
    """Passwords of accounts in a Berkeley DB, by pam_userdb: what PAM can ask, we can."""
    if os.geteuid():
        raise Skip("a PAM service can only be added as root")
    alpha = net["alpha"]
    user = service = f"posthorn-test-{os.getpid()}"
    table = os.path.join(alpha.directory, "passwords")
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([need("db5.3_load"), "-T", "-t", "hash", table + ".db"], input=f"{user}\n{hashed}\n", text=True, check=True)
    os.chmod(table + ".db", 0o600)
    alpha.set("directory", "system-users", "yes").set("directory", "pam-service", service)
    with open(f"/etc/pam.d/{service}", "w", encoding="ascii") as f:
        f.write(f"auth required pam_userdb.so crypt=crypt db={table}\naccount required pam_permit.so\n")
    try:
        subprocess.run([need("useradd"), "--no-create-home", "--home-dir", alpha.directory, user], check=True)
        alpha.start("msa")
        for password, wanted in ((PASSWORD, 235), ("wrong words", 535), (hashed, 535)):
            smtp = smtplib.SMTP_SSL(alpha.address, alpha.port("submissions"), context=alpha.tls(), timeout=60,
                                    source_address=(somewhere(), 0))
            smtp.ehlo()
            code, words = smtp.docmd("AUTH", "PLAIN " + b64(f"\0{user}\0{password}"))
            expect(code == wanted, f"{password}: {code} {words}")
            smtp.close()
    finally:
        alpha.stop()
        subprocess.run([need("userdel"), user], check=False)
        os.unlink(f"/etc/pam.d/{service}")


def client_certificate(net, directory, names, authority="ca"):
    key, cert = os.path.join(directory, "client.key"), os.path.join(directory, "client.pem")
    with open(cert + ".ext", "w", encoding="ascii") as f:
        f.write("subjectAltName=" + ",".join(f"email:{n}" for n in names) + "\nextendedKeyUsage=clientAuth\n")
    hosts.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                  "-out", cert + ".req", "-subj", "/CN=a client")
    hosts.openssl("x509", "-req", "-in", cert + ".req", "-CA", os.path.join(net.directory, authority + ".pem"),
                  "-CAkey", os.path.join(net.directory, authority + ".key"), "-CAcreateserial", "-days", "2",
                  "-extfile", cert + ".ext", "-out", cert)
    return cert, key


def test_certificates(net):
    """The network's authority vouches for users of alpha; another one for nobody."""
    alpha = net["alpha"]
    with tempfile.TemporaryDirectory() as d:
        hosts.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", os.path.join(net.directory, "other.key"), "-out", os.path.join(net.directory, "other.pem"),
                      "-days", "2", "-subj", "/CN=other", "-addext", "basicConstraints=critical,CA:TRUE")
        alpha.set("tls", "client-ca", net.authority)
        alpha.start("imapd", "msa")

        def connect(names, authority="ca"):
            context = alpha.tls()
            if names:
                context.load_cert_chain(*client_certificate(net, d, names, authority))
            return imap(alpha, context)

        def let_in(names, as_whom="", authority="ca"):
            box = connect(names, authority)
            if "AUTH=EXTERNAL" not in box.capabilities:
                box.shutdown()
                return False
            try:
                box.authenticate("EXTERNAL", lambda _: as_whom.encode())
                box.logout()
                return True
            except imaplib.IMAP4.error:
                box.shutdown()
                return False
        expect(let_in(["alice@alpha.test"]), "alice")
        expect(let_in(["alice@alpha.test"], "alice@alpha.test"), "alice by name")
        expect(let_in(["x@elsewhere.test", "carol@alpha.test"]), "the second address")
        expect(let_in(["alice@alpha.test", "carol@alpha.test"], "carol@alpha.test"), "the one she names")
        expect(not let_in(["alice@alpha.test"], "carol@alpha.test"), "carol by alice's certificate")
        expect(not let_in(["x@elsewhere.test"]), "a stranger's address")
        expect(not let_in(["alice@alpha.test"], authority="other"), "another authority")
        expect(not let_in([]), "no certificate")
        # one that is not good does not hinder a password
        box = connect(["alice@alpha.test"], "other")
        box.login("alice@alpha.test", PASSWORD)
        box.logout()
        context = alpha.tls()
        context.load_cert_chain(*client_certificate(net, d, ["alice@alpha.test"]))
        with smtplib.SMTP(alpha.address, alpha.port("submission"), timeout=30) as smtp:
            smtp.starttls(context=context)
            smtp.ehlo()
            expect("EXTERNAL" in smtp.esmtp_features["auth"], str(smtp.esmtp_features))
            expect(smtp.docmd("AUTH", "EXTERNAL =")[0] == 235, "SMTP")
            expect(smtp.docmd("MAIL", "FROM:<alice@alpha.test>")[0] == 250, "MAIL")
    alpha.wait_log("login", "mechanism=EXTERNAL", "service=submission")
    alpha.stop()


if __name__ == "__main__":
    main(network)
