/*
 * NAME
 *	fetch - questions to a fetch process: a text from a web server, or one to it
 * DESCRIPTION
 *	Over the channel that a keeper answers 'F' with. Packet 'F' host port path type count ip...
 *	[fd of the body] -> 'F' why sentence status type body; why is an enum fetch_why. The caller
 *	looks the addresses up; the process (posthorn-fetch(8)) judges whether it may go there.
 */
#ifndef COMMON_NET_FETCH_H
#define COMMON_NET_FETCH_H

#include "common/base/arena.h"
#include "common/base/err.h"

enum { FETCH_IPS = 4, FETCH_BODY_MAX = 64000, FETCH_S = 60 };	/* RFC 8461 3.3 */

enum fetch_why { FETCH_ANSWERED, FETCH_UNREACHABLE, FETCH_UNTRUSTED };

struct fetch_job {
	const char		*host;
	unsigned		 port;
	const char		*path;
	const char		*type;		/* of a body to be posted; "" for a GET */
	int			 body;		/* open for reading; -1 */
	const char *const	*ips;		/* those above FETCH_IPS are not tried */
	size_t			 count;
};

struct fetch_result {
	enum fetch_why	 why;
	const char	*trouble;	/* "" after FETCH_ANSWERED */
	unsigned	 status;
	const char	*type;
	struct span	 body;
};

/* False: the process is out of reach, TEMP. Memory from a. */
bool fetch(int channel, const struct fetch_job *j, struct arena *a, struct fetch_result *out,
    struct err *e);

/* --- the other end --- */
struct packet;
/* Memory from a; the body's descriptor is the caller's. */
bool fetch_take(struct packet *p, struct arena *a, struct fetch_job *out);
void fetch_answer(struct packet *p, const struct fetch_result *r);

#endif
