/*
 * NAME
 *	maillog - the mail log: one function for each event
 * DESCRIPTION
 *	The mail log is an interface: id first ("-" before there is one), then one verb,
 *	then key=value. Words from outside are quoted and cut to MAILLOG_WORD bytes;
 *	never a password, never message text. posthorn(7) lists the events. What becomes of
 *	messages is kept in the history too (os/history.h); logline.h reads both.
 */
#ifndef COMMON_MAIL_MAILLOG_H
#define COMMON_MAIL_MAILLOG_H

#include <stdint.h>
#include <time.h>

#include "common/base/err.h"
#include "common/base/span.h"

enum { MAILLOG_WORD = 200 };

/* sessions; peer: "192.0.2.1", service: "smtp", "imaps" ... */
void maillog_connect(const char *service, const char *peer);
void maillog_tls(const char *service, const char *peer, const char *tls);
void maillog_login(const char *service, const char *peer, struct span login, const char *mechanism);
void maillog_login_failed(const char *service, const char *peer, struct span login,
    const char *mechanism, const char *why);
void maillog_disconnect(const char *service, const char *peer, const char *why, int seconds);

/* receiving (msa, mta inbound, sendmail) */
/* Texts may be NULL. parent: it was made of that message, by an alias or to report on it. */
struct maillog_received {
	const char	*id, *parent, *peer, *helo, *login, *protocol, *tls;
	struct span	 from, message_id;
	unsigned	 rcpts;
	uint64_t	 bytes;
};
void maillog_received(const struct maillog_received *r);
void maillog_rejected(const char *id, const char *peer, const char *verb, struct span from,
    struct span to, int code, const struct err *e);
/* what the gate of mta made of a client, where there was anything to say: reasons as gate_reasons_print() has them */
void maillog_gate(const char *id, const char *peer, const char *verdict, int score, const char *reasons);
/* what a milter did: "inserted-header" and the field's name, "refused" and the status ... */
void maillog_milter(const char *id, const char *milter, const char *did, struct span what);

/* the queue (mta sched) */
/* summary: "spf=pass dkim=pass:a.test dmarc=pass" */
void maillog_checked(const char *id, const char *summary, const char *why);
/* id: of the report's message. */
void maillog_reported(const char *id, const char *domain, const char *day, uint64_t messages);
void maillog_routed(const char *id, struct span to, const char *station, const char *via);
void maillog_signed(const char *id, unsigned signatures);
void maillog_sending(const char *id, const char *host, const char *ip, unsigned rcpts);
void maillog_sent(const char *id, struct span to, const char *host, const char *tls, int delay_s,
    struct span answer);
void maillog_deferred(const char *id, struct span to, const char *host, time_t next_in_s, const struct err *e);
void maillog_failed(const char *id, struct span to, const char *host, const struct err *e);
void maillog_expired(const char *id, struct span to, int after_s, const struct err *e);
void maillog_bounced(const char *id, struct span sender, const char *report_id, const char *kind);
void maillog_held(const char *id, const char *why);
void maillog_released(const char *id, const char *via);	/* a person lets it go on, or by that server */
void maillog_removed(const char *id, const char *why);	/* "done", or by whom */

/* the mailbox (mda, pop3d, imapd) */
/* as: the id under which it goes on */
void maillog_expanded(const char *id, struct span to, struct span target, const char *as);
/* its mailboxes have it, but not the addresses elsewhere */
void maillog_unforwarded(const char *id, struct span to, const struct err *e);
void maillog_delivered(const char *id, struct span to, struct span login, const char *folder,
    const char *file, int delay_s);
void maillog_fetched(const char *service, struct span login, const char *file, uint64_t bytes);
void maillog_session_end(const char *service, const char *peer, struct span login, unsigned fetched,
    unsigned deleted, uint64_t bytes_out, int seconds);

/* anything else about one message */
void maillog_trouble(const char *id, const char *doing, const struct err *e);

#endif
