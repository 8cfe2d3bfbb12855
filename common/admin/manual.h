/*
 * NAME
 *	manual - posthorn.conf(5), made from the settings' rows
 */
#ifndef COMMON_ADMIN_MANUAL_H
#define COMMON_ADMIN_MANUAL_H

#include "common/base/str.h"

void manual_print(struct str *out);	/* mdoc(7) */

#endif
