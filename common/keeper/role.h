/*
 * NAME
 *	role - every process of the suite, who it is, and what it can touch
 * DESCRIPTION
 *	A role's row (roles.c) says which program runs it, as whom, in which root directory, with
 *	what rights and limits. The program itself obeys the row (role_jail), `posthorn
 *	ps` compares it with what the kernel says, the manual prints it.
 *	A program's main() looks like this:
 *
 *		struct role_self self;
 *		role_begin(&self, ROLE_INBOUND, argc, argv);	exits 78 (EX_CONFIG) with a line in the log
 *		... open what must be open, e.g. the queue directory ...
 *		role_jail(&self);				exits if the jail can not be made
 *		... never returns to privilege ...
 *
 *	Between the two the process is still what its keeper is (root, mostly): short
 *	and without a byte from anybody. It is started with
 *
 *		argv[0]	DAEMON/ROLE, e.g. "mta/inbound", for ps(1)
 *		argv[1]	"UID:GID" to become, or "-" to stay the caller
 *		argv[2]	the one directory of a user, for roles with $self
 *		fd 0, 1	/dev/null		fd 2	the log
 *		fd 3	channel to its keeper	fd 4	the settings (conf_from_fd)
 *		fd 5	its work: a session's wire, deliver's and send's job channel
 *
 *	End of file on fd 3 or fd 5 means that nobody needs it any more: exit 0.
 */
#ifndef COMMON_KEEPER_ROLE_H
#define COMMON_KEEPER_ROLE_H

#include "common/base/arena.h"
#include "common/conf/conf.h"
#include "common/io/packet.h"
#include "common/io/wire.h"
#include "common/os/jail.h"

enum role_id {
	ROLE_KEEPER,
	ROLE_FRONT, ROLE_CLERK, ROLE_RESOLVER, ROLE_AUTH, ROLE_CHECK, ROLE_REPORT, ROLE_SIGN, ROLE_FETCH,
	ROLE_SUBMISSION,			/* msa-session */
	ROLE_INBOUND, ROLE_HINTS, ROLE_SCHED, ROLE_SEND,
	ROLE_PICK, ROLE_DELIVER,
	ROLE_POP3_LOGIN, ROLE_POP3_SESSION,
	ROLE_IMAP_LOGIN, ROLE_IMAP_SESSION,
	ROLE_COUNT
};

struct role {
	const char	*name;		/* "inbound" */
	const char	*program;	/* "mta-inbound", in the program directory */
	const char *user; /* "posthorn-in"; "" = given at the start (deliver, sessions); "root" */
	const char	*group;		/* NULL: the user's own */
	const char	*root;		/* what Landlock leaves it: words, see roles.c */
	const char *history; /* where below QUEUE/history its mail log is kept; NULL: it is not */
	unsigned	 may;		/* enum may */
	unsigned	 at_most;	/* processes at once; 0 = a setting says */
	unsigned	 files;		/* RLIMIT_NOFILE */
	unsigned	 memory_mb;	/* RLIMIT_DATA; 0 = none */
};

extern const struct role roles[ROLE_COUNT];

enum { ROLE_KEEPER_FD = 3, ROLE_CONF_FD = 4, ROLE_WORK_FD = 5 };
enum { ROLE_LOGINS_MAX = 10 }; /* tried by one client; a keeper kills who asks about more */

struct role_self {
	const struct role	*role;
	struct conf		 conf;
	int			 keeper;	/* packets to and from our keeper */
	int			 work;		/* fd 5, or -1 */
	int			 uid, gid;	/* to become; -1 when we run as the caller */
	const char *root_arg; /* argv[2]: for "" users, the one directory ($self) it may touch */
};

/* Words of root as paths with these settings; words that say nothing here are left out. Memory from a. */
void role_paths(const struct role *role, const struct conf *c, const char *self, struct arena *a,
    struct jail_path paths[JAIL_PATHS_MAX]);

void role_begin(struct role_self *self, enum role_id role, int argc, char **argv);
/*
 * uid, no-new-privs, Landlock, rlimits, undumpable, seccomp; verified. Ends the process
 * on failure. A role that may write makes its $self directory where it is missing, as
 * the user, before the door closes.
 */
void role_jail(struct role_self *self);

/*
 * What a child may ask its keeper (one packet, one answer on the same channel). Each kind of
 * role has only some of these: the table is in keeper/requests.c. Verb of an answer: '+' or '-'
 * ('-' carries an err).
 *
 *	'C' service ("clerk", "resolver", ...)	-> '+' fd
 *	'A' mechanism service user password peer-ip -> '+' login uid gid home mail  (PLAIN, LOGIN; the keeper
 *						   forks an auth helper, and remembers who was let in)
 *	'X' mechanism service peer-ip seal message -> '+' as with 'A', or '?' challenge: then go on with 'Y'
 *	'Y' message				-> the same	(exchanges, whose messages only a helper understands;
 *						   who begins anew with 'A' or 'X' has given the old one up)
 *	'S' tag peer-text buffered-input, fd=wire -> '+'  start my session as whom you let in
 *						   (login roles only; carries no name)
 *	'M' milter				-> '+' fd  a connection to it, perhaps still on its way
 *						   (msa sessions, mta inbound)
 *	'D' uid gid directory			-> '+' fd  a deliver process for that user (pick only)
 *	'O'					-> '+' fd  a send process (sched only)
 *	'P'					-> '+'  the report process, where none runs (sched only)
 *	'K'					-> '+' fd  a check process (inbound only; trust/check.h)
 *	'Y'					-> '+' fd  a sign process (sched only; trust/signing.h)
 *	'F'					-> '+' fd  a fetch process (send and report only; net/fetch.h)
 *
 * What a keeper tells a child without being asked:
 *
 *	'c', fd					to a service (clerk, resolver): a new client's channel
 *	'B' tag peer-text buffered-input login home mail
 *						to a session after login: the first packet on fd 3
 *
 * A front's packets stand in front.h.
 */
bool role_connect(struct role_self *self, const char *service, int *fd, struct err *e);
bool role_milter(struct role_self *self, const char *name, int *fd, struct err *e);
bool role_fetch(struct role_self *self, int *fd, struct err *e);	/* 'F' */
bool role_ask(struct role_self *self, struct packet *p, int timeout_s,
    struct err *e); /* '-' becomes e, false */

/* Who was let in. */
struct role_user {
	char login[320]; /* the main name or address: as the users file or the system writes it */
	uint32_t	uid, gid;
	char		home[1024];	/* the one directory the user's processes may touch */
	char		mail[1024];	/* the Maildir, below or equal to home; absolute */
};

/*
 * 'A'. False: PERM 5.7.8 wrong name or password (the keeper has waited already), PERM 4.7.0 this
 * address guesses too much, TEMP 4.7.0 cannot tell now. Wipes no memory of the caller's.
 */
bool role_login(struct role_self *self, const char *mechanism, const char *service,
    struct span user, struct span password, const char *peer_ip, struct role_user *who,
    struct err *e);
/*
 * 'X' and 'Y': one message of an exchange. ASK: challenge is for the client (raw, appended). NO: as role_login().
 */
enum role_step { ROLE_STEP_NO, ROLE_STEP_ASK, ROLE_STEP_YES };
enum role_step role_exchange_begin(struct role_self *self, const char *mechanism,
    const struct wire_peer *peer, struct span message, struct str *challenge, struct role_user *who,
    struct err *e);
enum role_step role_exchange_go_on(struct role_self *self, struct span message,
    struct str *challenge, struct role_user *who, struct err *e);
/* 'S'. After true the wire belongs to the session: close our end and exit. */
bool role_start_session(struct role_self *self, struct span tag, struct span peer,
    struct span input, int wire, struct err *e);

/* 'B', at the other end; everything points into p. */
struct role_handover { struct span tag, peer, input; struct role_user user; };
bool role_take_over(struct role_self *self, struct packet *p, struct role_handover *h, struct err *e);

#endif
