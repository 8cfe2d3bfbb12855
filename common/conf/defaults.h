/*
 * NAME
 *	defaults - what a setting is when nobody set it
 */
#ifndef COMMON_CONF_DEFAULTS_H
#define COMMON_CONF_DEFAULTS_H

#include "common/base/arena.h"
#include "common/conf/conf.h"

/* The default of row with its @words replaced: @here is the directory of c->file. */
const char *defaults_text(const struct conf *c, const struct setting *row, struct arena *a);

#endif
