/*
 * NAME
 *	job - what sched and a send process say to each other
 * DESCRIPTION
 *	Over the send process's fd 5: one job (verb 'J', with the text's descriptor), one result
 *	(verb 'R'), and so on; of a job that is a probe, steps (verb 'T') before it. A job is one message and up to JOB_RCPTS recipients at one
 *	destination; its result has one line for each of them, in the same order. The reader
 *	treats the other side as a stranger.
 */
#ifndef MTA_JOB_H
#define MTA_JOB_H

#include "common/base/arena.h"
#include "common/io/packet.h"
#include "common/queue/envelope.h"
#include "common/directory/way.h"

enum { JOB_RCPTS = 100 };	/* RFC 5321 4.5.3.1.8: every server takes that many */

struct job_rcpt { const char *address, *original; unsigned notify; };

struct job {
	const char *destination; /* a domain, an address literal, or the relay host */
	struct way	 way;
	const char	*id;
	const char	*sender, *envid, *ret;
	bool		 probe;			/* to be rehearsed only: rehearse.h */
	bool		 smtputf8, body8bit, require_tls, tls_optional;
	enum deliver_mode by_mode;
	bool		 by_trace;
	time_t		 by;
	int		 priority;
	unsigned	 prefer_family;		/* 4 or 6 worked there last; 0 = not known */
	const char	*top[ENVELOPE_TOPS];	/* as in the envelope */
	size_t		 top_count;
	uint64_t	 wire_bytes;		/* of the text, without top */
	int		 text;			/* descriptor; whoever took the packet closes it */
	struct job_rcpt	 rcpts[JOB_RCPTS];
	size_t		 count;
};

struct job_result_rcpt {
	enum err_kind	 kind;			/* NONE: it is theirs now */
	const char	*status, *answer;
};

struct job_result {
	bool unreachable; /* it never came to a transaction: the next message need not try now */
	bool		 dsn;			/* the other side reports on; NOTIFY went with it */
	bool		 by;			/* it knows by when the message is wanted, too */
	const char *remote, *tls; /* host that answered, "" when none; "TLSv1.3 ..." or "" */
	const char	*ip;			/* its address, or "" */
	unsigned	 extensions;		/* enum smtp_ext that it offers */
	struct job_result_rcpt rcpts[JOB_RCPTS];
	size_t		 count;
};

/* What a rehearsal found out. */
struct job_step {
	char		 mark;			/* '+' as it should be, '-' not so, ' ' just so */
	const char *step, *host, *text; /* host: of the destination that it is about, or "" */
	uint64_t	 ms;			/* how long it took */
};

/* The packet is bad (packet_send fails) when the job does not fit: take fewer recipients. */
void job_put(const struct job *j, struct packet *p);
bool job_take(struct packet *p, struct arena *a, struct job *j, struct err *e);
void job_put_result(const struct job_result *r, struct packet *p);
bool job_take_result(struct packet *p, struct arena *a, struct job_result *r, struct err *e);
void job_put_step(const struct job_step *s, struct packet *p);
bool job_take_step(struct packet *p, struct arena *a, struct job_step *s, struct err *e);

#endif
