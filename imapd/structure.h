/*
 * NAME
 *	structure - ENVELOPE, BODY and BODYSTRUCTURE of a message
 * DESCRIPTION
 *	Written straight into out, as RFC 3501 7.4.2 lays them down. Header text goes out
 *	as it stands in the message, unfolded: encoded words are the client's to decode.
 *	A multipart without parts is given an empty text part, since the grammar demands one.
 */
#ifndef IMAPD_STRUCTURE_H
#define IMAPD_STRUCTURE_H

#include "common/io/out.h"
#include "common/mail/mime.h"

/* header: lines in LF, with or without the empty line. scratch: memory for the addresses. */
void print_envelope(struct out *o, struct span header, struct arena *scratch);
/* text: the whole message that m was parsed from. extended: BODYSTRUCTURE, else BODY. */
void print_structure(struct out *o, const struct mime *m, struct span text, bool extended,
    struct arena *scratch);

#endif
