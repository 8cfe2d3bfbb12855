/*
 * NAME
 *	session - the parts of msa-session
 */
#ifndef MSA_SESSION_H
#define MSA_SESSION_H

#include "common/directory/directory.h"
#include "common/keeper/entry.h"
#include "common/keeper/role.h"
#include "common/mail/fix.h"
#include "common/queue/intake.h"
#include "common/queue/milters.h"

struct session {
	struct role_self	 self;
	struct station		 station;
	struct wire		 wire;
	struct smtp_terms	 terms;
	struct intake		 intake;
	struct milters		 milters;
	struct fix		 fix;
	bool			 fixing;	/* fix_init() without fix_end() yet */
	char			 message_id[320], own_address[700];
	int			 clerk;		/* -1 when not connected */
	struct entry		 entry;
	struct dir_verdict	 verdict;	/* on the message at hand */
	struct sasl		 sasl;
	char			 mechanism[32];
	struct role_user	 who;		/* once logged in */
};

/* The hook: one step of AUTH. login.c */
enum smtp_auth session_auth(struct smtp *s, struct span mechanism, const struct span *said,
    bool first, struct str *challenge, struct err *e);

bool session_have_clerk(struct session *x, struct err *e);
/* Ask the clerk; once more over a new channel, as it may have been started anew. */
bool session_may_send(struct session *x, const char *address, struct err *e);

/* The setting add-fields as bits of fix.h. from.c */
unsigned session_fixes(const struct conf *c);
/* The whole text has passed: may its From go out? Adds a Sender where one is needed. from.c */
bool session_check_from(struct session *x, struct err *e);

/* How much the login sends. limit.c */
bool session_count(struct session *x, struct smtp *s, struct err *e);	/* the envelope says so if it is too much */
void session_counted(struct session *x, struct smtp *s);	/* it is on disk */
/* Tell the login and the postmaster that this message, and what follows today, is on hold. notice.c */
void session_tell(struct session *x, struct smtp *s);

#endif
