/*
 * NAME
 *	posthorn - the admin's command
 * DESCRIPTION
 *	This file only declares the sub-commands. Each has its page: posthorn-config(8) and
 *	so on.
 */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"

static int version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("posthorn %s\n", admin_version());
	return EX_OK;
}

static const struct admin_verb verbs[] = {
	{ "config", admin_config, "check|show|explain|man", "the settings: are they right, what are they, what do they mean" },
	{ "user", admin_user, "add|del|passwd|check|list", "virtual users and their passwords" },
	{ "domain", admin_domain, "add|del|list", "domains of virtual users, and those we relay for" },
	{ "alias", admin_alias, "add|del|list", "addresses that stand for others" },
	{ "address", admin_address, "explain ADDRESS", "who gets this mail, and which line says so" },
	{ "queue", admin_queue, "list|count|show|cat|trace|retry|hold|release|requeue|bounce|delete", "messages on their way" },
	{ "trace", admin_trace, "ID|MESSAGE-ID|ADDRESS", "what became of a message" },
	{ "destination", admin_destination, "list|show|forget|set|test", "what is remembered of the places where mail goes, and what it meets there" },
	{ "dkim", admin_dkim, "verify|sign|key|record|rotate", "signatures of messages, and the keys they are made with" },
	{ "dmarc", admin_dmarc, "explain|report", "what a domain wants done with mail in its name, and what others report" },
	{ "gate", admin_gate, "explain|lists", "what would be made of a client, and do our DNS lists work" },
	{ "spf", admin_spf, "check", "may this address send for that domain, step by step" },
	{ "srs", admin_srs, "rotate", "senders of forwards that lead back, and the keys they are made with" },
	{ "sts", admin_sts, "list|show|forget|record", "MTA-STS: the policies of others that are kept, and how to publish one" },
	{ "tlsrpt", admin_tlsrpt, "explain|report", "TLS reports: who wants them, and what others report" },
	{ "ps", admin_ps, "", "running processes: what each should be, and what the kernel says it is" },
	{ "version", version, "", "which version this is" },
	{ .name = NULL }
};

int main(int argc, char **argv)
{
	int code = admin_options(&argc, argv);

	if (code >= 0)
		return code;
	code = admin_run("posthorn", verbs, argc, argv);
	if (fflush(stdout) != 0 && code == EX_OK)
		return EX_IOERR;
	return code;
}
