/*
 * NAME
 *	verb - between the files of the SMTP server; not for others
 */
#ifndef COMMON_SMTP_VERB_H
#define COMMON_SMTP_VERB_H

#include "common/smtp/server.h"

/* Forget the transaction: RSET, EHLO, STARTTLS, the end of DATA. */
void smtp_forget(struct smtp *s);
/* Until when the other side may keep us waiting for its next line. */
ms_t smtp_until(const struct smtp *s);
/* Send r at once, then read a line: AUTH's challenges. False: *r is the reply to that. */
bool smtp_ask(struct smtp *s, struct reply *r, struct span *line);

/* r is the last reply but for a 421: we do not listen to what comes next. */
struct reply smtp_expel(struct smtp *s, struct reply r);
/* The 220, or why not. */
struct reply smtp_greet(struct smtp *s);

struct reply smtp_do_xclient(struct smtp *s, struct span arg);	/* xclient.c */
struct reply smtp_do_auth(struct smtp *s, struct span arg);	/* login.c */
struct reply smtp_do_data(struct smtp *s, struct span arg);	/* take.c */
struct reply smtp_do_bdat(struct smtp *s, struct span arg);

#endif
