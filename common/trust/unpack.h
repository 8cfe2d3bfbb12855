/*
 * NAME
 *	unpack - what is inside of a gzip or zip file (libarchive)
 */
#ifndef COMMON_TRUST_UNPACK_H
#define COMMON_TRUST_UNPACK_H

#include "common/base/err.h"
#include "common/base/str.h"

/*
 * The first file inside, or the bytes themselves when they are neither. PERM when it is damaged
 * or has more bytes than out may hold, which a bomb finds out early.
 */
bool unpack(struct span bytes, struct str *out, struct err *e);

#endif
