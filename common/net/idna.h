/*
 * NAME
 *	idna - domain names as people write them, and as DNS does (RFC 5890, libidn2)
 */
#ifndef COMMON_NET_IDNA_H
#define COMMON_NET_IDNA_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { IDNA_NAME = 256 };

/* UTF-8 "müller.example" into "xn--mller-kva.example"; ASCII stays. PERM 5.1.2 for what can be no domain. */
bool idna_to_ascii(struct span name, char ascii[IDNA_NAME], struct err *e);

#endif
