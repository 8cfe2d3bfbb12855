/*
 * NAME
 *	mailq - what is on its way; the classic name of `posthorn queue list`
 */
#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"

int main(int argc, char **argv)
{
	char *list[] = { (char *)"queue", (char *)"list", NULL };
	int code = admin_options(&argc, argv);

	if (code < 0)
		code = argc > 1 ? admin_usage("mailq takes -c FILE and --json only") : admin_queue(2, list);
	if (fflush(stdout) != 0 && code == EX_OK)
		return EX_IOERR;
	return code;
}
