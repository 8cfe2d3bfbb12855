/*
 * NAME
 *	record - what an auth helper tells its keeper, of fixed size
 * DESCRIPTION
 *	posthorn-auth hears one packet on fd 3, says one of these there, and exits:
 *
 *	'A' mechanism service daemon peer-ip user password
 *				a password to be checked
 *	'X' mechanism service daemon peer-ip seal key key state message
 *				one message of an exchange. seal is the front's word about the client's TLS
 *				(net/channel.h), key that of the seal. state is "" for the first message, later
 *				what the helper before this one asked to be remembered
 *
 *	So an exchange of several messages is several helpers, and none waits for a client: a
 *	stranger who begins and says no more holds no place that others need. The keeper
 *	remembers the state and does not look into it; the client never sees it.
 *	The keeper believes none of the record unseen: texts must end in a NUL, ids and home must be
 *	ones that a session may have.
 *	AUTH_YES and AUTH_NO with a challenge are said once the client has heard that (RFC 5802's server
 *	signature, RFC 7628's error).
 */
#ifndef COMMON_AUTH_RECORD_H
#define COMMON_AUTH_RECORD_H

#include <stdint.h>

enum {
	AUTH_MAGIC = 0x70686132, AUTH_NAME_MAX = 320, AUTH_PASSWORD_MAX = 1024,
	AUTH_MESSAGE_MAX = 9216,		/* what one line of 12288 in base64 holds */
	AUTH_CHALLENGE_MAX = 1024, AUTH_STATE_MAX = 2048,
};

enum auth_verdict { AUTH_NO, AUTH_YES, AUTH_CANNOT_TELL, AUTH_ASK };

struct auth_record {
	uint32_t	magic, verdict, uid, gid;
	char login[AUTH_NAME_MAX]; /* of AUTH_YES; else who it claimed to be, for the log */
	char		home[1024], mail[1024];		/* of AUTH_YES */
	char		why[200];			/* for the log */
	uint32_t	challenge_n, state_n;		/* state of AUTH_ASK */
	char		challenge[AUTH_CHALLENGE_MAX], state[AUTH_STATE_MAX];
};

#endif
