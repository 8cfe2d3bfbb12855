/*
 * NAME
 *	milters - the milters of a daemon, one after the other
 * SYNOPSIS
 *	milters_init(&ms, words, count, &times, host_name, connect, arg);	once in a process
 *	in.milters = &ms;			intake.h asks them from here on
 *	milters_close(&ms);			the client is gone
 * DESCRIPTION
 *	Each milter hears of connection, HELO, MAIL, RCPT, DATA and the message in the order of
 *	the setting, and sees what those before it have changed. A client is shown when it says
 *	MAIL and not before: who only knocks costs no milter anything; what a milter
 *	says against the connection or the HELO is the answer to MAIL.
 *
 *	One that is not there (or late, or speaks nonsense) for a client stays so until that
 *	client goes. With :open in its setting mail is taken without it; else it is put off
 *	with 451 4.7.1.
 *	Everything a milter does is in the mail log, with the id of the message. What it asks for
 *	and cannot have (an address that is none, a header line too long) is left undone,
 *	and logged too.
 */
#ifndef COMMON_QUEUE_MILTERS_H
#define COMMON_QUEUE_MILTERS_H

#include "common/milter/milter.h"
#include "common/queue/intake.h"

struct milters {
	struct milter	list[MILTERS_MAX];
	size_t		count;
	const char	*host_name;
	bool		(*connect)(void *arg, const char *name, int *fd, struct err *e);
	void		*arg;
	/* the client's */
	char		hello[PATH_DOMAIN_MAX + 1];	/* as said last */
	bool		hello_tls;
	bool		heard[MILTERS_MAX];	/* each: that hello */
	/* the transaction's */
	struct milter	*by;			/* who has it thrown away; NULL: nobody */
	struct milter_facts facts;
	char		client[320], client_name[64], client_port[8], local_port[8], tls[3][80];
};

/* words: as where.h has them, which the settings made sure of; what is not is left out. */
void milters_init(struct milters *ms, const char *const *words, size_t count,
    const struct milter_times *times, const char *host_name,
    bool (*connect)(void *arg, const char *name, int *fd, struct err *e), void *arg);
void milters_close(struct milters *ms);

/* For intake.c. False: refuse, with s->instead or e. */
bool milters_mail(struct milters *ms, struct intake *in, struct smtp *s,
    const struct smtp_mail *from, struct err *e);
bool milters_rcpt(struct milters *ms, struct intake *in, struct smtp *s, const char *address,
    const struct smtp_rcpt *to, struct err *e);
bool milters_data(struct milters *ms, struct intake *in, struct smtp *s, struct err *e);
/* The text is whole. Changes header and envelope; ms->by: throw it away. */
bool milters_message(struct milters *ms, struct intake *in, struct smtp *s, struct err *e);
void milters_reset(struct milters *ms);

#endif
