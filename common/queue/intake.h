/*
 * NAME
 *	intake - from an SMTP transaction into the queue
 * SYNOPSIS
 *	ok = intake_begin(&in, s, from, &e);	MAIL: the message has its id from here on
 *	ok = intake_rcpt(&in, s, address, to, &e);	RCPT, once accepted
 *	ok = intake_open(&in, s, &e);		DATA: our Received line is the first text
 *	intake_text(&in, lf_text); ...
 *	ok = intake_commit(&in, s, said, &e);	true: it is on disk
 *	intake_reset(&in);			always
 * DESCRIPTION
 *	What msa and mta do alike. The header is looked through as it passes: too many
 *	Received lines are a loop (5.4.6), a header over HEADER_BYTES_MAX is refused (5.3.4).
 *	Memory of a transaction comes from s->mail.
 *
 *	Between the last text and the commit is the place for who must see the whole message
 *	first: queue_put_text_fd(in.put) shows it to another process, intake_body() to
 *	ourselves, and intake_header() is the header to be changed with edit.h: lines on top,
 *	forged fields out. It is written into the message at the commit, if it changed.
 *
 *	Milters (milters.h) are asked at each step, last, and may refuse any of them.
 */
#ifndef COMMON_QUEUE_INTAKE_H
#define COMMON_QUEUE_INTAKE_H

#include "common/io/wire.h"
#include "common/mail/edit.h"
#include "common/queue/queue.h"
#include "common/smtp/server.h"

struct milters;

struct intake {
	/* the process's */
	struct milters		*milters;	/* NULL: none */
	const struct station	*station;
	const char		*host_name;
	unsigned		 hops_max;
	bool			 hide_client;
	/* the connection's */
	const struct wire_peer	*peer;
	const char		*login;		/* "" */
	const char		*mechanism;	/* of the login, or NULL */
	/* the transaction's */
	struct envelope		 env;		/* env.id is "" before MAIL */
	size_t			 room;		/* of env.rcpts */
	struct queue_put	*put;
	size_t			 top;		/* bytes of our own first lines */
	struct str		 header;	/* what has passed of it */
	bool			 in_body;
	bool			 editing;	/* edit holds the header as it will be */
	struct edit		 edit;
};

bool intake_begin(struct intake *in, struct smtp *s, const struct smtp_mail *from, struct err *e);
/* address: where it goes, which may differ from to->address (postmaster gets a domain). */
bool intake_rcpt(struct intake *in, struct smtp *s, const char *address, const struct smtp_rcpt *to,
    struct err *e);
/* One more, or one less, that no client asked for. Who is there already stays once. */
void intake_add_rcpt(struct intake *in, struct smtp *s, const char *address, const struct rcpt_params *params);
void intake_delete_rcpt(struct intake *in, struct span address);
bool intake_open(struct intake *in, struct smtp *s, struct err *e);
void intake_text(struct intake *in, struct span lf_text);
/* The text is whole: its header, to be changed. NULL: it can not be read again, so refuse the message. */
struct edit *intake_header(struct intake *in, struct err *e);
/* What stands behind the header's fields, from the empty line on (or without one: RFC 5322 3.5). */
bool intake_body(struct intake *in, struct sink to, struct err *e);
bool intake_commit(struct intake *in, struct smtp *s, struct str *said, struct err *e);
void intake_reset(struct intake *in);
/* XCLIENT: from now on it is this client, of whose TLS nobody knows anything. */
void intake_proxied(struct wire_peer *peer, const struct smtp_proxied *client);
/* For the log: a command that was refused. */
void intake_refused(const struct intake *in, struct span line, const struct reply *r);

#endif
