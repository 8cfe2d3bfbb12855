/*
 * NAME
 *	line - lines that end in CRLF and in nothing else
 * DESCRIPTION
 *	Reads from a stream through one buffer. A bare CR or bare LF makes the line
 *	LINE_BARE: it is eaten up to the next CRLF (so that nothing smuggled in it is
 *	ever taken for a command) and refused. A NUL makes it LINE_NUL, likewise.
 *	RFC 5321 2.3.8. A span from line_read() is valid until the next call.
 */
#ifndef COMMON_IO_LINE_H
#define COMMON_IO_LINE_H

#include "common/base/span.h"
#include "common/io/stream.h"

enum line_kind { LINE_OK, LINE_LONG, LINE_BARE, LINE_NUL, LINE_LATE, LINE_END };

struct line;

/* max: longest line with its CRLF that is LINE_OK; longer ones are eaten and LINE_LONG. */
struct line *line_new(struct stream *from, size_t max);
void line_free(struct line *l);
void line_set_max(struct line *l, size_t max);
enum line_kind line_read(struct line *l, ms_t until, struct span *out);	/* out is without CRLF */
/* n bytes as they are (BDAT, IMAP literals): > 0 bytes put into buf, 0 end, -1 errno. */
ssize_t line_bytes(struct line *l, void *buf, size_t n, ms_t until);
bool line_waiting(const struct line *l);	/* something is buffered already (pipelining) */
struct span line_rest(const struct line *l);	/* what is buffered and not yet read */
void line_forget(struct line *l);		/* throw it away: STARTTLS, RFC 3207 4.2 */
void line_push(struct line *l, struct span bytes);	/* put in front: input a login process had read */

#endif
