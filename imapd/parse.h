/*
 * NAME
 *	parse - the tokens of IMAP commands
 * DESCRIPTION
 *	A command as read.h hands it over is one span: its lines without their last
 *	CRLF, and after each "{n}" or "{n+}" at the end of a line a CRLF and the n bytes
 *	of the literal. Each function eats one token from the front; on failure nothing
 *	has moved. Strings point into the command, or into the arena when a quoted one
 *	had to be unescaped. No NUL gets through. RFC 3501 section 9, RFC 7888.
 */
#ifndef IMAPD_PARSE_H
#define IMAPD_PARSE_H

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/mail/date.h"

bool parse_space(struct span *in);		/* exactly one SP */
bool parse_end(struct span in);			/* nothing more */
bool parse_tag(struct span *in, struct span *out);
bool parse_atom(struct span *in, struct span *out);
bool parse_string(struct span *in, struct arena *a, struct span *out);	/* quoted or literal */
bool parse_astring(struct span *in, struct arena *a, struct span *out);
bool parse_pattern(struct span *in, struct arena *a, struct span *out);	/* list-mailbox: * and % too */
bool parse_flag(struct span *in, struct span *out);	/* "\Seen" or a keyword, as written */
/* "{n}" or "{n+}" as the last thing of a line: size and whether the client waits for "+". */
bool parse_literal_mark(struct span line, uint64_t *size, bool *waits, struct span *before);
/* " 1-Jan-2020 10:00:00 +0100" in quotes (RFC 3501 date-time), and 1-Jan-2020 with or without. */
bool parse_date_time(struct span *in, struct date *out);
bool parse_date(struct span *in, struct date *out);

bool is_atom_char(char c);
bool is_astring_char(char c);

#endif
