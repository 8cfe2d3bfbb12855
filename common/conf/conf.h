/*
 * NAME
 *	conf - all settings of one installation, read
 * DESCRIPTION
 *	conf_read() reads FILE and FILE.d/ *.conf into one struct. A mistake is named with
 *	file, line, key, what was expected and the nearest right key; all mistakes of a
 *	file are reported, not only the first. "@hostname" in a default is the host's name.
 *	conf_send() and conf_receive() carry effective settings to a child (fd 4).
 */
#ifndef COMMON_CONF_CONF_H
#define COMMON_CONF_CONF_H

#include "common/conf/setting.h"

struct conf {
	/* [posthorn] for all daemons */
	const char *host_name;		/* host-name: EHLO, Received, Message-ID, bounces */
	const char *queue_directory, *config_directory, *run_directory, *program_directory;
	const char *log;		/* stderr, journal, syslog, or a file's path */
	uint64_t history,
	    history_day; /* seconds to keep it, 0 = none; bytes of one day and writer */
	const char *postmaster; /* where mail for postmaster without domain and double bounces go */
	bool debug;
	uint64_t message_size_limit;	/* bytes, as on the wire */
	uint64_t recipients_max;
	uint64_t hops_max;
	uint64_t disk_reserve;		/* refuse mail below this much free space */
	/* who is who */
	const char *users_file, *domains_file, *aliases_file, *recipients_file, *destinations_file,
	    *relay_secrets;
	bool system_users;		/* local accounts of this machine get mail in ~/Maildir */
	struct conf_list system_domains;	/* domains whose mailboxes are system users; default: host-name and localhost */
	const char *recipient_separator;	/* "+" */
	const char *mail_directory;	/* virtual mail: MAIL/DOMAIN/USER/Maildir */
	const char *vmail_user;		/* "posthorn-vmail" */
	const char *system_mail;	/* "Maildir", below the home of a system user */
	uint64_t uid_min; /* system users below are no mailboxes, and no delivery runs as them */
	const char *pam_service;	/* "" = no PAM */
	/* [auth] how users prove who they are */
	struct conf_list
	    auth_mechanisms; /* "auto" or names; a keeper tells its children names only */
	struct conf_list
	    auth_verifiers; /* SCRAM mechanisms that posthorn user passwd writes verifiers for */
	const char *auth_hash;		/* yescrypt argon2id: what posthorn user passwd makes */
	uint64_t auth_iterations;	/* of SCRAM verifiers */
	const char
	    *auth_directory; /* our own memory: the key of fake salts, last use of app passwords */
	const char *app_passwords_file;
	const char *oauth_jwks;		/* file; "" = tokens are not checked here */
	const char *oauth_issuer, *oauth_audience, *oauth_user_claim;
	struct conf_list oauth_scope;
	const char *oauth_introspection_url, *oauth_introspection_client; /* "" = nobody is asked */
	const char *oauth_introspection_secret, *oauth_introspection_ca;	/* files; "" */
	const char *oauth_configuration_url;
	/* TLS, for all servers */
	const char *tls_certificate, *tls_key;	/* PEM; "" = no TLS offered */
	const char
	    *tls_client_ca; /* PEM: who vouches for clients; "" = clients show no certificate */
	const char *tls_min;		/* TLSv1.2 or TLSv1.3 */
	bool auth_without_tls;		/* no */
	/* limits against strangers, in every front */
	uint64_t peer_connections, connections_max,
	    connection_rate; /* per address, in all, per address and minute */
	uint64_t peer_strangers, network_strangers,
	    strangers_max; /* the same of clients without a login */
	uint64_t message_rate, rcpt_rate, refusal_rate,
	    error_rate; /* per stranger's address and minute; 0 = any */
	uint64_t peer_data, data_max;	/* messages coming in at once */
	uint64_t crowd_timeout;
	uint64_t sessions_spare;	/* ready-made sessions waiting */
	uint64_t fronts;
	uint64_t mails_max;		/* messages of one SMTP connection, 0 = any number */
	struct conf_list proxy_networks,
	    proxy_xclient; /* who may say PROXY, at listeners with :proxy; XCLIENT */
	/* [msa] */
	struct conf_list
	    msa_listen; /* "submission=*:587" "submissions=*:465:tls" i.e. NAME=ADDR:PORT[:tls] */
	uint64_t msa_hold_max;		/* FUTURERELEASE: longest hold; 0 = not offered */
	uint64_t msa_priority_max;	/* MT-PRIORITY */
	bool msa_hide_client;		/* Received without the client's address */
	uint64_t msa_messages, msa_recipients,
	    msa_new_recipients; /* a day and login; 0 = any number */
	struct conf_list msa_unlimited;	/* logins without these limits */
	const char *msa_from_check;	/* refuse sender no */
	struct conf_list msa_add_fields;/* Date Message-ID From Resent */
	uint64_t msa_sessions_max;
	struct conf_list msa_milters;	/* milter/where.h */
	/* [mta] */
	struct conf_list mta_listen;	/* "smtp=*:25" */
	uint64_t mta_sessions_max, mta_clients_per_session;
	struct conf_list mta_relay_certificates; /* addresses in clients' certificates; empty */
	struct conf_list mta_relay_networks;	/* addresses that may relay without login; empty */
	const char *relay_host;		/* "" or HOST[:PORT] or [ADDR]:PORT */
	uint64_t mta_port;		/* where other servers listen: 25 */
	const char *mta_tls;		/* none may encrypt */
	struct conf_list mta_retry;	/* waits: "5m 15m 30m 1h 2h 4h", the last repeats */
	struct conf_list mta_retry_unreachable, mta_retry_greylisted;	/* empty: as mta_retry */
	uint64_t mta_give_up, mta_warn_after;	/* warn_after 0 = never */
	uint64_t mta_send_max, mta_send_per_destination, mta_send_first, mta_checks_max;
	uint64_t mta_unreachable_max, mta_destinations_keep, mta_destinations_max;
	uint64_t mta_signature_valid;	/* 0 = for ever */
	const char *mta_source_address;	/* "", or one of each family */
	const char *mta_check_source;	/* no yes must */
	const char *mta_authorities; /* PEM of who vouches for other servers; "" = the system's */
	struct conf_list mta_milters;
	bool mta_sts; /* MTA-STS: policies of destinations are fetched and obeyed */
	uint64_t mta_sts_port;		/* where policies are fetched: 443 */
	bool mta_fetch_private;		/* from private networks too */
	uint64_t mta_tls_reports;	/* how often to look; 0 = never */
	/* [gate]: posthorn-gate(7) */
	struct conf_list gate_exempt_networks, gate_weights, gate_lists, gate_sender_lists;
	uint64_t gate_dns_wait, gate_early_wait;
	const char *gate_greylist;	/* off suspicious unknown */
	uint64_t gate_greylist_delay, gate_greylist_window, gate_known_for, gate_hints_max;
	uint64_t gate_tarpit_at, gate_greylist_at, gate_quarantine_at, gate_reject_at;
	uint64_t gate_tarpit, gate_tarpit_sessions;
	bool gate_check, gate_received_spf;
	uint64_t gate_dmarc_reports;	/* how often to look; 0 = never */
	const char *gate_notice;		/* "" */
	const char *gate_temperror, *gate_quarantine;	/* accept defer; junk hold */
	struct conf_list gate_dmarc_overrides, gate_arc_trusted;
	/* [milter] */
	uint64_t milter_connect, milter_command, milter_content;
	/* [dns] */
	struct conf_list
	    dns_forward; /* "127.0.0.1@5353"; empty = from /etc/resolv.conf, else root servers */
	struct conf_list
	    dns_local_data; /* lines as in a zone file; list separator is ";" for this one key */
	const char *dns_trust_anchor;	/* file; "" = none */
	uint64_t dns_timeout;
	/* [mda] */
	uint64_t mda_deliver_max;	/* deliver processes at once */
	const char *mda_junk_folder;	/* "" = the inbox */
	const char *mda_forward_unverified;	/* forward attach refuse */
	bool mda_srs;			/* senders of forwards are rewritten: mail/srs.h */
	uint64_t mda_srs_valid;
	const char *mda_srs_domain;	/* "" = that of the recipient */
	const char *mda_over_quota;	/* "defer" or "bounce" */
	uint64_t mda_idle;		/* a deliver process without work exits after this */
	/* [pop3d] [imapd] */
	struct conf_list pop3d_listen, imapd_listen;
	uint64_t pop3d_sessions_max, imapd_sessions_max;
	uint64_t imapd_idle_timeout, pop3d_idle_timeout;
	/* clients */
	uint64_t command_timeout, greet_timeout, data_rate_min;
	uint64_t errors_max;
	/* bookkeeping */
	const char *file;		/* where it was read */
	const char **
	    origin; /* per row of settings[]: "FILE:LINE", or NULL for a default; NULL in a child */
	void *memory;			/* arena of all strings */
};

/*
 * Mistakes go to mistakes (may be NULL), one line each; e says the first, or how many.
 * After false c is free. FILE itself must be there; FILE.d need not.
 */
bool conf_read(const char *file, struct conf *c, struct str *mistakes, struct err *e);
/* The same from text in memory, without FILE.d: name is what messages call it. For tests. */
bool conf_parse(struct span text, const char *name, struct conf *c, struct str *mistakes, struct err *e);
void conf_free(struct conf *c);
bool conf_to_fd(const struct conf *c, int *memfd, struct err *e);	/* sealed */
bool conf_from_fd(int fd, struct conf *c, struct err *e); /* reads from offset 0 by pread */
/* One value in the file's syntax, for `posthorn config show`. */
void conf_print(const struct conf *c, const struct setting *row, struct str *out);
const struct setting *conf_find(const char *section, const char *key);	/* NULL: none such */
/* Where did a row's value come from: "FILE:LINE" or "default". */
const char *conf_origin(const struct conf *c, const struct setting *row);

#endif
