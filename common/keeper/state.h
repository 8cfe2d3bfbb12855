/*
 * NAME
 *	state - what a keeper knows, shared by the files that make one
 * DESCRIPTION
 *	keeper.c starts and stops it all, listen.c binds, children.c starts processes
 *	and starts them again, requests.c answers them, login.c has passwords checked.
 *	Only these include this.
 */
#ifndef COMMON_KEEPER_STATE_H
#define COMMON_KEEPER_STATE_H

#include <sys/stat.h>

#include "common/io/loop.h"
#include "common/keeper/keeper.h"
#include "common/keeper/peers.h"
#include "common/net/address.h"

enum { LISTENERS_MAX = 32 };

struct listener {
	char		name[24], address[ADDRESS_TEXT];
	unsigned	port;
	bool		tls, proxied;
	int		fd;
};

struct ids { int uid, gid; };		/* -1: stay the caller */

/* How soon a role may be started again. */
struct pace {
	unsigned	failures;	/* one after the other, soon after the start */
	ms_t		not_before;
};

enum stage { STAGE_STARTING, STAGE_READY, STAGE_STOPPING };

struct attempt;

struct child {
	struct child	*next;
	struct keeper	*keeper;
	enum role_id	 role;
	pid_t		 pid;
	int		 channel;	/* -1: closed */
	struct loop_io	*io;
	ms_t		 started;
	unsigned char	 asked[26];	/* how often each verb */
	/* fronts */
	uint64_t	 wires_wanted;
	bool		 accepts;
	/* who may log in */
	struct attempt
	    *attempt; /* its password is being checked; or the attempt it is the helper of */
	struct role_user *user;		/* who was let in; NULL before */
};

struct keeper {
	const struct daemon *daemon;
	const char	*file;		/* absolute, to be read again */
	struct conf	 conf;
	bool		 as_root;
	struct stat	 users_seen;		/* when the offer was made */
	int		 conf_fd, log_fd, null_fd, peers_fd, lock_fd;
	int		 certificate, key;	/* -1 without TLS */
	int		 client_ca;		/* -1: clients are not asked for certificates */
	unsigned char	 salt_key[32];		/* of the salts of users who do not exist */
	uint64_t seal_key[2]; /* fronts and auth helpers share it: net/channel.h */
	struct listener	 listeners[LISTENERS_MAX];
	size_t		 listener_count;
	struct ids	 ids[ROLE_COUNT];	/* of roles that have a user of their own */
	struct ids	 vmail;
	struct peers	*peers;
	uint64_t	 mark_key[2];		/* of wrong passwords' marks */
	struct loop	*loop;
	struct child	*children;
	unsigned	 running[ROLE_COUNT];
	struct pace	 pace[ROLE_COUNT];
	struct loop_timer *tend_timer;
	ms_t		 tend_at;
	enum stage	 stage;
	unsigned	 stop_step;
	int		 exit_code;
	struct attempt	*attempts;		/* the oldest first */
};

/* --- keeper.c --- */

void keeper_is_ready(struct keeper *k);
void keeper_stop(struct keeper *k, int code);
void keeper_child_ended(struct keeper *k);	/* one more was reaped */

/* --- prepare.c: each fills its part of k, or says why not and *code how to exit --- */

bool prepare_log(struct keeper *k, struct err *e);
bool prepare_users(struct keeper *k, struct err *e);
bool prepare_run(struct keeper *k, int *code, struct err *e);	/* RUN, the lock, peers, empty */
bool prepare_queue(struct keeper *k, struct err *e);
/* Opens certificate and key; what was open stays where the new ones can not be had. */
bool prepare_tls(struct keeper *k, struct err *e);
bool prepare_settings(struct keeper *k, struct err *e);		/* conf_fd from conf */
void prepare_salts(struct keeper *k); /* without its file: salts that change with each start */

/* --- offer.c --- */

enum { OFFER_MAX = 16 };

/* The settings' "auto" as names of mechanisms, for the children. */
void offer_mechanisms(struct keeper *k, const char *words[OFFER_MAX], size_t *count);
/* The users file has changed since, so the offer may have. */
bool offer_is_old(const struct keeper *k);

/* --- listen.c --- */

/* All words of the daemon's list; e says what is wrong, *code how to exit. */
bool listen_all(struct keeper *k, int *code, struct err *e);
/* "NAME=ADDRESS:PORT[:tls]" in parts; port 0 is one that the kernel chooses. Pure. */
bool listen_parse(struct span word, struct listener *l, struct err *e);
bool listen_write_ports(const struct keeper *k, struct err *e);

/* --- children.c --- */

struct child_start {
	enum role_id	 role;
	struct ids	 ids;
	const char	*self;		/* argv[2], or NULL */
	int		 work;		/* fd 5, or -1 */
};

struct child *child_start(struct keeper *k, const struct child_start *how, struct err *e);
/* As whom the role's row says. */
struct child *child_start_plain(struct keeper *k, enum role_id role, int work, struct err *e);
bool child_tell(struct child *c, const struct packet *p, struct err *e);	/* never blocks */
struct child *child_of_role(const struct keeper *k, enum role_id role);	/* one of them, or NULL */
void child_kill(struct child *c, const char *why);
void child_close(struct child *c);		/* our end of its channel */
const char *child_name(const struct child *c);	/* "mta/inbound[123]"; valid until the next call */
/* Start what should be there and is not: roles that always run, sessions that fronts want. */
void children_tend(struct keeper *k);
void children_reap(struct keeper *k);
void children_signal(struct keeper *k, int signo, bool (*which)(const struct child *c));
void front_tell_certificate(struct child *front);
/* Pure: how long to wait before the next start, after that many failures. */
ms_t pace_wait(unsigned failures);

/* --- requests.c --- */

/* May a child of this role, that asked it so often before, ask this? Pure. PERM with a sentence when not. */
bool request_allowed(enum role_id role, char verb, unsigned asked, bool known, struct err *e);
bool service_allowed(enum role_id role, struct span service, enum role_id *server);
void requests_answer(struct child *c, struct packet *p);
void answer_err(struct child *c, const struct err *e);
void answer_fd(struct child *c, int fd);	/* -1: only yes */
/* May a process run as these? TEMP or PERM with a sentence when not. */
bool ids_allowed(const struct keeper *k, uint32_t uid, uint32_t gid, struct err *e);
bool home_allowed(const char *home);		/* absolute, not the root, no ".." */

/* --- dial.c --- */

/* Begin a connection to one of the daemon's milters, and hand it over as it is. */
bool dial_milter(struct child *c, struct packet *p, struct err *e);

/* --- login.c --- */

bool login_ask(struct child *c, struct packet *p, struct err *e); /* true: the answer comes later */
bool login_exchange(struct child *c, struct packet *p, struct err *e);	/* likewise */
bool login_go_on(struct child *c, struct packet *p, struct err *e);
void login_helper_said(struct child *helper);
void login_child_gone(struct child *c);		/* asker or helper */
void login_tend(struct keeper *k);		/* start helpers for who waits */

#endif
