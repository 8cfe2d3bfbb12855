/*
 * NAME
 *	job - one delivery, as pick asks a deliver process for it
 * DESCRIPTION
 *	Packets on the job channel: 'J' and the fields of struct job, with the text's
 *	descriptor; the answer is '+' task, or '-' task err room: how much
 *	the quota leaves, where that is the trouble (job_is_full). Answers come in the order of the
 *	jobs. pick closes the channel when there is no more for that user.
 */
#ifndef MDA_JOB_H
#define MDA_JOB_H

#include "common/io/packet.h"

struct job {
	uint64_t	 task;		/* pick's number for it */
	const char	*id;		/* of the message */
	const char	*sender;	/* "" = null reverse-path */
	const char	*delivered_to;	/* the recipient this is done for */
	const char *path; /* of the Maildir below the process's directory; "" is that itself */
	const char	*folder;	/* below it: "Junk"; "" is the inbox */
	const char	*base;		/* the message's name there, up to the sizes */
	bool		 again;		/* may have been delivered before */
	uint64_t	 bytes, wire_bytes; /* of the text */
	uint64_t	 quota;		/* bytes the Maildir may hold; 0 = any */
	unsigned	 hops_max;
	int		 text;
};

void job_print(const struct job *j, struct packet *p);
/* Strings are copied into room; text is the caller's to close. False: not a job. */
bool job_parse(struct packet *p, char *room, size_t size, struct job *j);

/* Was it for want of room? */
bool job_is_full(const struct err *e);

#endif
