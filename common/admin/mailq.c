/*
 * NAME
 *	mailq - what is on its way; the classic name of `posthorn queue list`
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/admin/queue.h"

/* What mailq takes elsewhere, and what means nothing here. */
static bool is_harmless(const char *word)
{
	return strcmp(word, "-v") == 0 || strcmp(word, "-Ac") == 0 || strcmp(word, "-Am") == 0;
}

int main(int argc, char **argv)
{
	char *list[] = { (char *)"mailq", NULL };
	int code = admin_options(&argc, argv);

	for (int i = 1; i < argc && code < 0; i++) {
		if (!is_harmless(argv[i]))
			code = admin_usage("mailq takes -c FILE and --json only; posthorn queue list takes more");
	}
	if (code < 0)
		code = queue_list(1, list);
	if (fflush(stdout) != 0 && code == EX_OK)
		return EX_IOERR;
	return code;
}
