/* Reports to senders. See bounce.h. */
#include "common/queue/bounce.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/mail/trace.h"
#include "common/os/clock.h"
#include "common/os/dice.h"
#include "common/queue/made.h"
#include "common/queue/plan.h"

enum {
	FULL_MAX = 64 << 10, /* larger originals come back as their header, unless RET=FULL */
	ADDRESS_MAX = 500, /* RFC 3461 4.2 */
};

static const char *const kind_names[] = {
	[REPORT_FAILED] = "failed", [REPORT_DELAYED] = "delayed", [REPORT_DELIVERED] = "delivered",
	[REPORT_RELAYED] = "relayed", [REPORT_EXPANDED] = "expanded",
};

static void print_postmaster(const char *postmaster, const char *our_name, char out[320])
{
	if (!*postmaster)
		postmaster = "postmaster";
	snprintf(out, 320, "%s%s%s", postmaster, span_has(span_of(postmaster), '@') ? "" : "@",
	    span_has(span_of(postmaster), '@') ? "" : our_name);
}

static bool names_postmaster(const char *address, const char *postmaster)
{
	struct span who = span_of(address), domain = who, local = who;

	span_cut(&domain, '@', &local);
	return span_is(who, postmaster) || span_is(local, postmaster) ||
	    span_is(local, "postmaster");
}

/* RFC 3461 4.2: to whom it was sent, before it was forwarded. Postmaster is not told that he could not be told. */
static bool was_for_postmaster(const struct rcpt *r, const char *postmaster)
{
	struct span xtext = span_of(r->original ? r->original : ""), type;
	struct str address = STR(ADDRESS_MAX);
	bool yes;

	span_cut(&xtext, ';', &type);
	report_xtext(xtext, &address);
	yes = names_postmaster(address.p, postmaster);
	str_free(&address);
	return yes;
}

enum bounce_to bounce_whom(const struct envelope *env, const struct rcpt *r, const char *postmaster)
{
	/* RFC 3461 5.2.7: asked not to tell */
	if (r->notify & NOTIFY_NEVER || (r->notify && !(r->notify & NOTIFY_FAILURE)))
		return BOUNCE_NOBODY;
	if (*env->sender)
		return BOUNCE_SENDER;
	if (names_postmaster(r->address, postmaster) || was_for_postmaster(r, postmaster))
		return BOUNCE_HOLD;
	return BOUNCE_POSTMASTER;
}

/* --- one report --- */

struct job {
	const struct bounce	*b;
	const struct envelope	*env;
	enum report_kind	 kind;
	const char		*to;
	struct rcpt		**about;
	size_t			 count;
	int			 text;
	time_t			 now;
};

static void put_text(void *arg, struct span lf_text)
{
	queue_put_bytes(arg, lf_text);
}

static bool wants_full(const struct job *j, size_t size)
{
	/* RFC 3461 4.3: RET is about failures; other reports carry the header. */
	if (j->kind != REPORT_FAILED || strcmp(j->env->ret, "hdrs") == 0)
		return false;
	/* RFC 8689 5: what must not be read on its way does not come back whole either. */
	if (j->env->require_tls)
		return false;
	return strcmp(j->env->ret, "full") == 0 || size <= FULL_MAX;
}

/* RFC 3464 2.2.4: a server, not one of our users. */
static const char *from_mta(const struct envelope *env)
{
	bool from_here = !env->helo || !env->peer || span_starts(span_of(env->peer), "local") ||
	    (env->login && *env->login);

	return from_here ? "" : env->helo;
}

static struct report_rcpt report_rcpt(const struct job *j, const struct rcpt *r)
{
	bool remote = r->remote && *r->remote;

	return (struct report_rcpt){ .kind = j->kind, .original = r->original,
		.address = r->address, .status = r->status ? r->status : "", .diagnostic = r->answer,
		.from_remote = remote && r->answer && report_is_reply(r->answer),
		.remote = r->remote, .last_try = j->now };
}

static void write_report(const struct job *j, struct queue_put *q, const char *message_id, int zone, struct span original)
{
	struct report_rcpt *rcpts = mem_get(j->count * sizeof *rcpts);

	for (size_t i = 0; i < j->count; i++)
		rcpts[i] = report_rcpt(j, j->about[i]);
	report_write(&(struct report){ .kind = j->kind, .our_name = j->b->our_name, .to = j->to,
	    .unsent = !*j->env->sender, .smtputf8 = j->env->smtputf8, .from_mta = from_mta(j->env),
	    .id = j->env->id, .message_id = message_id, .envid = j->env->envid, .arrived = j->env->arrived,
	    .now = j->now, .zone = zone, .give_up = j->kind == REPORT_DELAYED ? plan_end(j->b->give_up, j->env) : 0,
	    .rcpts = rcpts, .rcpt_count = j->count, .original = original, .full = wants_full(j, original.n),
	    .dice = dice_roll() }, (struct sink){ put_text, q });
	free(rcpts);
}

static void put_marks(const struct job *j, struct queue_put *q)
{
	char name[MADE_NAME];

	for (size_t i = 0; i < j->count; i++) {
		made_name(j->env->id, j->about[i]->number, kind_names[j->kind], name);
		queue_put_mark(q, j->b->made, name);
	}
}

static bool put_report(const struct job *j, struct queue_put *q, const char *id, struct span original, struct err *e)
{
	struct rcpt to = { .address = j->to };
	struct envelope env = { .sender = "", .peer = "local", .protocol = "bounce", .is_bounce = true,
		.require_tls = j->env->require_tls,
		.smtputf8 = !span_is_ascii(span_of(j->to)), .body8bit = true, .rcpts = &to, .rcpt_count = 1 };
	struct str received = STR(1024), message_id = STR(400);
	int zone = date_local_zone(j->now);

	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = j->b->our_name,
	    .protocol = "local", .tls = "", .id = id, .recipient = "", .login = "", .when = j->now, .zone = zone },
	    &received);
	queue_put_bytes(q, str_span(&received));
	msgid_new(span_of(j->b->our_name), &message_id);
	write_report(j, q, message_id.p, zone, original);
	str_free(&received);
	str_free(&message_id);
	put_marks(j, q);
	return queue_put_commit(q, &env, e);
}

/* Not a copy: of a large text only the pages of its header are ever touched. */
static struct span map_text(int text)
{
	struct stat st;
	size_t size;
	void *p;

	if (text < 0 || fstat(text, &st) < 0 || st.st_size <= 0)
		return SPAN("");
	size = (size_t)st.st_size;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, text, 0);
	return p == MAP_FAILED ? SPAN("") : (struct span){ p, size };
}

/* Who was told before we were killed is not told again. */
static bool leave_out_told(struct job *j, struct err *e)
{
	char name[MADE_NAME];
	size_t left = 0;
	bool was_made;

	for (size_t i = 0; i < j->count; i++) {
		struct rcpt *r = j->about[i];

		made_name(j->env->id, r->number, kind_names[j->kind], name);
		if (!made_look(j->b->made, name, j->b->own, &was_made, e))
			return false;
		r->marks |= 1u << j->kind;
		if (!was_made)
			j->about[left++] = r;
	}
	j->count = left;
	return true;
}

static bool make_report(const struct job *j, struct err *e)
{
	struct span original;
	struct queue_put *q;
	char id[ID_SIZE];
	bool ok;

	queue_new_id(id);
	q = queue_put_open(j->b->own, id, e);
	if (!q)
		return false;
	original = map_text(j->text);
	ok = put_report(j, q, id, original, e);
	if (original.n)
		munmap((void *)original.p, original.n);
	if (ok)
		maillog_bounced(j->env->id, span_of(j->to), id, kind_names[j->kind]);
	return ok || err_while(e, "telling the sender of %s", j->env->id);
}

static bool report(struct job *j, struct err *e)
{
	return leave_out_told(j, e) && (!j->count || make_report(j, e));
}

/* --- what the callers ask --- */

static bool report_to(const struct bounce *b, struct envelope *env, enum bounce_to whom, int text,
    time_t now, struct err *e)
{
	char postmaster[320];
	struct job j = { .b = b, .env = env, .kind = REPORT_FAILED, .to = env->sender, .text = text, .now = now };
	bool ok;

	print_postmaster(b->postmaster, b->our_name, postmaster);
	if (whom == BOUNCE_POSTMASTER)
		j.to = postmaster;
	j.about = mem_get((env->rcpt_count ? env->rcpt_count : 1) * sizeof(struct rcpt *));
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		if (r->state == RCPT_FAILED && bounce_whom(env, r, b->postmaster) == whom)
			j.about[j.count++] = r;
	}
	ok = report(&j, e);
	free(j.about);
	return ok;
}

bool bounce_failed(const struct bounce *b, struct envelope *env, int text, time_t now, bool *hold, struct err *e)
{
	*hold = false;
	if (!report_to(b, env, BOUNCE_SENDER, text, now, e) ||
	    !report_to(b, env, BOUNCE_POSTMASTER, text, now, e))
		return false;
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		if (r->state != RCPT_FAILED)
			continue;
		if (bounce_whom(env, r, b->postmaster) == BOUNCE_HOLD)
			*hold = true;
		else
			r->state = RCPT_TOLD;
	}
	return true;
}

/* Who sends by program hears of what failed; that it is late tells nobody anything. */
bool bounce_is_bulk(struct span header)
{
	struct field f;

	while (header_next(&header, &f)) {
		if (span_is(f.name, "List-Id") ||
		    (span_is(f.name, "Precedence") && !span_is(f.value, "first-class")))
			return true;
		if (span_is(f.name, "Auto-Submitted") && !span_is(f.value, "no")) /* RFC 3834 5 */
			return true;
	}
	return false;
}

static bool text_is_bulk(int text)
{
	struct span original = map_text(text);
	bool bulk = bounce_is_bulk(span_to(original, header_length(original)));

	if (original.n)
		munmap((void *)original.p, original.n);
	return bulk;
}

bool bounce_delayed(const struct bounce *b, struct envelope *env, int text, time_t now, struct err *e)
{
	struct job j = { .b = b, .env = env, .kind = REPORT_DELAYED, .to = env->sender, .text = text, .now = now };
	bool ok, unasked;

	env->warned = now;
	if (!*env->sender)
		return true;
	unasked = env->by_mode == DELIVER_OR_NOTIFY || !text_is_bulk(text);
	j.about = mem_get((env->rcpt_count ? env->rcpt_count : 1) * sizeof(struct rcpt *));
	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		if (r->state == RCPT_WAITING && (r->notify ? r->notify & NOTIFY_DELAY : unasked))
			j.about[j.count++] = r;
	}
	ok = report(&j, e);
	free(j.about);
	return ok;
}

static bool report_one(const struct bounce *b, const struct envelope *env, struct rcpt *r,
    enum report_kind kind, int text, time_t now, struct err *e)
{
	struct job j = { .b = b, .env = env, .kind = kind, .to = env->sender, .about = &r, .count = 1,
		.text = text, .now = now };

	return report(&j, e);
}

bool bounce_success(const struct bounce *b, const struct envelope *env, struct rcpt *r,
    enum report_kind kind, int text, time_t now, struct err *e)
{
	return !*env->sender || !(r->notify & NOTIFY_SUCCESS) ||
	    report_one(b, env, r, kind, text, now, e);
}

bool bounce_tells_relayed(const struct envelope *env, const struct rcpt *r, bool dsn, bool by)
{
	if (!*env->sender || r->notify & NOTIFY_NEVER)
		return false;
	if (r->notify & NOTIFY_SUCCESS && !dsn)				/* RFC 3461 5.2.2 */
		return true;
	if (env->by_mode == DELIVER_OR_NOTIFY && !by &&
	    !(env->warned && env->warned >= env->by)) /* RFC 2852 4.1.4.2 */
		return true;
	return env->by_mode && env->by_trace;
}

bool bounce_relayed(const struct bounce *b, const struct envelope *env, struct rcpt *r,
    int text, time_t now, struct err *e)
{
	return report_one(b, env, r, REPORT_RELAYED, text, now, e);
}

void bounce_noted(const struct bounce *b, struct envelope *env)
{
	char name[MADE_NAME];

	for (size_t i = 0; i < env->rcpt_count; i++) {
		struct rcpt *r = &env->rcpts[i];

		for (unsigned kind = 0; r->marks; kind++, r->marks >>= 1) {
			if (!(r->marks & 1))
				continue;
			made_name(env->id, r->number, kind_names[kind], name);
			made_noted(b->made, name);
		}
	}
}
