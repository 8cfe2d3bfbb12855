/* Sessions of SMTP and limits. See meter.h. */
#include "common/keeper/meter.h"

#include "common/keeper/limits.h"

static bool over(const struct wire *w, enum wire_over bit, enum tally what, struct err *e)
{
	const struct limit *l;

	if (!(w->over & 1u << bit))
		return false;
	l = limits_row(what);
	err_temp(e, l->status, "%s", l->words);
	return true;
}

bool meter_go_on(const struct wire *w, struct err *e)
{
	return !over(w, WIRE_REFUSALS, TALLY_REFUSALS, e) && !over(w, WIRE_ERRORS, TALLY_ERRORS, e);
}

bool meter_mail(struct wire *w, struct err *e)
{
	if (over(w, WIRE_MESSAGES, TALLY_MESSAGES, e))
		return false;
	wire_count(w, WIRE_MESSAGES);
	return true;
}

bool meter_rcpt(struct wire *w, struct err *e)
{
	if (over(w, WIRE_RCPTS, TALLY_RCPTS, e))
		return false;
	wire_count(w, WIRE_RCPTS);
	return true;
}

bool meter_data(struct wire *w, struct err *e)
{
	if (over(w, WIRE_DATA, TALLY_DATA, e))
		return false;
	wire_mark(w, WIRE_IN_DATA, true);
	return true;
}

void meter_reset(struct wire *w)
{
	wire_mark(w, WIRE_IN_DATA, false);
}

void meter_refused(struct wire *w, struct span line, const struct reply *r)
{
	struct span word = span_word(&line);

	if (r->code >= 500)
		wire_count(w, span_is(word, "RCPT") ? WIRE_REFUSALS : WIRE_ERRORS);
}
