/* The rows of users, domains or aliases, as they stand in their text. See list.h. */
#include "common/admin/list.h"

#include "common/directory/name.h"
#include "common/directory/text.h"

void list_each(enum table_kind kind, struct span text,
    bool (*each)(void *arg, const struct list_row *row), void *arg)
{
	struct str key = STR(NAME_SIZE);
	struct text in;
	struct span line;
	bool more = true;

	text_begin(&in, text, compile_joins(kind));
	while (more && text_next(&in, &line)) {
		str_reset(&key);
		if (compile_key(kind, line, &key, NULL))
			more =
			    each(arg, &(struct list_row){ in.line, str_span(&key), in.raw, line });
	}
	text_end(&in);
	str_free(&key);
}

struct search { struct span key; struct str *memory; struct list_row *found; bool done; };

static bool compare(void *arg, const struct list_row *row)
{
	struct search *s = arg;

	if (!span_same(row->key, s->key))
		return true;
	str_add(s->memory, row->row);
	*s->found = *row;
	s->found->row = str_span(s->memory);
	s->found->key = s->key;
	s->done = true;
	return false;
}

bool list_find(enum table_kind kind, struct span text, struct span key, struct str *memory,
    struct list_row *found)
{
	struct search s = { key, memory, found, false };

	str_reset(memory);
	list_each(kind, text, compare, &s);
	return s.done;
}
