/*
 * All settings of the suite, by section. See setting.h; posthorn.conf(5) is made from
 * here. "@hostname" is the host-name that was set, where one was.
 */
#include "common/conf/setting.h"

#include "common/conf/conf.h"

#define AT(field)	offsetof(struct conf, field)

const struct setting settings[] = {
	/* ---- for all daemons ---- */
	{ "posthorn", "host-name", SET_TEXT, AT(host_name), "@hostname", "name",
	  "The name we call ourselves in greetings, EHLO, Received, Message-ID and bounces. "
	  "The world should find our address by this name, and this name by our address." },
	{ "posthorn", "queue-directory", SET_PATH, AT(queue_directory), "/var/spool/posthorn", NULL,
	  "Where mail on its way lies; see posthorn-queue(7). Its parts must be on one filesystem." },
	{ "posthorn", "config-directory", SET_PATH, AT(config_directory), "@here", NULL,
	  "Where users, domains and aliases lie. "
	  "By default the directory of the settings file." },
	{ "posthorn", "run-directory", SET_PATH, AT(run_directory), "/run/posthorn", NULL,
	  "For sockets and counters that a reboot may forget." },
	{ "posthorn", "program-directory", SET_PATH, AT(program_directory), "@programs", NULL,
	  "Where the programs lie that the daemons start. By default the place they were installed "
	  "in, or the build directory for a daemon that runs from there." },
	{ "posthorn", "log", SET_CHOICE, AT(log), "stderr", "stderr journal syslog /",
	  "Where log lines go: standard error, the journal (standard error with priorities), "
	  "syslog, or the file with this path." },
	{ "posthorn", "history", SET_TIME, AT(history), "30d", "0 3650d",
	  "How long to keep what became of each message, for posthorn-trace(8). It lies in history/ of "
	  "the queue, whatever the setting log says. 0: nothing is kept." },
	{ "posthorn", "history-day", SET_SIZE, AT(history_day), "256M", "64K 1T",
	  "Most that one daemon writes there on one day; what is more is not kept. Refusals, of which a "
	  "stranger can cause any number, get half of it." },
	{ "posthorn", "postmaster", SET_TEXT, AT(postmaster), "postmaster@@hostname", "address",
	  "Who gets mail for postmaster and abuse at any domain of ours where no user or alias says "
	  "otherwise, and bounces that cannot be delivered. When nobody is behind this address "
	  "either, such mail is kept in the Maildir postmaster below mail-directory." },
	{ "posthorn", "debug", SET_FLAG, AT(debug), "no", NULL,
	  "Log every step." },
	{ "posthorn", "message-size-limit", SET_SIZE, AT(message_size_limit), "50M", "1K 2G",
	  "Largest message we take, as on the wire; also what EHLO announces as SIZE." },
	{ "posthorn", "recipients-max", SET_COUNT, AT(recipients_max), "1000", "100 10000",
	  "Most recipients of one message; RFC 5321 asks for at least 100." },
	{ "posthorn", "hops-max", SET_COUNT, AT(hops_max), "50", "10 1000",
	  "Received lines before we call it a loop." },
	{ "posthorn", "disk-reserve", SET_SIZE, AT(disk_reserve), "100M", "0 1T",
	  "New mail is refused, for now, when less than this is free in the queue's filesystem." },

	/* ---- who is who ---- */
	{ "directory", "users-file", SET_PATH, AT(users_file), "@config/users", NULL,
	  "Virtual users and password hashes; see posthorn-users(5)." },
	{ "directory", "domains-file", SET_PATH, AT(domains_file), "@config/domains", NULL,
	  "Domains of virtual users, and domains we carry mail for; see posthorn-domains(5)." },
	{ "directory", "aliases-file", SET_PATH, AT(aliases_file), "@config/aliases", NULL,
	  "Addresses that stand for others; see posthorn-aliases(5)." },
	{ "directory", "relay-recipients-file", SET_PATH, AT(recipients_file), "@config/relay-recipients", NULL,
	  "Recipients of relay domains that have them listed; see posthorn-domains(5)." },
	{ "directory", "destinations-file", SET_PATH, AT(destinations_file), "@config/destinations", NULL,
	  "How to go to certain other domains, or for certain senders: by another server, with a "
	  "login, with more or less TLS; see posthorn-destinations(5)." },
	{ "directory", "system-users", SET_FLAG, AT(system_users), "yes", NULL,
	  "Do accounts of this machine get mail, at each of system-domains?" },
	{ "directory", "system-domains", SET_LIST, AT(system_domains), "@hostname localhost", "domain",
	  "Domains whose mailboxes are the accounts of this machine." },
	{ "directory", "recipient-separator", SET_TEXT, AT(recipient_separator), "+", "separator",
	  "Mail for user+anything goes to user where nothing says otherwise. Empty: not so." },
	{ "directory", "mail-directory", SET_PATH, AT(mail_directory), "/var/mail", NULL,
	  "Homes of virtual users: DOMAIN/USER below it, with the mailbox in Maildir there." },
	{ "directory", "vmail-user", SET_TEXT, AT(vmail_user), "posthorn-vmail", "user",
	  "The account that owns virtual users' mail where posthorn-users(5) names none. "
	  "Without root's rights everything belongs to the caller instead." },
	{ "directory", "system-mail", SET_TEXT, AT(system_mail), "Maildir", "below",
	  "Mailbox of a system user, below the home directory." },
	{ "directory", "uid-min", SET_COUNT, AT(uid_min), "1000", "1 4294967294",
	  "Accounts with a lower number get no mail, and no delivery runs as them." },
	{ "directory", "pam-service", SET_TEXT, AT(pam_service), "posthorn", "service",
	  "PAM service that checks the passwords of system users. Empty: they cannot log in." },

	/* ---- how users prove who they are ---- */
	{ "auth", "mechanisms", SET_LIST, AT(auth_mechanisms), "auto", "mechanism",
	  "Ways to log in: PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1, OAUTHBEARER, XOAUTH2, EXTERNAL; a SCRAM "
	  "brings its -PLUS with it. auto: PLAIN and LOGIN; each SCRAM for which every user with a password "
	  "in the users file has a verifier, where no account of this machine can log in (PAM has no "
	  "verifiers, and clients that see SCRAM would fail there); OAUTHBEARER and XOAUTH2 where "
	  "tokens can be checked; EXTERNAL where client-ca is set." },
	{ "auth", "verifiers", SET_LIST, AT(auth_verifiers), "SCRAM-SHA-256", "scram",
	  "For which SCRAM mechanisms posthorn user passwd keeps a verifier beside the hash. "
	  "Who steals a verifier guesses faster than with the hash, so keep no more than clients use." },
	{ "auth", "password-hash", SET_CHOICE, AT(auth_hash), "yescrypt", "yescrypt argon2id",
	  "What posthorn user passwd makes of a password. Both kinds can always be checked." },
	{ "auth", "scram-iterations", SET_COUNT, AT(auth_iterations), "10000", "4096 1000000",
	  "Rounds of a new SCRAM verifier, which the client works through at each login." },
	{ "auth", "directory", SET_PATH, AT(auth_directory), "/var/lib/posthorn", NULL,
	  "Our own memory about logins: a key for the salts of users who do not exist, "
	  "and when each app password was last used. Made by the daemons." },
	{ "auth", "app-passwords-file", SET_PATH, AT(app_passwords_file), "@config/app-passwords", NULL,
	  "Further passwords of users, each for one program; see posthorn-users(5)." },
	{ "auth", "oauth-jwks", SET_PATH, AT(oauth_jwks), "", "empty",
	  "File with the public keys of who issues tokens for OAUTHBEARER and XOAUTH2 (a JWKS, RFC 7517). "
	  "It is read at each login, so whatever fetches it may replace it at any time." },
	{ "auth", "oauth-issuer", SET_TEXT, AT(oauth_issuer), "", "any",
	  "The iss that a token must have. Empty: any." },
	{ "auth", "oauth-audience", SET_TEXT, AT(oauth_audience), "", "any",
	  "The aud that a token must have; without it a token that was meant for another service "
	  "is good here too. Empty: any." },
	{ "auth", "oauth-scope", SET_LIST, AT(oauth_scope), "", NULL,
	  "Scopes that a token must have, all of them." },
	{ "auth", "oauth-user-claim", SET_TEXT, AT(oauth_user_claim), "email", NULL,
	  "Which claim of a token names the user; what it says must be an address in the users file." },
	{ "auth", "oauth-introspection-url", SET_TEXT, AT(oauth_introspection_url), "", "url",
	  "Whom to ask about tokens that are no JWT, or about all where oauth-jwks is not set (RFC 7662). "
	  "https, or http on this machine. Empty: nobody." },
	{ "auth", "oauth-introspection-client", SET_TEXT, AT(oauth_introspection_client), "", "any",
	  "As which client we ask. Empty: without a name." },
	{ "auth", "oauth-introspection-secret", SET_PATH, AT(oauth_introspection_secret), "", "empty",
	  "File with that client's secret." },
	{ "auth", "oauth-introspection-ca", SET_PATH, AT(oauth_introspection_ca), "", "empty",
	  "PEM file with the authorities that vouch for the one we ask. Empty: the system's." },
	{ "auth", "oauth-configuration-url", SET_TEXT, AT(oauth_configuration_url), "", "any",
	  "What a client with a bad token is told to look at (openid-configuration, RFC 7628 3.2.2)." },

	/* ---- TLS ---- */
	{ "tls", "certificate", SET_PATH, AT(tls_certificate), "", "empty",
	  "PEM file with our certificate and those between it and its authority. "
	  "Empty: no TLS is offered." },
	{ "tls", "key", SET_PATH, AT(tls_key), "", "empty",
	  "PEM file with the private key. It is opened before privileges go." },
	{ "tls", "client-ca", SET_PATH, AT(tls_client_ca), "", "empty",
	  "PEM file with the authorities that vouch for our users' certificates: clients are asked for "
	  "one, and may log in by it (SASL EXTERNAL). Empty: clients are not asked." },
	{ "tls", "min-version", SET_CHOICE, AT(tls_min), "TLSv1.2", "TLSv1.2 TLSv1.3",
	  "Oldest version we speak as a server." },
	{ "tls", "auth-without-tls", SET_FLAG, AT(auth_without_tls), "no", NULL,
	  "Take passwords in the clear. For tests on one machine only." },

	/* ---- against strangers ---- */
	{ "limits", "connections-per-address", SET_COUNT, AT(peer_connections), "200", "0 1000000",
	  "Connections from one address (IPv6: one /64) at once, all daemons together. "
	  "0 is no limit, here and in the rows that follow." },
	{ "limits", "strangers-per-address", SET_COUNT, AT(peer_strangers), "20", "0 1000000",
	  "Those of them that nobody has logged in on. Clients in relay-networks are no strangers." },
	{ "limits", "strangers-per-network", SET_COUNT, AT(network_strangers), "60", "0 1000000",
	  "Connections without a login from one network (/24; IPv6: /48) at once." },
	{ "limits", "strangers-max", SET_COUNT, AT(strangers_max), "1000", "0 1000000",
	  "Connections of one daemon without a login at once. A newcomer then takes the place of who "
	  "has been silent for longest." },
	{ "limits", "connections-max", SET_COUNT, AT(connections_max), "10000", "1 1000000",
	  "Connections of one daemon at once; likewise." },
	{ "limits", "connections-per-minute", SET_COUNT, AT(connection_rate), "60", "0 1000000",
	  "New connections from one address within a minute; one that logs in counts no more." },
	{ "limits", "messages-per-minute", SET_COUNT, AT(message_rate), "300", "0 1000000",
	  "Messages that a stranger's address may begin within a minute." },
	{ "limits", "recipients-per-minute", SET_COUNT, AT(rcpt_rate), "1000", "0 10000000",
	  "Recipients that a stranger's address may name within a minute." },
	{ "limits", "refusals-per-minute", SET_COUNT, AT(refusal_rate), "60", "0 1000000",
	  "Recipients that we refused a stranger's address for good within a minute: more is guessing, "
	  "and the address is turned away until the minute is over." },
	{ "limits", "errors-per-minute", SET_COUNT, AT(error_rate), "60", "0 1000000",
	  "Other mistakes of a stranger's address within a minute; likewise." },
	{ "limits", "data-per-address", SET_COUNT, AT(peer_data), "10", "0 1000000",
	  "Messages that may be coming in from one stranger's address at the same moment." },
	{ "limits", "data-max", SET_COUNT, AT(data_max), "300", "0 1000000",
	  "Messages that may be coming in at the same moment, in one daemon." },
	{ "limits", "crowd-timeout", SET_TIME, AT(crowd_timeout), "30s", "1s 1h",
	  "When four of five places (sessions, strangers, connections) are taken, a stranger who has been "
	  "silent for this long is let go. When all are, a second is enough." },
	{ "limits", "sessions-spare", SET_COUNT, AT(sessions_spare), "4", "1 1000",
	  "Sessions that wait ready-made for the next client." },
	{ "limits", "fronts", SET_COUNT, AT(fronts), "1", "1 64",
	  "Front processes of each daemon; one serves thousands of clients." },
	{ "limits", "greet-timeout", SET_TIME, AT(greet_timeout), "60s", "1s 1h",
	  "From connecting to having logged in (or to the first MAIL): longer is too long." },
	{ "limits", "command-timeout", SET_TIME, AT(command_timeout), "5m", "1s 1d",
	  "How long we wait for the next command or for the next bytes of one; RFC 5321 4.5.3.2.7." },
	{ "limits", "data-rate-min", SET_SIZE, AT(data_rate_min), "500", "0 1G",
	  "Bytes a second that a client must manage while it sends a message." },
	{ "limits", "errors-max", SET_COUNT, AT(errors_max), "15", "1 1000",
	  "Mistakes in one session before we hang up." },

	{ "limits", "messages-per-connection", SET_COUNT, AT(mails_max), "1000", "0 1000000",
	  "Messages of one SMTP connection, as EHLO says in LIMITS; then it has to be a new one. 0: any number." },

	/* ---- those in front of us ---- */
	{ "proxy", "networks", SET_LIST, AT(proxy_networks), "", "network",
	  "Proxies that say at listeners with :proxy, by HAProxy's PROXY protocol version 1 or 2, who "
	  "their client is; nobody else may connect there. The client is then counted, logged and "
	  "judged as itself. A proxy that speaks for itself (a health check) counts as itself." },
	{ "proxy", "xclient", SET_LIST, AT(proxy_xclient), "", "network",
	  "Proxies that may say in SMTP who their client is, by Postfix's command XCLIENT. Limits "
	  "of connections and rates do not count them, as one of their clients could use up what the "
	  "others need: limit clients there. Keep a proxy out of relay-networks: what "
	  "it has not named could relay through it." },

	/* ---- msa ---- */
	{ "msa", "listen", SET_LIST, AT(msa_listen), "submission=*:587 submissions=*:465:tls", "listen",
	  "Where mail clients submit: NAME=ADDRESS:PORT, with :tls behind it where TLS begins at once, "
	  "and :proxy behind that where one of [proxy] networks names the client. "
	  "An address is a number, [IPv6] in brackets, or * for all." },
	{ "msa", "hold-max", SET_TIME, AT(msa_hold_max), "30d", "0 366d",
	  "How long a client may ask us to hold a message before it goes out (FUTURERELEASE). "
	  "0: not at all." },
	{ "msa", "priority-max", SET_COUNT, AT(msa_priority_max), "4", "0 9",
	  "The highest priority a client may ask for (MT-PRIORITY, -9 to 9); more is lowered to this. "
	  "Of messages that wait for one destination, the higher go first." },
	{ "msa", "hide-client", SET_FLAG, AT(msa_hide_client), "yes", NULL,
	  "Leave the client's address and name out of the Received line of submitted mail." },
	{ "msa", "messages-per-day", SET_COUNT, AT(msa_messages), "500", "0 4000000000",
	  "Messages of one login within 24 hours. What is more is taken and put on hold, and the login "
	  "and the postmaster are told; see msa(8). 0: any number." },
	{ "msa", "recipients-per-day", SET_COUNT, AT(msa_recipients), "1000", "0 4000000000",
	  "Likewise recipients, of all its messages together." },
	{ "msa", "new-recipients-per-day", SET_COUNT, AT(msa_new_recipients), "100", "0 4000000000",
	  "Likewise recipients outside of our domains that the login has not written to before." },
	{ "msa", "unlimited", SET_LIST, AT(msa_unlimited), "", "login",
	  "Logins that may send any number, such as that of a shop or of a mailing list." },
	{ "msa", "from-check", SET_CHOICE, AT(msa_from_check), "refuse", "refuse sender no",
	  "What becomes of a message whose From or Sender names an address that the login may not "
	  "send as (posthorn-aliases(5)): it is refused, or taken with a Sender field that tells who "
	  "sent it, or taken as it is." },
	{ "msa", "add-fields", SET_LIST, AT(msa_add_fields), "Date Message-ID From Resent", "added",
	  "Header fields that are added where they are missing, and Date and Message-ID where they are "
	  "malformed; Resent stands for the date and id of a message sent on. Empty: none." },
	{ "msa", "sessions-max", SET_COUNT, AT(msa_sessions_max), "500", "1 100000",
	  "Session processes at once." },
	{ "msa", "milters", SET_LIST, AT(msa_milters), "", "milter",
	  "Filters that are asked about submitted mail, in this order: NAME=unix:/PATH or "
	  "NAME=inet:ADDRESS:PORT; see posthorn-milter(7). With :open behind it mail is taken without the filter "
	  "when it is not there, else it is put off." },

	/* ---- mta ---- */
	{ "mta", "listen", SET_LIST, AT(mta_listen), "smtp=*:25", "listen",
	  "Where other servers bring mail: NAME=ADDRESS:PORT, with :proxy behind it where one of "
	  "[proxy] networks names the client." },
	{ "mta", "sessions-max", SET_COUNT, AT(mta_sessions_max), "500", "1 100000",
	  "Session processes at once." },
	{ "mta", "clients-per-session", SET_COUNT, AT(mta_clients_per_session), "100", "1 100000",
	  "Clients that one session process serves, one after the other, before it ends." },
	{ "mta", "relay-networks", SET_LIST, AT(mta_relay_networks), "", "network",
	  "Addresses that may send anywhere through us without a login: 192.0.2.0/24, 2001:db8::/64." },
	{ "mta", "relay-certificates", SET_LIST, AT(mta_relay_certificates), "", "address",
	  "Clients whose certificate names one of these addresses may send anywhere through us without a login. "
	  "The certificate must be from an authority in client-ca." },
	{ "mta", "relay-host", SET_TEXT, AT(relay_host), "", "relay",
	  "Hand everything for elsewhere to this server: HOST, HOST:PORT or [ADDRESS]:PORT. "
	  "Empty: look up where each domain wants its mail." },
	{ "mta", "relay-secrets", SET_PATH, AT(relay_secrets), "@config/relay-secrets", NULL,
	  "Our names and passwords at other servers, for login in posthorn-destinations(5). Nobody but root may read it." },
	{ "mta", "port", SET_COUNT, AT(mta_port), "25", "1 65535",
	  "Where other servers listen. For tests." },
	{ "mta", "tls", SET_CHOICE, AT(mta_tls), "may", "none may encrypt dane verify",
	  "Sending: never TLS; TLS where it is offered; no mail without TLS; only to servers with DANE; only "
	  "to those with a certificate for the right name. What DANE asks for holds with may and encrypt too: "
	  "see posthorn-tls(7)." },
	{ "mta", "retry", SET_LIST, AT(mta_retry), "5m 15m 30m 1h 2h 4h", "time",
	  "How long to wait before each further try; the last one repeats." },
	{ "mta", "retry-unreachable", SET_LIST, AT(mta_retry_unreachable), "", "time",
	  "The same after a try that found no server to talk to. Empty: as retry." },
	{ "mta", "retry-greylisted", SET_LIST, AT(mta_retry_greylisted), "90s 4m 6m 10m 20m", "time",
	  "The same after an answer that looks like a greylist's, which lets in who comes again: 450 or 451 with "
	  "4.7.1, 4.7.0 or 4.2.0, or one that says so. Where retry is shorter, that counts, and after all of these "
	  "it goes on as retry. Empty: as retry." },
	{ "mta", "give-up", SET_TIME, AT(mta_give_up), "5d", "1s 60d",
	  "How long we keep trying before the sender gets the message back." },
	{ "mta", "warn-after", SET_TIME, AT(mta_warn_after), "1d", "0 60d",
	  "Tell the sender once when a message has waited this long; not one that lists and programs send. 0: never." },
	{ "mta", "send-max", SET_COUNT, AT(mta_send_max), "50", "1 10000",
	  "Outgoing conversations at once." },
	{ "mta", "send-per-destination", SET_COUNT, AT(mta_send_per_destination), "10", "1 1000",
	  "Outgoing conversations with one destination at once, at most." },
	{ "mta", "send-first", SET_COUNT, AT(mta_send_first), "2", "1 1000",
	  "Outgoing conversations with one destination at once in the beginning. They become more while it takes all it "
	  "gets, up to send-per-destination, and fewer when it says that there are too many." },
	{ "mta", "unreachable-max", SET_TIME, AT(mta_unreachable_max), "1h", "1s 1d",
	  "How long, at most, a destination that could not be reached is left alone, for all messages: a minute at "
	  "first, then twice as long each time, but never longer than the last wait of retry-unreachable, or of retry." },
	{ "mta", "destinations-keep", SET_TIME, AT(mta_destinations_keep), "30d", "1h 365d",
	  "How long what worked at a destination is remembered after it was last used; see posthorn-destination(8)." },
	{ "mta", "destinations-max", SET_COUNT, AT(mta_destinations_max), "100000", "100 10000000",
	  "Destinations remembered at once; the longest unused are forgotten first." },
	{ "mta", "checks-max", SET_COUNT, AT(mta_checks_max), "100", "1 10000",
	  "Processes at once that check messages: SPF, DKIM, DMARC." },
	{ "mta", "signature-valid", SET_TIME, AT(mta_signature_valid), "0", "0 365d",
	  "How long our DKIM signatures are good for. 0: for ever. posthorn-dkim(8) makes the keys." },
	{ "mta", "source-address", SET_TEXT, AT(mta_source_address), "", "source",
	  "Send from this address of ours, or from these two, one for each family, with a comma between. "
	  "Where none is said for a family the system chooses." },
	{ "mta", "check-source", SET_CHOICE, AT(mta_check_source), "yes", "no yes must",
	  "Look up once an hour whether the address of ours that mail leaves from has a name (PTR record) that leads back "
	  "to it. When it has none, IPv4 or IPv6 is not used where the other one will do: many servers "
	  "turn such mail away. must: it is not used at all, and mail waits where no other will do." },
	{ "mta", "authorities", SET_PATH, AT(mta_authorities), "", "empty",
	  "PEM file with the certificate authorities that vouch for other servers. Empty: those of the system." },
	{ "mta", "sts", SET_FLAG, AT(mta_sts), "yes", NULL,
	  "Fetch the MTA-STS policies (RFC 8461) of domains that we send to, and obey them; see posthorn-sts(8)." },
	{ "mta", "sts-port", SET_COUNT, AT(mta_sts_port), "443", "1 65535",
	  "Where web servers have these policies. For tests." },
	{ "mta", "fetch-private", SET_FLAG, AT(mta_fetch_private), "no", NULL,
	  "Fetch policies from, and send TLS reports to, web servers in private networks and on this machine too: "
	  "any domain that we send mail to can then have us ask there. For tests and closed networks." },
	{ "mta", "tls-reports", SET_TIME, AT(mta_tls_reports), "1h", "0 1d",
	  "Domains that ask for it are told, once a day, how TLS went with their servers (RFC 8460): "
	  "how often to look whether a day of UTC is over. 0: no rows, no reports." },
	{ "mta", "milters", SET_LIST, AT(mta_milters), "", "milter",
	  "Filters that are asked about mail from other servers; as milters of [msa]." },

	/* ---- filters that others wrote ---- */
	{ "milter", "connect-timeout", SET_TIME, AT(milter_connect), "30s", "1s 5m",
	  "How long connecting to a milter and agreeing with it may take." },
	{ "milter", "command-timeout", SET_TIME, AT(milter_command), "30s", "1s 5m",
	  "How long a milter may take for its answer to HELO, MAIL, RCPT or DATA." },
	{ "milter", "content-timeout", SET_TIME, AT(milter_content), "5m", "1s 9m",
	  "How long a milter may take for its answer to header, body and the whole message." },

	/* ---- gate ---- */
	{ "gate", "exempt-networks", SET_LIST, AT(gate_exempt_networks), "127.0.0.0/8 ::1", "network",
	  "Clients that the gate lets pass; only whether we take the recipient counts. So do clients in relay-networks." },
	{ "gate", "weights", SET_LIST, AT(gate_weights), "", "weight",
	  "What facts about a client weigh where that is not the default: FACT=NUMBER, 0 for nothing. "
	  "posthorn-gate(7) has the facts." },
	{ "gate", "lists", SET_LIST, AT(gate_lists), "", "dnslist",
	  "DNS block and allow lists of addresses, with weights: zen.example:8, allow.example=127.0.0-9.1-3:-4." },
	{ "gate", "sender-lists", SET_LIST, AT(gate_sender_lists), "", "dnslist",
	  "DNS block and allow lists of domains, asked about the sender's." },
	{ "gate", "reject-at", SET_COUNT, AT(gate_reject_at), "10", "0 1000",
	  "From this score on mail is refused. 0: never for its score." },
	{ "gate", "quarantine-at", SET_COUNT, AT(gate_quarantine_at), "0", "0 1000",
	  "From this score on mail is taken, but without trust: see quarantine. 0: never." },
	{ "gate", "greylist", SET_CHOICE, AT(gate_greylist), "suspicious", "off suspicious unknown",
	  "Whom to ask to come again later: nobody, clients with a score of greylist-at, or all that we do not know." },
	{ "gate", "greylist-at", SET_COUNT, AT(gate_greylist_at), "4", "0 1000",
	  "The score from which on a client is suspicious. 0: none is." },
	{ "gate", "greylist-delay", SET_TIME, AT(gate_greylist_delay), "1m", "1s 1d",
	  "A greylisted message is taken when it comes again after this." },
	{ "gate", "greylist-window", SET_TIME, AT(gate_greylist_window), "2d", "1m 30d",
	  "When it has not come again within this it is new once more." },
	{ "gate", "known-for", SET_TIME, AT(gate_known_for), "36d", "0 365d",
	  "A network that brought mail which we took is known for so long. 0: nobody is." },
	{ "gate", "hints-max", SET_COUNT, AT(gate_hints_max), "200000", "100 10000000",
	  "Networks and greylisted messages to remember; the oldest go first." },
	{ "gate", "tarpit-at", SET_COUNT, AT(gate_tarpit_at), "2", "0 1000",
	  "From this score on a client that we do not know has to wait for its answer. 0: never." },
	{ "gate", "tarpit", SET_TIME, AT(gate_tarpit), "5s", "0 2m",
	  "How long it has to wait, once for each connection." },
	{ "gate", "tarpit-sessions", SET_COUNT, AT(gate_tarpit_sessions), "50", "0 100000",
	  "At most so many sessions at once make a client wait (tarpit, early-wait); the others go on at once." },
	{ "gate", "quarantine", SET_CHOICE, AT(gate_quarantine), "junk", "junk hold",
	  "Where mail goes that is taken without trust (quarantine-at, or a DMARC policy of quarantine): "
	  "into the folder mda/junk-folder of its recipients, or into the queue's hold/ for a person." },
	{ "gate", "notice", SET_TEXT, AT(gate_notice), "", "notice",
	  "Words of your own in each refusal, behind the postmaster's address: a telephone number, a page." },
	{ "gate", "check", SET_FLAG, AT(gate_check), "yes", NULL,
	  "Find out by SPF, DKIM and DMARC whether mail is from whom it says; see posthorn-check(8)." },
	{ "gate", "dmarc-overrides", SET_LIST, AT(gate_dmarc_overrides), "", "override",
	  "What to do with mail that fails DMARC, whatever the author's domain wants: DOMAIN=accept, =quarantine "
	  "or =reject for an author's domain, ADDRESS=... for one sender." },
	{ "gate", "dmarc-reports", SET_TIME, AT(gate_dmarc_reports), "1h", "0 1d",
	  "Domains that ask for it are told, once a day, what mail came in their name (RFC 9990): "
	  "how often to look whether a day of UTC is over. 0: no reports." },
	{ "gate", "arc-trusted", SET_LIST, AT(gate_arc_trusted), "", "domain",
	  "Who is believed when an ARC seal of theirs (RFC 8617) says that a message passed DMARC before "
	  "they changed it: domains of mailing lists and forwarders." },
	{ "gate", "temperror", SET_CHOICE, AT(gate_temperror), "accept", "accept defer",
	  "Mail that cannot be checked now, because a name server does not answer: take it, or ask for it again." },
	{ "gate", "received-spf", SET_FLAG, AT(gate_received_spf), "no", NULL,
	  "Write the field Received-SPF too, for programs that do not read Authentication-Results." },
	{ "gate", "early-wait", SET_TIME, AT(gate_early_wait), "1s", "0 1m",
	  "How long a client that we do not know waits for our greeting, so that one which speaks first is noticed." },
	{ "gate", "dns-wait", SET_TIME, AT(gate_dns_wait), "5s", "0 1m",
	  "How long to wait, at most, for what the DNS says about client and sender; what comes later does not count." },

	/* ---- dns ---- */
	{ "dns", "forward", SET_LIST, AT(dns_forward), "", "server",
	  "Ask these servers: ADDRESS or ADDRESS@PORT. Empty: those of /etc/resolv.conf." },
	{ "dns", "local-data", SET_LIST, AT(dns_local_data), "", "lines",
	  "Records to answer with instead of asking, as in a zone file, separated by semicolons "
	  "(not those in quotes) or one a line: example.test. IN MX 10 mx.example.test. For tests and small networks." },
	{ "dns", "trust-anchor", SET_PATH, AT(dns_trust_anchor), "", "empty",
	  "File with the key of the DNS root, for DNSSEC. Empty: answers are not validated." },
	{ "dns", "timeout", SET_TIME, AT(dns_timeout), "10s", "1s 5m",
	  "How long one question may take." },

	/* ---- mda ---- */
	{ "mda", "deliver-max", SET_COUNT, AT(mda_deliver_max), "20", "1 10000",
	  "Delivering processes at once." },
	{ "mda", "junk-folder", SET_TEXT, AT(mda_junk_folder), "Junk", "folder",
	  "Where mail goes that mta took without trusting it: a folder of each mailbox, made when it "
	  "is needed. Empty: the inbox." },
	{ "mda", "over-quota", SET_CHOICE, AT(mda_over_quota), "defer", "defer bounce",
	  "What becomes of a message that the user's quota leaves no room for: it waits and is tried again "
	  "until mta's give-up, or goes back at once. mta refuses more for that mailbox meanwhile (4.2.2)." },
	{ "mda", "forward-unverified", SET_CHOICE, AT(mda_forward_unverified), "attach", "forward attach refuse",
	  "What becomes of mail that an alias sends on to another server, when nothing proves whom it is from: DMARC "
	  "did not pass (without a policy: neither SPF nor DKIM of the author's own domain), the gate has doubts, and no login or network "
	  "of ours brought it. It is forwarded as it is, and others may blame us; attached to a message "
	  "from the address that forwards; or refused, with the reason, at the end of its text." },
	{ "mda", "srs", SET_FLAG, AT(mda_srs), "yes", NULL,
	  "Forward mail to other domains from a sender of ours that leads back (SRS), as the sender's own domain "
	  "does not name us in its SPF record; see posthorn-srs(8). no: from the sender as it is." },
	{ "mda", "srs-valid", SET_TIME, AT(mda_srs_valid), "21d", "1d 500d",
	  "How long reports about a forward are taken, from the day it went out." },
	{ "mda", "srs-domain", SET_TEXT, AT(mda_srs_domain), "", "any",
	  "Domain of such senders; its MX must be this host. Empty: the domain of the address that forwards." },
	{ "mda", "idle", SET_TIME, AT(mda_idle), "10s", "0 1h",
	  "A delivering process without work ends after this." },

	/* ---- pop3d and imapd ---- */
	{ "pop3d", "listen", SET_LIST, AT(pop3d_listen), "pop3=*:110 pop3s=*:995:tls", "listen",
	  "Where POP3 clients come: NAME=ADDRESS:PORT, with :tls where TLS begins at once." },
	{ "pop3d", "sessions-max", SET_COUNT, AT(pop3d_sessions_max), "500", "1 100000",
	  "Session processes at once." },
	{ "pop3d", "idle-timeout", SET_TIME, AT(pop3d_idle_timeout), "10m", "1s 1d",
	  "A session without a command for this long ends, and deletes nothing; RFC 1939 asks for 10 minutes." },
	{ "imapd", "listen", SET_LIST, AT(imapd_listen), "imap=*:143 imaps=*:993:tls", "listen",
	  "Where IMAP clients come: NAME=ADDRESS:PORT, with :tls where TLS begins at once." },
	{ "imapd", "sessions-max", SET_COUNT, AT(imapd_sessions_max), "1000", "1 100000",
	  "Session processes at once." },
	{ "imapd", "idle-timeout", SET_TIME, AT(imapd_idle_timeout), "30m", "1s 1d",
	  "A session without a command for this long ends; RFC 3501 asks for 30 minutes." },
	{ .key = NULL }
};
