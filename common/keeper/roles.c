/*
 * Every process of the suite, who it is, and what it can touch. posthorn-keeper(7)
 * explains the columns. Words of root: $queue, $config, $run, $mail, $tables (where users,
 * domains and aliases are), $self (the user's one directory), or a path; ":r" behind
 * one leaves reading only. Without words the process sees no file at all.
 */
#include "common/keeper/role.h"

#define QUEUE_IN(station) "$queue/" station

const struct role roles[ROLE_COUNT] = {
	[ROLE_KEEPER] = {
		.name = "keeper", .program = "", .user = "root", .root = "/",
		.may = MAY_READ | MAY_WRITE | MAY_FORK, .at_most = 1, .files = 16384,
	},
	[ROLE_FRONT] = {
		.name = "front", .program = "posthorn-front", .user = "posthorn-front", .root = "",
		.may = MAY_ACCEPT, .files = 65536, .memory_mb = 4096,
	},
	[ROLE_CLERK] = {
		.name = "clerk", .program = "posthorn-clerk", .user = "posthorn-clerk",
		.root = "$tables:r $config:r $run/tables $run/full:r $queue/hints/msa $queue/srs:r /etc:r /run/systemd:r /var/lib/sss:r",
		.may = MAY_READ | MAY_WRITE | MAY_WATCH | MAY_NSS,
		.at_most = 1, .files = 16384, .memory_mb = 1024,
	},
	[ROLE_RESOLVER] = {
		.name = "resolver", .program = "posthorn-resolver", .user = "posthorn-dns",
		.root = "/etc:r /usr/share/dns:r $config:r",
		.may = MAY_READ | MAY_NET | MAY_THREADS, .at_most = 1, .files = 16384, .memory_mb = 1024,
	},
	[ROLE_AUTH] = {
		.name = "auth", .program = "posthorn-auth", .user = "root", .root = "/",
		.may = MAY_READ | MAY_WRITE | MAY_NET | MAY_NSS | MAY_FORK,
		.at_most = 16, .files = 64, .memory_mb = 64,
	},
	[ROLE_CHECK] = {
		.name = "check", .program = "posthorn-check", .user = "posthorn-check", .root = "",
		.files = 16, .memory_mb = 256,
	},
	[ROLE_REPORT] = {
		.name = "report", .program = "mta-report", .user = "posthorn-clerk", .group = "posthorn",
		.root = "$queue/hints " QUEUE_IN("in/own") " $queue/history/mta", .history = "mta",
		.may = MAY_READ | MAY_WRITE, .at_most = 1, .files = 32, .memory_mb = 1024,
	},
	[ROLE_SIGN] = {
		.name = "sign", .program = "posthorn-sign", .user = "posthorn-sign", .root = "$config/dkim:r",
		.may = MAY_READ, .files = 16, .memory_mb = 256,
	},
	[ROLE_FETCH] = {
		.name = "fetch", .program = "posthorn-fetch", .user = "posthorn-out",
		.root = "/etc/ssl:r /usr/lib/ssl:r /usr/share/ca-certificates:r /usr/local/share/ca-certificates:r",
		.may = MAY_READ | MAY_NET, .files = 32, .memory_mb = 256,
	},
	[ROLE_SUBMISSION] = {
		.name = "session", .program = "msa-session", .user = "posthorn-sub",
		.root = QUEUE_IN("in/sub") " $queue/history/sub", .history = "sub",
		.may = MAY_READ | MAY_WRITE, .files = 32, .memory_mb = 128,
	},
	[ROLE_INBOUND] = {
		.name = "inbound", .program = "mta-inbound", .user = "posthorn-in",
		.root = QUEUE_IN("in/net") " $queue/history/net", .history = "net",
		.may = MAY_READ | MAY_WRITE, .files = 32, .memory_mb = 128,
	},
	[ROLE_HINTS] = {
		.name = "hints", .program = "mta-hints", .user = "posthorn-clerk", .root = "$queue/hints",
		.may = MAY_READ | MAY_WRITE, .at_most = 1, .files = 16384, .memory_mb = 256,
	},
	[ROLE_SCHED] = {
		.name = "sched", .program = "mta-sched", .user = "posthorn-mta",
		.group = "posthorn", .root = "$queue", .history = "mta",
		.may = MAY_READ | MAY_WRITE | MAY_WATCH, .at_most = 1, .files = 16384, .memory_mb = 2048,
	},
	[ROLE_SEND] = {
		.name = "send", .program = "mta-send", .user = "posthorn-out",
		.root = "/etc/ssl:r /usr/lib/ssl:r /usr/share/ca-certificates:r /usr/local/share/ca-certificates:r",
		.may = MAY_READ | MAY_NET, .files = 64, .memory_mb = 256,
	},
	[ROLE_PICK] = {
		.name = "pick", .program = "mda-pick", .user = "posthorn-mda",
		.group = "posthorn", .root = QUEUE_IN("local") " " QUEUE_IN("hold") " " QUEUE_IN("in/own") " $queue/history/mda $run/full",
		.history = "mda",
		.may = MAY_READ | MAY_WRITE | MAY_WATCH, .at_most = 1, .files = 16384, .memory_mb = 1024,
	},
	[ROLE_DELIVER] = {
		.name = "deliver", .program = "mda-deliver", .user = "", .root = "$self",
		.may = MAY_READ | MAY_WRITE, .files = 64, .memory_mb = 256,
	},
	[ROLE_POP3_LOGIN] = {
		.name = "login", .program = "pop3d-login", .user = "posthorn-login", .root = "",
		.files = 16, .memory_mb = 32,
	},
	[ROLE_POP3_SESSION] = {
		.name = "session", .program = "pop3d-session", .user = "", .root = "$self",
		.may = MAY_READ | MAY_WRITE, .files = 64, .memory_mb = 512,
	},
	[ROLE_IMAP_LOGIN] = {
		.name = "login", .program = "imapd-login", .user = "posthorn-login", .root = "",
		.files = 16, .memory_mb = 32,
	},
	[ROLE_IMAP_SESSION] = {
		.name = "session", .program = "imapd-session", .user = "", .root = "$self",
		.may = MAY_READ | MAY_WRITE | MAY_WATCH, .files = 256, .memory_mb = 1024,
	},
};
