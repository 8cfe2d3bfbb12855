/*
 * NAME
 *	folder - names of Maildir++ folders as paths
 */
#ifndef COMMON_STORE_FOLDER_H
#define COMMON_STORE_FOLDER_H

#include "common/base/err.h"

enum { FOLDER_ROOM = 256 };

/* "" -> "", ".A.B" and "A.B" -> ".A.B". PERM when it can not be a folder below a Maildir. */
bool folder_path(const char *folder, char path[FOLDER_ROOM], struct err *e);

#endif
