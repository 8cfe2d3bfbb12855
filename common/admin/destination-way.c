/* posthorn destination way: which lines of posthorn-destinations(5) decide for a message. */
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/destination.h"
#include "common/conf/who.h"
#include "common/directory/lookup.h"
#include "common/directory/name.h"
#include "common/directory/way.h"

enum { WHY_MAX = 64 << 10, MEMORY_MAX = 16 << 20 };

static void print_usual(const struct conf *c, const char *words, struct str *out)
{
	if (!strstr(words, "via="))
		str_addf(out, *c->relay_host ? "via=%s: by the setting mta/relay-host\n" :
		    "to the servers that its MX records name\n", c->relay_host);
	if (!strstr(words, "tls="))
		str_addf(out, "tls=%s: by the setting mta/tls\n", c->mta_tls);
}

static int tell(const struct conf *c, struct span domain, const char *sender, struct arena *a)
{
	struct str why = STR(WHY_MAX), mistakes = STR(WHY_MAX);
	struct lookup l = { .why = &why };
	const char *files[TABLE_COUNT], *words;
	struct err e;
	bool ok;

	who_files(c, files);
	l.files[TABLE_DESTINATIONS] = files[TABLE_DESTINATIONS];
	l.tables[TABLE_DESTINATIONS] =
	    compile_memory(TABLE_DESTINATIONS, files[TABLE_DESTINATIONS], &mistakes, &e);
	fputs(mistakes.p, stderr);
	ok = l.tables[TABLE_DESTINATIONS] &&
	    lookup_way(&l, span_of(sender), domain, a, &words, NULL, &e);
	if (ok)
		print_usual(c, words, &why);
	if (ok)
		admin_print(&why);
	table_close(l.tables[TABLE_DESTINATIONS], NULL);
	str_free(&mistakes);
	return ok ? EX_OK : mistakes.n ? EX_DATAERR : admin_fail(&e);
}

int destination_way(int argc, char **argv)
{
	const char *sender = argc == 4 && strcmp(argv[2], "--from") == 0 ? argv[3] : "";
	struct span domain = argc > 1 ? span_of(argv[1]) : SPAN("");
	ptrdiff_t at = span_rfind(domain, '@');
	struct arena *a;
	struct conf c;
	int code;

	if (at >= 0)
		domain = span_from(domain, (size_t)at + 1);
	if (!name_is_destination(domain) || (argc != 2 && !*sender))
		return admin_usage("destination way ADDRESS|DOMAIN [--from SENDER]");
	if (!admin_conf(&c))
		return EX_CONFIG;
	a = arena_new(MEMORY_MAX, NULL, NULL);
	code = tell(&c, domain, sender, a);
	arena_free(a);
	conf_free(&c);
	return code;
}
