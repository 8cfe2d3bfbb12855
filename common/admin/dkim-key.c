/* posthorn dkim key, record. See posthorn-dkim(8). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dkim.h"
#include "common/mail/date.h"
#include "common/os/fd.h"

enum { RSA_BITS = 2048, OUT_MAX = 4 << 20 };

/* ---- key new ---- */

struct new_args { bool kinds[KEY_KINDS]; unsigned bits; char selector[KEYRING_SELECTOR]; const char *domain; };

static bool read_new_option(int c, struct new_args *a, struct err *e)
{
	struct keyring_entry entry;
	char name[KEYRING_FILE];
	uint64_t bits;

	switch (c) {
	case 'r':
	case 'e':
		a->kinds[KEY_RSA] = c == 'r';
		a->kinds[KEY_ED25519] = c == 'e';
		return true;
	case 'b':
		if (!span_u64(span_of(optarg), KEY_BITS_MAX, &bits) || bits < KEY_BITS_MIN)
			return err_perm(e, "5.5.4", "--bits takes %d to %d", KEY_BITS_MIN, KEY_BITS_MAX);
		a->bits = (unsigned)bits;
		return true;
	case 's':
		snprintf(name, sizeof name, "%.80s.new.pem", optarg);
		if (!keyring_file_parse(span_of(name), &entry))
			return err_perm(e, "5.5.4",
			    "a selector is of a-z, 0-9, - and _, and not longer than %d",
			    KEYRING_SELECTOR - 1);
		snprintf(a->selector, sizeof a->selector, "%s", optarg);
		return true;
	default:
		return err_perm(e, "5.5.4",
		    "dkim key new [--rsa|--ed25519] [--bits N] [--selector SELECTOR] DOMAIN");
	}
}

static bool read_new(int argc, char **argv, struct new_args *a, struct err *e)
{
	static const struct option options[] = { { "rsa", no_argument, NULL, 'r' },
		{ "ed25519", no_argument, NULL, 'e' }, { "bits", required_argument, NULL, 'b' },
		{ "selector", required_argument, NULL, 's' }, { 0 } };
	int c;

	*a = (struct new_args){ .kinds = { true, true }, .bits = RSA_BITS };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!read_new_option(c, a, e))
			return false;
	}
	if (optind + 1 != argc)
		return err_perm(e, "5.5.4", "dkim key new needs a domain");
	if (*a->selector && a->kinds[0] && a->kinds[1])
		return err_perm(e, "5.5.4", "--selector is the name of one key: say --rsa or --ed25519 too");
	a->domain = argv[optind];
	return true;
}

static bool make_keys(const struct conf *c, struct new_args *a, struct str *out, struct err *e)
{
	char domain[KEYRING_DOMAIN];
	bool ok = keyring_domain(span_of(a->domain), domain, e);
	int fd = ok ? dkim_store_domain(c, domain, true, e) : -1;

	ok = fd >= 0;
	for (int kind = 0; ok && kind < KEY_KINDS; kind++) {
		struct keyring_entry made = { .state = KEYRING_NEW };

		if (!a->kinds[kind])
			continue;
		snprintf(made.selector, sizeof made.selector, "%s", a->selector);
		ok = dkim_store_make(fd, (enum key_kind)kind, a->bits, made.selector, e) &&
		    dkim_print_record(fd, domain, &made, DKIM_ZONE, false, out, e);
	}
	fd_close(&fd);
	return ok;
}

static int key_new(int argc, char **argv)
{
	struct str out = STR(OUT_MAX);
	struct new_args a;
	struct conf c;
	struct err e;
	int code = EX_OK;

	if (!read_new(argc, argv, &a, &e))
		return admin_usage("%s", e.text);
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (!make_keys(&c, &a, &out, &e))
		code = admin_fail(&e);
	admin_print(&out);
	if (code == EX_OK)
		fprintf(stderr, "Publish this, then: posthorn dkim rotate --activate %s\n", a.domain);
	conf_free(&c);
	return code;
}

/* ---- key list ---- */

struct listing { const struct conf *conf; struct str out; const char *only; bool more; int code; };

static void list_key(struct listing *l, int fd, const char *domain, const struct keyring_entry *entry)
{
	struct err e;
	struct key *k = keyring_load(fd, entry, &e);
	const char *kind = k ? key_kind_name(key_kind(k)) : "damaged";
	struct str since = STR(64);

	date_iso_print(entry->since, &since);
	if (admin_json())
		str_addf(&l->out, "%s{\"domain\":\"%s\",\"selector\":\"%s\",\"kind\":\"%s\",\"bits\":%u,\"state\":\"%s\","
		    "\"since\":\"%s\"}", l->more ? ",\n " : "", domain, entry->selector, kind, k ? key_bits(k) : 0,
		    keyring_state_name(entry->state), since.p);
	else
		str_addf(&l->out, "%-30s %-20s %-8s %5u %-8s %s\n", domain, entry->selector, kind,
		    k ? key_bits(k) : 0, keyring_state_name(entry->state), since.p);
	l->more = true;
	if (!k)
		l->code = admin_fail(&e);
	key_free(k);
	str_free(&since);
}

static bool list_domain(void *arg, const char *domain)
{
	struct listing *l = arg;
	struct keyring_entry all[KEYRING_DOMAIN_KEYS];
	size_t count = 0;
	struct err e;
	int fd;

	if (l->only && strcmp(l->only, domain) != 0)
		return true;
	fd = dkim_store_domain(l->conf, domain, false, &e);
	if (fd < 0 || !keyring_list(fd, all, &count, &e))
		l->code = admin_fail(&e);
	for (size_t i = 0; i < count; i++)
		list_key(l, fd, domain, &all[i]);
	fd_close(&fd);
	return true;
}

static int key_list(int argc, char **argv)
{
	struct listing l = { .out = STR(OUT_MAX) };
	char domain[KEYRING_DOMAIN];
	struct conf c;
	struct err e;

	if (argc > 2)
		return admin_usage("dkim key list takes one domain, or none");
	if (argc == 2 && !keyring_domain(span_of(argv[1]), domain, &e))
		return admin_fail(&e);
	if (!admin_conf(&c))
		return EX_CONFIG;
	l.conf = &c;
	l.only = argc == 2 ? domain : NULL;
	str_add_text(&l.out, admin_json() ? "[" : "");
	if (!dkim_store_each(&c, list_domain, &l, &e))
		l.code = admin_fail(&e);
	str_add_text(&l.out, admin_json() ? "]\n" : "");
	admin_print(&l.out);
	conf_free(&c);
	return l.code;
}

int dkim_key_command(int argc, char **argv)
{
	static const struct admin_verb verbs[] = {
		{ "new", key_new, "[--rsa|--ed25519] [--bits N] [--selector SELECTOR] DOMAIN",
		  "make keys, that are to be published before they sign" },
		{ "list", key_list, "[DOMAIN]", "which keys there are, and their states" },
		{ .name = NULL }
	};

	return admin_run("posthorn dkim key", verbs, argc, argv);
}

/* ---- record ---- */

struct record_args { enum dkim_form form; char domain[KEYRING_DOMAIN]; const char *selector; };

static bool read_record(int argc, char **argv, struct record_args *a, struct err *e)
{
	static const struct option options[] = { { "form", required_argument, NULL, 'f' }, { 0 } };
	int c;

	*a = (struct record_args){ .form = admin_json() ? DKIM_JSON : DKIM_ZONE };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'f' || !dkim_form_parse(optarg, &a->form))
			return err_perm(e, "5.5.4",
			    "dkim record [--form zone|string|fields|json] DOMAIN [SELECTOR]");
	}
	if (optind + 1 != argc && optind + 2 != argc)
		return err_perm(e, "5.5.4", "dkim record needs a domain");
	a->selector = optind + 2 == argc ? argv[optind + 1] : NULL;
	return keyring_domain(span_of(argv[optind]), a->domain, e);
}

static bool print_records(int fd, const struct record_args *a, struct str *out, struct err *e)
{
	struct keyring_entry all[KEYRING_DOMAIN_KEYS];
	size_t count, printed = 0;

	if (!keyring_list(fd, all, &count, e))
		return false;
	str_add_text(out, a->form == DKIM_JSON ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		if (a->selector && strcmp(a->selector, all[i].selector) != 0)
			continue;
		if (!dkim_print_record(fd, a->domain, &all[i], a->form, printed > 0, out, e))
			return false;
		printed++;
	}
	str_add_text(out, a->form == DKIM_JSON ? "]\n" : "");
	return printed || err_perm(e, "5.7.5", "%s has no such key", a->domain);
}

int dkim_record_command(int argc, char **argv)
{
	struct str out = STR(OUT_MAX);
	struct record_args a;
	struct conf c;
	struct err e;
	int fd, code = EX_OK;

	if (!read_record(argc, argv, &a, &e))
		return admin_usage("%s", e.text);
	if (!admin_conf(&c))
		return EX_CONFIG;
	fd = dkim_store_domain(&c, a.domain, false, &e);
	if (fd < 0 || !print_records(fd, &a, &out, &e))
		code = admin_fail(&e);
	else
		admin_print(&out);
	str_free(&out);
	fd_close(&fd);
	conf_free(&c);
	return code;
}
