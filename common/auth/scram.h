/*
 * NAME
 *	scram - the server's half of SCRAM (RFC 5802, RFC 7677), with channel binding
 * SYNOPSIS
 *	scram_begin(said, &first, &e)			the client's first words: who it says it is
 *	scram_challenge(&first, nonce, &verifier, &challenge)
 *	... later, in another process perhaps: begin again with the same words, then
 *	scram_finish(&first, challenge, said, channel, &verifier, &signature, &e)
 * DESCRIPTION
 *	Words are those inside of the base64. Nothing is kept here: who leads the exchange keeps the
 *	client's first words and our challenge. mechanism may end in -PLUS: then the client
 *	must bind itself to its TLS channel; and where we know a binding and so offer -PLUS, a client that
 *	could have used it but heard from somebody that we do not (flag "y") is refused (RFC 5802 6).
 *	Pure.
 * DIAGNOSTICS
 *	5.5.2 not well-formed, 5.7.8 no proof of the password, or somebody between us and the client.
 */
#ifndef COMMON_AUTH_SCRAM_H
#define COMMON_AUTH_SCRAM_H

#include "common/auth/record.h"
#include "common/auth/verifier.h"
#include "common/net/channel.h"

enum { SCRAM_FIRST_MAX = 1000, SCRAM_NONCE_MAX = 256 };

struct scram_first {
	enum digest	digest;
	bool		plus;			/* the mechanism asks for a binding */
	char		flag;			/* 'n', 'y' or 'p' */
	struct span	binding;		/* of 'p': "tls-exporter" */
	struct span	header, bare, nonce;	/* parts of the words */
	char user[AUTH_NAME_MAX],
	    as[AUTH_NAME_MAX]; /* decoded, not prepared; as: "" or whom it wants to be */
};

/* said must stay where it is as long as first is used. */
bool scram_begin(struct span mechanism, struct span said, const struct channel *channel,
    struct scram_first *first, struct err *e);
/* nonce: ours, fresh and random, printable, without a comma. */
void scram_challenge(const struct scram_first *first, struct span nonce, const struct verifier *v,
    struct str *challenge);
bool scram_finish(const struct scram_first *first, struct span challenge, struct span said,
    const struct channel *channel, const struct verifier *v, struct str *signature, struct err *e);

#endif
