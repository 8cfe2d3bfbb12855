/* Records, policies, and what is remembered of them. See sts.h. */
#include "common/trust/sts.h"

#include <fcntl.h>
#include <inttypes.h>

#include "common/os/fd.h"
#include "common/os/file.h"

enum {
	ID_MAX		= STS_ID - 1,
	TXT_MAX		= 1024,
	TROUBLE_MAX	= 200,
	DOMAIN_MAX	= 240,
	CLOCK_SKEW_S	= 86400,
};

static const char *const modes[] = {
	[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce",
};

const char *sts_mode_name(enum sts_mode mode)
{
	return modes[mode];
}

/* --- the record: RFC 8461 3.1 --- */

static bool is_extension_value(char c)
{
	return c > ' ' && c <= '~' && c != '=' && c != ';';
}

static bool is_extension_name(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool take_id(struct span value, char id[STS_ID])
{
	struct span rest = value;

	if (*id)
		return false;
	span_while(&rest, is_alnum);
	return value.n && value.n <= ID_MAX && !rest.n && span_copy(value, id, STS_ID);
}

static bool take_field(struct span field, char id[STS_ID])
{
	struct span name = span_while(&field, is_extension_name), value = span_from(field, 1);

	if (!name.n || name.n > ID_MAX || !is_alnum(*name.p) || !field.n || *field.p != '=')
		return false;
	if (span_same(name, SPAN("id")))
		return take_id(value, id);
	span_while(&value, is_extension_value);
	return field.n > 1 && !value.n;
}

bool sts_record_parse(struct span text, char id[STS_ID])
{
	struct span field;

	*id = '\0';
	if (!span_cut(&text, ';', &field) || !span_same(span_trim(field), SPAN("v=STSv1")))
		return false;
	while (span_piece(&text, ';', &field)) {
		field = span_trim(field);
		if (!field.n && !text.n)
			break;
		if (!take_field(field, id))
			return false;
	}
	return *id;
}

bool sts_record_find(const struct dns_answer *txt, char id[STS_ID])
{
	struct str text = STR(TXT_MAX);
	bool ok;

	*id = '\0';
	ok = trust_dns_only(txt, "v=STSv1;", &text) && sts_record_parse(str_span(&text), id);
	if (!ok)
		*id = '\0';
	str_free(&text);
	return ok;
}

/* --- the policy: RFC 8461 3.2 --- */

struct reading {
	struct arena		*arena;
	struct sts_policy	*policy;
	bool			 version, mode, max_age;	/* seen */
};

static bool take_version(struct reading *r, struct span value, struct err *e)
{
	bool first = !r->version;

	r->version = true;
	return !first || span_same(value, SPAN("STSv1")) ||
	    err_perm(e, "5.7.0", "its version is not STSv1");
}

static bool take_mode(struct reading *r, struct span value, struct err *e)
{
	if (r->mode)
		return true;		/* of a field that stands twice, the first counts */
	r->mode = true;
	for (enum sts_mode m = STS_NONE; m <= STS_ENFORCE; m++) {
		if (!span_same(value, span_of(modes[m])))
			continue;
		r->policy->mode = m;
		return true;
	}
	return err_perm(e, "5.7.0", "\"" SPAN_FMT "\" is no mode", SPAN_ARG(span_to(value, 40)));
}

static bool take_max_age(struct reading *r, struct span value, struct err *e)
{
	uint64_t age;

	if (r->max_age)
		return true;
	if (!value.n || value.n > 10 || !span_u64(value, UINT64_MAX, &age))
		return err_perm(e, "5.7.0", "\"" SPAN_FMT "\" is no max_age",
		    SPAN_ARG(span_to(value, 40)));
	r->max_age = true;
	r->policy->max_age = age > STS_AGE_MAX ? STS_AGE_MAX : (uint32_t)age;
	return true;
}

static bool take_mx(struct reading *r, struct span value, struct err *e)
{
	struct span name = value;
	bool wild = span_eat(&name, "*.");
	char clean[DNS_NAME];

	if (!dns_name_clean(name, clean) || !*clean)
		return err_perm(e, "5.7.0", "\"" SPAN_FMT "\" is no mx",
		    SPAN_ARG(span_to(value, 80)));
	if (r->policy->count == STS_MX_MAX)
		return err_perm(e, "5.7.0", "it has more than %d mx", STS_MX_MAX);
	r->policy->mx[r->policy->count++] = arena_printf(r->arena, "%s%s", wild ? "*." : "", clean);
	return true;
}

static bool take_line(struct reading *r, struct span line, struct err *e)
{
	static const struct {
		const char	*name;
		bool		(*take)(struct reading *, struct span, struct err *);
	} fields[] = {
		{ "version", take_version }, { "mode", take_mode }, { "max_age", take_max_age },
		{ "mx", take_mx },
	};
	struct span name;

	if (!span_cut(&line, ':', &name))
		return err_perm(e, "5.7.0", "\"" SPAN_FMT "\" is no field",
		    SPAN_ARG(span_to(line, 40)));
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (span_same(name, span_of(fields[i].name)))
			return fields[i].take(r, span_trim(line), e);
	}
	return true;			/* an extension */
}

bool sts_policy_parse(struct span text, struct arena *a, struct sts_policy *out, struct err *e)
{
	struct reading r = { .arena = a, .policy = out };
	struct span line;

	*out = (struct sts_policy){ 0 };
	if (text.n > STS_POLICY_MAX)
		return err_perm(e, "5.7.0", "it has more than %d bytes", STS_POLICY_MAX);
	while (span_piece(&text, '\n', &line)) {
		line = span_trim(line);
		if (line.n && !take_line(&r, line, e))
			return false;
	}
	if (!r.version || !r.mode || !r.max_age)
		return err_perm(e, "5.7.0", "it has no %s",
		    !r.version ? "version" : !r.mode ? "mode" : "max_age");
	return out->count || out->mode == STS_NONE || err_perm(e, "5.7.0", "it has no mx");
}

void sts_policy_print(const struct sts_policy *p, struct str *out)
{
	str_addf(out, "version: STSv1\nmode: %s\n", modes[p->mode]);
	for (size_t i = 0; i < p->count; i++)
		str_addf(out, "mx: %s\n", p->mx[i]);
	str_addf(out, "max_age: %" PRIu32 "\n", p->max_age);
}

const char *sts_policy_has(const struct sts_policy *p, const char *host)
{
	const char *parent = strchr(host, '.');

	for (size_t i = 0; i < p->count; i++) {
		const char *mx = p->mx[i];

		if (strcmp(mx, host) == 0)
			return mx;
		if (*mx == '*' && parent && parent != host && strcmp(mx + 1, parent) == 0)
			return mx;
	}
	return NULL;
}

/* --- what is known of a domain --- */

static int64_t take_time(struct span value)
{
	uint64_t when = 0;

	span_u64(value, INT64_MAX, &when);
	return (int64_t)when;
}

static void take_fact(struct span line, struct arena *a, struct sts_entry *out)
{
	struct span name, value;

	if (!span_cut(&line, ':', &name))
		return;
	value = span_trim(line);
	if (span_same(name, SPAN("id")))
		take_id(value, out->id);
	else if (span_same(name, SPAN("fetched")))
		out->fetched = take_time(value);
	else if (span_same(name, SPAN("tried")))
		out->tried = take_time(value);
	else if (span_same(name, SPAN("used")))
		out->used = take_time(value);
	else if (span_same(name, SPAN("trouble")))
		out->trouble = arena_text(a, span_to(value, TROUBLE_MAX));
}

/* A line for people, who see it on a terminal. */
static void add_tame(const char *text, struct str *out)
{
	for (size_t i = 0; text[i] && i < TROUBLE_MAX; i++)
		str_add_char(out, is_print(text[i]) ? text[i] : '?');
}

bool sts_entry_parse(struct span text, struct arena *a, struct sts_entry *out)
{
	struct span line;

	*out = (struct sts_entry){ .trouble = "" };
	if (text.n > STS_ENTRY_MAX)
		return false;
	while (span_cut(&text, '\n', &line) && line.n)
		take_fact(line, a, out);
	if (!out->fetched)
		return out->tried > 0 && !text.n;
	return sts_policy_parse(text, a, &out->policy, NULL);
}

bool sts_entry_read(int directory, const char *domain, struct arena *a, struct sts_entry *out)
{
	struct str text = STR(STS_ENTRY_MAX);
	int fd = directory < 0 ? -1 : file_open_beneath(directory, domain, O_RDONLY, 0);
	bool ok = fd >= 0 && file_read_all(fd, &text, NULL) &&
	    sts_entry_parse(str_span(&text), a, out);

	fd_close(&fd);
	str_free(&text);
	return ok;
}

void sts_entry_print(const struct sts_entry *s, struct str *out)
{
	if (*s->id)
		str_addf(out, "id: %s\n", s->id);
	str_addf(out, "fetched: %" PRId64 "\ntried: %" PRId64 "\nused: %" PRId64 "\n", s->fetched,
	    s->tried, s->used);
	if (*s->trouble) {
		str_add_text(out, "trouble: ");
		add_tame(s->trouble, out);
		str_add_char(out, '\n');
	}
	str_add_char(out, '\n');
	if (s->fetched)
		sts_policy_print(&s->policy, out);
}

/* A clock that was far ahead once must not make a policy last for ever. */
bool sts_entry_counts(const struct sts_entry *s, int64_t now)
{
	return s->fetched > 0 && s->fetched <= now + CLOCK_SKEW_S &&
	    now - s->fetched < (int64_t)s->policy.max_age;
}

static bool was_tried(const struct sts_entry *s, int64_t now)
{
	return s->tried <= now && now - s->tried < STS_RETRY_S;
}

enum sts_step sts_next(const struct sts_entry *s, const char *id, int64_t now)
{
	bool counts = sts_entry_counts(s, now);

	if (*id && !(counts && strcmp(s->id, id) == 0) && !was_tried(s, now))
		return STS_FETCH;
	return counts ? STS_GO_WITH : STS_GO_WITHOUT;
}

void sts_learn(struct sts_entry *s, const char *id, const struct sts_policy *policy,
    const char *trouble, int64_t now)
{
	s->tried = now;
	s->trouble = policy ? "" : trouble;
	if (!policy)
		return;
	s->fetched = now;
	s->policy = *policy;
	if (*id)
		snprintf(s->id, sizeof s->id, "%s", id);
}

bool sts_is_stale(const struct sts_entry *s, int64_t now)
{
	return sts_entry_counts(s, now) && now - s->fetched >= STS_REFRESH_S &&
	    now - s->used < STS_UNUSED_S && !was_tried(s, now);
}

bool sts_domain(struct span text, char domain[DNS_NAME])
{
	return dns_name_clean(text, domain) && strchr(domain, '.') && strlen(domain) <= DOMAIN_MAX;
}
