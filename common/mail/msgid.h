/*
 * NAME
 *	msgid - a new Message-ID (RFC 5322 3.6.4)
 */
#ifndef COMMON_MAIL_MSGID_H
#define COMMON_MAIL_MSGID_H

#include "common/base/str.h"

void msgid_new(struct span domain, struct str *out);
/* The same, pure: "<TIME.DICE@domain>", unique by the clock and 64 random bits. */
void msgid_make(int64_t wall_us, uint64_t dice, struct span domain, struct str *out);

#endif
