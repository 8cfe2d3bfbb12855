/* posthorn srs: the keys of senders that lead back. */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/directory/srs-keys.h"

static int rotate(int argc, char **argv)
{
	char directory[4096];
	struct conf c;
	struct err e;
	bool ok;

	(void)argv;
	if (argc != 1)
		return admin_usage("srs rotate");
	if (!admin_conf(&c))
		return EX_CONFIG;
	snprintf(directory, sizeof directory, "%s/srs", c.queue_directory);
	ok = srs_keys_rotate(directory, &e);
	conf_free(&c);
	return ok ? EX_OK : admin_fail(&e);
}

static const struct admin_verb verbs[] = {
	{ "rotate", rotate, "",
	    "make senders of forwards with a new key; those made before lead back all the same" },
	{ .name = NULL }
};

int admin_srs(int argc, char **argv)
{
	return admin_run("posthorn srs", verbs, argc, argv);
}
