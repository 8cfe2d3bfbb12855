/* One line of posthorn-aliases(5). See aliases.h. */
#include "common/directory/aliases.h"

#include "common/directory/name.h"

enum { GROUP_NAME_MAX = 64 };

/* Like span_cut(), but blind to what stands in quotes. */
static bool cut_outside_quotes(struct span *in, char at, struct span *head)
{
	bool quoted = false;

	for (size_t i = 0; i < in->n; i++) {
		char c = in->p[i];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted)
			i++;
		else if (c == at && !quoted) {
			*head = span_to(*in, i);
			*in = span_from(*in, i + 1);
			return true;
		}
	}
	return false;
}

bool aliases_target(struct span *targets, struct span *target)
{
	while (targets->n) {
		if (!cut_outside_quotes(targets, ',', target))
			*target = span_take(targets, targets->n);
		*target = span_trim(*target);
		if (target->n)
			return true;
	}
	return false;
}

/* Eat the word "group" and the blanks behind it. */
static bool eat_group(struct span *s)
{
	struct span rest = *s;

	if (!span_eat(&rest, "group") || !rest.n || !is_blank(*rest.p))
		return false;
	*s = span_trim(rest);
	return true;
}

static bool is_group_name(struct span s)
{
	if (!s.n || s.n > GROUP_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && !(s.p[i] && strchr("._-", s.p[i])))
			return false;
	}
	return true;
}

static bool is_exact(struct span s, const struct name *name)
{
	struct span domain = name_domain(name);

	return (!domain.n || name_is_domain(domain) || span_is(domain, "*")) &&
	    (*s.p == '"' || (!span_has(s, ' ') && !span_has(s, '\t')));
}

/* "group name", @domain, local@domain, local@*, local, or any of these with * in the local part. */
static bool read_name(struct aliases_row *row, struct err *e)
{
	struct span s = row->name;
	struct name name;

	if (eat_group(&row->name)) {
		row->kind = ALIASES_GROUP;
		return is_group_name(row->name) || err_perm(e, "5.3.5", "the name of a group has letters, "
		    "digits, dots and dashes, at most %d, not \"" SPAN_FMT "\"", GROUP_NAME_MAX,
		    SPAN_ARG(span_to(row->name, 60)));
	}
	if (s.n > 1 && *s.p == '@' && name_is_domain(span_from(s, 1))) {
		row->kind = ALIASES_DOMAIN;
		return true;
	}
	if (!s.n || !name_read(s, &name, NULL) || !is_exact(s, &name))
		return err_perm(e, "5.3.5",
		    "expected a name, an address or @domain before the colon, not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(s, 60)));
	row->kind =
	    *s.p != '"' && span_has(name_local(&name), '*') ? ALIASES_PATTERN : ALIASES_EXACT;
	if (row->kind == ALIASES_PATTERN && !name_domain(&name).n)
		return err_perm(e, "5.3.5",
		    "a pattern needs a domain, or * for all of ours: " SPAN_FMT "@*",
		    SPAN_ARG(span_to(s, 60)));
	return true;
}

struct aliases_part aliases_part(struct span target)
{
	struct aliases_part part = { span_trim(target), false, ALIASES_RECEIVES | ALIASES_SENDS };
	ptrdiff_t open = span_ends(part.name, ")") ? span_rfind(part.name, '(') : -1;

	if (open >= 0) {
		struct span right = span_from(part.name, (size_t)open);

		part.may = span_is(right, "(send-only)") ? ALIASES_SENDS
		    : span_is(right, "(receive-only)") ? ALIASES_RECEIVES : 0;
		part.name = span_trim(span_to(part.name, (size_t)open));
	}
	part.is_group = eat_group(&part.name);
	return part;
}

bool aliases_any(struct span targets, unsigned may)
{
	struct span target;

	while (aliases_target(&targets, &target)) {
		if (aliases_part(target).may & may)
			return true;
	}
	return false;
}

/* Back to the last star only: what an earlier one could take, that one can take too. */
bool aliases_fits(struct span pattern, struct span local)
{
	size_t p = 0, s = 0, star = SIZE_MAX, from = 0;

	while (s < local.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = s;
		} else if (p < pattern.n && pattern.p[p] == local.p[s]) {
			p++;
			s++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			s = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

static bool has_any(struct span s, const char *signs)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr(signs, s.p[i]))
			return true;
	}
	return false;
}

static bool check_target(struct span target, struct err *e)
{
	struct aliases_part part = aliases_part(target);
	struct span s = part.name, bare = s;
	struct name name;

	if (!part.may)
		return err_perm(e, "5.3.5", "expected (send-only), (receive-only) or nothing behind a target, not \""
		    SPAN_FMT "\"", SPAN_ARG(span_to(target, 60)));
	if (part.is_group)
		return is_group_name(s) || err_perm(e, "5.3.5", "\"" SPAN_FMT "\" is no name of a group",
		    SPAN_ARG(span_to(s, 60)));

	span_eat(&bare, "\"");
	if (span_starts(bare, "|"))
		return err_perm(e, "5.3.5", "an alias cannot run a program; let the user's own rules do that");
	if (span_starts(bare, "/"))
		return err_perm(e, "5.3.5", "an alias cannot name a file; give the mail to a user");
	if (span_starts(bare, ":include:"))
		return err_perm(e, "5.3.5", "there is no :include:; list the addresses here, "
		    "the next line may begin with a blank");
	if (s.n && name_read(s, &name, NULL) &&
	    (name.local_n == name.n || name_is_domain(name_domain(&name))) &&
	    (*s.p == '"' || !has_any(s, " \t<>()\"\\;")))
		return true;
	return err_perm(e, "5.3.5", "expected an address or a user's name, not \"" SPAN_FMT "\"",
	    SPAN_ARG(span_to(s, 60)));
}

bool aliases_line_parse(struct span line, struct aliases_row *row, struct err *e)
{
	struct aliases_row got = { .kind = ALIASES_EXACT };
	struct span targets, target;

	if (!cut_outside_quotes(&line, ':', &got.name))
		return err_perm(e, "5.3.5",
		    "expected \"name: target, target\", not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(span_trim(line), 60)));
	got.name = span_trim(got.name);
	got.targets = targets = span_trim(line);
	got.count = 0;
	if (!read_name(&got, e))
		return false;
	while (aliases_target(&targets, &target)) {
		if (!check_target(target, e))
			return false;
		if (++got.count > ALIASES_TARGETS_MAX)
			return err_perm(e, "5.3.5", "more than %d targets", ALIASES_TARGETS_MAX);
	}
	if (!got.count)
		return err_perm(e, "5.3.5", "\"" SPAN_FMT "\" has no target", SPAN_ARG(span_to(got.name, 60)));
	*row = got;
	return true;
}
