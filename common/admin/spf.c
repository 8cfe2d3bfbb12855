/* posthorn spf: may this address send for that domain, and why. See posthorn-spf(8). */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/dns.h"
#include "common/trust/spf.h"

enum { PATIENCE_S = 60, MEMORY_MAX = 64 << 20 };

struct question { const char *ip, *helo, *from, *server; };

static void tell_step(void *arg, unsigned depth, const char *sentence)
{
	(void)arg;
	printf("%*s", 2 + 2 * (int)depth, "");
	for (; *sentence; sentence++) /* a record is a stranger's, and this may be a terminal */
		putchar(*sentence >= ' ' && *sentence < 0x7f ? *sentence : '?');
	putchar('\n');
}

/* sysexits.h for the result, so that a script need not read. */
static int code_of(enum trust_result result)
{
	switch (result) {
	case TRUST_FAIL: case TRUST_SOFTFAIL:
		return EX_NOPERM;
	case TRUST_TEMPERROR:
		return EX_TEMPFAIL;
	case TRUST_PERMERROR:
		return EX_DATAERR;
	default:
		return EX_OK;
	}
}

static void print_json(const struct spf_verdict *v)
{
	const struct { const char *name, *text;
	} fields[] = {
		{ "result", trust_result_name(v->result) },
		{ "domain", v->domain },
		{ "why", v->why },
		{ "explanation", v->explanation },
	};
	struct str out = STR(1 << 20);

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		str_addf(&out, "%s\"%s\":", i ? "," : "{", fields[i].name);
		admin_json_text(&out, span_of(fields[i].text));
	}
	str_addf(&out, ",\"lookups\":%u,\"voids\":%u}\n", v->lookups, v->voids);
	admin_print(&out);
}

static void print_text(const struct spf_facts *f, const struct spf_verdict *v)
{
	struct str received = STR(1 << 20);

	printf("%s: %s\n", trust_result_name(v->result), v->why);
	if (*v->explanation)
		printf("The domain says: %s\n", v->explanation);
	printf("%u of %d look-ups, %u of %d without data\n", v->lookups, SPF_LOOKUPS_MAX, v->voids,
	    SPF_VOIDS_MAX);
	str_add_text(&received, "Received-SPF:");
	spf_print_received(f, v, &received);
	str_add_char(&received, '\n');
	admin_print(&received);
}

static int ask(const struct conf *c, const struct question *q, struct spf_facts *f, struct arena *a)
{
	struct spf_verdict v;
	struct admin_dns d;
	struct err e;

	if (!admin_dns_open(c, q->server, &d, &e))
		return admin_fail(&e);
	if (!admin_json())
		f->step = tell_step;
	spf_check(f, &d.dns, a, &v);
	admin_dns_close(&d);
	if (admin_json())
		print_json(&v);
	else
		print_text(f, &v);
	return code_of(v.result);
}

static int check_with(const struct conf *c, void *arg)
{
	const struct question *q = arg;
	struct arena *a = arena_new(MEMORY_MAX, NULL, NULL);
	struct spf_facts f = { .now = clock_wall(),
		.until = clock_in(PATIENCE_S),
		.receiver = c->host_name,
		.helo = spf_ascii_name(span_of(q->helo), a),
		.sender = spf_ascii_sender(q->from, a) };
	int code;

	address_parse(span_of(q->ip), &f.ip);
	code = ask(c, q, &f, a);
	arena_free(a);
	return code;
}

static int check(int argc, char **argv)
{
	struct question q = { .helo = "", .from = "" };
	const struct admin_option options[] = {
		{ "--ip", &q.ip }, { "--helo", &q.helo }, { "--from", &q.from }, { "--resolver", &q.server }, { 0 },
	};
	struct address ip;

	if (!admin_take(&argc, argv, options) || argc != 1 || !q.ip || (!*q.from && !*q.helo))
		return admin_usage("spf check --ip ADDRESS [--helo NAME] [--from SENDER] [--resolver ADDRESS@PORT]; "
		    "at least one of --helo and --from");
	if (!address_parse(span_of(q.ip), &ip))
		return admin_usage("%s is no IP address", q.ip);
	return admin_with_conf(check_with, &q);
}

static const struct admin_verb verbs[] = {
	{ "check", check, "--ip ADDRESS [--helo NAME] [--from SENDER] [--resolver ADDRESS@PORT]",
	  "may this address send for that domain; each step, and the result" },
	{ .name = NULL }
};

int admin_spf(int argc, char **argv)
{
	return admin_run("posthorn spf", verbs, argc, argv);
}
