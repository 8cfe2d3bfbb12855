/*
 * NAME
 *	encoding - base64 and quoted-printable (RFC 2045 6, RFC 4648)
 * DESCRIPTION
 *	Decoding for readers is lenient and never fails, and works in pieces of any
 *	size. base64_decode() is strict: SASL and other protocol data.
 */
#ifndef COMMON_MAIL_ENCODING_H
#define COMMON_MAIL_ENCODING_H

#include "common/base/str.h"

void base64_encode(struct span bytes, struct str *out);			/* one line, no line end */
/* Strict: whole quads, padding right, nothing else. False leaves out as it was. */
bool base64_decode(struct span text, struct str *out);

enum encoding { ENCODING_NONE, ENCODING_QP, ENCODING_BASE64 };	/* 7bit, 8bit, binary, unknown: NONE */

/* name: the value of Content-Transfer-Encoding; .p may be NULL. */
enum encoding encoding_of(struct span name);

/* Zeroed (with kind set) is a fresh one. */
struct decoder {
	enum encoding	kind;
	uint32_t	bits;		/* base64: gathered so far */
	unsigned	have;		/* base64: characters of the quad; QP: bytes held */
	char		held[4];	/* QP: "=" and "=X" across pieces */
	size_t		blanks;		/* QP: white space that may be at a line's end */
	bool		done;		/* base64: padding seen */
};
void decoder_feed(struct decoder *d, struct span text, struct str *out);
void decoder_end(struct decoder *d, struct str *out);

/* Lines of 76, ended by LF. Zeroed is a fresh one; feed in any pieces, then end. */
struct base64_encoder { unsigned char held[3]; unsigned have, column; };
void base64_feed(struct base64_encoder *b, struct span bytes, struct str *out);
void base64_end(struct base64_encoder *b, struct str *out);
/* A whole text with lines in LF as quoted-printable, lines of 76 at most. */
void qp_encode(struct span lf_text, struct str *out);

#endif
