/* The envelope as text. See envelope.h. */
#include "common/queue/envelope.h"

#include <inttypes.h>
#include <stddef.h>

#include "common/base/crc.h"
#include "common/base/tame.h"

enum { VERSION = 1, RCPTS_LIMIT = 100000, PIECE = 16384 };

static const char *const state_names[] = {
	[RCPT_WAITING] = "waiting",
	[RCPT_DONE] = "done",
	[RCPT_FAILED] = "failed",
	[RCPT_TOLD] = "told",
};
enum { STATES = sizeof state_names / sizeof *state_names };

static const struct { const char *name; unsigned bit; } notify_names[] = {
	{ "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS },
	{ "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY },
};
enum { NOTIFIES = sizeof notify_names / sizeof *notify_names };

/* The fields that are a line of text each: of the message, and of one recipient. */
struct field { const char *key; size_t at; };

static const struct field texts[] = {
	{ "envid", offsetof(struct envelope, envid) },	{ "ret", offsetof(struct envelope, ret) },
	{ "login", offsetof(struct envelope, login) },	{ "peer", offsetof(struct envelope, peer) },
	{ "helo", offsetof(struct envelope, helo) },
	{ "protocol", offsetof(struct envelope, protocol) },
	{ "tls", offsetof(struct envelope, tls) },	{ "hold", offsetof(struct envelope, hold) },
	{ "via", offsetof(struct envelope, via) },
};
static const struct field rcpt_texts[] = {
	{ "orcpt", offsetof(struct rcpt, original) },	{ "status", offsetof(struct rcpt, status) },
	{ "answer", offsetof(struct rcpt, answer) },	{ "remote", offsetof(struct rcpt, remote) },
};
static const struct field marks[] = {
	{ "smtputf8", offsetof(struct envelope, smtputf8) },
	{ "8bitmime", offsetof(struct envelope, body8bit) },
	{ "requiretls", offsetof(struct envelope, require_tls) },
	{ "tls-optional", offsetof(struct envelope, tls_optional) },
	{ "bounce", offsetof(struct envelope, is_bounce) },
	{ "junk", offsetof(struct envelope, junk) },
	{ "vouched", offsetof(struct envelope, vouched) },
};
#define EACH(f, table) (const struct field *f = table; f < table + sizeof table / sizeof *table; f++)

static const char **text_at(void *of, const struct field *f)
{
	return (const char **)((char *)of + f->at);
}

static bool *mark_at(void *of, const struct field *f)
{
	return (bool *)((char *)of + f->at);
}

const char *rcpt_state_name(enum rcpt_state s)
{
	return state_names[s];
}

static size_t count(const struct envelope *env, enum rcpt_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < env->rcpt_count; i++)
		n += env->rcpts[i].state == state;
	return n;
}

size_t envelope_waiting(const struct envelope *env)
{
	return count(env, RCPT_WAITING);
}

size_t envelope_failed(const struct envelope *env)
{
	return count(env, RCPT_FAILED);
}

struct rcpt *envelope_rcpt(const struct envelope *env, unsigned number, size_t *at)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (*at >= env->rcpt_count)
			*at = 0;
		if (env->rcpts[(*at)++].number == number)
			return &env->rcpts[*at - 1];
	}
	return NULL;
}

time_t envelope_start(const struct envelope *env)
{
	return env->release > env->arrived ? env->release : env->arrived;
}

/* --- printing --- */

/* What an envelope holds was checked when it came in; this is the last door. */
static void add_tame(struct str *out, const char *text)
{
	size_t from = out->n;

	str_add_text(out, text);
	str_cut(out, from + tame(out->p + from, out->n - from));
}

static void add_line(struct str *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	str_add_text(out, key);
	str_add(out, SPAN(": "));
	add_tame(out, value);
	str_add_char(out, '\n');
}

static void add_path(struct str *out, const char *before, const char *address)
{
	str_add_text(out, before);
	str_add_char(out, '<');
	add_tame(out, address ? address : "");
	str_add(out, SPAN(">\n"));
}

void notify_print(unsigned notify, struct str *out)
{
	bool more = false;

	for (size_t i = 0; i < NOTIFIES; i++) {
		if (!(notify & notify_names[i].bit))
			continue;
		if (more)
			str_add_char(out, ',');
		str_add_text(out, notify_names[i].name);
		more = true;
	}
}

static void print_marks(const struct envelope *env, struct str *out)
{
	bool any = false;

	for EACH(f, marks) {
		if (!*mark_at((void *)env, f))
			continue;
		str_add_text(out, any ? " " : "marks: ");
		str_add_text(out, f->key);
		any = true;
	}
	if (any)
		str_add_char(out, '\n');
}

static void print_times(const struct envelope *env, struct str *out)
{
	if (env->release)
		str_addf(out, "release: %" PRId64 "\n", (int64_t)env->release);
	if (env->by_mode)
		str_addf(out, "deliver-by: %" PRId64 " %s%s\n", (int64_t)env->by,
		    env->by_mode == DELIVER_OR_RETURN ? "return" : "notify",
		    env->by_trace ? " trace" : "");
	if (env->priority)
		str_addf(out, "priority: %d\n", env->priority);
	if (env->warned)
		str_addf(out, "warned: %" PRId64 "\n", (int64_t)env->warned);
}

static void print_rcpt(const struct rcpt *r, struct str *out)
{
	char head[64];

	snprintf(head, sizeof head, "rcpt: %u %s ", r->number, state_names[r->state]);
	add_path(out, head, r->address);
	if (r->notify) {
		str_add(out, SPAN("notify: "));
		notify_print(r->notify, out);
		str_add_char(out, '\n');
	}
	if (r->tries)
		str_addf(out, "tries: %u\n", r->tries);
	if (r->next)
		str_addf(out, "next: %" PRId64 "\n", (int64_t)r->next);
	for EACH(f, rcpt_texts)
		add_line(out, f->key, *text_at((void *)r, f));
}

static void print_head(const struct envelope *env, struct str *out)
{
	int64_t us = env->arrived_us ? env->arrived_us : (int64_t)env->arrived * 1000000;

	str_addf(out, "posthorn-envelope: %d\nid: %s\narrived: %" PRId64 ".%06d\n", VERSION,
	    env->id, us / 1000000, (int)(us % 1000000));
	add_path(out, "sender: ", env->sender);
	for EACH(f, texts)
		add_line(out, f->key, *text_at((void *)env, f));
	for (size_t i = 0; i < env->top_count; i++)
		add_line(out, "top", env->top[i]);
	print_marks(env, out);
	print_times(env, out);
	str_addf(out, "text: %" PRIu64 " %" PRIu64 " %08" PRIx32 "\n", env->text_bytes,
	    env->wire_bytes, env->text_crc);
}

static void give(struct str *piece, uint32_t *crc, struct sink to)
{
	*crc = crc32c(*crc, str_span(piece));
	to.put(to.arg, str_span(piece));
	str_reset(piece);
}

void envelope_print_to(const struct envelope *env, struct sink to)
{
	struct str piece = STR(ENVELOPE_MAX);
	uint32_t crc = 0;

	print_head(env, &piece);
	for (size_t i = 0; i < env->rcpt_count; i++) {
		print_rcpt(&env->rcpts[i], &piece);
		if (piece.n >= PIECE)
			give(&piece, &crc, to);
	}
	crc = crc32c(crc, str_span(&piece));
	str_addf(&piece, "end: %08" PRIx32 "\n", crc);
	to.put(to.arg, str_span(&piece));
	str_free(&piece);
}

static void add_to(void *out, struct span piece)
{
	str_add(out, piece);
}

void envelope_print(const struct envelope *env, struct str *out)
{
	envelope_print_to(env, (struct sink){ add_to, out });
}

void envelope_print_done(const unsigned *numbers, size_t count, struct str *out)
{
	size_t from = out->n;

	str_add(out, SPAN("done:"));
	for (size_t i = 0; i < count; i++)
		str_addf(out, " %u", numbers[i]);
	str_addf(out, " %08" PRIx32 "\n", crc32c(0, span_from(str_span(out), from)));
}

/* --- parsing --- */

static bool eat_hex32(struct span *in, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t v = 0;

	if (in->n < 8)
		return false;
	for (int i = 0; i < 8; i++) {
		const char *d = memchr(digits, in->p[i], 16);

		if (!d)
			return false;
		v = v << 4 | (uint32_t)(d - digits);
	}
	*out = v;
	*in = span_from(*in, 8);
	return true;
}

static bool eat_time(struct span *in, time_t *out)
{
	uint64_t v;

	if (!span_eat_u64(in, INT64_MAX / 1000000 - 1, &v))
		return false;
	*out = (time_t)v;
	return true;
}

static bool read_id(struct envelope *env, struct span v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]) && !(v.p[i] >= 'a' && v.p[i] <= 'z'))
			return false;
	}
	return v.n && span_copy(v, env->id, sizeof env->id);
}

static bool read_arrived(struct envelope *env, struct span v)
{
	uint64_t us;

	if (!eat_time(&v, &env->arrived) || !span_eat_char(&v, '.') || v.n != 6 ||
	    !span_u64(v, 999999, &us))
		return false;
	env->arrived_us = (int64_t)env->arrived * 1000000 + (int64_t)us;
	return true;
}

/* "<address>", and nothing behind it. The text under v is ours: the address ends in a NUL. */
static bool read_path(struct span v, const char **out)
{
	if (v.n < 2 || v.p[0] != '<' || v.p[v.n - 1] != '>')
		return false;
	((char *)v.p)[v.n - 1] = '\0';
	*out = v.p + 1;
	return true;
}

static bool read_sender(struct envelope *env, struct span v)
{
	return read_path(v, &env->sender);
}

static bool read_marks(struct envelope *env, struct span v)
{
	while (v.n) {
		struct span word = span_word(&v);
		bool known = false;

		for EACH(f, marks) {
			if (!span_is(word, f->key))
				continue;
			*mark_at(env, f) = known = true;
		}
		if (!known)
			return false;
	}
	return true;
}

static bool read_top(struct envelope *env, struct span v)
{
	if (env->top_count == ENVELOPE_TOPS || !v.n)
		return false;
	((char *)v.p)[v.n] = '\0';
	env->top[env->top_count++] = v.p;
	return true;
}

static bool read_warned(struct envelope *env, struct span v)
{
	return eat_time(&v, &env->warned) && !v.n;
}

static bool read_release(struct envelope *env, struct span v)
{
	return eat_time(&v, &env->release) && !v.n;
}

static bool read_deliver_by(struct envelope *env, struct span v)
{
	if (!eat_time(&v, &env->by) || !span_eat_char(&v, ' '))
		return false;
	env->by_mode = span_eat(&v, "return") ? DELIVER_OR_RETURN : span_eat(&v, "notify") ? DELIVER_OR_NOTIFY : DELIVER_ANY;
	env->by_trace = span_eat(&v, " trace");
	return env->by_mode && !v.n;
}

static bool read_priority(struct envelope *env, struct span v)
{
	bool minus = span_eat_char(&v, '-');
	uint64_t n;

	if (!span_u64(v, 9, &n))
		return false;
	env->priority = minus ? -(int)n : (int)n;
	return true;
}

static bool read_text(struct envelope *env, struct span v)
{
	return span_eat_u64(&v, INT64_MAX, &env->text_bytes) && span_eat_char(&v, ' ')
	    && span_eat_u64(&v, INT64_MAX, &env->wire_bytes) && span_eat_char(&v, ' ')
	    && eat_hex32(&v, &env->text_crc) && !v.n;
}

static bool read_rcpt(struct envelope *env, struct span v)
{
	struct rcpt *r = &env->rcpts[env->rcpt_count];
	struct span state;
	uint64_t number;
	int s = 0;

	if (!span_eat_u64(&v, UINT32_MAX, &number) || !span_eat_char(&v, ' ') ||
	    !span_cut(&v, ' ', &state))
		return false;
	r->number = (unsigned)number;
	while (!span_is(state, state_names[s])) {
		if (++s == STATES)
			return false;
	}
	r->state = (enum rcpt_state)s;
	for EACH(f, rcpt_texts)
		*text_at(r, f) = "";
	env->rcpt_count++;
	return read_path(v, &r->address);
}

static struct rcpt *last_rcpt(struct envelope *env)
{
	return env->rcpt_count ? &env->rcpts[env->rcpt_count - 1] : NULL;
}

static bool read_notify(struct envelope *env, struct span v)
{
	struct rcpt *r = last_rcpt(env);
	struct span word;

	while (r && span_piece(&v, ',', &word)) {
		size_t i = 0;

		while (i < NOTIFIES && !span_is(word, notify_names[i].name))
			i++;
		if (i == NOTIFIES)
			return false;
		r->notify |= notify_names[i].bit;
	}
	return r && r->notify;
}

static bool read_tries(struct envelope *env, struct span v)
{
	struct rcpt *r = last_rcpt(env);
	uint64_t n;

	if (!r || !span_u64(v, UINT32_MAX, &n))
		return false;
	r->tries = (unsigned)n;
	return true;
}

static bool read_next(struct envelope *env, struct span v)
{
	struct rcpt *r = last_rcpt(env);

	return r && eat_time(&v, &r->next) && !v.n;
}

static const struct { const char *key; bool (*read)(struct envelope *env, struct span v); } lines[] = {
	{ "rcpt", read_rcpt },		{ "id", read_id },	{ "arrived", read_arrived },
	{ "sender", read_sender },	{ "marks", read_marks },{ "warned", read_warned },
	{ "text", read_text },		{ "notify", read_notify },
	{ "top", read_top },		{ "tries", read_tries },	{ "next", read_next },
	{ "release", read_release },	{ "deliver-by", read_deliver_by },
	{ "priority", read_priority },
};

/* One line. The text under value is ours, with room for a NUL behind it. */
static bool read_line(struct envelope *env, struct span key, struct span value)
{
	struct rcpt *r = last_rcpt(env);

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (span_is(key, lines[i].key))
			return lines[i].read(env, value);
	}
	((char *)value.p)[value.n] = '\0';
	for EACH(f, texts) {
		if (!span_is(key, f->key))
			continue;
		*text_at(env, f) = value.p;
		return true;
	}
	for EACH(f, rcpt_texts) {
		if (!r || !span_is(key, f->key))
			continue;
		*text_at(r, f) = value.p;
		return true;
	}
	return false;
}

/* Room for all recipients, counted before any is read. */
static bool count_rcpts(struct span text, struct arena *a, struct envelope *env)
{
	struct span line;
	size_t n = 0;

	while (span_cut(&text, '\n', &line))
		n += span_starts(line, "rcpt: ");
	if (n > RCPTS_LIMIT)
		return false;
	env->rcpts = arena_array(a, n ? n : 1, sizeof *env->rcpts);
	return true;
}

/* Cut off the end line, whose checksum must be right, and what is behind it. */
static bool whole(struct span *text, struct span *behind)
{
	ptrdiff_t at = span_search(*text, SPAN("\nend: "));
	uint32_t crc;

	if (at < 0)
		return false;
	*behind = span_from(*text, (size_t)at + 1);
	*text = span_to(*text, (size_t)at + 1);
	return span_eat(behind, "end: ") && eat_hex32(behind, &crc) && span_eat_char(behind, '\n')
	    && crc == crc32c(0, *text) && !span_has(*text, '\0');
}

/* --- who is done since --- */

static void set_done(const struct envelope *env, unsigned number, size_t *at)
{
	struct rcpt *r = envelope_rcpt(env, number, at);

	if (!r || r->state != RCPT_WAITING)
		return;
	r->state = RCPT_DONE;
	r->next = 0;
	r->status = r->answer = "";
}

/* Before it may stand the beginning of one that was cut short. */
static void read_done(const struct envelope *env, struct span line, size_t *at)
{
	const size_t sum = sizeof " 01234567" - 1;
	struct span end;
	uint64_t number;
	ptrdiff_t more;
	uint32_t crc;

	while ((more = span_search(span_from(line, 1), SPAN("done:"))) >= 0)
		line = span_from(line, (size_t)more + 1);
	if (line.n < sum)
		return;
	end = span_from(line, line.n - sum);
	line = span_to(line, line.n - sum);
	if (!span_eat_char(&end, ' ') || !eat_hex32(&end, &crc) || crc != crc32c(0, line) || !span_eat(&line, "done:"))
		return;
	while (span_eat_char(&line, ' ') && span_eat_u64(&line, UINT32_MAX, &number))
		set_done(env, (unsigned)number, at);
}

static void read_behind(const struct envelope *env, struct span behind)
{
	size_t at = 0;
	struct span line;

	while (span_cut(&behind, '\n', &line)) {
		if (line.n)
			read_done(env, line, &at);
	}
}

/* --- all of it --- */

bool envelope_parse(struct span text, struct arena *a, struct envelope *env, struct err *e)
{
	struct span line, key, copy, behind;

	*env = (struct envelope){ 0 };
	for EACH(f, texts)
		*text_at(env, f) = "";
	if (!whole(&text, &behind))
		return err_perm(e, "5.3.0", "the envelope is cut short or damaged");
	if (!span_eat(&text, "posthorn-envelope: 1\n"))
		return err_perm(e, "5.3.0", "the envelope is not of a version we know");
	copy = arena_copy(a, text);
	if (!count_rcpts(copy, a, env))
		return err_perm(e, "5.3.0", "the envelope has too many recipients");
	while (span_cut(&copy, '\n', &line)) {
		struct span value = line;

		if (!span_cut(&value, ':', &key) || !span_eat_char(&value, ' ') ||
		    !read_line(env, key, value))
			return err_perm(e, "5.3.0",
			    "the envelope has a line that we do not know: " SPAN_FMT,
			    SPAN_ARG(span_to(line, 60)));
	}
	if (copy.n || !env->id[0] || !env->sender || !env->rcpt_count)
		return err_perm(e, "5.3.0", "the envelope lacks its id, sender or recipients");
	read_behind(env, behind);
	return true;
}
