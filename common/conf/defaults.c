/* What a setting is when nobody set it. See defaults.h. */
#include "common/conf/defaults.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf/form.h"

static void add_host_name(const struct conf *c, struct str *out)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (c->host_name)
		str_add_text(out, c->host_name);
	else if (gethostname(name, sizeof name) < 0 || !form_is_host(span_of(name)))
		str_add_text(out, "localhost");
	else
		str_add_text(out, name);
}

static void add_directory_of(const char *file, struct str *out)
{
	ptrdiff_t slash = span_rfind(span_of(file), '/');

	str_add(out, slash > 0 ? span_to(span_of(file), (size_t)slash) : SPAN("/"));
}

static void add_file_directory(const struct conf *c, struct str *out)
{
	char *real = realpath(c->file, NULL);

	add_directory_of(real ? real : c->file, out);
	free(real);
}

/* A daemon that runs from the build directory finds its helpers beside it. */
static void add_programs(struct str *out)
{
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t at = out->n;

	if (n > 0) {
		add_directory_of(self, out);
		str_add_text(out, "/posthorn-clerk");
		if (!out->over && access(out->p + at, X_OK) == 0) {
			str_cut(out, out->n - strlen("/posthorn-clerk"));
			return;
		}
	}
	str_cut(out, at);
	str_add_text(out, PROGRAM_DIRECTORY);
}

static void add_word(const struct conf *c, struct span *in, struct str *out)
{
	if (span_eat(in, "@hostname"))
		add_host_name(c, out);
	else if (span_eat(in, "@config"))
		str_add_text(out, c->config_directory);
	else if (span_eat(in, "@here"))
		add_file_directory(c, out);
	else if (span_eat(in, "@programs"))
		add_programs(out);
	else
		str_add(out, span_take(in, 1));
}

const char *defaults_text(const struct conf *c, const struct setting *row, struct arena *a)
{
	struct str out = STR(2 * PATH_MAX);
	struct span in = span_of(row->fallback);
	const char *text;

	while (in.n)
		add_word(c, &in, &out);
	text = arena_text(a, str_span(&out));
	str_free(&out);
	return text;
}
