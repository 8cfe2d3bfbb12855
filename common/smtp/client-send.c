/* A message by one transaction or some. See client.h. */
#include <unistd.h>

#include "common/smtp/client-own.h"

enum {
	PIECE		= 65536,
	GROUP_MAX	= 50,		/* commands on the way at once: their replies fit any socket's buffer */
	ROUND_MAX	= 1000,		/* recipients of one transaction */
	BDAT_MAX	= 32768,	/* a text up to that many bytes goes out before we know whether it is wanted */
};

/* --- results --- */

static void settle(struct parcel_rcpt *r, const struct answer *a)
{
	r->settled = true;
	r->kind = answer_kind(a);
	r->code = a->code;
	snprintf(r->status, sizeof r->status, "%s", a->status);
	snprintf(r->answer, sizeof r->answer, "%s", a->text);
}

static void settle_err(struct parcel_rcpt *r, const struct err *e)
{
	r->settled = true;
	r->kind = e->kind;
	r->code = 0;
	snprintf(r->status, sizeof r->status, "%s", e->status);
	snprintf(r->answer, sizeof r->answer, "%s", e->text);
}

static void settle_all(struct parcel *p, const struct answer *a)
{
	for (size_t i = 0; i < p->count; i++) {
		if (!p->rcpts[i].settled)
			settle(&p->rcpts[i], a);
	}
}

static void settle_all_err(struct parcel *p, const struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		if (!p->rcpts[i].settled)
			settle_err(&p->rcpts[i], e);
	}
}

/* --- one round: MAIL, RCPT, DATA, in groups where the server can take them --- */

struct round {
	struct smtp_client	*c;
	struct parcel		*p;
	struct parcel_rcpt	*who[ROUND_MAX];
	size_t			 count, taken;
	size_t said, heard; /* commands: 0 MAIL, 1 to count RCPT, count + 1 DATA or BDAT */
	const struct str	*chunk;		/* the text, when it goes by BDAT */
	bool			 refused;	/* MAIL, or DATA, or it is about to hang up */
	bool			 data;		/* 354 */
};

static void settle_round(struct round *k, const struct answer *a)
{
	for (size_t i = 0; i < k->count; i++) {
		if (!k->who[i]->settled)
			settle(k->who[i], a);
	}
}

static void settle_taken(struct round *k)
{
	for (size_t i = 0; i < k->count; i++) {
		if (!k->who[i]->settled && k->who[i]->taken)
			settle(k->who[i], &k->c->last);
	}
}

static struct span domain_of(const struct parcel_rcpt *r)
{
	struct span address = span_of(r->address);
	ptrdiff_t at = span_rfind(address, '@');

	return at < 0 ? address : span_from(address, (size_t)at + 1);
}

/* RFC 9422: with that one, would there be more domains than the server takes at once? */
static bool is_domain_too_many(const struct round *k, const struct parcel_rcpt *r)
{
	size_t domains = 0;

	if (!k->c->domain_max)
		return false;
	for (size_t i = 0; i < k->count; i++) {
		size_t j = 0;

		if (span_alike(domain_of(k->who[i]), domain_of(r)))
			return false;
		while (!span_alike(domain_of(k->who[j]), domain_of(k->who[i])))
			j++;
		domains += j == i;
	}
	return domains >= k->c->domain_max;
}

static void choose(struct round *k)
{
	size_t most = k->c->rcpt_max && k->c->rcpt_max < ROUND_MAX ? k->c->rcpt_max : ROUND_MAX;

	for (size_t i = 0; i < k->p->count && k->count < most; i++) {
		struct parcel_rcpt *r = &k->p->rcpts[i];

		r->taken = false;
		if (!r->settled && !is_domain_too_many(k, r))
			k->who[k->count++] = r;
	}
}

static void say_command(struct round *k)
{
	struct parcel *p = k->p;
	struct str line = STR(4 * COMMAND_MAX);

	if (k->said == 0) {
		str_addf(&line, "MAIL FROM:<%s>", p->sender);
		param_print_mail(&p->params, k->c->ext, &line);
		k->c->mails++;
	} else if (k->said <= k->count) {
		str_addf(&line, "RCPT TO:<%s>", k->who[k->said - 1]->address);
		param_print_rcpt(&k->who[k->said - 1]->params, k->c->ext, &line);
	} else if (k->chunk) {
		str_addf(&line, "BDAT %zu LAST", k->chunk->n);
	} else {
		str_add_text(&line, "DATA");
	}
	str_add_text(&line, "\r\n");
	out_add(k->c->out, str_span(&line));
	str_free(&line);
	if (k->chunk && k->said == k->count + 1)
		out_add(k->c->out, str_span(k->chunk));
	k->said++;
}

static int patience_for(const struct round *k)
{
	const struct smtp_patience *p = k->c->patience;

	if (k->heard <= k->count)
		return k->heard == 0 ? p->mail : p->rcpt;
	return k->chunk ? p->end : p->data;
}

/* RFC 5321 4.5.3.1.10: not no, but not in this transaction; 552 is an old spelling of it. */
static bool is_too_many(const struct answer *a)
{
	const char *detail = a->status + 1;

	return (a->code == 452 || a->code == 552) &&
	    (strcmp(detail, ".5.3") == 0 || strcmp(detail, ".0.0") == 0);
}

static void hear_rcpt(struct round *k, struct parcel_rcpt *r)
{
	const struct answer *a = &k->c->last;

	if (r->settled)
		return;
	if (a->code / 100 == 2) {
		r->taken = true;
		k->taken++;
	} else if (k->taken && is_too_many(a)) {
		k->c->rcpt_max = k->taken;
	} else {
		settle(r, a);
	}
}

/* BDAT was answered at once, DATA has yet to be. */
static void hear_data(struct round *k)
{
	const struct answer *a = &k->c->last;

	k->data = !k->chunk && a->code == 354;
	k->refused = !k->data && !k->chunk;
	if (k->refused)
		settle_taken(k);
}

/* What the next answer means. */
static void hear(struct round *k)
{
	if (k->heard == 0) {
		k->refused = k->c->last.code / 100 != 2;
		if (k->refused)
			settle_round(k, &k->c->last);
	} else if (k->heard <= k->count) {
		hear_rcpt(k, k->who[k->heard - 1]);
	} else {
		hear_data(k);
	}
	k->heard++;
}

/* An answer that is neither the right yes nor a no (3xx to RCPT) must not pass for delivered. */
static void mend_answer(struct answer *a, bool right)
{
	if (a->code < 400 && !right) {
		a->code = 451;
		snprintf(a->status, sizeof a->status, "4.5.0");
	}
}

static bool hear_all(struct round *k, struct err *e)
{
	while (k->heard < k->said) {
		if (!client_read_answer(k->c, patience_for(k), NULL, e))
			return false;
		if (k->heard == k->count + 1 && !k->chunk)
			mend_answer(&k->c->last, k->c->last.code == 354);
		else
			mend_answer(&k->c->last, k->c->last.code / 100 == 2);
		hear(k);
	}
	return true;
}

/* RFC 5321 4.1.1.4: without its end a message is not processed, and RFC 3030 2: nor without its LAST. */
static bool may_end(struct smtp_client *c, struct err *e)
{
	if (!c->is_wanted || c->is_wanted(c->wanted_arg))
		return true;
	c->broken = true;
	return err_temp(e, "4.3.0", "it was broken off: nobody waits for what becomes of it");
}

/* Is DATA still worth while? In a pipeline it is said before that is known. */
static bool hopeless(const struct round *k)
{
	return k->said > 0 && k->heard == k->said &&
	    (k->refused || (k->said > k->count && !k->taken));
}

static bool begin(struct round *k, struct err *e)
{
	size_t group = k->c->ext & EXT_PIPELINING ? GROUP_MAX : 1;

	while (k->said < k->count + 2 && !hopeless(k) && !k->c->broken) {
		if (k->chunk && k->said == k->count + 1 && !may_end(k->c, e))
			return false;
		say_command(k);
		if (k->said - k->heard < group && k->said < k->count + 2)
			continue;
		if (!client_flush(k->c, k->c->patience->mail, e) || !hear_all(k, e))
			return false;
	}
	return true;
}

/* --- the text: LF to CRLF, by DATA with dots stuffed (RFC 5321 4.5.2) --- */

static void add_piece(struct out *out, struct span piece, bool *line_start)
{
	struct span line;

	while (piece.n) {
		if (*line_start && piece.p[0] == '.')
			out_add(out, SPAN("."));
		*line_start = span_cut(&piece, '\n', &line);
		if (!*line_start) {
			out_add(out, piece);
			return;
		}
		out_add(out, line);
		out_add(out, SPAN("\r\n"));
	}
}

static bool send_text(struct smtp_client *c, struct span top, int fd, struct err *e)
{
	char piece[PIECE];
	bool line_start = true;
	off_t at = 0;
	ssize_t n;

	add_piece(c->out, top, &line_start);
	while ((n = pread(fd, piece, sizeof piece, at)) > 0) {
		add_piece(c->out, (struct span){ piece, (size_t)n }, &line_start);
		at += n;
		if (out_failed(c->out))
			break;
	}
	if (n < 0) {
		c->broken = true;	/* the end must not look like the message's end */
		return err_sys(e, "cannot read the message's text");
	}
	if (!line_start)
		out_text(c->out, "\r\n");
	/* A small one goes out with its end, all at once; a large one may take its time before. */
	if (at > PIECE && !client_flush(c, c->patience->block, e))
		return false;
	if (!may_end(c, e))
		return false;
	out_text(c->out, ".\r\n");
	return client_flush(c, c->patience->block, e);
}

/* The whole text for BDAT, if it is small. */
static bool fill_chunk(const struct parcel *p, struct str *chunk)
{
	char piece[BDAT_MAX + 1];
	ssize_t n = pread(p->text, piece, sizeof piece, 0);
	struct span rest[] = { p->top, { piece, n > 0 ? (size_t)n : 0 } }, line;

	if (n < 0 || n > BDAT_MAX)
		return false;
	for (size_t i = 0; i < 2; i++) {
		while (span_cut(&rest[i], '\n', &line)) {
			str_add(chunk, line);
			str_add_text(chunk, "\r\n");
		}
		str_add(chunk, rest[i]);
	}
	if (rest[1].n)
		str_add_text(chunk, "\r\n");
	return !chunk->over;
}

/* --- the end of a round --- */

/* 354 though nobody is left to send it to: an empty text, whatever becomes of it. */
static bool send_nothing(struct smtp_client *c, struct err *e)
{
	if (c->lmtp) {		/* no recipient, no answer: RFC 2033 4.2 */
		c->broken = true;
		return true;
	}
	out_text(c->out, ".\r\n");
	return client_flush(c, c->patience->block, e) &&
	    client_read_answer(c, c->patience->end, NULL, e);
}

/* LMTP answers for each recipient it took, in their order. RFC 2033 4.2 */
static bool hear_each(struct round *k, struct err *e)
{
	for (size_t i = 0; i < k->count && !k->c->broken; i++) {
		if (k->who[i]->settled || !k->who[i]->taken)
			continue;
		if (!client_read_answer(k->c, k->c->patience->end, NULL, e))
			return false;
		mend_answer(&k->c->last, k->c->last.code / 100 == 2);
		settle(k->who[i], &k->c->last);
	}
	return true;
}

static bool finish(struct round *k, struct err *e)
{
	if (!k->taken)
		return send_nothing(k->c, e);
	if (!send_text(k->c, k->p->top, k->p->text, e))
		return false;
	if (k->c->lmtp)
		return hear_each(k, e);
	if (!client_read_answer(k->c, k->c->patience->end, NULL, e))
		return false;
	mend_answer(&k->c->last, k->c->last.code / 100 == 2);
	settle_taken(k);
	return true;
}

/* It offers CHUNKING, and does not know the command, or not here. */
static bool is_unknown(const struct answer *a)
{
	return a->code >= 500 && a->code <= 504;
}

static bool finish_chunk(struct round *k, struct err *e)
{
	if (k->taken && !is_unknown(&k->c->last)) {
		settle_taken(k);
		return true;
	}
	k->c->no_bdat = k->c->no_bdat || k->taken;
	/* Who took the text for commands says 500 to our first header line now, and not yes to this. */
	return k->c->broken || smtp_client_reset(k->c, NULL) ||
	    err_temp(e, "4.5.0", "the other server lost its way behind BDAT");
}

static bool converse(struct round *k, struct err *e)
{
	if (!begin(k, e)) {
		k->c->no_bdat = k->c->no_bdat || (k->chunk && k->said == k->count + 2);
		return false;
	}
	if (k->chunk && k->heard == k->count + 2)
		return finish_chunk(k, e);
	if (k->data)
		return finish(k, e);
	/* Nobody was accepted, or DATA was refused: the next MAIL needs a clean table. */
	return k->c->broken || k->heard == 0 || smtp_client_reset(k->c, e);
}

/* --- a message --- */

/* What this server can not take at all, without asking it. */
static bool fits(const struct smtp_client *c, const struct parcel *p, struct err *e)
{
	if (p->params.smtputf8 && !(c->ext & EXT_SMTPUTF8))
		return err_perm(e, "5.6.7",
		    "the message needs SMTPUTF8, which the other server does not offer");
	if (p->params.require_tls && !(c->ext & EXT_REQUIRETLS))
		return err_perm(e, "5.7.30",
		    "the message needs REQUIRETLS, which the other server does not offer");
	if (p->params.by.mode == BY_RETURN && !(c->ext & EXT_DELIVERBY)) /* RFC 2852 4.1.4.2 */
		return err_perm(e, "5.3.3",
		    "it is to come back when it is late, and the other server "
		    "does not offer DELIVERBY");
	if (c->size_max && p->params.size > c->size_max)
		return err_perm(e, "5.3.4",
		    "the message has %llu bytes, and the other server takes %llu",
		    (unsigned long long)p->params.size, (unsigned long long)c->size_max);
	return true;
}

bool smtp_client_used_up(const struct smtp_client *c)
{
	return c->mail_max && c->mails >= c->mail_max;
}

static bool may_chunk(const struct smtp_client *c)
{
	return !c->lmtp && !c->no_bdat && c->ext & EXT_PIPELINING && c->ext & EXT_CHUNKING;
}

static bool any_open(const struct parcel *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (!p->rcpts[i].settled)
			return true;
	}
	return false;
}

/* Each round settles at least one recipient, or finds out that BDAT does not work. */
static bool run_rounds(struct smtp_client *c, struct parcel *p, struct str *chunk, struct err *e)
{
	bool small = may_chunk(c) && fill_chunk(p, chunk);

	while (!c->broken && any_open(p) && !smtp_client_used_up(c)) {
		struct round k = { .c = c, .p = p, .chunk = small && may_chunk(c) ? chunk : NULL };

		choose(&k);
		if (!converse(&k, e))
			return false;
	}
	return true;
}

static void prepare(struct parcel *p)
{
	for (size_t i = 0; i < p->count; i++) {
		settle_err(&p->rcpts[i], &(struct err){ .kind = ERR_TEMP, .status = "4.4.2" });
		p->rcpts[i].settled = p->rcpts[i].taken = p->rcpts[i].left = false;
	}
}

static void leave(struct parcel *p)
{
	for (size_t i = 0; i < p->count; i++)
		p->rcpts[i].left = !p->rcpts[i].settled;
	settle_all_err(p, &(struct err){ .kind = ERR_TEMP, .status = "4.5.3",
		.text = "the other server takes no more messages over one connection" });
}

bool smtp_client_send(struct smtp_client *c, struct parcel *p, struct err *e)
{
	struct str chunk = STR(BDAT_MAX);
	struct err why = { .kind = ERR_NONE };

	prepare(p);
	if (!fits(c, p, &why)) {
		settle_all_err(p, &why);
		return true;
	}
	if (!run_rounds(c, p, &chunk, &why)) {
		settle_all_err(p, &why);
		c->broken = true;
	} else if (c->broken) {
		mend_answer(&c->last, false);	/* whatever it was about, not these */
		answer_to_err(&c->last, &why);
		settle_all(p, &c->last);
	} else {
		leave(p);
	}
	str_free(&chunk);
	if (c->broken && e)
		*e = why;
	return !c->broken;
}
