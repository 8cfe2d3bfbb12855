/*
 * NAME
 *	pop3 - a POP3 session after login: RFC 1939 transaction and update states
 * SYNOPSIS
 *	pop3_serve(&s);		answers the login that led here, then one client to its end
 * DESCRIPTION
 *	The messages are those that are in the INBOX when the session begins. Nothing is changed on disk
 *	before QUIT: then those with DELE go, and those that were fetched are marked seen. A
 *	connection that ends otherwise changes nothing. Other sessions may do
 *	with the mailbox what they like meanwhile.
 *	Extensions: RFC 2449 (CAPA, response codes, pipelining, EXPIRE), RFC 3206, RFC 2595 STLS
 *	and RFC 5034 AUTH before login.
 */
#ifndef POP3D_POP3_H
#define POP3D_POP3_H

#include "common/auth/sasl.h"
#include "common/io/line.h"
#include "common/io/out.h"
#include "common/store/maildir.h"

enum {
	POP3_LINE_MAX	= 1024,		/* RFC 2449 4 says 255; names and passwords may be longer */
	POP3_AUTH_MAX	= 12288,	/* RFC 4954's figure for a SASL line; RFC 5034 sets none */
	POP3_FLUSH_S	= 300,		/* for a client to take a reply */
};

struct pop3_terms {
	int		idle_timeout_s;	/* RFC 1939 3: at least ten minutes */
	unsigned	errors_max;
};

struct pop3 {
	const struct pop3_terms *terms;
	struct line	*line;
	struct out	*out;
	int		 root;		/* the Maildir */
	const char	*login;
	/* the session's own */
	struct mailbox	*box;
	size_t		 count;
	unsigned char	*marks;		/* enum pop3_mark of each message */
	unsigned	 fetched, deleted, errors;
	uint64_t	 bytes;		/* of messages, sent */
	bool		 over;
};

enum pop3_mark { MARK_DELETED = 1, MARK_FETCHED = 2 };

void pop3_serve(struct pop3 *s);

/* --- replies; each ends its line --- */

bool pop3_ok(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* true */
/* code: "[AUTH] ", "[SYS/TEMP] " or "" (RFC 2449 8, RFC 3206). Returns false. */
bool pop3_no(struct out *o, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *pop3_code(const struct err *e);	/* which of the SYS codes */

/* "verb arg" */
void pop3_split(struct span line, struct span *verb, struct span *arg);
/* What CAPA says; offer: of whom may log in here and now, or NULL. */
void pop3_capa(struct out *o, bool stls, const struct sasl_offer *offer);

/* --- body.c --- */

/*
 * Send the message in fd as a multi-line reply without its last dot line: CRLF, dots
 * stuffed, at most body_lines lines behind the header (-1: all). False: it could not be read.
 */
bool pop3_send_text(struct out *o, int fd, int64_t body_lines, uint64_t *sent, struct err *e);

#endif
