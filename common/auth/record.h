/*
 * NAME
 *	record - what an auth helper tells its keeper, of fixed size
 * DESCRIPTION
 *	posthorn-auth hears one packet 'A' mechanism service user password peer-ip on fd 3,
 *	says one of these there, and exits. The keeper believes none of it unseen: texts must end
 *	in a NUL, ids and home must be ones that a session may have.
 */
#ifndef COMMON_AUTH_RECORD_H
#define COMMON_AUTH_RECORD_H

#include <stdint.h>

enum { AUTH_MAGIC = 0x70686131, AUTH_NAME_MAX = 320, AUTH_PASSWORD_MAX = 1024 };

enum auth_verdict { AUTH_NO, AUTH_YES, AUTH_CANNOT_TELL };

struct auth_record {
	uint32_t	magic, verdict, uid, gid;
	char		login[AUTH_NAME_MAX], home[1024], mail[1024];	/* of AUTH_YES */
	char		why[200];					/* for the log */
};

#endif
