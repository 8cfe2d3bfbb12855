/* One line of posthorn-aliases(5). See aliases.h. */
#include "common/directory/aliases.h"

#include "common/directory/name.h"

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

/* @domain, local@domain, or local. */
static bool check_name(struct span s, struct err *e)
{
	struct name name;

	if (s.n > 1 && *s.p == '@' && name_is_domain(span_from(s, 1)))
		return true;
	if (name_read(s, &name, NULL) && (name.local_n == name.n || name_is_domain(name_domain(&name))) &&
	    (*s.p == '"' || (!span_has(s, ' ') && !span_has(s, '\t'))))
		return true;
	return err_perm(e, "5.3.5", "expected a name, an address or @domain before the colon, not \""
	    SPAN_FMT "\"", SPAN_ARG(span_to(s, 60)));
}

static bool has_any(struct span s, const char *signs)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr(signs, s.p[i]))
			return true;
	}
	return false;
}

static bool check_target(struct span s, struct err *e)
{
	struct span bare = s;
	struct name name;

	span_eat(&bare, "\"");
	if (span_starts(bare, "|"))
		return err_perm(e, "5.3.5", "an alias cannot run a program; let the user's own rules do that");
	if (span_starts(bare, "/"))
		return err_perm(e, "5.3.5", "an alias cannot name a file; give the mail to a user");
	if (span_starts(bare, ":include:"))
		return err_perm(e, "5.3.5", "there is no :include:; list the addresses here, "
		    "the next line may begin with a blank");
	if (name_read(s, &name, NULL) && (name.local_n == name.n || name_is_domain(name_domain(&name))) &&
	    (*s.p == '"' || !has_any(s, " \t<>()\"\\;")))
		return true;
	return err_perm(e, "5.3.5", "expected an address or a user's name, not \"" SPAN_FMT "\"",
	    SPAN_ARG(span_to(s, 60)));
}

bool aliases_line_parse(struct span line, struct aliases_row *row, struct err *e)
{
	struct aliases_row got;
	struct span targets, target;

	if (!cut_outside_quotes(&line, ':', &got.name))
		return err_perm(e, "5.3.5", "expected \"name: target, target\", not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(span_trim(line), 60)));
	got.name = span_trim(got.name);
	got.targets = targets = span_trim(line);
	got.count = 0;
	if (!check_name(got.name, e))
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
