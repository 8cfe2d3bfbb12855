/* Settings: values, files, mistakes, and the way to a child. */
#include "common/conf/conf.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/form.h"
#include "common/conf/gate.h"
#include "common/conf/value.h"
#include "common/net/channel.h"
#include "tests/unit/unit.h"

/* ---- one value ---- */

static const struct {
	const char *section, *key, *in, *out;	/* out NULL: refused */
} values[] = {
	{ "posthorn", "message-size-limit", "50M", "50M" },
	{ "posthorn", "message-size-limit", "10485760", "10M" },
	{ "posthorn", "message-size-limit", "1500000", "1500000" },
	{ "posthorn", "message-size-limit", "1500k", "1500K" },
	{ "posthorn", "message-size-limit", "1MiB", "1M" },
	{ "posthorn", "message-size-limit", "1", NULL },
	{ "posthorn", "message-size-limit", "3G", NULL },
	{ "posthorn", "message-size-limit", "", NULL },
	{ "posthorn", "message-size-limit", "-1", NULL },
	{ "posthorn", "message-size-limit", "12 M", NULL },
	{ "posthorn", "message-size-limit", "99999999999999999999999", NULL },
	{ "posthorn", "message-size-limit", "18446744073709551615G", NULL },
	{ "posthorn", "recipients-max", "100", "100" },
	{ "posthorn", "recipients-max", "99", NULL },
	{ "posthorn", "recipients-max", "10000", "10000" },
	{ "posthorn", "recipients-max", "10001", NULL },	/* whose envelope would not fit into ENVELOPE_MAX with all answers */
	{ "posthorn", "recipients-max", "100k", NULL },
	{ "posthorn", "debug", "on", "yes" },
	{ "posthorn", "debug", "FALSE", "no" },
	{ "posthorn", "debug", "maybe", NULL },
	{ "posthorn", "log", "Journal", "journal" },
	{ "posthorn", "log", "/var/log/mail", "/var/log/mail" },
	{ "posthorn", "log", "mail.log", NULL },
	{ "posthorn", "host-name", "mx.example.org", "mx.example.org" },
	{ "posthorn", "host-name", "mx example", NULL },
	{ "posthorn", "host-name", "mx..example", NULL },
	{ "posthorn", "host-name", "-mx", NULL },
	{ "posthorn", "host-name", "", NULL },
	{ "posthorn", "postmaster", "ann@example.org", "ann@example.org" },
	{ "posthorn", "postmaster", "ann", NULL },
	{ "posthorn", "postmaster", "@example.org", NULL },
	{ "posthorn", "queue-directory", "/q", "/q" },
	{ "posthorn", "queue-directory", "q", NULL },
	{ "posthorn", "queue-directory", "", NULL },
	{ "tls", "key", "", "" },
	{ "tls", "key", "key.pem", NULL },
	{ "limits", "command-timeout", "90", "90s" },
	{ "limits", "command-timeout", "120", "2m" },
	{ "limits", "command-timeout", "2h", "2h" },
	{ "limits", "command-timeout", "2 h", NULL },
	{ "limits", "command-timeout", "5y", NULL },
	{ "mta", "warn-after", "0", "0" },
	{ "mta", "retry", "5m,15m  1h", "5m 15m 1h" },
	{ "mta", "retry", "", "" },
	{ "mta", "retry", "5m soon", NULL },
	{ "mta", "retry", "0s", NULL },
	{ "mta", "listen", "smtp=*:25 smtp6=[::1]:2525", "smtp=*:25 smtp6=[::1]:2525" },
	{ "mta", "listen", "smtps=192.0.2.1:465:tls", "smtps=192.0.2.1:465:tls" },
	{ "mta", "listen", "*:25", NULL },
	{ "mta", "listen", "smtp=*:70000", NULL },
	{ "mta", "listen", "smtp=::1:25", NULL },
	{ "mta", "listen", "smtp=example.org:25", NULL },
	{ "mta", "relay-host", "", "" },
	{ "mta", "relay-host", "mail.example.org:587", "mail.example.org:587" },
	{ "mta", "relay-host", "[192.0.2.1]:2525", "[192.0.2.1]:2525" },
	{ "mta", "relay-host", "[example.org]:2525", NULL },
	{ "mta", "milters", "a=unix:/run/a, b=inet:[::1]:8891:open", "a=unix:/run/a b=inet:[::1]:8891:open" },
	{ "msa", "milters", "a=inet:example.org:25", NULL },
	{ "msa", "milters", "/run/a", NULL },
	{ "mta", "relay-networks", "192.0.2.0/24, 2001:db8::/64", "192.0.2.0/24 2001:db8::/64" },
	{ "mta", "relay-networks", "192.0.2.0/33", NULL },
	{ "mta", "source-address", "::1", "::1" },
	{ "mta", "source-address", "eth0", NULL },
	{ "dns", "forward", "127.0.0.1@5353", "127.0.0.1@5353" },
	{ "dns", "local-data", "_dmarc.a.test TXT \"v=DMARC1; p=none\"; a.test TXT \"a\\\";b\"",
	  "_dmarc.a.test TXT \"v=DMARC1; p=none\"; a.test TXT \"a\\\";b\"" },
	{ "dns", "local-data", "a.test. IN A 127.0.0.1;b.test. IN MX 5 a.test. ;",
	  "a.test. IN A 127.0.0.1; b.test. IN MX 5 a.test." },
	{ "dns", "local-data", "a.test. TXT \"v=DMARC1; p=none;\" ; b.test. A 127.0.0.1",
	  "a.test. TXT \"v=DMARC1; p=none;\"; b.test. A 127.0.0.1" },
	{ "directory", "recipient-separator", "-", "-" },
	{ "directory", "recipient-separator", "", "" },
	{ "directory", "recipient-separator", "++", NULL },
	{ "directory", "recipient-separator", "@", NULL },
	{ "directory", "system-mail", "mail/box", "mail/box" },
	{ "directory", "system-mail", "../box", NULL },
	{ "directory", "system-mail", "/box", NULL },
	{ "directory", "system-mail", "mail/", NULL },
	{ "directory", "vmail-user", "posthorn-vmail", "posthorn-vmail" },
	{ "directory", "vmail-user", "-v", NULL },
	{ "directory", "pam-service", "../login", NULL },
};

START_TEST(value_parses)
{
	const struct setting *row = conf_find(values[_i].section, values[_i].key);
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str out = STR(1000);
	struct conf c = { 0 };
	struct err e;
	bool ok;

	ck_assert_ptr_nonnull(row);
	ok = value_parse(&c, row, span_of(values[_i].in), false, a, &e);
	ck_assert_msg(ok == !!values[_i].out, "%s = %s", values[_i].key, values[_i].in);
	if (ok) {
		value_print(&c, row, &out);
		ck_assert_str_eq(out.p, values[_i].out);
	} else {
		ck_assert_msg(strstr(e.text, "expected ") != NULL, "%s", e.text);
	}
	str_free(&out);
	arena_free(a);
}
END_TEST

/* ---- whole files ---- */

static const struct {
	const char *in;
	const char *mistakes;		/* all lines; "" when the file is right */
} files[] = {
	{ "", "" },
	{ "# only\n; comments\n\n", "" },
	{ "[posthorn]\nhost-name = mx.test\n", "" },
	{ "\xef\xbb\xbf[posthorn]\r\nhost-name = mx.test # ours\r\n", "" },
	{ "[Posthorn]\n\tHost-Name = mx.test\n\tdebug = yes\n", "" },
	{ "[mta]\nlisten = smtp=*:25\n  smtp6=[::]:25\n", "" },
	{ "[posthorn]\nhostname = mx.test\n",
	  "f:2: [posthorn] has no setting \"hostname\"; did you mean \"host-name\"?\n" },
	{ "[posthorn]\nlisten = smtp=*:25\n",
	  "f:2: [posthorn] has no setting \"listen\"; did you mean \"listen\" in [msa]?\n" },
	{ "[posthorn]\nmesage-size-limti = 1M\n",
	  "f:2: [posthorn] has no setting \"mesage-size-limti\"; did you mean \"message-size-limit\"?\n" },
	{ "[posthorn]\nqwertyuiop = 1\n",
	  "f:2: [posthorn] has no setting \"qwertyuiop\"; posthorn config explain lists all\n" },
	{ "debug = yes\n", "f:1: \"debug\" stands before any section, like [posthorn]\n" },
	{ "[posthron]\ndebug = yes\nnonsense\n[mta]\nport = 0\n",
	  "f:1: there is no section [posthron]; did you mean [posthorn]?\n"
	  "f:5: port: expected a number from 1 to 65535, not \"0\"\n" },
	{ "[posthorn\ndebug = yes\n", "f:1: a section's name ends in ]\n" },
	{ "[posthorn]\ndebug\n", "f:2: expected \"key = value\", not \"debug\"\n" },
	{ "[posthorn]\ndebug = yes\n\n\ndebug = no\n", "f:5: debug: it is set already in f:2\n" },
	{ "[posthorn]\nmessage-size-limit = big\nrecipients-max = 5\n",
	  "f:2: message-size-limit: expected a size like 10K, 50M, 1G from 1K to 2G, not \"big\"\n"
	  "f:3: recipients-max: expected a number from 100 to 10000, not \"5\"\n" },
	{ "[tls]\nkey = /k\n", "f:2: [tls] key needs a certificate beside it\n" },
	{ "[tls]\nkey = /k\ncertificate = /c\n", "" },
};

START_TEST(mistakes_are_named)
{
	struct str mistakes = STR(4000);
	struct conf c;
	struct err e = { 0 };
	bool ok = conf_parse(span_of(files[_i].in), "f", &c, &mistakes, &e);

	ck_assert_str_eq(mistakes.p, files[_i].mistakes);
	ck_assert(ok == !mistakes.n);
	if (ok)
		conf_free(&c);
	else
		ck_assert(e.kind == ERR_PERM && strstr(e.text, "f:"));
	str_free(&mistakes);
}
END_TEST

START_TEST(lists_add_and_empty)
{
	struct conf c;
	struct err e;

	ck_assert(conf_parse(SPAN("[mta]\nretry = 1m\nretry = 2m\n 3m\nlisten =\nport = 2525\n"),
	    "f", &c, NULL, &e));
	ck_assert_uint_eq(c.mta_retry.count, 3);
	ck_assert_str_eq(c.mta_retry.words[2], "3m");
	ck_assert_uint_eq(c.mta_listen.count, 0);
	ck_assert_uint_eq(c.msa_listen.count, 2);
	ck_assert_uint_eq(c.mta_port, 2525);
	ck_assert_str_eq(conf_origin(&c, conf_find("mta", "port")), "f:6");
	ck_assert_str_eq(conf_origin(&c, conf_find("mta", "give-up")), "default");
	conf_free(&c);
}
END_TEST

START_TEST(long_and_binary_lines_are_refused)
{
	struct str text = STR(20000), mistakes = STR(4000);
	struct conf c;
	struct err e;

	str_add_text(&text, "[posthorn]\nhost-name = ");
	for (int i = 0; i < 9000; i++)
		str_add_char(&text, 'a');
	str_add(&text, SPAN("\ndebug = y\0s\n"));
	ck_assert(!conf_parse(str_span(&text), "f", &c, &mistakes, &e));
	ck_assert(strstr(mistakes.p, "f:2: a line longer than") == mistakes.p);
	ck_assert(strstr(mistakes.p, "\nf:3: a NUL byte") != NULL);
	str_free(&text);
	str_free(&mistakes);
}
END_TEST

/* ---- rows ---- */

static int row_count(void)
{
	int n = 0;

	while (settings[n].key)
		n++;
	return n;
}

START_TEST(row_is_whole)
{
	const struct setting *row = &settings[_i];
	size_t help = strlen(row->help);

	ck_assert_ptr_eq(conf_find(row->section, row->key), row);
	ck_assert_msg(help > 10 && strchr(".?", row->help[help - 1]), "%s", row->key);
	if (row->words && (row->kind == SET_TEXT || row->kind == SET_LIST))
		ck_assert_msg(form_find(row->words) != NULL, "%s: %s", row->key, row->words);
}
END_TEST

/* ---- files on disk, and the way to a child ---- */

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(directory_comes_on_top_and_children_get_it)
{
	char dir[] = "/tmp/conf-XXXXXX";
	struct conf c, child;
	struct str a = STR(20000), b = STR(20000);
	struct err e;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	put("posthorn.conf",
	    "[posthorn]\nhost-name = one.test\n[dns]\nlocal-data = a. A 1.2.3.4; b. A 1.2.3.5\n");
	mkdir("posthorn.conf.d", 0700);
	put("posthorn.conf.d/20.conf", "[posthorn]\nhost-name = three.test\n");
	put("posthorn.conf.d/10.conf", "[posthorn]\nhost-name = two.test\ndebug = yes\n");
	put("posthorn.conf.d/README", "not read");
	ck_assert_msg(conf_read("posthorn.conf", &c, NULL, &e), "%s", e.text);
	ck_assert_str_eq(c.host_name, "three.test");
	ck_assert_str_eq(c.postmaster, "postmaster@three.test");
	ck_assert_str_eq(c.config_directory, dir);
	ck_assert(span_starts(span_of(c.users_file), dir) && span_ends(span_of(c.users_file), "/users"));
	ck_assert_msg(conf_to_fd(&c, &fd, &e), "%s", e.text);
	ck_assert_int_lt(write(fd, "x", 1), 0);
	for (int twice = 0; twice < 2; twice++) {
		ck_assert_msg(conf_from_fd(fd, &child, &e), "%s", e.text);
		for (const struct setting *row = settings; row->key; row++) {
			conf_print(&c, row, &a);
			conf_print(&child, row, &b);
			ck_assert_str_eq(a.p, b.p);
		}
		ck_assert_uint_eq(child.dns_local_data.count, 2);
		conf_free(&child);
	}
	str_free(&a);
	str_free(&b);
	conf_free(&c);
	close(fd);
	ck_assert(!conf_read("missing.conf", &c, NULL, &e));
	ck_assert_msg(strstr(e.text, "missing.conf: No such file") != NULL, "%s", e.text);
	unlink("posthorn.conf.d/20.conf");
	unlink("posthorn.conf.d/10.conf");
	unlink("posthorn.conf.d/README");
	rmdir("posthorn.conf.d");
	unlink("posthorn.conf");
	rmdir(dir);
}
END_TEST

START_TEST(distance_counts_letters)
{
	ck_assert_uint_eq(span_distance(SPAN("listen"), SPAN("listen")), 0);
	ck_assert_uint_eq(span_distance(SPAN("lsiten"), SPAN("listen")), 1);
	ck_assert_uint_eq(span_distance(SPAN(""), SPAN("abc")), 3);
	ck_assert_uint_eq(span_distance(SPAN("hostname"), SPAN("host-name")), 1);
}
END_TEST

/* [mta] relay-certificates = Gateway@branch.test other@branch.test */
static const struct { const char *names; bool may; } certificates[] = {
	{ "gateway@branch.test", true }, { "x@branch.test,other@branch.test", true }, { "x@branch.test", false },
	{ "gateway@branch.tes", false }, { "", false },
};

START_TEST(certificates_may_relay)
{
	const char *words[] = { "Gateway@branch.test", "other@branch.test" };
	struct conf c = { .mta_relay_certificates = { words, 2 } };
	struct span names = span_of(certificates[_i].names), name;
	const uint64_t key[2] = { 1, 2 };
	struct channel channel = { .exporter_n = 0 };
	struct str seal = STR(CHANNEL_TEXT);

	while (names.n) {
		if (!span_cut(&names, ',', &name))
			name = span_take(&names, names.n);
		channel_add_name(&channel, name);
	}
	channel_seal(&channel, key, &seal);
	ck_assert(gate_may_relay_by(&c, seal.p) == certificates[_i].may);
	ck_assert(!gate_may_relay_by(&c, ""));
	c.mta_relay_certificates.count = 0;
	ck_assert(!gate_may_relay_by(&c, seal.p));
	str_free(&seal);
}
END_TEST

START_TEST(gate_rules_are_as_set)
{
	struct gate_rules rules;
	struct conf c;
	struct err e;

	ck_assert_msg(conf_parse(SPAN("[gate]\nweights = early=3 known=-7\nlists = bl.test:8 wl.test:-4\nreject-at = 12\n"
	    "greylist = unknown\n"), "x", &c, NULL, &e), "%s", e.text);
	gate_rules(&c, &rules);
	ck_assert_int_eq(rules.policy.weights[GATE_EARLY], 3);
	ck_assert_int_eq(rules.policy.weights[GATE_KNOWN], -7);
	ck_assert_int_eq(rules.policy.weights[GATE_HELO_OURS], gate_fact_weight(GATE_HELO_OURS));
	ck_assert_int_eq(rules.policy.reject_at, 12);
	ck_assert_int_eq(rules.policy.greylist, GATE_GREY_UNKNOWN);
	ck_assert_uint_eq(rules.lists.count, 2);
	ck_assert_int_eq(rules.lists.rows[1].weight, -4);
	conf_free(&c);
	ck_assert(!conf_parse(SPAN("[gate]\nweights = erly=3\n"), "x", &c, NULL, &e));
	ck_assert(!conf_parse(SPAN("[gate]\nlists = bl.test\n"), "x", &c, NULL, &e));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("conf");

	tcase_add_loop_test(tc, value_parses, 0, COUNT(values));
	tcase_add_loop_test(tc, mistakes_are_named, 0, COUNT(files));
	tcase_add_loop_test(tc, row_is_whole, 0, row_count());
	tcase_add_test(tc, lists_add_and_empty);
	tcase_add_test(tc, long_and_binary_lines_are_refused);
	tcase_add_test(tc, directory_comes_on_top_and_children_get_it);
	tcase_add_test(tc, distance_counts_letters);
	tcase_add_loop_test(tc, certificates_may_relay, 0, COUNT(certificates));
	tcase_add_test(tc, gate_rules_are_as_set);
	return unit_end();
}
