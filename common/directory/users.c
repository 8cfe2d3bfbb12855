/* One line of posthorn-users(5). See users.h. */
#include "common/directory/users.h"

#include "common/directory/name.h"

enum { USERS_WORDS_MAX = 1500 };

/* The next field; empty when there are no more. */
static struct span take_field(struct span *line)
{
	struct span field;

	if (span_cut(line, ':', &field))
		return field;
	return span_take(line, line->n);
}

static bool parse_address(struct users_row *row, struct err *e)
{
	struct name name;
	ptrdiff_t at = span_rfind(row->address, '@');

	if (at < 1 || !name_read(row->address, &name, NULL) || !name_is_domain(name_domain(&name)))
		return err_perm(e, "5.3.5", "expected an address like ann@example.org first, not \""
		    SPAN_FMT "\"", SPAN_ARG(span_to(row->address, 60)));
	row->local = span_to(row->address, (size_t)at);
	row->domain = span_from(row->address, (size_t)at + 1);
	if (!name_is_safe(name_local(&name)) || span_has(row->local, '"') ||
	    span_has(row->local, ' '))
		return err_perm(e, "5.3.5",
		    "a user's name can be a directory: at most 64 letters, no /, "
		    "no blank, no dot in front, not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(row->local, 70)));
	return true;
}

static bool is_hash_char(char c)
{
	return is_alnum(c) || (c && strchr("./$=,+-_*!{} ", c));
}

/* One hash at most, and any number of SCRAM verifiers, with blanks between. */
static bool sort_words(struct users_row *row)
{
	struct span rest = span_trim(row->words), word;

	row->barred = rest.n && (*rest.p == '!' || *rest.p == '*');
	while ((word = span_word(&rest)).n) {
		if (span_starts(word, "{SCRAM-"))
			continue;
		if (row->hash.n)
			return false;
		row->hash = word;
	}
	return true;
}

static bool parse_hash(struct users_row *row, struct err *e)
{
	struct span rest = row->words;

	span_while(&rest, is_hash_char);
	if (!rest.n && row->words.n <= USERS_WORDS_MAX && sort_words(row))
		return true;
	return err_perm(e, "5.3.5", "this is no hash of a password; posthorn user passwd makes one");
}

static bool parse_id(struct span field, const char *what, bool *has, uint32_t *id, struct err *e)
{
	uint64_t v = 0;

	*has = field.n > 0;
	*id = 0;
	if (!*has)
		return true;
	if (!span_u64(field, UINT32_MAX - 1, &v) || !v)
		return err_perm(e, "5.3.5", "expected a %s from 1 up, not \"" SPAN_FMT "\"", what,
		    SPAN_ARG(span_to(field, 30)));
	*id = (uint32_t)v;
	return true;
}

static bool parse_home(struct users_row *row, struct err *e)
{
	struct span home = row->home;
	struct span part;

	if (!home.n)
		return true;
	if (*home.p != '/' || home.n > 1000 || home.n < 2)
		return err_perm(e, "5.3.5", "a home is an absolute path");
	span_take(&home, 1);
	while (span_piece(&home, '/', &part)) {
		if (span_same(part, SPAN("..")) || span_same(part, SPAN(".")))
			return err_perm(e, "5.3.5", "a home has no . and .. in it");
	}
	return true;
}

static bool parse_quota(struct span field, uint64_t *quota, struct err *e)
{
	static const char units[] = "kmgt";
	struct span at = field;
	const char *unit = units;
	uint64_t n = 0;

	*quota = 0;
	if (!field.n)
		return true;
	if (span_eat_u64(&at, UINT32_MAX, &n)) {
		unit = at.n == 1 ? memchr(units, to_lower(*at.p), 4) : NULL;
		if (!at.n || unit) {
			*quota = at.n ? n << 10 * (unit - units + 1) : n;
			return true;
		}
	}
	return err_perm(e, "5.3.5", "expected a quota like 500M or 2G, not \"" SPAN_FMT "\"",
	    SPAN_ARG(span_to(field, 30)));
}

static bool is_text(struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		if ((unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f)
			return false;
	}
	return true;
}

bool users_line_parse(struct span line, struct users_row *row, struct err *e)
{
	struct users_row got = { 0 };
	struct span uid, gid, quota;

	line = span_trim(line);
	if (!is_text(line))
		return err_perm(e, "5.3.5", "a control character");
	got.address = take_field(&line);
	got.words = take_field(&line);
	uid = take_field(&line);
	gid = take_field(&line);
	got.home = take_field(&line);
	quota = take_field(&line);
	if (line.n)
		return err_perm(e, "5.3.5", "more than six fields: address:hash:uid:gid:home:quota");
	if (!parse_address(&got, e) || !parse_hash(&got, e) ||
	    !parse_id(uid, "uid", &got.has_uid, &got.uid, e) ||
	    !parse_id(gid, "gid", &got.has_gid, &got.gid, e) ||
	    !parse_home(&got, e) || !parse_quota(quota, &got.quota, e))
		return false;
	*row = got;
	return true;
}
