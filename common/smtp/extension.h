/*
 * NAME
 *	extension - the ESMTP extensions we know, for server and client
 * DESCRIPTION
 *	A server offers a set of them (struct smtp_terms), a client finds a set in the
 *	answer to EHLO (struct smtp_client). One row here is one word of EHLO.
 */
#ifndef COMMON_SMTP_EXTENSION_H
#define COMMON_SMTP_EXTENSION_H

#include "common/base/span.h"

enum smtp_ext {
	EXT_PIPELINING	= 1 << 0,	/* RFC 2920 */
	EXT_SIZE	= 1 << 1,	/* RFC 1870 */
	EXT_8BITMIME	= 1 << 2,	/* RFC 6152 */
	EXT_ENHANCED	= 1 << 3,	/* RFC 2034 */
	EXT_STARTTLS	= 1 << 4,	/* RFC 3207 */
	EXT_AUTH	= 1 << 5,	/* RFC 4954 */
	EXT_CHUNKING	= 1 << 6,	/* RFC 3030 */
	EXT_DSN		= 1 << 7,	/* RFC 3461 */
	EXT_SMTPUTF8	= 1 << 8,	/* RFC 6531 */
	EXT_REQUIRETLS	= 1 << 9,	/* RFC 8689, only over TLS */
	EXT_LIMITS	= 1 << 10,	/* RFC 9422 */
	EXT_FUTURERELEASE = 1 << 11,	/* RFC 4865 */
	EXT_DELIVERBY	= 1 << 12,	/* RFC 2852 */
	EXT_MT_PRIORITY	= 1 << 13,	/* RFC 6710 */
	EXT_XCLIENT	= 1 << 14,	/* Postfix's XCLIENT_README, for proxies we know */
	EXT_HELP	= 1 << 15,
};

/* The word as EHLO says it ("8BITMIME"); NULL for a bit that is none of ours. */
const char *smtp_ext_word(unsigned bit);
/* The bit of the keyword, 0 if we do not know it. */
unsigned smtp_ext_bit(struct span word);

#endif
