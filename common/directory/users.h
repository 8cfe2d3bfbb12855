/*
 * NAME
 *	users - one line of posthorn-users(5)
 * DESCRIPTION
 *	address:hash:uid:gid:home:quota; what is empty or left out at the end is the
 *	default. Spans point into the line. Pure.
 */
#ifndef COMMON_DIRECTORY_USERS_H
#define COMMON_DIRECTORY_USERS_H

#include "common/base/err.h"
#include "common/base/span.h"

struct users_row {
	struct span	address;		/* local@domain, as it was written */
	struct span	local, domain;		/* of address */
	struct span words; /* all that is kept of the password: a hash, SCRAM verifiers */
	struct span hash; /* the hash among them: crypt(5) or argon2id; may be empty */
	bool		barred;			/* ! or * in front: no login in any way */
	struct span	home;			/* absolute; empty: MAIL/DOMAIN/USER */
	bool		has_uid, has_gid;
	uint32_t	uid, gid;		/* 0 where there is none; never root */
	uint64_t	quota;			/* bytes; 0: none */
};

/* line without its newline; no comment, not blank. PERM 5.3.5 says what is wrong. */
bool users_line_parse(struct span line, struct users_row *row, struct err *e);

#endif
