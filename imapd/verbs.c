/* The verbs of a session, and when each makes sense. RFC 3501 6. */
#include "imapd/imap.h"

/* What is true after login. Before it, login.c says less. */
void print_capabilities(struct imap *s)
{
	out_addf(s->out,
	    "IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE "
	    "SPECIAL-USE STATUS=SIZE APPENDLIMIT=%llu",
	    (unsigned long long)s->terms->message_max);
}

static const struct verb verbs[] = {
	{ "CAPABILITY",	IMAP_ANY,	VERB_NO_ARG,			do_capability },
	{ "NOOP",	IMAP_ANY,	VERB_NO_ARG,			do_noop },
	{ "LOGOUT",	IMAP_ANY,	VERB_NO_ARG | VERB_QUIET,	do_logout },
	{ "ID",		IMAP_ANY,	0,				do_id },
	{ "ENABLE",	IMAP_ANY,	0,				do_enable },
	{ "NAMESPACE",	IMAP_ANY,	VERB_NO_ARG,			do_namespace },
	{ "SELECT",	IMAP_ANY,	VERB_QUIET,			do_select },
	{ "EXAMINE",	IMAP_ANY,	VERB_QUIET,			do_examine },
	{ "CREATE",	IMAP_ANY,	0,				do_create },
	{ "DELETE",	IMAP_ANY,	0,				do_delete },
	{ "RENAME",	IMAP_ANY,	0,				do_rename },
	{ "SUBSCRIBE",	IMAP_ANY,	0,				do_subscribe },
	{ "UNSUBSCRIBE", IMAP_ANY,	0,				do_unsubscribe },
	{ "LIST",	IMAP_ANY,	0,				do_list },
	{ "LSUB",	IMAP_ANY,	0,				do_lsub },
	{ "STATUS",	IMAP_ANY,	0,				do_status },
	{ "APPEND",	IMAP_ANY,	0,				do_append },
	{ "IDLE",	IMAP_ANY,	VERB_NO_ARG,			do_idle },
	{ "CHECK",	IMAP_SELECTED,	VERB_NO_ARG,			do_noop },
	{ "CLOSE",	IMAP_SELECTED,	VERB_NO_ARG | VERB_QUIET,	do_close },
	{ "UNSELECT",	IMAP_SELECTED,	VERB_NO_ARG | VERB_QUIET,	do_unselect },
	{ "EXPUNGE",	IMAP_SELECTED,	VERB_NO_ARG,			do_expunge },
	{ "EXPUNGE",	IMAP_SELECTED,	VERB_ONLY_UID,			do_expunge },
	{ "SEARCH",	IMAP_SELECTED,	VERB_NUMBERS | VERB_UID,	do_search },
	{ "FETCH",	IMAP_SELECTED,	VERB_NUMBERS | VERB_UID,	do_fetch },
	{ "STORE",	IMAP_SELECTED,	VERB_NUMBERS | VERB_UID,	do_store },
	{ "COPY",	IMAP_SELECTED,	VERB_UID,			do_copy },
	{ "MOVE",	IMAP_SELECTED,	VERB_UID,			do_move },
};

const struct verb *verb_find(struct span name, bool uid)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		const struct verb *v = &verbs[i];
		bool fits = uid ? v->how & (VERB_UID | VERB_ONLY_UID) : !(v->how & VERB_ONLY_UID);

		if (fits && span_is(name, v->name))
			return v;
	}
	return NULL;
}
