/* Mailbox names. See name.h. */
#include "imapd/name.h"

bool name_is_inbox(struct span name)
{
	return span_is(name, "INBOX");
}

bool name_parse_arg(struct imap *s, struct span *in, struct span *name)
{
	return parse_astring(in, s->arena, name);
}

bool name_to_folder(struct imap *s, struct span name, const char **folder, struct err *e)
{
	if (name_is_inbox(name)) {
		*folder = "";
		return true;
	}
	if (!name.n || name.n > IMAP_NAME_MAX)
		return err_perm(e, "5.1.1", "a mailbox name has 1 to %d bytes", IMAP_NAME_MAX);
	if (!folder_name_ok(name, e))
		return false;
	*folder = arena_printf(s->arena, ".%.*s", (int)name.n, name.p);
	return true;
}

/*
 * Without recursion: on a mismatch go back to the last "*" (or, while no separator lies
 * between, the last "%") and let it take one byte more. A "%" that fails falls back to the
 * "*" before it, so time is at most pattern times name.
 */
bool name_matches(struct span pattern, struct span name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0, percent = SIZE_MAX, percent_n = 0;

	while (n < name.n || p < pattern.n) {
		char c = p < pattern.n ? pattern.p[p] : '\0';

		if (c == '*') {
			star = ++p;
			star_n = n;
			percent = SIZE_MAX;
		} else if (c == '%') {
			percent = ++p;
			percent_n = n;
		} else if (p < pattern.n && n < name.n && c == name.p[n]) {
			p++;
			n++;
		} else if (percent != SIZE_MAX && percent_n < name.n &&
		    name.p[percent_n] != NAME_SEPARATOR) {
			n = ++percent_n;
			p = percent;
		} else if (star != SIZE_MAX && star_n < name.n) {
			n = ++star_n;
			p = star;
			percent = SIZE_MAX;
		} else {
			return false;
		}
	}
	return true;
}
