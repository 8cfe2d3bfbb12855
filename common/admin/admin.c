/* What the sub-commands of posthorn(8) share. See admin.h. */
#include "common/admin/admin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

static struct { const char *conf_file; bool json; } options = { CONF_FILE, false };

const char *admin_conf_file(void)
{
	return options.conf_file;
}

bool admin_json(void)
{
	return options.json;
}

const char *admin_version(void)
{
	return VERSION;
}

static void take_out(int *argc, char **argv, int at, int n)
{
	for (int i = at; i + n <= *argc; i++)
		argv[i] = argv[i + n];
	*argc -= n;
}

int admin_options(int *argc, char **argv)
{
	int i = 1;

	while (i < *argc && strcmp(argv[i], "--") != 0) {
		if (strcmp(argv[i], "--json") == 0) {
			options.json = true;
			take_out(argc, argv, i, 1);
		} else if (strcmp(argv[i], "-c") == 0) {
			if (i + 1 >= *argc)
				return admin_usage("-c needs a file");
			options.conf_file = argv[i + 1];
			take_out(argc, argv, i, 2);
		} else {
			i++;
		}
	}
	return -1;
}

bool admin_take(int *argc, char **argv, const struct admin_option *list)
{
	int i = 1;

	while (i < *argc) {
		const struct admin_option *o = list;

		if (strncmp(argv[i], "--", 2) != 0) {
			i++;
			continue;
		}
		while (o->name && strcmp(argv[i], o->name) != 0)
			o++;
		if (!o->name || i + 1 == *argc)
			return false;
		*o->value = argv[i + 1];
		take_out(argc, argv, i, 2);
	}
	return true;
}

bool admin_conf(struct conf *c)
{
	struct str mistakes = STR(100000);
	struct err e;
	bool ok = conf_read(options.conf_file, c, &mistakes, &e);

	if (!ok && mistakes.n)
		fputs(mistakes.p, stderr);
	else if (!ok)
		fprintf(stderr, "posthorn: %s\n", e.text);
	str_free(&mistakes);
	return ok;
}

int admin_with_conf(int (*run)(const struct conf *c, void *arg), void *arg)
{
	struct conf c;
	int code;

	if (!admin_conf(&c))
		return EX_CONFIG;
	code = run(&c, arg);
	conf_free(&c);
	return code;
}

int admin_try(bool (*run)(const struct conf *c, const void *arg, struct err *e), const void *arg)
{
	struct conf c;
	struct err e;
	int code;

	if (!admin_conf(&c))
		return EX_CONFIG;
	code = run(&c, arg, &e) ? EX_OK : admin_fail(&e);
	conf_free(&c);
	return code;
}

static void list_verbs(const char *command, const struct admin_verb *verbs, FILE *to)
{
	fprintf(to, "usage: %s [-c FILE] [--json] COMMAND ...\n", command);
	for (; verbs->name; verbs++)
		fprintf(to, "  %s %s%s%s\n      %s\n", command, verbs->name,
		    *verbs->args ? " " : "", verbs->args, verbs->help);
}

int admin_run(const char *command, const struct admin_verb *verbs, int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)) {
		list_verbs(command, verbs, stdout);
		return EX_OK;
	}
	for (const struct admin_verb *v = verbs; argc > 1 && v->name; v++) {
		if (strcmp(argv[1], v->name) == 0)
			return v->run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "posthorn: there is no command \"%s %s\"\n", command, argv[1]);
	list_verbs(command, verbs, stderr);
	return EX_USAGE;
}

int admin_fail(const struct err *e)
{
	static const struct { const char *status; int code; } codes[] = {
		{ "5.1.", EX_NOUSER }, { "5.5.4", EX_USAGE }, { "5.7.8", EX_NOPERM },
	};
	int no = errno;

	fprintf(stderr, "posthorn: %s\n", e->text);
	if (e->kind != ERR_TEMP) {
		for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
			if (strncmp(e->status, codes[i].status, strlen(codes[i].status)) == 0)
				return codes[i].code;
		}
		return EX_DATAERR;
	}
	return no == EACCES || no == EPERM ? EX_NOPERM : EX_TEMPFAIL;
}

int admin_usage(const char *fmt, ...)
{
	va_list args;

	fputs("posthorn: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EX_USAGE;
}

/* Bytes of the UTF-8 sequence at the front of s; 0: none. */
static size_t utf8_length(struct span s)
{
	unsigned char c = (unsigned char)*s.p;
	size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : 2;

	if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

void admin_json_text(struct str *out, struct span text)
{
	str_add_char(out, '"');
	while (text.n) {
		size_t n = utf8_length(text);

		if (!n)
			str_add_text(out, "\xef\xbf\xbd");
		else if ((unsigned char)*text.p < 0x20)
			str_addf(out, "\\u%04x", *text.p);
		else if (*text.p == '"' || *text.p == '\\')
			str_addf(out, "\\%c", *text.p);
		else
			str_add(out, span_to(text, n));
		text = span_from(text, n ? n : 1);
	}
	str_add_char(out, '"');
}

void admin_json_pair(struct str *out, const char *key, struct span text)
{
	str_addf(out, ",\"%s\":", key);
	admin_json_text(out, text);
}

void admin_print(struct str *out)
{
	fwrite(out->p, 1, out->n, stdout);
	str_free(out);
}
