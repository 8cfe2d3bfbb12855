/*
 * NAME
 *	secret - ask a person for a password
 * DESCRIPTION
 *	From the terminal without echo, or one line from standard input. Whoever gets it wipes it.
 */
#ifndef COMMON_ADMIN_SECRET_H
#define COMMON_ADMIN_SECRET_H

#include "common/base/err.h"

enum { SECRET_SIZE = 512 };

/* twice: ask again and compare, so that a slip is not kept. */
bool secret_read(bool from_stdin, bool twice, char secret[SECRET_SIZE], struct err *e);

#endif
