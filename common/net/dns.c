/* The one file that sees libunbound. See dns.h. */
#include "common/net/dns.h"

#include <fcntl.h>
#include <stdio.h>
#include <unbound.h>

#include "common/base/mem.h"
#include "common/net/dns-name.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { CLASS_IN = 1, RCODE_OK = 0, RCODE_NO_NAME = 3, RECORDS_MAX = 1000 };

struct dns { struct ub_ctx *ctx; };

static bool failed(int code, const char *what, struct err *e)
{
	return code == 0 || err_perm(e, "5.3.5", "%s: %s", what, ub_strerror(code));
}

static bool set(struct ub_ctx *ctx, const char *key, const char *value, struct err *e)
{
	return failed(ub_ctx_set_option(ctx, key, value), key, e);
}

/*
 * With servers named in the settings everything is theirs to answer, also what libunbound
 * would know itself (test., invalid., the reverse names of private networks; RFC 6761, 6303).
 */
static bool set_forward(struct ub_ctx *ctx, const struct dns_settings *s, struct err *e)
{
	for (size_t i = 0; i < s->forward_count; i++) {
		if (!failed(ub_ctx_set_fwd(ctx, s->forward[i]), s->forward[i], e))
			return false;
	}
	if (s->forward_count)
		return set(ctx, "unblock-lan-zones:", "yes", e) &&
		    set(ctx, "insecure-lan-zones:", "yes", e) &&
		    set(ctx, "local-zone:", "test. transparent", e);
	ub_ctx_resolvconf(ctx, NULL);	/* without one: from the root servers */
	return true;
}

/* One record, without the comment behind it. */
static bool add_anchor(struct ub_ctx *ctx, struct span line, unsigned *count, struct err *e)
{
	char record[4096];
	ptrdiff_t comment = span_find(line, ';');

	line = span_trim(comment < 0 ? line : span_to(line, (size_t)comment));
	if (!line.n)
		return true;
	++*count;
	if (!span_copy(line, record, sizeof record))
		return err_perm(e, "5.3.5", "a line is too long");
	return failed(ub_ctx_add_ta(ctx, record), "not a DS or DNSKEY record", e);
}

/* libunbound would open the file only at the first question, in the jail. */
static bool add_anchors(struct ub_ctx *ctx, const char *file, struct err *e)
{
	struct str text = STR(1 << 20);
	struct span rest, line;
	unsigned count = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 ? file_read_all(fd, &text, e) : err_sys(e, "cannot open it");

	fd_close(&fd);
	str_add_char(&text, '\n');
	for (rest = str_span(&text); ok && span_cut(&rest, '\n', &line);)
		ok = add_anchor(ctx, line, &count, e);
	str_free(&text);
	if (ok && !count)
		ok = err_perm(e, "5.3.5", "no record in it");
	return ok || err_while(e, "trust-anchor %s", file);
}

static bool set_up(struct ub_ctx *ctx, const struct dns_settings *s, struct err *e)
{
	if (!failed(ub_ctx_async(ctx, 1), "cannot use a thread for DNS", e) ||
	    !set(ctx, "do-not-query-localhost:", "no", e) ||
	    !set(ctx, "msg-cache-size:", "16m", e) || !set(ctx, "rrset-cache-size:", "32m", e) ||
	    !set(ctx, "key-cache-size:", "4m", e) || !set(ctx, "neg-cache-size:", "4m", e) ||
	    /* as a library it is modest: 16 questions, and then it drops the oldest */
	    !set(ctx, "outgoing-range:", "1024", e) ||
	    !set(ctx, "num-queries-per-thread:", "2048", e) ||
	    !set(ctx, "edns-buffer-size:", "1232", e) ||
	    !set(ctx, "qname-minimisation:", "yes", e) || !set(ctx, "use-syslog:", "no", e) ||
	    !set_forward(ctx, s, e))
		return false;
	return !*s->trust_anchor || add_anchors(ctx, s->trust_anchor, e);
}

struct dns *dns_new(const struct dns_settings *settings, struct err *e)
{
	struct ub_ctx *ctx = ub_ctx_create();
	struct dns *u;

	if (!ctx) {
		err_temp(e, "4.4.3", "cannot start libunbound");
		return NULL;
	}
	if (!set_up(ctx, settings, e)) {
		ub_ctx_delete(ctx);
		return NULL;
	}
	u = mem_get(sizeof *u);
	u->ctx = ctx;
	return u;
}

int dns_fd(struct dns *u)
{
	return ub_fd(u->ctx);
}

void dns_process(struct dns *u)
{
	ub_process(u->ctx);
}

static enum dns_found found_in(int trouble, const struct ub_result *r)
{
	if (trouble || !r || r->bogus || (r->rcode != RCODE_OK && r->rcode != RCODE_NO_NAME))
		return DNS_FAILED;
	if (r->havedata)
		return DNS_YES;
	return r->nxdomain ? DNS_NO_NAME : DNS_NO_DATA;
}

static const char *why_failed(int trouble, const struct ub_result *r)
{
	if (trouble || !r)
		return ub_strerror(trouble);
	if (r->bogus)
		return r->why_bogus ? r->why_bogus : "the answer is not signed as it should be";
	return r->rcode == 2 ? "the servers of that domain do not answer properly (SERVFAIL)" : "the servers refuse to answer";
}

/* Both with or without the dot at the end. */
static bool same_name(const char *a, const char *b)
{
	char x[DNS_NAME], y[DNS_NAME];

	return dns_name_clean_ask(span_of(a), x) && dns_name_clean_ask(span_of(b), y) &&
	    strcmp(x, y) == 0;
}

static void answered(void *arg, int trouble, struct ub_result *r)
{
	struct dns_pending *q = arg;
	struct span records[RECORDS_MAX];
	struct dns_answer answer = { .found = found_in(trouble, r), .why = "", .records = records };

	if (answer.found == DNS_FAILED)
		answer.why = why_failed(trouble, r);
	else
		answer.secure = r->secure;
	answer.alias_of =
	    r && r->canonname && !same_name(r->canonname, r->qname) ? r->canonname : "";
	answer.ttl = r ? (uint32_t)r->ttl : 0;
	for (int i = 0; answer.found == DNS_YES && r->data[i] && i < RECORDS_MAX; i++)
		records[answer.count++] = (struct span){ r->data[i], (size_t)r->len[i] };
	q->answered(q, &answer);
	ub_resolve_free(r);
}

bool dns_ask(struct dns *u, struct dns_pending *q, const char *name, unsigned type, struct err *e)
{
	int code =
	    ub_resolve_async(u->ctx, *name ? name : ".", (int)type, CLASS_IN, q, answered, &q->id);

	return code == 0 || err_temp(e, "4.4.3", "%s", ub_strerror(code));
}

void dns_cancel(struct dns *u, struct dns_pending *q)
{
	ub_cancel(u->ctx, q->id);
}
