/*
 * NAME
 *	answer - one question to the clerk, answered
 * DESCRIPTION
 *	The clerk's side of directory.h. False: the packet is none of ours or malformed, and who
 *	sent it should not be listened to any longer.
 */
#ifndef COMMON_DIRECTORY_ANSWER_H
#define COMMON_DIRECTORY_ANSWER_H

#include "common/directory/lookup.h"
#include "common/io/packet.h"

bool answer(const struct lookup *l, struct arena *a, struct packet *p);	/* p becomes the answer */

#endif
