/*
 * NAME
 *	sts - what the files of `posthorn sts` share
 */
#ifndef COMMON_ADMIN_STS_H
#define COMMON_ADMIN_STS_H

#include "common/conf/conf.h"
#include "common/trust/sts.h"

int sts_open_kept(const struct conf *c);	/* the directory; -1 and errno */
void sts_print_kept(const struct sts_entry *s, struct str *out);	/* the rest of a line */

int sts_show(int argc, char **argv);
int sts_record(int argc, char **argv);

#endif
