/*
 * NAME
 *	newaliases - check users, domains and aliases, and compile them at once
 * DESCRIPTION
 *	Nothing needs this: clerks see a changed text within a second. It is here because
 *	fingers know it, and because it says at once what is wrong. See newaliases(1).
 */
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/conf/who.h"
#include "common/directory/compile.h"

static int compile_one(enum table_kind kind, const char *file, const char *directory)
{
	struct str mistakes = STR(100000);
	struct table *t = NULL;
	struct err e;
	bool ok;

	if (access(directory, W_OK) == 0) {
		ok = compile_file(kind, file, directory, &mistakes, &e);
	} else {
		t = compile_memory(kind, file, &mistakes, &e);
		ok = t != NULL;
		table_close(t, NULL);
	}
	if (ok)
		printf("%s: fine\n", file);
	else if (mistakes.n)
		fputs(mistakes.p, stderr);
	else
		fprintf(stderr, "newaliases: %s\n", e.text);
	str_free(&mistakes);
	return ok ? EX_OK : e.kind == ERR_PERM ? EX_DATAERR : EX_TEMPFAIL;
}

/* Root writes nothing into a directory of the clerk's: it becomes the clerk, and sees what the clerk can read. */
static bool become_owner(const char *directory)
{
	struct stat st;

	if (geteuid() != 0 || stat(directory, &st) < 0 || st.st_uid == 0)
		return true;
	if (setgroups(0, NULL) == 0 && setresgid(st.st_gid, st.st_gid, st.st_gid) == 0 &&
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == 0)
		return true;
	perror("newaliases: cannot become the owner of the tables");
	return false;
}

int main(int argc, char **argv)
{
	const char *files[TABLE_COUNT];
	char directory[4200];
	struct conf c;
	int code = admin_options(&argc, argv), worst = EX_OK;

	if (code >= 0)
		return code;
	if (argc > 1)
		return admin_usage("newaliases [-c FILE]");
	if (!admin_conf(&c))
		return EX_CONFIG;
	who_files(&c, files);
	snprintf(directory, sizeof directory, "%s/tables", c.run_directory);
	if (!become_owner(directory))
		worst = EX_OSERR;
	for (enum table_kind kind = 0; worst != EX_OSERR && kind < TABLE_COUNT; kind++) {
		code = compile_one(kind, files[kind], directory);
		if (code > worst)
			worst = code;
	}
	conf_free(&c);
	return worst;
}
