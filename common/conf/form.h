/*
 * NAME
 *	form - what a word in a setting may look like
 * DESCRIPTION
 *	The forms that rows name in their words column. Pure.
 */
#ifndef COMMON_CONF_FORM_H
#define COMMON_CONF_FORM_H

#include "common/base/span.h"

struct form {
	const char	*name;
	bool		(*fits)(struct span word);
	bool		 may_be_empty;	/* for a text; a list may always be empty */
	const char	*expected;	/* "an address like ann@example.org" */
};

const struct form *form_find(const char *name);		/* NULL: none such */
bool form_is_host(struct span s);			/* labels of letters, digits, - and _ */
bool form_time(struct span s, uint64_t *seconds);	/* 90, 30s, 5m, 4h, 5d */

#endif
