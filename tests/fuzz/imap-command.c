/*
 * Commands as a stranger would send them, through the reader and every parser of arguments.
 * Whatever comes: no byte outside is read, what is eaten was there, and it ends.
 */
#include <assert.h>

#include "common/base/mem.h"
#include "imapd/flags.h"
#include "imapd/items.h"
#include "imapd/name.h"
#include "imapd/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct memory { struct stream stream; struct span left; };

static ssize_t read_memory(struct stream *s, void *buf, size_t n, ms_t until)
{
	struct memory *m = (struct memory *)s;
	struct span got = span_take(&m->left, n < 1000 ? n : 1000);

	(void)until;
	if (got.n)
		memcpy(buf, got.p, got.n);
	return (ssize_t)got.n;
}

static bool write_nowhere(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	(void)s, (void)bytes, (void)until, (void)e;
	return true;
}

static void parse_all(struct command *c, struct arena *a)
{
	struct items *items = arena_get(a, sizeof *items);
	struct span in = c->arg, out;
	struct flag_names flags;
	struct date date;
	struct key *key;
	struct set set;
	const char *why = NULL;

	if (parse_astring(&in, a, &out))
		assert(in.n < c->arg.n && out.n <= c->arg.n);
	in = c->arg;
	if (parse_pattern(&in, a, &out))
		name_matches(span_to(out, 200), SPAN("A.B.C.some folder"));
	if (set_parse(&in, a, &set)) {
		set_resolve(&set, 17);
		assert(set.count && set.ranges[0].from <= set.ranges[0].to);
	}
	items_parse(c->arg, a, items);
	if (!search_parse(c->arg, a, &key, &why))
		assert(why && *why);
	in = c->arg;
	flags_parse(&in, true, &flags);
	parse_date(&in, &date);
	parse_date_time(&in, &date);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct memory m = { { read_memory, write_nowhere }, { (const char *)data, n } };
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	struct out *o = out_new(&m.stream);
	struct reader r = {
		.line = line_new(&m.stream, 4096), .out = o, .arena = a, .literal_max = 4096,
		.all_max = 32768, .eat_max = 100000, .patience_s = 1, .ends_in_message = append_ends_in_message,
	};
	struct command c;
	const char *why;
	enum read_kind kind;

	do {
		arena_reset(a);
		kind = command_read(&r, MS_NEVER, &c, &why);
		if (kind == READ_COMMAND)
			parse_all(&c, a);
		if (kind == READ_COMMAND && c.message &&
		    !command_skip(&r, c.size < 100 ? c.size : 100))
			kind = READ_END;
	} while (kind == READ_COMMAND || kind == READ_REFUSED);
	line_free(r.line);
	out_free(o);
	arena_free(a);
	return 0;
}
