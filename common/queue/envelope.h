/*
 * NAME
 *	envelope - who a message is from, who still waits for it, and why
 * DESCRIPTION
 *	ID.e beside ID.m: plain text, `key: value` lines, ended by an end line with a
 *	checksum over all before it; the promise is posthorn-queue(7). Rewritten by a new
 *	file and rename, never changed in place. Printing never fails: a control character in a value
 *	(there should be none) becomes "?". What envelope_print() wrote, envelope_parse() reads
 *	back equal. Behind the end line lines may be added that name recipients who are done since, each
 *	with a checksum: one that is not whole says nothing. A text with a key that this version does not know is refused, so that an
 *	older program never loses what a newer one noted.
 */
#ifndef COMMON_QUEUE_ENVELOPE_H
#define COMMON_QUEUE_ENVELOPE_H

#include <time.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	ENVELOPE_TOPS = 4, /* signatures on top */
	ID_SIZE = 24, /* room for a queue id and its NUL */
	ENVELOPE_MAX = 16 << 20, /* bytes of one ID.e: 10,000 recipients with all they can have */
};

enum rcpt_state {
	RCPT_WAITING,			/* to be delivered */
	RCPT_DONE,			/* somebody else's 250, or in the Maildir */
	RCPT_FAILED,			/* never; the bounce is not yet made */
	RCPT_TOLD,			/* failed, and the sender was told (or must not be) */
};

enum notify { NOTIFY_DEFAULT = 0, NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

/* By when it is wanted, and what then: give it back, or tell the sender. RFC 2852 */
enum deliver_mode { DELIVER_ANY, DELIVER_OR_RETURN, DELIVER_OR_NOTIFY };

struct rcpt {				/* of a large list there are thousands in memory */
	unsigned	 number;	/* stays with it for life: part of the Maildir name */
	unsigned	 tries;
	enum rcpt_state	 state : 8;
	unsigned	 notify : 8;	/* enum notify bits */
	unsigned	 marks : 8;	/* not written: bounce.c's, which reports are to be noted */
	const char	*address;	/* as accepted */
	const char	*original;	/* ORCPT, "" without: RFC 3461 4.2 */
	time_t		 next;		/* next try; 0 = at once */
	const char	*status;	/* last enhanced status, or "" */
	const char	*answer;	/* last answer or reason, one line, or "" */
	const char	*remote;	/* host that said it, or "" */
};

/* Text fields may be NULL when printing; after parsing they are "" where there is nothing. */
struct envelope {
	char		 id[ID_SIZE];
	time_t		 arrived;
	int64_t		 arrived_us;	/* first byte, wall clock */
	const char	*sender;	/* "" = null reverse-path */
	const char	*envid, *ret;	/* RFC 3461: ENVID, "full" "hdrs" or "" */
	const char	*login;		/* who submitted, or "" */
	const char	*peer;		/* "ip port" or "local uid" */
	const char	*helo;		/* what it called itself, or "" */
	const char	*protocol;	/* ESMTPSA ... */
	const char	*tls;		/* "TLSv1.3 ..." or "" */
	const char
	    *top[ENVELOPE_TOPS]; /* header fields to send in front of the text, each one line */
	size_t		 top_count;
	const char	*hold;		/* why it is to wait in hold/ for a person, or "" */
	const char *via; /* HOST[:PORT] that takes what goes out, by a person's word; or "" */
	bool		 smtputf8, body8bit, is_bounce;
	bool		 junk;		/* taken, but not trusted: into the folder junk-folder */
	bool vouched; /* from whom it says, as far as can be known: it may be forwarded */
	bool		 require_tls;	/* REQUIRETLS: RFC 8689 */
	bool tls_optional; /* the header says TLS-Required: No, which is less than any policy */
	time_t		 release;	/* not to be tried before: RFC 4865; 0 = at once */
	enum deliver_mode by_mode;
	bool		 by_trace;
	time_t		 by;
	int		 priority;	/* -9 to 9: RFC 6710 */
	time_t		 warned;	/* delay warning sent, or 0 */
	uint64_t	 text_bytes;	/* of ID.m, lines in LF */
	uint64_t	 wire_bytes;	/* of ID.m with CRLF */
	uint32_t	 text_crc;	/* crc32c of ID.m */
	struct rcpt	*rcpts;
	size_t		 rcpt_count;
};

void envelope_print(const struct envelope *env, struct str *out);
/* Piece by piece: the text of thousands of recipients is never in memory as a whole. */
void envelope_print_to(const struct envelope *env, struct sink to);
/* A line to go behind all: the recipients with these numbers are RCPT_DONE. */
void envelope_print_done(const unsigned *numbers, size_t count, struct str *out);
/* Memory from a. PERM on anything that is not a whole, well-formed envelope. */
bool envelope_parse(struct span text, struct arena *a, struct envelope *env, struct err *e);

/*
 * The recipient with that number; NULL. at, to begin with 0: where it is looked for first; behind the last one, so
 * that who asks for many in the order in which they stand there finds each at once.
 */
struct rcpt *envelope_rcpt(const struct envelope *env, unsigned number, size_t *at);
const char *rcpt_state_name(enum rcpt_state s);		/* "waiting" "done" "failed" "told" */
size_t envelope_waiting(const struct envelope *env);	/* recipients in RCPT_WAITING */
size_t envelope_failed(const struct envelope *env);	/* in RCPT_FAILED: somebody is to be told */
time_t envelope_start(const struct envelope *env);	/* since when it may be tried: retries count from here */
void notify_print(unsigned notify, struct str *out);	/* "success,failure,delay", "never", "" */

#endif
