/*
 * NAME
 *	prep - names and passwords as everybody writes them: SASLprep (RFC 4013)
 * DESCRIPTION
 *	So that a password typed on another keyboard, with another composition of its accents, is the
 *	same one. SCRAM asks for it (RFC 5802 2.2), and PLAIN (RFC 4616 2). ASCII without control
 *	characters stays as it is.
 */
#ifndef COMMON_AUTH_PREP_H
#define COMMON_AUTH_PREP_H

#include "common/base/span.h"

/*
 * in, prepared, into buf. False (and "") when it is not UTF-8, holds what SASLprep forbids, becomes
 * empty, or does not fit. stored: it is to be kept, so code points that Unicode 3.2 did not know are
 * refused too, because a later Unicode may compose them (RFC 3454 7).
 */
bool prep(struct span in, bool stored, char *buf, size_t size);

#endif
