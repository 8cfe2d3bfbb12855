/*
 * NAME
 *	received - reports that others sent, wherever they lie
 * DESCRIPTION
 *	What `posthorn dmarc report` and `posthorn tlsrpt report` have alike: a path is a Maildir, a
 *	directory of files, a message, a report itself (packed or not), or "-" for standard input.
 *	Files that can not be read or hold no report are told on standard error, and counted.
 */
#ifndef COMMON_ADMIN_RECEIVED_H
#define COMMON_ADMIN_RECEIVED_H

#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"

struct received {
	const char *const *subtypes; /* of the part that a report is; NULL ends both lists */
	const char *const *endings; /* of its file name, as many have a type that says nothing */
	const char		*begins;	/* how one begins that is not packed: "<" */
	bool			(*show)(void *arg, struct span packed, struct err *e);
	void			*arg;
	uint64_t		 bad_files;
	struct arena		*arena;		/* of one file; from here on ours */
	struct arena		*ids;		/* of all: reports that were shown */
	const char		**seen;		/* a hash, half empty at least */
	size_t			 seen_count;
	uint64_t		 key[2];
};

void received_open(struct received *r);
void received_close(struct received *r);
/* The same report may lie there twice: its organization and id tell. True once for each. */
bool received_is_new(struct received *r, const char *organization, const char *id);
void received_show(struct received *r, const char *path);

#endif
