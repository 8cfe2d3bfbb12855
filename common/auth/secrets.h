/*
 * NAME
 *	secrets - names and passwords of ours at other servers: the file relay-secrets
 * DESCRIPTION
 *	A line "NAME USER PASSWORD", where the password is all behind the blanks, up to the end of the line;
 *	a line that begins with # is a comment. Nobody but its owner may read the file: one that others can
 *	read is not used. Whoever reads it wipes it. No mistake tells what a line has in it.
 */
#ifndef COMMON_AUTH_SECRETS_H
#define COMMON_AUTH_SECRETS_H

#include "common/base/err.h"
#include "common/base/str.h"

enum { SECRETS_MAX = 1 << 20, SECRETS_TEXT = 512 };

struct secrets_row { struct span name, user, password; };
struct secret { char user[SECRETS_TEXT], password[SECRETS_TEXT]; };

bool secrets_line_parse(struct span line, struct secrets_row *row, struct err *e);
/* Each mistake of a text becomes a line "FILE:LINE: ..." in mistakes. True: there is none. */
bool secrets_check(struct span text, const char *file, struct str *mistakes);
/* -1: e says why, and what to do about it. */
int secrets_open(const char *path, struct err *e);
/* The entry of that name, from the start of the file. TEMP 4.3.5: there is none, or it can not be read. */
bool secrets_find(int fd, const char *name, struct secret *out, struct err *e);

#endif
