/*
 * NAME
 *	body - the text of a message coming in: DATA and BDAT
 * DESCRIPTION
 *	body_run() is the pure part: it works in place on one piece of input, however cut,
 *	and leaves what the queue wants (lines in LF, dots unstuffed). Only CRLF.CRLF
 *	ends DATA. A bare CR, a bare LF or a NUL anywhere makes the text unacceptable:
 *	it is read to its real end and refused there (5.6.0), so nothing smuggled in
 *	it is ever taken for a command. The size limit is enforced while reading on
 *	(5.3.4); wire counts lines as CRLF, without stuffed dots and the final one.
 *	body_read_data() and body_read_chunk() do the waiting: 64 KiB at a time, with a
 *	deadline for each read and a minimum rate for the whole.
 */
#ifndef COMMON_SMTP_BODY_H
#define COMMON_SMTP_BODY_H

#include "common/base/err.h"
#include "common/io/line.h"

enum { BODY_PIECE = 65536 };

enum body_at { BODY_LINE_START, BODY_IN_LINE, BODY_CR, BODY_DOT, BODY_DOT_CR, BODY_ENDED };
enum body_flaw { BODY_FINE = 0, BODY_BARE_CR = 1, BODY_BARE_LF = 2, BODY_NUL = 4, BODY_TOO_BIG = 8 };

struct body {
	bool		 dots;		/* DATA: dot stuffing and CRLF.CRLF; BDAT: neither */
	enum body_at	 at;
	unsigned	 flaws;		/* enum body_flaw */
	uint64_t	 limit;		/* largest wire, 0 = none */
	uint64_t	 wire, text;	/* bytes so far with CRLF, with LF */
	bool		 has8bit;	/* a byte beyond ASCII was seen */
	ms_t		 started;	/* when the first reading began, 0 = not yet */
	uint64_t	 arrived;	/* bytes since then, in all chunks */
};

void body_init(struct body *b, bool dots, uint64_t limit);
/* Turn buf[0..n) into text in place; returns its length; *used bytes of input were eaten (all, unless it ended). */
size_t body_run(struct body *b, char *buf, size_t n, size_t *used);
/* After the last piece: PERM 5.6.0 or 5.3.4 for its flaws. A last BDAT without CRLF gets its line end: *add_lf. */
bool body_finish(struct body *b, bool *add_lf, struct err *e);

struct body_terms {
	int		 read_timeout_s;	/* longest silence */
	uint64_t rate_min; /* bytes a second, after a grace of read_timeout_s; 0 = none */
	void (*sink)(void *arg, struct span lf_text); /* not called any more once there is a flaw */
	void		*arg;
};

enum body_end { BODY_OK, BODY_LATE, BODY_LOST, BODY_ENDLESS };	/* ENDLESS: four times over the limit */

enum body_end body_read_data(struct body *b, struct line *in, const struct body_terms *t);
enum body_end body_read_chunk(struct body *b, struct line *in, uint64_t size, const struct body_terms *t);

#endif
