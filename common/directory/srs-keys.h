/*
 * NAME
 *	srs-keys - the keys of senders that lead back, on disk
 * DESCRIPTION
 *	mail/srs.h says what they are for. They are made once, by the first clerk that misses them, belong to the
 *	clerk alone, and are read anew when they change. A rotation puts a new one before those that were
 *	there and keeps as many as SRS_KEYS. Who loses them loses the reports that are under way.
 * FILES
 *	QUEUE/srs/keys	a line of 32 hexadecimal digits for each, the newest first
 */
#ifndef COMMON_DIRECTORY_SRS_KEYS_H
#define COMMON_DIRECTORY_SRS_KEYS_H

#include "common/base/err.h"
#include "common/mail/srs.h"

enum { SRS_KEYS_STAMP = 96, SRS_KEYS_TEXT = 4096 };

bool srs_keys_parse(struct span text, struct srs_keys *keys, struct err *e);
void srs_keys_print(const struct srs_keys *keys, struct str *out);

/* The directory and the first key, where they are not there yet; for uid and gid (-1: the caller). */
bool srs_keys_make(const char *directory, int uid, int gid, struct err *e);
bool srs_keys_read(const char *directory, struct srs_keys *keys, struct err *e);
/* What tells one file of keys from another; "" where it cannot be told. */
void srs_keys_stamp(const char *directory, char stamp[SRS_KEYS_STAMP]);
/* From now on addresses are made with a new key, and the ones before are good until there are too many. */
bool srs_keys_rotate(const char *directory, struct err *e);

#endif
