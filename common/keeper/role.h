/*
 * NAME
 *	role - every process of the suite, who it is, and what it can touch
 * DESCRIPTION
 *	A role's row says which program runs it, as whom, in which root directory, with
 *	what rights and limits. The program itself obeys the row (role_jail), `posthorn
 *	ps` compares it with what the kernel says, the manual prints it.
 *	A program's main() looks like this:
 *
 *		struct role_self self;
 *		role_begin(&self, &role_inbound, argc, argv);	exits 78 (EX_CONFIG) with a line in the log
 *		... open what must be open, e.g. the queue directory ...
 *		role_jail(&self);				exits if the jail can not be made
 *		... never returns to privilege ...
 */
#ifndef COMMON_KEEPER_ROLE_H
#define COMMON_KEEPER_ROLE_H

#include "common/conf/conf.h"
#include "common/io/packet.h"

enum role_may {			/* seccomp and Landlock classes; 0 = compute and talk on open descriptors */
	MAY_READ	= 1 << 0,	/* open files for reading, below its root */
	MAY_WRITE	= 1 << 1,	/* make, rename, remove, flush files below its root */
	MAY_NET		= 1 << 2,	/* socket, connect (TCP/UDP) */
	MAY_ACCEPT	= 1 << 3,	/* accept on descriptors it was given */
	MAY_FORK	= 1 << 4,	/* start processes */
	MAY_WATCH	= 1 << 5,	/* inotify */
	MAY_NSS		= 1 << 6,	/* look up system users: reads /etc, sockets to nscd and friends */
	MAY_THREADS	= 1 << 7,	/* clone of a thread (libunbound) */
};

struct role {
	const char	*name;		/* "inbound" */
	const char	*program;	/* "mta-inbound", in the program directory */
	const char	*user;		/* "posthorn-in"; "" = given at the start (deliver, imap session); "root" */
	const char	*root;		/* what Landlock leaves it: "" nothing, else words: $queue $mail $config $run $self */
	unsigned	 may;		/* enum role_may */
	unsigned	 at_most;	/* processes at once; 0 = the setting says (max-sessions) */
	unsigned	 files;		/* RLIMIT_NOFILE */
	unsigned	 memory_mb;	/* RLIMIT_DATA; 0 = none */
};

enum { ROLE_KEEPER_FD = 3, ROLE_CONF_FD = 4, ROLE_WORK_FD = 5 };

struct role_self {
	const struct role	*role;
	struct conf		 conf;
	int			 keeper;	/* packets to and from our keeper */
	int			 work;		/* fd 5, or -1 */
	int			 uid, gid;	/* to become; -1 when we run as the caller */
	const char		*root_arg;	/* argv[2]: for "" users, the one directory ($self) it may touch */
};

void role_begin(struct role_self *self, const struct role *role, int argc, char **argv);
/* uid, no-new-privs, Landlock, rlimits, undumpable, seccomp; verified. Ends the process on failure. */
void role_jail(struct role_self *self);

/*
 * What a child may ask its keeper (one packet, one answer on the same channel). Each kind of
 * role has only some of these: the table is in keeper/requests.c. Verb of an answer: '+' or '-'
 * ('-' carries an err).
 *
 *	'C' service ("clerk", "resolver")	-> '+' fd
 *	'A' mechanism service user password peer-ip -> '+' login uid gid home mail  (PLAIN, LOGIN; the keeper
 *						   forks an auth helper, and remembers who was let in)
 *	'S' tag peer-text buffered-input, fd=wire -> '+'  start my session as whom you let in
 *						   (login roles only; carries no name)
 *	'D' uid gid directory			-> '+' fd  a deliver process for that user (pick only)
 *	'O'					-> '+' fd  a send process (sched only)
 *	'W' count				-> '+'     the front wants more wires; they come as 'w' packets with fd
 */
bool role_connect(struct role_self *self, const char *service, int *fd, struct err *e);
bool role_ask(struct role_self *self, struct packet *p, int timeout_s, struct err *e); /* '-' becomes e, false */

#endif
