/* The ESMTP extensions. See extension.h. */
#include "common/smtp/extension.h"

static const struct { unsigned bit; const char *word; } extensions[] = {
	{ EXT_PIPELINING,	"PIPELINING" },
	{ EXT_SIZE,		"SIZE" },
	{ EXT_8BITMIME,		"8BITMIME" },
	{ EXT_ENHANCED,		"ENHANCEDSTATUSCODES" },
	{ EXT_STARTTLS,		"STARTTLS" },
	{ EXT_AUTH,		"AUTH" },
	{ EXT_CHUNKING,		"CHUNKING" },
	{ EXT_DSN,		"DSN" },
	{ EXT_SMTPUTF8,		"SMTPUTF8" },
	{ EXT_REQUIRETLS,	"REQUIRETLS" },
	{ EXT_LIMITS,		"LIMITS" },
	{ EXT_FUTURERELEASE,	"FUTURERELEASE" },
	{ EXT_DELIVERBY,	"DELIVERBY" },
	{ EXT_MT_PRIORITY,	"MT-PRIORITY" },
	{ EXT_XCLIENT,		"XCLIENT" },
	{ EXT_HELP,		"HELP" },
};

const char *smtp_ext_word(unsigned bit)
{
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
		if (extensions[i].bit == bit)
			return extensions[i].word;
	}
	return NULL;
}

unsigned smtp_ext_bit(struct span word)
{
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
		if (span_is(word, extensions[i].word))
			return extensions[i].bit;
	}
	return 0;
}
