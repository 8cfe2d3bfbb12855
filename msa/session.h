/*
 * NAME
 *	session - the parts of msa-session
 */
#ifndef MSA_SESSION_H
#define MSA_SESSION_H

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
	char			 message_id[320];
	int			 clerk;		/* -1 when not connected */
	struct entry		 entry;
	struct sasl		 sasl;
	char			 mechanism[32];
	struct role_user	 who;		/* once logged in */
};

/* The hook: one step of AUTH. login.c */
enum smtp_auth session_auth(struct smtp *s, struct span mechanism, const struct span *said, bool first,
    struct str *challenge, struct err *e);

#endif
