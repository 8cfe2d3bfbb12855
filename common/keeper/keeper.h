/*
 * NAME
 *	keeper - the one process of a daemon that stays root
 * SYNOPSIS
 *	int main(int argc, char **argv) { return keeper_main(&mta, argc, argv); }
 * DESCRIPTION
 *	Reads the settings, binds the ports, opens keys and log, starts the daemon's
 *	roles and starts them again when they die, and answers a table of requests
 *	(requests.c). It interprets no byte from a network. Runs in the foreground;
 *	SIGTERM ends it and its children, SIGHUP has certificates and settings read
 *	again. Options: -c FILE settings, -t test them and exit, -V version.
 * FILES
 *	RUN/DAEMON.pid		its process id
 *	RUN/DAEMON.ports	"NAME ADDRESS PORT" of each listener, whole when the daemon is ready
 *	RUN/empty		the root directory of processes without files
 *	RUN/peers		see peers.h
 * DIAGNOSTICS
 *	78 (EX_CONFIG) for settings that can not work, 69 (EX_UNAVAILABLE) for a port in
 *	use, 77 (EX_NOPERM) for a port or file that we may not have.
 */
#ifndef COMMON_KEEPER_KEEPER_H
#define COMMON_KEEPER_KEEPER_H

#include "common/keeper/role.h"

struct daemon {
	const char	*name;			/* "mta": program, log, section of its settings */
	enum role_id
	    always[8]; /* started at once, and again when they end; ROLE_KEEPER ends the list */
	enum role_id on_request[8]; /* started for others: auth, deliver, send; likewise */
	enum role_id	 serve;			/* gets each new client; ROLE_KEEPER for none */
	enum role_id	 after_login;		/* the session that serve may start with 'S' */
	size_t listen; /* offsets in struct conf, where serve is set: conf_list of listeners, */
	size_t		 sessions_max;		/* and uint64_t of serve and after_login together */
	const char *alpn; /* for the front, which knows no mail protocol: its name in TLS, */
	const char	*refusal;		/* and what who comes too often hears, with CRLF */
};

int keeper_main(const struct daemon *d, int argc, char **argv);

#endif
