/*
 * NAME
 *	receive - what sessions of SMTP have alike, behind whichever port
 * DESCRIPTION
 *	The settings that msa-session and mta-inbound share, as the parts of a session want them.
 */
#ifndef COMMON_KEEPER_RECEIVE_H
#define COMMON_KEEPER_RECEIVE_H

#include "common/directory/directory.h"
#include "common/keeper/role.h"
#include "common/queue/milters.h"
#include "common/queue/queue.h"
#include "common/smtp/server.h"

/* Before the jail: the station for what is taken. Without it the process ends. */
void receive_station(const struct conf *c, const char *name, struct station *st);
/* Extensions, limits and times of all ports; what else there is the caller adds. */
struct smtp_terms receive_terms(const struct conf *c);
/* Offer XCLIENT to that client or do not: only a proxy we know may say that it speaks for somebody else. */
void receive_xclient(const struct conf *c, const char *ip, struct smtp_terms *t);
/* The milters of that setting, to which the keeper connects us. */
void receive_milters(struct role_self *self, const struct conf_list *words, struct milters *ms);
/*
 * Whose address is it? *clerk: our channel to it, -1 without one; asked once more when it was started anew.
 * room: as directory_recipient() has it, or NULL.
 */
bool receive_resolve(struct role_self *self, int *clerk, const char *address, enum dir_class *is,
    uint64_t *room, struct err *e);
/*
 * A recipient of class DIR_RETURN: false, PERM, when somebody writes to it (only mail without a sender goes
 * back, or we would be a relay for whoever has seen such an address), or when we never made it.
 */
bool receive_return(int *clerk, const char *sender, const char *address, struct arena *a, struct err *e);

#endif
