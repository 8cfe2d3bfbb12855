/*
 * NAME
 *	report - what the files of the report process share
 * DESCRIPTION
 *	report.c goes through the days that are over and puts messages into the queue; report-dmarc.c
 *	and report-tls.c make one domain's report of its rows; refresh.c fetches MTA-STS policies anew.
 */
#ifndef MTA_REPORT_H
#define MTA_REPORT_H

#include "common/keeper/role.h"
#include "common/queue/queue.h"
#include "common/trust/dns.h"
#include "mta/rows.h"

enum {
	REPORT_TEXT_MAX	= 64 << 20,
	REPORT_RUA_MAX	= 5,		/* addresses that one record may name; RFC 9989 asks for two at least */
	REPORT_COUNTERS	= 4096,
	DAY_S		= 86400,
};

struct reporter {
	struct role_self	 self;
	struct station		 own;
	int			 hints;		/* directory */
	int			 resolver, memory;	/* channels to resolver and mta-hints; -1 */
	struct trust_dns	 dns;
	struct arena		*arena;		/* of one domain */
	bool late; /* one question about this domain had no answer: no more of them */
	bool			 alone;		/* the resolver is gone, and did not come back */
	ms_t			 web;		/* spent with web servers in this go */
	uint64_t		 secret[2];	/* of the hash that says which counter is whose */
	uint16_t told[REPORT_COUNTERS]; /* reports to an organization; some share one counter */
};

/* One report on its way. */
struct domain_report {
	const char		*domain;
	int64_t			 begin;		/* of the day */
	char			 day[ROWS_DAY];
	char			 id[ID_SIZE];
	struct rcpt		 rcpts[REPORT_RUA_MAX];
	size_t			 count;
	bool			 tls_optional;
};

/*
 * Who makes up domains, each with a record of its own and mail in its name, could have us send a report
 * for each to whoever takes his mail. So an organization gets only so many. kind: "DMARC".
 */
bool report_has_room(struct reporter *r, const char *kind, const char *organization, unsigned most);
/* A recipient of the report. False: no address, or no room. */
bool report_add_recipient(struct reporter *r, struct domain_report *j, struct span address);
const char *report_address(const struct reporter *r);	/* the sender's */
bool report_compress(struct span in, struct str *out);	/* gzip */
/* The first fields: Received, From, To, Date. what: "DMARC reports". */
void report_put_fields(const struct reporter *r, const struct domain_report *j, const char *what,
    struct str *out);
/* A part in base64 with this file name. */
void report_put_attachment(const char *type, const char *file, struct span bytes,
    const char *boundary, struct str *out);
bool report_put(struct reporter *r, const struct domain_report *j, const struct str *text,
    struct err *e);

/* One domain's rows. False: it must be tried again (a full disk, no resolver). A report that can not be made is no reason. */
bool report_dmarc(struct reporter *r, struct domain_report *j, const struct span *lines,
    size_t count);
bool report_tls(struct reporter *r, struct domain_report *j, const struct span *lines,
    size_t count);

/* Policies that are a day old, as long as there is time. */
void refresh_policies(struct reporter *r);

#endif
