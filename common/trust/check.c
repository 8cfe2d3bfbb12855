/* Questions to the check process, and their wire form for both ends. See check.h. */
#include "common/trust/check.h"

#include <stdlib.h>

#include "common/base/mem.h"

/* --- the end that answers --- */

bool check_take(struct packet *p, struct arena *a, struct check_who *who, int *text)
{
	who->us = arena_text(a, packet_take(p));
	who->ip = arena_text(a, packet_take(p));
	who->helo = arena_text(a, packet_take(p));
	who->sender = arena_text(a, packet_take(p));
	*text = p->verb == 'M' ? packet_take_fd(p) : -1;
	packet_drop_fds(p);
	if (!p->bad && (p->verb == 'S' || p->verb == 'M'))
		return true;
	fd_close(text);
	return false;
}

static void put_spf(struct packet *p, const struct check_spf *spf)
{
	packet_put_u64(p, spf->last);
	packet_put_u64(p, spf->result);
	packet_put_text(p, spf->why);
	packet_put_text(p, spf->explanation);
}

void check_put_spf(struct packet *p, const struct check_spf *spf)
{
	packet_begin(p, 'A');
	put_spf(p, spf);
}

void check_put_verdict(struct packet *p, const struct check_verdict *v)
{
	packet_begin(p, 'A');
	put_spf(p, &v->spf);
	packet_put_u64(p, v->dkim);
	packet_put_u64(p, v->dkim_aligned);
	packet_put_u64(p, v->dmarc);
	packet_put_u64(p, v->proven);
	packet_put_u64(p, v->wanted);
	packet_put_u64(p, v->policy);
	packet_put_u64(p, v->arc);
	packet_put_text(p, v->sealer);
	packet_put_text(p, v->author);
	packet_put_text(p, v->dmarc_why);
	packet_put_text(p, v->results);
	packet_put_text(p, v->received_spf);
	packet_put_text(p, v->row);
	packet_put_text(p, v->summary);
}

/* --- the end that asks --- */

static enum trust_result take_result(struct packet *p)
{
	uint64_t v = packet_take_u64(p);

	if (v >= TRUST_RESULTS)
		p->bad = true;
	return p->bad ? TRUST_TEMPERROR : (enum trust_result)v;
}

static void take_spf(struct packet *p, struct arena *a, struct check_spf *out)
{
	out->last = packet_take_u64(p) != 0;
	out->result = take_result(p);
	out->why = arena_text(a, packet_take(p));
	out->explanation = arena_text(a, packet_take(p));
}

static enum dmarc_policy take_policy(struct packet *p)
{
	uint64_t v = packet_take_u64(p);

	if (v > DMARC_REJECT)
		p->bad = true;
	return p->bad ? DMARC_NO_POLICY : (enum dmarc_policy)v;
}

static void take_verdict(struct packet *p, struct arena *a, struct check_verdict *out)
{
	out->dkim = take_result(p);
	out->dkim_aligned = packet_take_u64(p) != 0;
	out->dmarc = take_result(p);
	out->proven = packet_take_u64(p) != 0;
	out->wanted = take_policy(p);
	out->policy = take_policy(p);
	out->arc = take_result(p);
	out->sealer = arena_text(a, packet_take(p));
	out->author = arena_text(a, packet_take(p));
	out->dmarc_why = arena_text(a, packet_take(p));
	out->results = arena_text(a, packet_take(p));
	out->received_spf = arena_text(a, packet_take(p));
	out->row = arena_text(a, packet_take(p));
	out->summary = arena_text(a, packet_take(p));
}

static bool ask(int channel, struct packet *p, char verb, const struct check_who *who, int text, struct err *e)
{
	packet_begin(p, verb);
	packet_put_text(p, who->us);
	packet_put_text(p, who->ip);
	packet_put_text(p, who->helo);
	packet_put_text(p, who->sender);
	if (text >= 0)
		packet_put_fd(p, text);
	if (!packet_ask(channel, p, clock_in(CHECK_PATIENCE_S), e))
		return err_temp(e, "4.7.0", "the check process ended over it, or took too long");
	packet_drop_fds(p);
	return true;
}

static bool nonsense(struct err *e)
{
	return err_temp(e, "4.7.0", "the check process answered nonsense");
}

bool check_spf(int channel, const struct check_who *who, struct arena *a, struct check_spf *out, struct err *e)
{
	struct packet *p = mem_more(NULL, 1, sizeof *p);
	struct check_spf got = { 0 };
	bool ok = ask(channel, p, 'S', who, -1, e);

	if (ok) {
		take_spf(p, a, &got);
		ok = !p->bad || nonsense(e);
	}
	free(p);
	*out = ok ? got : (struct check_spf){ TRUST_TEMPERROR, "not checked", "", true };
	return ok;
}

bool check_text(int channel, const struct check_who *who, int text, struct arena *a,
    struct check_verdict *out, struct err *e)
{
	struct packet *p = mem_more(NULL, 1, sizeof *p);
	struct check_verdict got = { 0 };
	bool ok = ask(channel, p, 'M', who, text, e);

	if (ok) {
		take_spf(p, a, &got.spf);
		take_verdict(p, a, &got);
		ok = !p->bad || nonsense(e);
	}
	free(p);
	*out = ok ? got : (struct check_verdict){
		.spf = { TRUST_TEMPERROR, "not checked", "", true }, .dkim = TRUST_TEMPERROR, .dmarc = TRUST_TEMPERROR,
		.sealer = "", .author = "", .dmarc_why = "not checked", .results = "", .received_spf = "", .row = "",
		.summary = "spf=temperror dkim=temperror dmarc=temperror",
	};
	return ok;
}
