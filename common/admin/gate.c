/* posthorn gate: what would be made of a client, and do our DNS lists work. See posthorn-gate(8). */
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/dns.h"
#include "common/conf/gate.h"
#include "common/conf/who.h"
#include "common/directory/full.h"
#include "common/directory/lookup.h"
#include "common/trust/spf.h"

enum { PATIENCE_S = 60, MEMORY_MAX = 64 << 20 };

struct question { const char *ip, *helo, *from, *to, *server; };

/* --- facts --- */

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

/* For a message that does not say its size. */
static bool is_full(const struct conf *c, const struct lookup_answer *to)
{
	char marks[4096];

	snprintf(marks, sizeof marks, "%s/full", c->run_directory);
	return to->quota && full_room(marks, span_of(to->user), clock_wall()) < FULL_LEAST;
}

/* What the directory knows: is the sender's domain ours, and who is the recipient. */
static bool ask_directory(const struct conf *c, const struct question *q, struct facts *f, struct arena *a, struct err *e)
{
	static const enum gate_rcpt rcpts[] = { [DIR_ELSEWHERE] = GATE_TO_ELSEWHERE,
		[DIR_LOCAL] = GATE_TO_LOCAL,
		[DIR_UNKNOWN] = GATE_TO_UNKNOWN,
		[DIR_RELAY] = GATE_TO_RELAY,
		[DIR_RETURN] = GATE_TO_LOCAL };
	const char *files[TABLE_COUNT];
	struct dir_rules rules;
	struct lookup l = { .rules = &rules };
	struct lookup_answer to;
	enum dir_class is = DIR_ELSEWHERE;
	bool ok = true;

	who_rules(c, geteuid() == 0, &rules);
	who_files(c, files);
	for (enum table_kind kind = 0; ok && kind < TABLE_COUNT; kind++) {
		l.files[kind] = files[kind];
		l.tables[kind] = compile_memory(kind, files[kind], NULL, e);
		ok = l.tables[kind] != NULL;
	}
	ok = ok && lookup_domain(&l, span_of(f->sender_domain), &is, e);
	if (ok && is == DIR_LOCAL)
		f->seen |= 1u << GATE_SENDER_OURS;
	if (ok && *q->to && lookup_resolve(&l, span_of(q->to), a, &to, e))
		f->rcpt = is_full(c, &to) ? GATE_TO_FULL : rcpts[to.is];
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(l.tables[kind], NULL);
	return ok;
}

static void ask_dns(const struct conf *c, const struct gate_rules *rules, const struct question *q,
    bool is_name, const struct admin_dns *d, struct facts *f, struct arena *a)
{
	struct spf_facts spf = { .helo = spf_ascii_name(span_of(q->helo), a),
		.sender = spf_ascii_sender(q->from, a),
		.receiver = c->host_name,
		.now = clock_wall(),
		.until = clock_in(PATIENCE_S) };
	struct spf_verdict verdict;
	struct gate_dns dns;

	gate_dns_init(&dns, &rules->policy, rules->lists, rules->sender_lists);
	gate_dns_connect(&dns, d->resolver, q->ip);
	gate_dns_hello(&dns, is_name ? q->helo : "");
	gate_dns_sender(&dns, span_of(f->sender_domain));
	gate_dns_wait(&dns, clock_in(PATIENCE_S));
	gate_dns_facts(&dns, f);
	gate_dns_free(&dns);
	address_parse(span_of(q->ip), &spf.ip);
	if (!*spf.sender && !*spf.helo)
		return;
	spf_check(&spf, &d->dns, a, &verdict);
	f->spf = verdict.result;
}

static bool gather(const struct conf *c, const struct gate_rules *rules, const struct question *q,
    struct facts *f, struct arena *a, struct err *e)
{
	struct gate_self self = { c->host_name, "" };
	struct admin_dns d;
	struct address ip;
	bool is_name = false;

	*f = (struct facts){ .stage = GATE_RCPT, .spf_words = "", .ip = q->ip, .helo = q->helo, .sender_domain = domain_of(q->from),
		.recipient = q->to, .id = "ID", .rcpt = GATE_TO_LOCAL };
	address_parse(span_of(q->ip), &ip);
	f->may_relay = gate_may_relay(c, &ip);
	f->trusted = f->may_relay || gate_is_exempt(c, &ip);
	if (*q->helo)
		f->seen |= gate_helo(span_of(q->helo), q->ip, self, &is_name);
	if (!ask_directory(c, q, f, a, e) || !admin_dns_open(c, q->server, &d, e))
		return false;
	ask_dns(c, rules, q, is_name, &d, f, a);
	admin_dns_close(&d);
	return true;
}

/* --- the answer --- */

static const char *help_of(const struct facts *f, const struct gate_reason *r)
{
	for (enum gate_fact i = 0; i < GATE_FACTS; i++) {
		if (strcmp(gate_fact_name(i), r->name) == 0)
			return gate_fact_help(i);
	}
	for (size_t i = 0; i < f->listed_count; i++) {
		if (f->listed[i].zone == r->detail && *f->listed[i].why)
			return f->listed[i].why;
	}
	return "a DNS list has it";
}

static void print_text(const struct facts *f, const struct gate_policy *p, const struct gate_verdict *v)
{
	struct str out = STR(1 << 16);
	char name[DNS_NAME + 40];

	if (f->trusted)
		str_add_text(&out, "This client is in exempt-networks or relay-networks: only the recipient counts.\n");
	for (size_t i = 0; i < v->reason_count; i++) {
		snprintf(name, sizeof name, "%s%s%s", v->reasons[i].name,
		    *v->reasons[i].detail ? ":" : "", v->reasons[i].detail);
		str_addf(&out, "%4d  %-24s %s\n", v->reasons[i].weight, name,
		    help_of(f, &v->reasons[i]));
	}
	str_addf(&out,
	    "%4d  is the score; tarpit %d, greylist %d, quarantine %d, reject %d (0: never)\n",
	    v->score, p->tarpit_at, p->greylist_at, p->quarantine_at, p->reject_at);
	str_addf(&out, "%s%s", gate_action_name(v->action), v->wait_s ? ", after a wait" : "");
	if (v->action == GATE_REJECT || v->action == GATE_DEFER)
		str_addf(&out, ": %s %s", v->e.status, v->e.text);
	str_add_char(&out, '\n');
	admin_print(&out);
}

static void print_json(const struct gate_verdict *v)
{
	bool refused = v->action == GATE_REJECT || v->action == GATE_DEFER;
	struct str out = STR(1 << 16);

	str_addf(&out, "{\"verdict\":\"%s\",\"score\":%d,\"wait\":%u,\"status\":\"%s\",\"words\":",
	    gate_action_name(v->action), v->score, v->wait_s, refused ? v->e.status : "");
	admin_json_text(&out, span_of(refused ? v->e.text : ""));
	str_add_text(&out, ",\"facts\":[");
	for (size_t i = 0; i < v->reason_count; i++)
		str_addf(&out, "%s{\"name\":\"%s\",\"detail\":\"%s\",\"weight\":%d}", i ? "," : "",
		    v->reasons[i].name, v->reasons[i].detail, v->reasons[i].weight);
	str_add_text(&out, "]}\n");
	admin_print(&out);
}

static int explain_with(const struct conf *c, void *arg)
{
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);
	struct gate_rules rules;
	struct gate_verdict v = { .action = GATE_ACCEPT };
	struct facts f;
	struct err e;
	int code;

	gate_rules(c, &rules);
	if (!gather(c, &rules, arg, &f, a, &e)) {
		code = admin_fail(&e);
	} else {
		gate_verdict(&f, &rules.policy, &v);
		if (admin_json())
			print_json(&v);
		else
			print_text(&f, &rules.policy, &v);
		code = v.action == GATE_REJECT ? EX_NOPERM : v.action == GATE_ACCEPT ? EX_OK : EX_TEMPFAIL;
	}
	arena_free(a);
	return code;
}

static int explain(int argc, char **argv)
{
	struct question q = { .helo = "", .from = "", .to = "" };
	const struct admin_option options[] = {
		{ "--ip", &q.ip }, { "--helo", &q.helo }, { "--from", &q.from }, { "--to", &q.to },
		{ "--resolver", &q.server }, { 0 },
	};
	struct address ip;

	if (!admin_take(&argc, argv, options) || argc != 1 || !q.ip)
		return admin_usage("gate explain --ip ADDRESS [--helo NAME] [--from SENDER] [--to RECIPIENT] "
		    "[--resolver ADDRESS@PORT]");
	if (!address_parse(span_of(q.ip), &ip))
		return admin_usage("%s is no IP address", q.ip);
	return admin_with_conf(explain_with, &q);
}

/* --- do the lists work --- */

static bool is_listed(const struct admin_dns *d, const struct gate_list *l, bool by_name, bool test,
    struct arena *a, bool *failed)
{
	struct address ip = { .family = 4, .bytes = { 127, 0, 0, test ? 2 : 1 } };
	struct dns_answer answer;
	char name[DNS_NAME];

	if (!(by_name ? gate_list_domain(test ? SPAN("test") : SPAN("invalid"), l->zone, name)
	    : gate_list_address(&ip, l->zone, name)))
		return false;
	d->dns.ask(d->dns.arg, name, DNS_A, a, &answer);
	*failed = *failed || answer.found == DNS_FAILED;
	for (size_t i = 0; answer.found == DNS_YES && i < answer.count; i++) {
		if (answer.records[i].n == 4 && answer.records[i].p[0] == 127 &&
		    memcmp(answer.records[i].p + 1, "\377\377", 2) != 0)
			return true;
	}
	return false;
}

/* RFC 5782 5: 127.0.0.2 (or TEST) is always on a list, 127.0.0.1 (or INVALID) never. */
static bool test_list(const struct admin_dns *d, const struct gate_list *l, bool by_name,
    struct arena *a, struct str *out)
{
	bool failed = false, has_test = is_listed(d, l, by_name, true, a, &failed);
	bool has_all = is_listed(d, l, by_name, false, a, &failed);

	str_addf(out, "%s: ", l->zone);
	if (failed)
		str_add_text(out, "does not answer, so it counts for nothing");
	else if (has_all)
		str_add_text(out, "lists what must never be listed: take it out of the settings");
	else if (!has_test)
		str_add_text(out, l->weight < 0 ? "has no test entry, which many allow lists lack" :
		    "lacks its test entry: it is gone, or does not answer us");
	else
		str_add_text(out, "works");
	str_add_char(out, '\n');
	return !failed && !has_all && (has_test || l->weight < 0);
}

static bool test_lists(const struct admin_dns *d, struct gate_lists lists, bool by_name,
    struct arena *a, struct str *out)
{
	bool ok = true;

	for (size_t i = 0; i < lists.count; i++) {
		if (i && strcmp(lists.rows[i - 1].zone, lists.rows[i].zone) == 0)
			continue;
		ok = test_list(d, &lists.rows[i], by_name, a, out) && ok;
	}
	return ok;
}

static int lists_with(const struct conf *c, void *server)
{
	struct str out = STR(1 << 16);
	struct gate_rules rules;
	struct admin_dns d;
	struct arena *a;
	struct err e;
	bool ok;

	gate_rules(c, &rules);
	if (!admin_dns_open(c, server, &d, &e))
		return admin_fail(&e);
	a = arena_new(MEMORY_MAX, NULL, NULL);
	ok = test_lists(&d, rules.lists, false, a, &out);
	ok = test_lists(&d, rules.sender_lists, true, a, &out) && ok;
	admin_dns_close(&d);
	admin_print(&out);
	arena_free(a);
	return ok ? EX_OK : EX_UNAVAILABLE;
}

static int lists(int argc, char **argv)
{
	const char *server = NULL;
	const struct admin_option options[] = { { "--resolver", &server }, { 0 } };

	if (!admin_take(&argc, argv, options) || argc != 1)
		return admin_usage("gate lists [--resolver ADDRESS@PORT]");
	return admin_with_conf(lists_with, (void *)server);
}

static const struct admin_verb verbs[] = {
	{ "explain", explain, "--ip ADDRESS [--helo NAME] [--from SENDER] [--to RECIPIENT] [--resolver ADDRESS@PORT]",
	  "what the gate would make of such a client: each fact with its weight, and the verdict" },
	{ "lists", lists, "[--resolver ADDRESS@PORT]", "do the DNS lists of the settings work" },
	{ .name = NULL }
};

int admin_gate(int argc, char **argv)
{
	return admin_run("posthorn gate", verbs, argc, argv);
}
