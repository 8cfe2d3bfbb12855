/*
 * NAME
 *	client-own - what the parts of the client share
 */
#ifndef COMMON_SMTP_CLIENT_OWN_H
#define COMMON_SMTP_CLIENT_OWN_H

#include "common/smtp/client.h"

enum { COMMAND_MAX = 2048 };

/* The lines of a reply to EHLO behind the first, one by one; NULL for other replies. */
typedef void client_each_line(struct smtp_client *c, struct span line);

bool client_read_answer(struct smtp_client *c, int seconds, client_each_line *each, struct err *e);
bool client_flush(struct smtp_client *c, int seconds, struct err *e);

#endif
