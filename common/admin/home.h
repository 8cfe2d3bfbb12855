/*
 * NAME
 *	home - make the directories that a virtual user's mail needs
 * DESCRIPTION
 *	MAIL/DOMAIN/USER and what is above it, with the right owners, where root must do that because
 *	nobody else may write in MAIL. Nothing is done without root, or for a home that was named by
 *	hand. What is there already is left as it is.
 */
#ifndef COMMON_ADMIN_HOME_H
#define COMMON_ADMIN_HOME_H

#include "common/conf/conf.h"

bool home_make(const struct conf *c, struct span users_line, struct err *e);
/* MAIL/DOMAIN, and MAIL/postmaster for mail to postmaster that nobody takes. */
bool home_make_domain(const struct conf *c, struct span domain, struct err *e);

#endif
