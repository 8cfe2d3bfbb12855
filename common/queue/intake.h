/*
 * NAME
 *	intake - from an SMTP transaction into the queue
 * SYNOPSIS
 *	intake_begin(&in, s, from);		MAIL: the message has its id from here on
 *	intake_rcpt(&in, s, address, to);	RCPT, once accepted
 *	ok = intake_open(&in, s, &e);		DATA: our Received line is the first text
 *	intake_text(&in, lf_text); ...
 *	ok = intake_commit(&in, s, said, &e);	true: it is on disk
 *	intake_reset(&in);			always
 * DESCRIPTION
 *	What msa and mta do alike. The header is looked through as it passes: too many
 *	Received lines are a loop (5.4.6), a header over HEADER_BYTES_MAX is refused (5.3.4).
 *	Memory of a transaction comes from s->mail.
 */
#ifndef COMMON_QUEUE_INTAKE_H
#define COMMON_QUEUE_INTAKE_H

#include "common/io/wire.h"
#include "common/queue/queue.h"
#include "common/smtp/server.h"

struct intake {
	/* the process's */
	const struct station	*station;
	const char		*host_name;
	unsigned		 hops_max;
	bool			 hide_client;
	/* the connection's */
	const struct wire_peer	*peer;
	const char		*login;		/* "" */
	/* the transaction's */
	struct envelope		 env;		/* env.id is "" before MAIL */
	size_t			 room;		/* of env.rcpts */
	struct queue_put	*put;
	struct str		 header;	/* what has passed of it */
	bool			 in_body;
};

void intake_begin(struct intake *in, struct smtp *s, const struct smtp_mail *from);
/* address: where it goes, which may differ from to->address (postmaster gets a domain). */
void intake_rcpt(struct intake *in, struct smtp *s, const char *address, const struct smtp_rcpt *to);
bool intake_open(struct intake *in, struct smtp *s, struct err *e);
void intake_text(struct intake *in, struct span lf_text);
bool intake_commit(struct intake *in, struct smtp *s, struct str *said, struct err *e);
void intake_reset(struct intake *in);
/* For the log: a command that was refused. */
void intake_refused(const struct intake *in, struct span line, const struct reply *r);

#endif
