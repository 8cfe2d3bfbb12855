/*
 * NAME
 *	app - further passwords of a user, each for one program
 * DESCRIPTION
 *	A line of the file reads address:name:rights:hash, rights being "read", "send" or both with a
 *	comma. The secret is made by us, never chosen: 20 letters and digits with 100 bits in them,
 *	so a fast hash is enough, and finding one among many costs nothing. A person may type it with
 *	blanks or dashes, in upper case. Pure but for the dice.
 */
#ifndef COMMON_AUTH_APP_H
#define COMMON_AUTH_APP_H

#include "common/base/err.h"
#include "common/base/str.h"

enum { APP_READ = 1 << 0, APP_SEND = 1 << 1, APP_SECRET_MAX = 32, APP_NAME_MAX = 40 };

struct app_row {
	struct span	address, name, hash;
	unsigned	rights;
};

/* line without its newline; no comment, not blank. PERM 5.3.5 says what is wrong. */
bool app_line_parse(struct span line, struct app_row *row, struct err *e);
bool app_rights_parse(struct span text, unsigned *rights);
const char *app_rights_text(unsigned rights);
bool app_name_is_good(struct span name);		/* letters, digits, - _ . */

/* "abcd-efgh-..." in letters and digits that look like no others. */
bool app_secret_make(char secret[APP_SECRET_MAX], struct err *e);
/* "{SHA256}..." of what was typed. False: it can not be such a secret. */
bool app_secret_hash(struct span typed, struct str *hash);

#endif
