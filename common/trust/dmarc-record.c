/* The words of a DMARC record. See dmarc-record.h. */
#include "common/trust/dmarc-record.h"

#include "common/trust/tags.h"

static const char *const policies[] = {
	[DMARC_NO_POLICY] = "",
	[DMARC_ACCEPT] = "none",
	[DMARC_QUARANTINE] = "quarantine",
	[DMARC_REJECT] = "reject",
};

const char *dmarc_policy_name(enum dmarc_policy p)
{
	return policies[p];
}

bool dmarc_is_record(struct span text)
{
	struct span rest = text, name = { rest.p, 0 };

	if (!span_cut(&rest, '=', &name) || !span_same(span_trim(name), SPAN("v")))
		return false;
	if (!span_cut(&rest, ';', &name))
		name = rest;
	return span_same(span_trim(name), SPAN("DMARC1"));
}

static enum dmarc_policy policy_of(const struct tags *t, const char *name)
{
	struct span value = tags_value(t, name);

	for (enum dmarc_policy p = DMARC_ACCEPT; p <= DMARC_REJECT; p++) {
		if (value.p && span_is(value, policies[p]))
			return p;
	}
	return DMARC_NO_POLICY;
}

static bool says(const struct tags *t, const char *name, const char *word)
{
	struct span value = tags_value(t, name);

	return value.p && span_is(value, word);
}

static struct span value_of(const struct tags *t, const char *name)
{
	struct span value = tags_value(t, name);

	return value.p ? value : SPAN("");
}

bool dmarc_record_parse(struct span text, struct dmarc_record *out, struct err *e)
{
	struct dmarc_record r = { 0 };
	struct span list, address;
	struct tags t;

	if (!dmarc_is_record(text))
		return err_perm(e, "5.7.26", "no DMARC record");
	if (!tags_parse(text, &t, e))
		return false;
	r.policy = policy_of(&t, "p");
	r.sub = policy_of(&t, "sp");
	r.nowhere = policy_of(&t, "np");
	r.strict_dkim = says(&t, "adkim", "s");
	r.strict_spf = says(&t, "aspf", "s");
	r.testing = says(&t, "t", "y");
	r.psd = says(&t, "psd", "y") ? DMARC_PSD_YES : says(&t, "psd", "n") ? DMARC_PSD_NO : DMARC_PSD_UNSAID;
	list = r.rua = value_of(&t, "rua");
	if (r.policy == DMARC_NO_POLICY) {
		if (!dmarc_eat_mailto(&list, &address))
			return err_perm(e, "5.7.26", "the DMARC record has no policy (p=)");
		r.policy = DMARC_ACCEPT;
	}
	*out = r;
	return true;
}

bool dmarc_eat_mailto(struct span *list, struct span *address)
{
	struct span uri, size;

	while (list->n) {
		if (!span_cut(list, ',', &uri))
			uri = span_take(list, list->n);
		uri = span_trim(uri);
		if (!span_eat(&uri, "mailto:"))
			continue;
		/* RFC 7489 6.3 had a largest size behind "!"; RFC 9989 has it passed over */
		if (!span_cut(&uri, '!', &size))
			size = uri;
		if (!span_cut(&size, '?', address))
			*address = size;
		if (span_rfind(*address, '@') > 0)
			return true;
	}
	return false;
}
