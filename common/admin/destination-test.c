/* posthorn destination test: mta-probe does it, with the settings that we were given. */
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/destination.h"

enum { WORDS_MAX = 64 };

int destination_test(int argc, char **argv)
{
	char program[4096], *words[WORDS_MAX + 5];
	struct conf c;
	int n = 0;

	if (argc < 2 || argc > WORDS_MAX)
		return admin_usage("destination test [--from ADDRESS] [--rcpt ADDRESS] [--requiretls] [--verbose] DOMAIN "
		    "[KEY=VALUE ...]");
	if (!admin_conf(&c))
		return EX_CONFIG;
	snprintf(program, sizeof program, "%s/mta-probe", c.program_directory);
	words[n++] = (char *)"mta-probe";
	words[n++] = (char *)"-c";
	words[n++] = (char *)admin_conf_file();
	if (admin_json())
		words[n++] = (char *)"--json";
	for (int i = 1; i < argc; i++)
		words[n++] = argv[i];
	words[n] = NULL;
	execv(program, words);
	perror(program);
	return EX_OSFILE;
}
