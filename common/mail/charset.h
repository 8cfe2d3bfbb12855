/*
 * NAME
 *	charset - text in any character set, as UTF-8
 * DESCRIPTION
 *	Single-byte sets by tables of our own, the rest through iconv(3), with a list of names
 *	that mail uses and iconv does not know.
 *	Never fails: what can not be decoded becomes U+FFFD; text under an unknown name
 *	is read as UTF-8.
 *	iconv loads tables from files, so a process that will be jailed calls
 *	charset_preload() before; sets that are neither open then nor in a table count as
 *	unknown from then on.
 */
#ifndef COMMON_MAIL_CHARSET_H
#define COMMON_MAIL_CHARSET_H

#include "common/base/str.h"

enum { CHARSET_NAME_MAX = 40 };

void charset_preload(void); /* open the usual ones; they stay open. Cheap the second time */
bool charset_known(struct span name);
void charset_to_utf8(struct span name, struct span bytes, struct str *out);

/* Is it well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool utf8_ok(struct span s);
void utf8_add(uint32_t point, struct str *out);
/* Copy, with U+FFFD for each byte that is not part of a well-formed sequence. */
void utf8_mend(struct span s, struct str *out);

#endif
