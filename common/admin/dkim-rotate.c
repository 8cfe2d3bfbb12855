/* posthorn dkim rotate: change keys without a gap. See posthorn-dkim(8). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dkim.h"
#include "common/admin/dns.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/trust/dkim-record.h"

enum {
	RSA_BITS	= 2048,
	OUT_MAX		= 1 << 20,
	MEMORY		= 4 << 20,
	KEEP_S		= 7 * 86400,	/* mail is under way for up to five days, and read later */
};

struct rotation {
	struct conf		 conf;
	const char		*resolver;
	bool			 force;
	char			 domain[KEYRING_DOMAIN];
	int			 fd;
	struct keyring_entry	 all[KEYRING_DOMAIN_KEYS];
	size_t			 count;
	int kinds[KEYRING_DOMAIN_KEYS]; /* learn_kinds: an enum key_kind, -1 of the retired */
	struct str		 out;
};

static size_t count_of(const struct rotation *r, enum keyring_state s)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += r->all[i].state == s;
	return n;
}

/* ---- the next keys ---- */

static bool learn_kinds(struct rotation *r, struct err *e)
{
	for (size_t i = 0; i < r->count; i++) {
		struct key *k;

		r->kinds[i] = -1;
		if (r->all[i].state == KEYRING_RETIRED)
			continue;
		k = keyring_load(r->fd, &r->all[i], e);
		if (!k)
			return false;
		r->kinds[i] = (int)key_kind(k);
		key_free(k);
	}
	return true;
}

/* Of the kinds that sign now; of both where none does. */
static bool wanted(const struct rotation *r, int kind)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->all[i].state == KEYRING_ACTIVE && r->kinds[i] == kind)
			return true;
	}
	return !count_of(r, KEYRING_ACTIVE);
}

static bool make_next(struct rotation *r, struct err *e)
{
	if (!learn_kinds(r, e))
		return false;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		char selector[KEYRING_SELECTOR] = "";

		if (wanted(r, kind) &&
		    !dkim_store_make(r->fd, (enum key_kind)kind, RSA_BITS, selector, e))
			return false;
	}
	return keyring_list(r->fd, r->all, &r->count, e);
}

/* Said twice it makes no second pair: what is new already is shown again. */
static bool next(struct rotation *r, struct err *e)
{
	if (!count_of(r, KEYRING_NEW) && !make_next(r, e))
		return false;
	for (size_t i = 0; i < r->count; i++) {
		if (r->all[i].state == KEYRING_NEW &&
		    !dkim_print_record(r->fd, r->domain, &r->all[i], DKIM_ZONE, false, &r->out, e))
			return false;
	}
	fprintf(stderr, "Publish this, then: posthorn dkim rotate --activate %s\n", r->domain);
	return true;
}

/* ---- what the DNS says ---- */

static bool same_key(const struct keyring_entry *entry, int fd, const struct dkim_record *rec, struct err *e)
{
	struct key *k = keyring_load(fd, entry, e);
	struct str bytes = STR(KEY_DER_MAX);
	bool same;

	if (!k)
		return false;
	same = key_print_public(k, &bytes) && rec->kind == key_kind(k) &&
	    span_same(rec->key, str_span(&bytes));
	key_free(k);
	str_free(&bytes);
	return same || err_perm(e, "5.7.5", "another key is published");
}

static bool look(struct rotation *r, const struct keyring_entry *entry, const struct trust_dns *dns,
    struct arena *a, struct err *e)
{
	const char *name = arena_printf(a, "%s._domainkey.%s", entry->selector, r->domain);
	struct str text = STR(DKIM_RECORD_MAX);
	struct dns_answer answer;
	struct dkim_record rec;
	bool ok;

	dns->ask(dns->arg, name, DNS_TXT, a, &answer);
	if (answer.found == DNS_FAILED)
		return err_temp(e, "4.4.3", "%s", answer.why);
	if (answer.found != DNS_YES || answer.count != 1)
		return err_perm(e, "5.7.5",
		    answer.count > 1 ? "several records are published" : "nothing is published");
	ok = trust_dns_text(answer.records[0], &text) ||
	    err_perm(e, "5.7.5", "the record is too long");
	ok =
	    ok && dkim_record_parse(str_span(&text), a, &rec, e) && same_key(entry, r->fd, &rec, e);
	str_free(&text);
	return ok;
}

/* What is said of one key: true when it is there. */
static bool look_and_tell(struct rotation *r, const struct keyring_entry *k,
    const struct trust_dns *dns, struct arena *a, struct err *e)
{
	struct err why;
	bool ok = look(r, k, dns, a, &why);

	str_addf(&r->out, "%-20s %-8s %s%s%s\n", k->selector, keyring_state_name(k->state),
	    ok ? "published" : "not published", ok ? "" : ": ", ok ? "" : why.text);
	return ok || err_perm(e, "5.7.5", "%s._domainkey.%s: %s", k->selector, r->domain, why.text);
}

/* All keys, or the new ones; false when one of them is not there, and says which. */
static bool published(struct rotation *r, bool only_new, struct err *e)
{
	struct arena *a = arena_new(MEMORY, NULL, NULL);
	struct admin_dns dns;
	bool all = admin_dns_open(&r->conf, r->resolver, &dns, e);

	if (all) {
		for (size_t i = 0; i < r->count; i++) {
			if (!only_new || r->all[i].state == KEYRING_NEW)
				all = look_and_tell(r, &r->all[i], &dns.dns, a, e) && all;
		}
		admin_dns_close(&dns);
	}
	arena_free(a);
	return all;
}

static bool check(struct rotation *r, struct err *e)
{
	return published(r, false, e);
}

/* ---- from new to active, from active to retired ---- */

/* All of a kind; *changed: there was one. */
static bool change_all(struct rotation *r, int kind, enum keyring_state from, enum keyring_state to,
    bool *changed, struct err *e)
{
	*changed = false;
	for (size_t i = 0; i < r->count; i++) {
		if (r->all[i].state != from || r->kinds[i] != kind)
			continue;
		if (!dkim_store_change(r->fd, &r->all[i], to, e))
			return false;
		str_addf(&r->out, "%-20s is %s now\n", r->all[i].selector, keyring_state_name(to));
		*changed = true;
	}
	return true;
}

/*
 * The new one first: between the two, mail is signed by both. A kind that has no new key keeps what it has: this
 * may be the second try, and what the first one made active is not to be retired by it.
 */
static bool activate_kind(struct rotation *r, int kind, struct err *e)
{
	bool changed;

	if (!change_all(r, kind, KEYRING_NEW, KEYRING_ACTIVE, &changed, e))
		return false;
	return !changed || change_all(r, kind, KEYRING_ACTIVE, KEYRING_RETIRED, &changed, e);
}

static bool activate(struct rotation *r, struct err *e)
{
	if (!count_of(r, KEYRING_NEW))
		return err_perm(e, "5.7.5",
		    "%s has no new key; `posthorn dkim rotate %s` makes some", r->domain,
		    r->domain);
	if (!r->force && !published(r, true, e))
		return err_while(e, "not yet");
	if (!learn_kinds(r, e))
		return false;
	for (int kind = 0; kind < KEY_KINDS; kind++) {
		if (!activate_kind(r, kind, e))
			return false;
	}
	return true;
}

/* ---- the end of a key ---- */

static bool retire(struct rotation *r, struct err *e)
{
	time_t before = clock_wall() - KEEP_S;

	for (size_t i = 0; i < r->count; i++) {
		const struct keyring_entry *k = &r->all[i];

		if (k->state != KEYRING_RETIRED)
			continue;
		if (k->since > before && !r->force) {
			str_addf(&r->out,
			    "%-20s stays: mail that it signed may be under way for %d more days\n",
			    k->selector, (int)((k->since - before + 86399) / 86400));
			continue;
		}
		if (!dkim_store_remove(r->fd, k, e))
			return false;
		str_addf(&r->out, "%-20s is gone; now remove the record %s._domainkey.%s\n",
		    k->selector, k->selector, r->domain);
	}
	return true;
}

/* ---- the command ---- */

typedef bool step(struct rotation *r, struct err *e);

static step *read_args(int argc, char **argv, struct rotation *r, struct err *e)
{
	static const struct option options[] = { { "check", no_argument, NULL, 'c' },
		{ "activate", no_argument, NULL, 'a' }, { "retire", no_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' }, { "resolver", required_argument, NULL, 'd' },
		{ 0 } };
	step *what = next;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c': what = check; break;
		case 'a': what = activate; break;
		case 'r': what = retire; break;
		case 'f': r->force = true; break;
		case 'd': r->resolver = optarg; break;
		default: what = NULL;
		}
	}
	if (!what || optind + 1 != argc) {
		err_perm(e, "5.5.4", "dkim rotate [--check|--activate|--retire] [--force] [--resolver ADDRESS[@PORT]] DOMAIN");
		return NULL;
	}
	return keyring_domain(span_of(argv[optind]), r->domain, e) ? what : NULL;
}

int dkim_rotate_command(int argc, char **argv)
{
	static struct rotation r = { .fd = -1 };
	struct err e;
	step *what = read_args(argc, argv, &r, &e);
	int code = EX_OK;

	if (!what)
		return admin_usage("%s", e.text);
	if (!admin_conf(&r.conf))
		return EX_CONFIG;
	r.out = STR(OUT_MAX);
	r.fd = dkim_store_domain(&r.conf, r.domain, what == next, &e);
	if (r.fd < 0 || !keyring_list(r.fd, r.all, &r.count, &e) || !what(&r, &e))
		code = admin_fail(&e);
	admin_print(&r.out);
	fd_close(&r.fd);
	conf_free(&r.conf);
	return code;
}
