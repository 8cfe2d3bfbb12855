#!/usr/bin/env python3
"""posthorn config, user, domain, alias, address and newaliases, as people and scripts call them.
Arguments: posthorn, newaliases."""
import email.message, gzip, json, os, pty, shutil, signal, stat, subprocess, sys, tempfile, threading, time, zipfile

POSTHORN, NEWALIASES = map(os.path.abspath, sys.argv[1:3])
SETTINGS = """[posthorn]
host-name = mx.test
queue-directory = @DIR@/queue
run-directory = @DIR@/run
[directory]
mail-directory = @DIR@/mail
system-users = no
"""

class Home:
    def __init__(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="posthorn-admin-"))
        os.chmod(self.dir, 0o755)
        for name in ("run", "run/tables", "mail", "queue"):
            os.mkdir(f"{self.dir}/{name}")
        self.write("posthorn.conf", SETTINGS.replace("@DIR@", self.dir))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def write(self, name, text):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(text)

    def read(self, name):
        with open(f"{self.dir}/{name}") as f:
            return f.read()

    def run(self, *args, said="", code=0, program=POSTHORN):
        p = subprocess.run([program, "-c", f"{self.dir}/posthorn.conf", *args], input=said, text=True,
                           capture_output=True, cwd="/", timeout=60)
        assert code is None or p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
        return p.stdout if code == 0 else p.stderr

def test_spf_is_explained(h):
    h.write("posthorn.conf", SETTINGS.replace("@DIR@", h.dir) + """[dns]
local-data = test SOA x; a.test TXT "v=spf1 include:b.test -all exp=why.a.test"; in-addr.arpa SOA x;
  b.test TXT "v=spf1 ip4:192.0.2.0/24 ?all"; why.a.test TXT "%{i} may not send for %{d}"; c.test TXT "v=spf1 moo";
  d.test TXT "v=spf1 m\u00fc"
""")
    text = h.run("spf", "check", "--ip", "192.0.2.1", "--from", "ann@a.test")
    assert "    ip4:192.0.2.0/24 matches\n" in text and "\npass: include:b.test of a.test\n" in text, text
    assert "Received-SPF: pass (a.test permits 192.0.2.1:" in text, text
    refused = subprocess.run([POSTHORN, "-c", f"{h.dir}/posthorn.conf", "--json", "spf", "check", "--ip", "198.51.100.1",
                              "--helo", "a.test"], capture_output=True, text=True, check=False)
    assert refused.returncode == 77, refused
    assert json.loads(refused.stdout) == {"result": "fail", "domain": "a.test", "why": "-all of a.test",
        "explanation": "198.51.100.1 may not send for a.test", "lookups": 1, "voids": 0}, refused.stdout
    h.run("spf", "check", "--ip", "192.0.2.1", "--from", "ann@c.test", code=65)
    odd = subprocess.run([POSTHORN, "-c", f"{h.dir}/posthorn.conf", "spf", "check", "--ip", "192.0.2.1", "--from", "ann@d.test"],
                         capture_output=True, check=False)
    assert b'd.test has "v=spf1 m??"' in odd.stdout, odd.stdout
    assert "is no IP address" in h.run("spf", "check", "--ip", "192.0.2", "--from", "ann@a.test", code=64)
    assert "at least one of" in h.run("spf", "check", "--ip", "192.0.2.1", code=64)
    assert "not \"here\"" in h.run("spf", "check", "--ip", "192.0.2.1", "--helo", "a.test", "--resolver", "here", code=64)

REPORT = """<feedback><report_metadata><org_name>other &amp; sons</org_name><report_id>1</report_id><date_range>
<begin>1769817600</begin><end>1769903999</end></date_range></report_metadata><policy_published><domain>a.test</domain>
<p>none</p></policy_published><record><row><source_ip>192.0.2.1</source_ip><count>7</count><policy_evaluated>
<disposition>none</disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated></row><identifiers>
<header_from>a.test</header_from></identifiers></record></feedback>"""

def test_dmarc_is_explained_and_reports_are_read(h):
    h.write("posthorn.conf", SETTINGS.replace("@DIR@", h.dir) + """[dns]
local-data = test SOA x; _dmarc.a.test TXT "v=DMARC1; p=reject; sp=none; t=y; rua=mailto:x@a.test"; m.a.test A 192.0.2.1;
  _dmarc.c.test TXT "v=DMARC1; p=none; rua=mailto:x@c.test\u009b2J"
""")
    text = h.run("dmarc", "explain", "m.a.test")
    assert "m.a.test belongs to a.test\n" in text and "mail that fails: none, one step milder" in text, text
    assert "publishes no DMARC policy" in h.run("dmarc", "explain", "b.test")
    assert "reports go to mailto:x@c.test?2J\n" in h.run("dmarc", "explain", "c.test")
    assert "is no domain name" in h.run("dmarc", "explain", "a..test", code=64)
    assert json.loads(h.run("--json", "dmarc", "explain", "m.a.test")) == {
        "domain": "m.a.test", "organization": "a.test", "published_at": "a.test", "why": "", "p": "reject",
        "sp": "none", "np": "", "wanted": "none", "testing": True, "strict_dkim": False, "strict_spf": False,
        "rua": "mailto:x@a.test"}
    assert "publishes no" in json.loads(h.run("--json", "dmarc", "explain", "b.test"))["why"]
    h.write("plain.xml", REPORT)
    with gzip.open(f"{h.dir}/packed.xml.gz", "wt") as f:
        f.write(REPORT.replace("<report_id>1<", "<report_id>2<"))
    with zipfile.ZipFile(f"{h.dir}/packed.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x.xml", REPORT.replace("<report_id>1<", "<report_id>3<"))
    letter = email.message.EmailMessage()
    letter["Subject"] = "Report Domain: a.test"
    letter.set_content("attached")
    letter.add_attachment(open(f"{h.dir}/packed.xml.gz", "rb").read(), "application", "octet-stream", filename="x.xml.gz")
    h.write("letter", letter.as_string())
    paths = [f"{h.dir}/{name}" for name in ("plain.xml", "packed.xml.gz", "packed.zip", "letter")]
    text = h.run("dmarc", "report", *paths)
    assert text.count("a.test from 2026-01-31") == 3, text		# the letter has one that was shown already
    assert "3 reports, 21 messages: 21 pass, 0 fail" in text, text
    rows = json.loads(h.run("--json", "dmarc", "report", paths[0]))
    assert rows[0]["organization"] == "other & sons" and rows[0]["rows"][0]["count"] == 7, rows
    h.write("broken.gz", "\x1f\x8bx")
    assert "broken.gz" in h.run("dmarc", "report", paths[0], f"{h.dir}/broken.gz", code=65)
    assert "no report is attached" in h.run("dmarc", "report", f"{h.dir}/posthorn.conf", code=65)

def test_a_resolver_is_an_address(h):
    h.write("posthorn.conf", SETTINGS.replace("@DIR@", h.dir))
    h.write("letter", "From: a@a.test\n\nx\n")
    for words in (("dmarc", "explain", "a.test"), ("sts", "show", "a.test"), ("tlsrpt", "explain", "a.test"),
                  ("gate", "lists"), ("gate", "explain", "--ip", "192.0.2.1"), ("dkim", "verify", f"{h.dir}/letter")):
        told = h.run(*words, "--resolver", "here", code=64)
        assert told == 'posthorn: --resolver: expected ADDRESS or ADDRESS@PORT, not "here"\n', (words, told)
        h.run(*words, "--resolver", code=64)
        h.run(*words, "--moo", "here", code=64)

LOG = """2026-11-24T04:12:07.123Z msa/session[1]: 0q8f3k2m1x9a7b received peer=192.0.2.7 login=ann@a.test from=<ann@a.test> rcpts=2
garbage
2026-11-24T04:12:08.123Z mta/sched[2]: 0q8f3k2m1x9a7b deferred to=<b@b.test> host=mx next=300s why="450 \\"later\\""
Nov 24 04:12:09 host mta-sched[2]: 0q8f3k2m1x9a7b bounced to=<ann@a.test> report=0q8f3k2m1x9a7c kind=delayed
Nov 24 04:12:10 host mda/pick[3]: 0q8f3k2m1x9a7c delivered to=<ann@a.test> login=ann@a.test folder=INBOX file=x delay=1s
2026-11-24T04:12:11.123Z mta/inbound[4]: - rejected peer=192.0.2.9 at=MAIL from=<bad@c.test> code=550 why=no
"""

def test_log_is_traced(h):
    h.write("log", LOG)
    text = h.run("trace", "--log", f"{h.dir}/log", "0q8f3k2m1x9a7b")
    assert text.splitlines() == ["0q8f3k2m1x9a7b",
        "    2026-11-24 04:12:07  taken from 192.0.2.7, login ann@a.test: sender <ann@a.test>, recipients: 2",
        '    2026-11-24 04:12:08  <b@b.test> put off for 5m00s, mx: 450 "later"',
        "    Nov 24 04:12:09 host  <ann@a.test> is told, by 0q8f3k2m1x9a7c: delayed",
        "    0q8f3k2m1x9a7c",
        "        Nov 24 04:12:10 host  <ann@a.test> is in the mailbox of ann@a.test, INBOX after 1s: x"], text
    got = json.loads(h.run("--json", "trace", "--log", f"{h.dir}/log", "192.0.2.9"))
    assert got == [{"id": None, "events": [{"time": "2026-11-24T04:12:11.123Z", "program": "mta/inbound", "event": "rejected",
        "peer": "192.0.2.9", "at": "MAIL", "from": "<bad@c.test>", "code": "550", "why": "no"}]}], got
    assert "refused at MAIL: from <bad@c.test>" in h.run("trace", "--log", "-", "BAD@c.test", said=LOG)
    assert "nothing is known" in h.run("trace", "--log", f"{h.dir}/log", "--since", "2026-11-25", "bad@c.test", code=66)
    wild = "2026-11-24T04:12:11.123Z mta/inbound[4]: - rejected peer=192.0.2.9 at=MAIL from=<x@d.test> code=550 why=\"\x1b[2J\x9b\"\n"
    assert "550 ?[2J?\n" in h.run("trace", "--log", "-", "x@d.test", said=wild), "a log that others wrote too"
    got = json.loads(h.run("--json", "trace", "--log", f"{h.dir}/log", "--last", "1", "ann@a.test"))
    assert [life["id"] for life in got] == ["0q8f3k2m1x9a7c"], got
    swift = "".join(f"2026-11-24T04:12:07.12{i}Z {who}[1]: 0q8f3k2m1x9a7b {what}\n" for i, (who, what) in enumerate((
        ("mta/inbound", "checked spf=pass"), ("mta/sched", "failed to=<b@b.test> why=no"),
        ("mta/inbound", "received peer=192.0.2.7 from=<> rcpts=1"), ("mta/sched", "removed why=done"))))
    got = json.loads(h.run("--json", "trace", "--log", "-", "0q8f3k2m1x9a7b", said=swift))
    assert [e["event"] for e in got[0]["events"]] == ["checked", "received", "failed", "removed"], got

def test_settings_are_checked_shown_and_explained(h):
    if os.geteuid() == 0:
        assert "/mail/postmaster must be there and belong to posthorn-vmail" in h.run("config", "check", code=78)
    h.run("domain", "add", "a.test")
    assert "is fine: 5 settings are set" in h.run("config", "check")
    shown = h.run("config", "show")
    h.write("again.conf", shown)
    again = subprocess.run([POSTHORN, "-c", f"{h.dir}/again.conf", "config", "show"], capture_output=True,
                           text=True, check=True).stdout
    values = lambda text: [line.split("\t#")[0] for line in text.splitlines()]
    assert values(shown) == values(again)
    assert h.run("config", "show", "mta/retry") == "5m 15m 30m 1h 2h 4h\n"
    rows = json.loads(h.run("config", "show", "--json"))
    assert {"section": "posthorn", "key": "host-name", "value": "mx.test",
            "origin": f"{h.dir}/posthorn.conf:2"} in rows
    for row in rows:
        told = h.run("config", "explain", row["section"] + "/" + row["key"])
        assert told.startswith(f"[{row['section']}] {row['key']}\n"), told
    assert "more than one section" in h.run("config", "show", "listen", code=64)
    h.write("posthorn.conf", "[posthorn]\nhostname = x\ndebug = maybe\n[mta]\nretry = soon\n")
    mistakes = h.run("config", "check", code=78).splitlines()
    assert len(mistakes) == 3 and 'did you mean "host-name"?' in mistakes[0], mistakes
    assert mistakes[2].startswith(f"{h.dir}/posthorn.conf:5: retry: expected times like"), mistakes

def test_password_leaves_hash_and_verifiers(h):
    h.run("domain", "add", "a.test")
    h.run("user", "add", "--stdin", "ann@a.test", said="secret words\n")
    field = h.read("users").split(":")[1].split()
    assert field[0].startswith("$y$") and field[1].startswith("{SCRAM-SHA-256}10000,") and len(field) == 2, field
    h.write("posthorn.conf", h.read("posthorn.conf") + "[auth]\npassword-hash = argon2id\n"
            "verifiers = SCRAM-SHA-256 SCRAM-SHA-1\nscram-iterations = 4096\n")
    h.run("user", "passwd", "--stdin", "ann@a.test", said="secret words\n")
    field = h.read("users").split(":")[1].split()
    assert field[0].startswith("$argon2id$") and field[1].startswith("{SCRAM-SHA-256}4096,"), field
    assert field[2].startswith("{SCRAM-SHA-1}4096,"), field
    h.run("user", "check", "--stdin", "ann@a.test", said="secret words\n")
    h.run("user", "check", "--stdin", "ann@a.test", said="secret word\n", code=77)
    # the same letters in another composition are the same password
    h.run("user", "passwd", "--stdin", "ann@a.test", said="f\u00fcr mich\n")
    h.run("user", "check", "--stdin", "ann@a.test", said="fu\u0308r mich\n")
    assert len(h.read("users").splitlines()) == 1
    h.run("user", "passwd", "--no-password", "ann@a.test")
    assert h.read("users").startswith("ann@a.test:") and "$" not in h.read("users") and "{" not in h.read("users")

def test_app_passwords_come_and_go(h):
    h.run("domain", "add", "a.test")
    h.run("user", "add", "--stdin", "ann@a.test", said="secret words\n")
    assert "has no user bob@a.test" in h.run("user", "app", "add", "bob@a.test", "phone", code=67)
    secret = h.run("user", "app", "add", "Ann@a.test", "phone").strip()
    assert len(secret) == 24 and secret.count("-") == 4, secret
    other = h.run("user", "app", "add", "-r", "send", "ann@a.test", "printer").strip()
    assert secret != other
    assert secret.replace("-", "") not in h.read("app-passwords") and secret not in h.read("app-passwords")
    assert stat.S_IMODE(os.stat(f"{h.dir}/app-passwords").st_mode) == 0o600
    assert "already" in h.run("user", "app", "add", "ann@a.test", "phone", code=65)
    assert "letters" in h.run("user", "app", "add", "ann@a.test", "my:phone", code=65)
    h.run("user", "app", "add", "-r", "all", "ann@a.test", "x", code=64)
    assert h.run("user", "app", "list") == ("ann@a.test phone read,send  never used\n"
                                            "ann@a.test printer send  never used\n")
    assert json.loads(h.run("user", "app", "list", "ann@a.test", "--json")) == [
        {"address": "ann@a.test", "name": "phone", "read": True, "send": True},
        {"address": "ann@a.test", "name": "printer", "read": False, "send": True}]
    h.run("user", "app", "revoke", "ann@a.test", "phone")
    h.run("user", "app", "revoke", "ann@a.test", "phone", code=67)
    assert h.run("user", "app", "list") == "ann@a.test printer send  never used\n"
    h.run("user", "del", "ann@a.test")
    assert h.run("user", "app", "list") == ""

def test_check_sees_what_settings_point_to(h):
    h.write("aliases", "ok: ann\nprog: |cat\n")
    h.write("users", "ann\n")
    h.write("posthorn.conf", h.read("posthorn.conf") + f"[tls]\ncertificate = {h.dir}/crt\nkey = {h.dir}/key\n")
    h.write("key", "secret")
    os.chmod(f"{h.dir}/key", 0o644)
    told = h.run("config", "check", code=78)
    for part in ("crt: No such file", "everybody can read", "aliases:2: an alias cannot run", "users:1: expected an address"):
        assert part in told, (part, told)

def test_check_reads_certificate_and_key(h):
    for name in ("one", "two"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=mx.test", "-keyout", f"{h.dir}/{name}.key", "-out", f"{h.dir}/{name}.crt"], capture_output=True, check=True)
    h.run("domain", "add", "a.test")
    os.makedirs(f"{h.dir}/mail/postmaster", exist_ok=True)
    for chain, key, told in (("one.crt", "one.key", None), ("one.crt", "two.key", "mismatch"), ("one.key", "one.key", "certificate")):
        h.write("posthorn.conf", SETTINGS.replace("@DIR@", h.dir) + f"[tls]\ncertificate = {h.dir}/{chain}\nkey = {h.dir}/{key}\n")
        p = subprocess.run([POSTHORN, "-c", f"{h.dir}/posthorn.conf", "config", "check"], capture_output=True, text=True, check=False)
        assert (f"{h.dir}/{chain} and key" in p.stderr) == bool(told) and (told or "") in p.stderr, p

def test_manual_has_every_setting(h):
    page = h.run("config", "man")
    for row in json.loads(h.run("config", "show", "--json")):
        assert f".It Cm {row['key']} No =" in page, row

def test_domains_and_users(h):
    assert "say posthorn domain add alpha.test first" in h.run("user", "add", "--stdin", "ann@alpha.test",
                                                              said="one\n", code=65)
    h.run("domain", "add", "Alpha.test")
    h.run("domain", "add", "--relay", "partner.test")
    assert "there already" in h.run("domain", "add", "alpha.TEST", code=65)
    assert h.read("domains") == "alpha.test\nrelay: partner.test\n"
    h.run("user", "add", "--stdin", "-q", "2G", "Ann@alpha.test", said="one\n")
    assert "there already" in h.run("user", "add", "--stdin", "ann@ALPHA.test", said="two\n", code=65)
    assert h.read("users").startswith("ann@alpha.test:$y$") and h.read("users").endswith("::::2G\n")
    assert stat.S_IMODE(os.stat(f"{h.dir}/users").st_mode) == 0o640
    h.run("user", "check", "--stdin", "ann@alpha.test", said="one\n")
    assert "not the password" in h.run("user", "check", "--stdin", "ann@alpha.test", said="two\n", code=77)
    h.run("user", "check", "--stdin", "zed@alpha.test", said="two\n", code=67)
    assert json.loads(h.run("user", "list", "--json")) == [
        {"address": "ann@alpha.test", "login": True, "line": 1, "quota": 2 << 30}]
    assert "alpha.test has users still (1)" in h.run("domain", "del", "alpha.test", code=65)
    h.run("user", "del", "ann@alpha.test")
    h.run("user", "del", "ann@alpha.test", code=67)
    h.run("domain", "del", "alpha.test")
    assert h.read("users") == "" and h.read("domains") == "relay: partner.test\n"
    for name in ("../x@partner.test", "a/b@partner.test", "a:b@partner.test", ".a@partner.test", "a@partner.test\n"):
        h.run("user", "add", "--no-password", name, code=65 if name[-1] != "\n" else 67)
    assert not os.path.exists(f"{h.dir}/mail/x")

def test_edits_keep_what_people_wrote(h):
    h.write("domains", "alpha.test")				# without a newline
    users = "# who\n\nann@alpha.test # the boss\nbroken line\n  bob@alpha.test:!:::/srv/bob:1M # left\n"
    h.write("users", users)
    os.chmod(f"{h.dir}/users", 0o604)
    os.symlink(f"{h.dir}/users", f"{h.dir}/link")
    h.write("posthorn.conf", h.read("posthorn.conf") + f"users-file = {h.dir}/link\n")
    h.run("user", "passwd", "--stdin", "ann@alpha.test", said="x\n")
    h.run("user", "passwd", "--no-password", "bob@alpha.test")
    h.run("user", "check", "--stdin", "ann@alpha.test", said="x\n")
    lines = h.read("users").splitlines()
    assert lines[2].startswith("ann@alpha.test:$y$") and lines[2].endswith(" # the boss"), lines
    assert lines[:2] + lines[3:] == ["# who", "", "broken line", "  bob@alpha.test::::/srv/bob:1M # left"], lines
    assert os.path.islink(f"{h.dir}/link") and stat.S_IMODE(os.stat(f"{h.dir}/users").st_mode) == 0o604
    h.run("domain", "add", "beta.test")
    assert h.read("domains") == "alpha.test\nbeta.test\n"

def test_aliases(h):
    h.write("aliases", "# staff\nsales@a.test: ann@a.test # boss\n\n\t, carl@a.test\nroot: ann@a.test\n")
    h.run("alias", "add", "sales@a.test", "bob@a.test", "ann@a.test")
    h.run("alias", "add", "root", "bob@a.test")
    h.run("alias", "add", "@a.test", "ann@a.test")
    for bad in ("|cat", "/tmp/x", ":include:/x", "a b", "<a@b>", "a,|b"):
        h.run("alias", "add", "x@a.test", bad, code=65)
    listed = {row["name"]: row["targets"] for row in json.loads(h.run("alias", "list", "--json"))}
    assert listed["root"] == ["ann@a.test", "bob@a.test"] and listed["@a.test"] == ["ann@a.test"], listed
    assert listed["sales@a.test"] == ["ann@a.test", "bob@a.test"], listed
    h.run("alias", "del", "root", "ann@a.test")
    h.run("alias", "del", "@A.test")
    h.run("alias", "del", "nothing", code=67)
    assert "root: bob@a.test\n" in h.read("aliases") and "@a.test:" not in h.read("aliases").replace("sales@a.test:", "")
    assert h.read("aliases").startswith("# staff\nsales@a.test: ann@a.test # boss\n")

def test_address_is_explained(h):
    h.run("domain", "add", "a.test")
    h.run("user", "add", "--no-password", "ann@a.test")
    h.run("alias", "add", "sales@a.test", "ann@a.test", "zed@far.test")
    told = json.loads(h.run("address", "explain", "--json", "sales+x@a.test"))
    assert [t["address"] for t in told["targets"]] == ["ann@a.test", "zed@far.test"]
    assert told["targets"][0]["detail"] == "x" and told["targets"][0]["mail"] == f"{h.dir}/mail/a.test/ann/Maildir"
    assert any(f"{h.dir}/aliases:1" in why for why in told["why"])
    h.run("address", "explain", "nobody@a.test", code=67)
    h.run("user", "add", "--no-password", "bob@a.test")
    h.run("alias", "add", "group staff", "ann@a.test", "bob@a.test (receive-only)")
    h.run("alias", "add", "shop-*@*", "group staff")
    h.run("alias", "add", "ann@a.test", "bob@a.test (send-only)")
    told = h.run("address", "explain", "shop-x@a.test")
    assert f"group staff: an alias for ann@a.test, bob@a.test (receive-only), {h.dir}/aliases:2\n" in told, told
    assert f"ann@a.test may send as it: {h.dir}/aliases:3: shop-*@*: group staff\n" in told, told
    assert "bob@a.test may send as it" not in told, told
    told = json.loads(h.run("address", "explain", "--json", "ann@a.test"))
    assert [(s["login"], s["line"].split(": ", 1)[1]) for s in told["senders"]] == [
        ("ann@a.test", "the user ann@a.test"), ("bob@a.test", "ann@a.test: bob@a.test (send-only)")], told
    assert "bob@a.test may send as ann@a.test: " in h.run("address", "explain", "ann@a.test", "--login", "bob@a.test")
    h.run("address", "explain", "shop-x@a.test", "--login", "bob@a.test", code=77)
    listed = {row["name"]: row["targets"] for row in json.loads(h.run("alias", "list", "--json"))}
    assert listed["group staff"] == ["ann@a.test", "bob@a.test (receive-only)"], listed
    h.run("alias", "del", "group staff", "bob@a.test")
    assert "group staff: ann@a.test\n" in h.read("aliases"), h.read("aliases")
    h.run("alias", "del", "ann@a.test", "bob@a.test")
    h.run("alias", "add", "loop@a.test", "loop@a.test")
    h.run("address", "explain", "loop@a.test", code=65)
    h.write("aliases", "broken\n")
    assert "aliases:1:" in h.run("address", "explain", "ann@a.test", code=65)

def test_config_check_reads_the_ways(h):
    h.write("destinations", "example.org tls=encrypt\n* via=hub.test login=isp\n")
    h.write("relay-secrets", "isp me secret words\n")
    os.chmod(f"{h.dir}/relay-secrets", 0o600)
    told = h.run("config", "check", code=None)
    assert "destinations" not in told and "relay-secrets" not in told
    way = h.run("destination", "way", "x@example.org", "--from", "ann@a.test")
    assert "tls=encrypt: of example.org, " in way and "destinations:1\n" in way and "login=isp: of *" in way, way
    assert "tls=may: by the setting" in h.run("destination", "way", "other.test")
    h.write("destinations", "example.org tsl=encrypt\n* login=isp\n")
    told = h.run("config", "check", code=78)
    assert 'destinations:1: there is no key "tsl"; did you mean "tls"?' in told
    assert "destinations:2: login without via" in told
    h.write("destinations", "")
    h.write("relay-secrets", "isp secret\n")
    told = h.run("config", "check", code=78)
    assert "relay-secrets:1: expected NAME USER PASSWORD" in told and "secret\n" not in told
    os.chmod(f"{h.dir}/relay-secrets", 0o640)
    assert "say chmod 600" in h.run("config", "check", code=78)

def test_newaliases_checks_and_compiles(h):
    h.write("aliases", "root: ann\n")
    assert h.run(program=NEWALIASES).count(": fine\n") == 5
    assert sorted(os.listdir(f"{h.dir}/run/tables")) == ["aliases.db", "destinations.db", "domains.db",
        "relay-recipients.db", "users.db"]
    before = os.stat(f"{h.dir}/run/tables/aliases.db").st_ino
    h.write("aliases", "root: ann\nroot: bob\n")
    assert "aliases:2: \"root\" stands here twice, first in line 1" in h.run(program=NEWALIASES, code=65)
    assert os.stat(f"{h.dir}/run/tables/aliases.db").st_ino == before

def test_many_edits_at_once_lose_none(h):
    h.run("domain", "add", "a.test")
    jobs = [threading.Thread(target=h.run, args=("user", "add", "--no-password", f"u{i}@a.test")) for i in range(12)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(json.loads(h.run("user", "list", "--json"))) == 12
    assert not [n for n in os.listdir(h.dir) if n.startswith(".")]

def test_full_disk_changes_nothing(h):
    h.run("domain", "add", "a.test")
    p = subprocess.run(["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "-", POSTHORN, "-c", f"{h.dir}/posthorn.conf",
                        "domain", "add", "b.test"], capture_output=True, text=True)
    assert p.returncode == 75 and "File too large" in p.stderr, (p.returncode, p.stderr)
    assert h.read("domains") == "a.test\n" and not [n for n in os.listdir(h.dir) if n.startswith(".")]

def at_terminal(h, words, *args):
    """Runs a command at a terminal of its own; returns its code and what the terminal showed."""
    pid, tty = pty.fork()
    if pid == 0:
        signal.alarm(30)
        os.execv(POSTHORN, [POSTHORN, "-c", f"{h.dir}/posthorn.conf", *args])
    shown = b""
    try:
        for word in words:
            wanted = shown.count(b": ") + 1
            while shown.count(b": ") < wanted:
                shown += os.read(tty, 1000)
            os.write(tty, word)
        while True:
            got = os.read(tty, 1000)
            if not got:
                break
            shown += got
    except OSError:
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(tty)
    return code, shown

MAIL = "From: Ann <ann@sub.a.test>\r\nSubject: x\r\n\r\nhello\r\n"

def dns_says(h, *lines):
    h.write("posthorn.conf", SETTINGS.replace("@DIR@", h.dir) + "[dns]\nlocal-data = a.test SOA\n" +
            "".join(f"local-data = {line}\n" for line in lines))

def test_dkim_keys_change_without_a_gap(h):
    states = lambda: sorted((k["kind"], k["state"]) for k in json.loads(h.run("dkim", "key", "list", "--json")))
    records = lambda: [f"{r['name']} TXT \"{r['value']}\"" for r in json.loads(h.run("dkim", "record", "--json", "a.test"))]
    assert "no DKIM keys for dkim" in h.run("dkim", "record", "a.test", code=65)
    first = h.run("dkim", "key", "new", "A.test")
    assert first.count("IN TXT (") == 2 and "k=ed25519" in first and "k=rsa" in first
    folder = f"{h.dir}/dkim/a.test"
    for path in (f"{h.dir}/dkim", folder, *(f"{folder}/{name}" for name in os.listdir(folder))):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o77 == 0, path
    assert states() == [("ed25519", "new"), ("rsa", "new")]
    assert "no active key" in h.run("dkim", "sign", said=MAIL, code=65)
    dns_says(h)
    assert "nothing is published" in h.run("dkim", "rotate", "--check", "a.test", code=65)
    assert "not yet" in h.run("dkim", "rotate", "--activate", "a.test", code=65)
    assert states() == [("ed25519", "new"), ("rsa", "new")]
    dns_says(h, *records())
    h.run("dkim", "rotate", "--check", "a.test")
    h.run("dkim", "rotate", "--activate", "a.test")
    assert states() == [("ed25519", "active"), ("rsa", "active")]
    signed = h.run("dkim", "sign", said=MAIL)
    assert signed.count("DKIM-Signature:") == 2 and signed.endswith("hello\n"), signed
    assert h.run("dkim", "verify", said=signed).count("pass header.d=a.test") == 2
    assert h.run("dkim", "verify", said=signed.replace("hello", "hullo"), code=65) == ""
    # the next pair, made once
    assert h.run("dkim", "rotate", "a.test") == h.run("dkim", "rotate", "a.test")
    assert len(states()) == 4
    assert "not yet" in h.run("dkim", "rotate", "--activate", "a.test", code=65)
    dns_says(h, *records())
    h.run("dkim", "rotate", "--activate", "a.test")
    assert states() == [("ed25519", "active"), ("ed25519", "retired"), ("rsa", "active"), ("rsa", "retired")]
    assert h.run("dkim", "verify", said=signed).count("pass") == 2
    assert h.run("dkim", "rotate", "--retire", "a.test").count("7 more days") == 2
    assert h.run("dkim", "rotate", "--retire", "--force", "a.test").count("now remove the record") == 2
    assert states() == [("ed25519", "active"), ("rsa", "active")]
    assert h.run("dkim", "record", "--form", "string", "a.test").count("v=DKIM1; k=") == 2
    zone = h.run("dkim", "record", "a.test")
    assert max(len(part) for part in zone.split('"')) <= 250
    fields = h.run("dkim", "record", "--form", "fields", "a.test")
    assert fields.count("type   TXT") == 2
    h.run("dkim", "key", "new", "--rsa", "--bits", "1024", "--selector", "old", "a.test")
    assert "selector is used once" in h.run("dkim", "key", "new", "--rsa", "--selector", "old", "a.test", code=64)
    # a kind without a new key keeps its own: an activation that was cut short is said again
    h.run("dkim", "rotate", "--activate", "--force", "a.test")
    assert states() == [("ed25519", "active"), ("rsa", "active"), ("rsa", "retired")], states()
    for bad in (("key", "new"), ("key", "new", "--bits", "512", "a.test"), ("key", "new", "--selector", "X", "--rsa", "a.test"),
                ("sign", "--key", "x"), ("rotate",), ("rotate", "--what", "a.test"), ("record", "--form", "x", "a.test"),
                ("verify", "a", "b")):
        h.run("dkim", *bad, code=64)

def test_password_is_asked_without_echo(h):
    h.run("domain", "add", "a.test")
    code, shown = at_terminal(h, [b"s3cret\n", b"s3cret\n"], "user", "add", "ann@a.test")
    assert code == 0 and b"s3cret" not in shown, (code, shown)
    h.run("user", "check", "--stdin", "ann@a.test", said="s3cret\n")
    code, shown = at_terminal(h, [b"one\n", b"two\n"], "user", "passwd", "ann@a.test")
    assert code == 65 and b"two different passwords" in shown, (code, shown)
    code, shown = at_terminal(h, [b"\x03"], "user", "passwd", "ann@a.test")
    assert code == 65 and b"given up" in shown, (code, shown)
    h.run("user", "check", "--stdin", "ann@a.test", said="s3cret\n")

def test_bad_calls_say_how(h):
    for args in ((), ("confg",), ("user",), ("user", "add"), ("user", "add", "--what", "a@b"), ("domain", "add", "a b"),
                 ("domain", "del"), ("alias", "add", "x"), ("address", "explain"), ("config", "check", "x"),
                 ("config", "explain", "nothing"), ("config", "show", "a", "b")):
        assert h.run(*args, code=64)
    for kind, args in (("user", ("passwd", "--stdin", "ann@a.test")), ("user", ("add", "--stdin", "a@b.test"))):
        h.run(kind, *args, said="", code=65)
    h.write("posthorn.conf", "[posthorn]\nnonsense = 1\n")
    for args in (("user", "list"), ("domain", "list"), ("alias", "list"), ("address", "explain", "a@b")):
        assert "nonsense" in h.run(*args, code=78)
    assert "cannot open the settings" in subprocess.run([POSTHORN, "-c", "/nonexistent", "user", "list"],
                                                        capture_output=True, text=True).stderr

failed = 0
for name, test in list(globals().items()):
    if not name.startswith("test_"):
        continue
    try:
        with Home() as h:
            test(h)
        print("ok", name)
    except Exception as e:
        failed += 1
        print("FAILED", name, repr(e))
sys.exit(bool(failed))
