/* From and Sender against who logged in (RFC 6409 6.1, 8.1). See session.h. */
#include "msa/session.h"

#include "common/keeper/receive.h"
#include "common/mail/author.h"

enum { HEADER_MEMORY = 64 << 20 };

unsigned session_fixes(const struct conf *c)
{
	static const struct { const char *word; unsigned bit; } fixes[] = {
		{ "Date", FIX_DATE }, { "Message-ID", FIX_MESSAGE_ID }, { "From", FIX_FROM }, { "Resent", FIX_RESENT },
	};
	unsigned bits = 0;

	for (size_t i = 0; i < c->msa_add_fields.count; i++) {
		for (size_t f = 0; f < sizeof fixes / sizeof *fixes; f++) {
			if (span_is(span_of(c->msa_add_fields.words[i]), fixes[f].word))
				bits |= fixes[f].bit;
		}
	}
	return bits;
}

static bool may(void *arg, const char *address, struct err *e)
{
	return session_may_send(arg, address, e);
}

static bool is_ours(void *arg, const char *address, bool *ours, struct err *e)
{
	struct session *x = arg;
	enum dir_class is;

	if (!receive_resolve(&x->self, &x->clerk, address, &is, NULL, e))
		return false;
	*ours = is != DIR_ELSEWHERE;
	return true;
}

static bool put_sender(struct session *x, struct err *e)
{
	struct edit *header = intake_header(&x->intake, e);
	struct str value = STR(sizeof x->own_address + 8);
	bool ok = header != NULL;

	str_addf(&value, " <%s>", x->own_address);
	while (ok && edit_delete(header, SPAN("Sender"), 1))
		;
	ok = ok && edit_append(header, SPAN("Sender"), str_span(&value), e);
	str_free(&value);
	return ok;
}

bool session_check_from(struct session *x, struct err *e)
{
	struct author_ask ask = { may, is_ours, x };
	struct arena *a;
	struct author author;
	struct header h;
	bool add_sender, ok, on_behalf = strcmp(x->self.conf.msa_from_check, "sender") == 0;

	if (strcmp(x->self.conf.msa_from_check, "no") == 0)
		return true;
	a = arena_new(HEADER_MEMORY, NULL, NULL);
	header_index(str_span(&x->intake.header), a, &h);
	ok = author_read(&h, a, &author, e) &&
	    author_check(&author, &ask, on_behalf, &add_sender, e);
	arena_free(a);
	return ok && (!add_sender || put_sender(x, e));
}
