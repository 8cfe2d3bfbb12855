/*
 * NAME
 *	front - what a keeper and its fronts say to each other
 * DESCRIPTION
 *	A front is started like every role: fd 3 is its channel to the keeper, fd 4 the
 *	settings. It never asks and waits: packets come when they come, in both
 *	directions. The keeper sends, in this order at the start, and some again later:
 *
 *	'p'		fd=peers	the peers table, PEERS_BYTES long, to be mapped shared; once
 *	's' key key			two numbers: the key of seals (net/channel.h); once
 *	'a'		fd=authorities	a PEM file: who vouches for clients' certificates ([tls] client-ca);
 *					before each 'k' where it is set
 *	'k'		fd=certificate fd=key
 *					PEM files, opened for reading; at the start when TLS is set up,
 *					and after every SIGHUP: use them from the next handshake on
 *	'l' name flags alpn refusal	fd=listener
 *					a bound, listening, non-blocking TCP socket, shared with the other
 *					fronts of the daemon. name is what the wire's P calls SERVICE;
 *					flags is a number of enum front_flags; alpn the protocol's names in
 *					TLS ("smtp esmtp", "imap", "pop3"; a client that offers only others
 *					is refused); refusal what a client hears when it comes too often or
 *					waits too long for a session, with its CRLF: "421 4.7.0 too many
 *					connections, come back later\r\n", "* BYE ...", "-ERR ...". The
 *					front knows no mail protocol, so its words come from here
 *	'g' sessions			that was all: start to accept (the daemon is ready when
 *					each front has said so). sessions: there will not be more at
 *					once, so with these taken some stranger has to make room
 *	'w'		fd=wire		the front's end of a wire to a ready-made session
 *
 *	The front sends:
 *
 *	'G'				it accepts now
 *	'W' count			start that many more sessions for me. Ask at the start for
 *					its share of sessions-spare, then for one more whenever a wire was
 *					given a client or was closed while it waited. The keeper sends
 *					them as soon as it may (sessions-max, back-off after crashes) and
 *					remembers what it owes; it never answers no.
 *	'B'				all sessions are taken and clients wait, or not any longer:
 *		waiting			a number, for the keeper's log only
 *
 *	End of file on fd 3 means that the keeper is gone: exit. On SIGTERM a front stops to
 *	accept and exits when its clients are gone, or after ten seconds.
 */
#ifndef COMMON_KEEPER_FRONT_H
#define COMMON_KEEPER_FRONT_H

enum front_flags {
	FRONT_TLS = 1 << 0, /* TLS from the first byte (465, 993, 995) */
	FRONT_PROXY = 1 << 1, /* before it, and before all, a PROXY header (net/proxy.h) */
};

#endif
