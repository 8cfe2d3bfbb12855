/*
 * NAME
 *	terms - what we and a milter agree on before anything else
 * DESCRIPTION
 *	We offer all actions but changing a body, and all the steps there are. The milter
 *	answers with the version it speaks, the actions it wants and the steps it can do
 *	without; perhaps with the macros it wants at each step. Pure.
 */
#ifndef COMMON_MILTER_TERMS_H
#define COMMON_MILTER_TERMS_H

#include "common/base/err.h"
#include "common/milter/macro.h"

struct milter_terms {
	uint32_t	version, may, steps;	/* may: MAY_*; steps: NO_*, MUTE_* ... */
	bool		wants_body;		/* it would change bodies, and may not */
	uint32_t	macros[STAGES];
};

void terms_offer(struct str *out);
/* frame: the milter's answer. PERM 5.5.0: we do not understand each other. */
bool terms_take(struct span frame, struct milter_terms *t, struct err *e);

#endif
