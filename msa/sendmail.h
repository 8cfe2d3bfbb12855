/*
 * NAME
 *	sendmail - the parts of sendmail(8)
 * DESCRIPTION
 *	sendmail.c reads the options and opens everything; letter.c makes a message of what stands
 *	on standard input; dialogue.c speaks SMTP there (-bs). Codes are those of sysexits.h; a
 *	negative one means: go on.
 */
#ifndef MSA_SENDMAIL_H
#define MSA_SENDMAIL_H

#include <pwd.h>

#include "common/conf/conf.h"
#include "common/queue/queue.h"

/* What the caller asked for. */
struct wishes {
	const char	*conf_file, *sender, *full_name, *envid, *ret;
	unsigned	 notify;
	bool		 from_header, dots_are_text, dialogue, verbose;
	char verp; /* a sender for each recipient, with this before it; 0: not so */
	char		 verp_at;	/* and this in place of its @ */
};

struct mailer {
	struct wishes	 w;
	struct conf	 conf;
	struct station	 station;	/* in/sub */
	struct passwd	*user;		/* NULL: the uid has no name */
	const char	*login;
};

int sendmail_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A sentence of the library's. temp: the code when waiting may help. */
int sendmail_fail_err(const struct err *e, int temp);

/* --- letter.c --- */

/* names: recipients, up to a NULL. */
int letter_send(const struct mailer *m, char **names);

/* --- dialogue.c --- */

int dialogue_serve(const struct mailer *m);

#endif
