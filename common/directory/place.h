/*
 * NAME
 *	place - where the mail of one user is, and whose it is
 * DESCRIPTION
 *	The settings that the directory needs, without the settings: conf/who.h fills them in.
 *	A place is a struct dir_target with DIR_MAILBOX (directory.h); its texts come from an
 *	arena. Nobody's mail belongs to root or to an account below uid-min, but for the one
 *	account that owns virtual mail.
 */
#ifndef COMMON_DIRECTORY_PLACE_H
#define COMMON_DIRECTORY_PLACE_H

#include "common/directory/directory.h"
#include "common/directory/users.h"

struct dir_rules {
	const char	*host_name;
	const char	*postmaster;		/* an address */
	const char	*separator;		/* "+", or "" */
	const char	*mail_directory;	/* homes of virtual users: DOMAIN/USER below it */
	const char	*system_mail;		/* below a system user's home */
	const char	**system_domains;
	size_t		 system_domain_count;
	bool		 system_users;
	bool as_caller; /* without root: all mail is the caller's, whose uid and gid these are */
	bool		 has_vmail;		/* the account of virtual mail is there */
	uint32_t	 uid, gid;		/* of virtual mail */
	uint32_t	 uid_min;
};

/* TEMP 4.3.5 when the rules leave nobody whom the mail could belong to. */
bool place_of_user(const struct dir_rules *rules, const struct users_row *user, struct arena *a,
    struct dir_target *place, struct err *e);
/*
 * An account of this system (NSS). Not found: no such name, below uid-min, without a home, or not
 * the caller's own where only that can have mail. False: cannot be told now.
 */
bool place_of_account(const struct dir_rules *rules, struct span name, struct arena *a,
    struct dir_target *place, bool *found, struct err *e);
/* The Maildir for postmaster's mail when nobody is behind it. */
bool place_of_postmaster(const struct dir_rules *rules, struct arena *a, struct dir_target *place,
    struct err *e);

#endif
