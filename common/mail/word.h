/*
 * NAME
 *	word - header text between its wire form and UTF-8 (RFC 2047)
 * DESCRIPTION
 *	Decoding takes a field's value as it stands (folded or not) and never fails:
 *	broken words stay as they are, undecodable bytes become U+FFFD, controls become
 *	blanks. Encoding gives lines of at most 76 characters, folded with LF and a blank.
 */
#ifndef COMMON_MAIL_WORD_H
#define COMMON_MAIL_WORD_H

#include "common/base/str.h"

enum { WORD_LINE = 76 };		/* RFC 2047 2 */

/* Unstructured text (Subject) or the phrase of an address, unquoted already. */
void word_decode(struct span value, struct str *out);

/* Unstructured UTF-8 text for a header; column is where the line stands ("Subject: " is 9). */
void word_encode(struct span utf8, size_t column, struct str *out);
/* A display name: atoms as they are, quoted where that is enough, else encoded words. */
void word_encode_phrase(struct span utf8, size_t column, struct str *out);

#endif
