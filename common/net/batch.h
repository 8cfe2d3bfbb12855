/*
 * NAME
 *	batch - many questions to the resolver process at once
 * DESCRIPTION
 *	Ask now, read when needed: batch_ask() sends and does not wait, batch_read() waits for
 *	one answer and hands it to the caller's function, with the tag of its question. The
 *	answer's memory is gone after that call. An answer that never comes because the
 *	resolver is out of reach, or because RESOLVE_AT_ONCE questions are under way already, is
 *	DNS_FAILED. The channel is the batch's alone (resolve() would throw its answers away).
 */
#ifndef COMMON_NET_BATCH_H
#define COMMON_NET_BATCH_H

#include "common/net/resolve.h"

struct packet;

struct batch {
	int		 resolver;	/* -1: out of reach */
	void		(*answered)(void *arg, uint32_t tag, const struct dns_answer *answer);
	void		*arg;
	struct arena	*scratch;
	struct packet	*packet;
	struct { uint64_t serial; uint32_t tag; } open[RESOLVE_AT_ONCE];
	size_t		 count;		/* of open */
	size_t		 stale;		/* given up by batch_forget(); their answers still come */
};

/* The channel stays the caller's. */
void batch_init(struct batch *b,
    void (*answered)(void *arg, uint32_t tag, const struct dns_answer *answer), void *arg);
void batch_free(struct batch *b);
void batch_ask(struct batch *b, const char *name, enum dns_type type, uint32_t tag);
/* One answer; false: none came in time, or none is under way. until 0: only what is there. */
bool batch_read(struct batch *b, ms_t until);
/* Nobody wants to know any more: those whose tag is so (NULL: all). They are not waited for, nor handed over. */
void batch_forget(struct batch *b, bool (*is)(uint32_t tag));

#endif
