/*
 * NAME
 *	macro - facts that a milter may ask for by name
 * DESCRIPTION
 *	Sendmail's macros, as far as we have something to say: one row each (macro.c), with the
 *	steps at which a milter gets them if it says nothing. A set of macros is a mask of
 *	rows. Only what is known is sent. Pure. posthorn-milter(7) lists them.
 */
#ifndef COMMON_MILTER_MACRO_H
#define COMMON_MILTER_MACRO_H

#include "common/base/span.h"
#include "common/base/str.h"

/* Numbers of the protocol. */
enum milter_stage {
	STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_MESSAGE_END, STAGE_HEADER_END,
	STAGES,
	STAGE_NONE = STAGES,		/* steps without macros */
};

/* "" or NULL where there is nothing to say. */
struct milter_facts {
	const char	*host_name, *version;
	const char *client, *client_name, *client_ip, *client_port; /* client: "name [ip]" */
	const char	*daemon, *local_ip, *local_port;
	const char	*tls_version, *tls_cipher, *tls_bits;
	const char	*mechanism, *login;
	const char	*id;
	const char	*sender, *sender_domain, *rcpt, *rcpt_domain;
};

uint32_t macro_usual(enum milter_stage at);
uint32_t macro_named(struct span names); /* "j {client_addr}, i"; unknown ones are passed over */
/* Name and value of each that is known, as fields of a frame. */
void macro_put(const struct milter_facts *f, uint32_t which, struct str *out);

#endif
