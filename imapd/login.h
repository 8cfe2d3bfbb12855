/*
 * NAME
 *	login - what the files of imapd-login share
 */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "common/io/wire.h"
#include "common/keeper/role.h"
#include "imapd/read.h"
#include "imapd/reply.h"

enum {
	LOGIN_ARENA_MAX	= 256 << 10,
	LOGIN_WORD_MAX	= 1000,		/* of a name or a password */
	LOGIN_TRIES_MAX	= 5,		/* wrong passwords in one connection */
};

struct login {
	struct role_self	self;
	struct wire		wire;
	struct reader		reader;
	struct out		*out;
	ms_t			until;		/* logged in by then, or gone */
	unsigned		errors, tries;
	bool			over;		/* the reply made now is the last */
	bool			known;		/* let in: who says as whom */
	struct role_user	who;
};

bool login_auth_allowed(const struct login *l);
struct reply login_do_login(struct login *l, struct command *c);
struct reply login_do_authenticate(struct login *l, struct command *c);

#endif
