/*
 * NAME
 *	destination - what is remembered of a place where mail goes
 * DESCRIPTION
 *	Hints: what worked there, how much of it at once, and when it could not be reached. All of
 *	it may be lost; that costs time. Kept as text, a `key: value` line for each fact that there
 *	is, which destination_print() writes and destination_parse() reads; a key it does not know is
 *	passed over, and so is a value that is none.
 *
 *	The table (Berkeley DB) belongs to mta-sched; where none runs, a command may open it while
 *	it has the lock of out/. What is damaged is thrown away.
 *	While it runs, a person leaves words in out/ask, as a file that is renamed to
 *	"destinations." and any letters; sched does it, writes all of them to out/destinations, and
 *	removes the file.
 * FILES
 *	QUEUE/out/destinations.db	the table
 *	QUEUE/out/destinations		what it was when last asked for
 */
#ifndef COMMON_QUEUE_DESTINATION_H
#define COMMON_QUEUE_DESTINATION_H

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/queue/route.h"

/* How much at once, as mta's pace has it. */
struct pace {
	unsigned limit;		/* conversations at once; 0 = never tried */
	unsigned credit;	/* messages taken since limit grew; not kept */
	unsigned polite;	/* it refused more than these; 0 = it never did */
	int64_t	 refused;	/* then */
	unsigned fails;		/* in a row: it could not be reached */
	unsigned ceiling;	/* an admin's; 0 = none */
};

/* Times are the wall clock's, 0 where there is none. */
struct destination {
	int64_t		first, used;		/* known since; last spoken to, or tried */
	int64_t taken_at, failed_at; /* last success; last time that it could not be reached */
	int64_t		dead_until;		/* nobody tries before */
	int64_t taken, failed; /* jobs it had an answer to; times it could not be reached */
	struct pace	pace;
	unsigned	family;			/* of the address that worked: 4, 6; 0 */
	unsigned	extensions;		/* enum smtp_ext, offered last */
	char		host[ROUTE_NAME], ip[48];	/* that answered last */
	char		tls[64];		/* "TLSv1.3 ...", or "" */
	char		status[12], why[300];	/* of the last failure */
};

void destination_print(const struct destination *d, struct str *out);
void destination_parse(struct span text, struct destination *d);
/* What a person may set: concurrency=N (0: as the settings say), dead=TIME or dead=no, family=4, 6 or any. */
bool destination_edit(struct destination *d, struct span word, int64_t now, struct err *e);

/* --- the table --- */

#define DESTINATIONS_WISH	"destinations."
#define DESTINATIONS_LIST	"destinations"

enum { DESTINATIONS_WORDS = 4096, DESTINATIONS_PRINT = 256 << 20 };

struct destinations;

/* Never NULL: where the file can not be had (e says why), it is one in memory. */
struct destinations *destinations_open(const char *queue_directory, struct err *e);
void destinations_close(struct destinations *all);
bool destinations_get(struct destinations *all, const char *name, struct destination *d);	/* false: d is zeroed */
void destinations_set(struct destinations *all, const char *name, const struct destination *d);
size_t destinations_forget(struct destinations *all, const char *name);		/* NULL: all. How many it were */
void destinations_each(struct destinations *all,
    void (*each)(void *arg, const char *name, const struct destination *d), void *arg);
/* Forget who was not used for `keep` seconds, and the longest unused while there are more than `most`. */
void destinations_sift(struct destinations *all, int64_t now, int64_t keep, size_t most);
/*
 * What a person wants done, in words: "list", "forget NAME", "forget" (all), "set NAME WORD ...",
 * as destination_edit() has them. PERM: these are no such words.
 */
bool destinations_do(struct destinations *all, struct span words, int64_t now, struct err *e);
/* All of them: "destination: NAME", the lines of destination_print(), an empty line. */
void destinations_print(struct destinations *all, struct str *out);
/* Onto the disk, when anything changed. Trouble is logged once an hour. */
void destinations_sync(struct destinations *all);

#endif
