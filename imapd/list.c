/* LIST and LSUB. RFC 3501 6.3.8, 6.3.9; RFC 3348 (CHILDREN), RFC 6154 (SPECIAL-USE). */
#include <stdlib.h>

#include "imapd/name.h"

struct entry {
	const char	*name;
	bool		 there;		/* not only a parent of one that is */
};

struct entries {
	struct arena	*arena;
	struct entry	*list;
	size_t		 count, room;
};

static void add(struct entries *all, const char *name, bool there)
{
	if (all->count == all->room) {
		size_t room = all->room ? all->room * 2 : 64;
		struct entry *more = arena_array(all->arena, room, sizeof *more);

		if (all->count)
			memcpy(more, all->list, all->count * sizeof *more);
		all->list = more;
		all->room = room;
	}
	all->list[all->count++] = (struct entry){ name, there };
}

/* A folder and all levels above it, which may or may not be folders themselves. */
static bool add_with_parents(void *arg, const char *folder)
{
	struct entries *all = arg;
	struct span name = span_of(folder);

	add(all, arena_text(all->arena, name), true);
	for (size_t i = 1; i < name.n; i++) {
		if (name.p[i] == NAME_SEPARATOR)
			add(all, arena_text(all->arena, span_to(name, i)), false);
	}
	return true;
}

/* By name, with the separator below all else, so that children follow their parent at once. */
static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const char *p = x->name, *q = y->name;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	if (*p == *q)
		return x->there != y->there ? (x->there ? -1 : 1) : 0;
	if (!*p || !*q)
		return *p ? 1 : -1;
	if (*p == NAME_SEPARATOR || *q == NAME_SEPARATOR)
		return *p == NAME_SEPARATOR ? -1 : 1;
	return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
}

static void sort(struct entries *all)
{
	size_t n = 0;

	if (all->count)
		qsort(all->list, all->count, sizeof *all->list, by_name);
	for (size_t i = 0; i < all->count; i++) {
		if (!n || strcmp(all->list[i].name, all->list[n - 1].name) != 0)
			all->list[n++] = all->list[i];
	}
	all->count = n;
}

static bool has_children(const struct entries *all, size_t i)
{
	size_t n = strlen(all->list[i].name);

	return i + 1 < all->count && strncmp(all->list[i + 1].name, all->list[i].name, n) == 0 &&
	    all->list[i + 1].name[n] == NAME_SEPARATOR;
}

/* What people and clients mean by these names. */
static const char *special_use(const char *name)
{
	static const char *const names[] = { "Archive", "Drafts", "Junk", "Sent", "Trash" };
	static const char *const uses[] = { " \\Archive", " \\Drafts", " \\Junk", " \\Sent",
		" \\Trash" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) == 0)
			return uses[i];
	}
	return "";
}

static bool fits(struct imap *s, struct span pattern, const char *name)
{
	char *upper;

	if (!name_is_inbox(span_of(name)))
		return name_matches(pattern, span_of(name));
	upper = arena_text(s->arena, pattern);
	for (char *p = upper; *p; p++)
		*p = is_alpha(*p) ? (char)(*p & ~0x20) : *p;
	return name_matches((struct span){ upper, pattern.n }, SPAN("INBOX"));
}

static void print_entry(struct imap *s, const char *word, const char *flags, const char *use, const char *name)
{
	out_addf(s->out, "* %s (%s%s) \".\" ", word, flags, use);
	print_astring(s->out, span_of(name));
	out_text(s->out, "\r\n");
}

static void print_list(struct imap *s, const struct entries *all, struct span pattern)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct entry *one = &all->list[i];
		bool parent = has_children(all, i);

		if (!fits(s, pattern, one->name))
			continue;
		print_entry(s, "LIST", !one->there ? "\\Noselect \\HasChildren" :
		    parent ? "\\HasChildren" : "\\HasNoChildren",
		    one->there ? special_use(one->name) : "", one->name);
	}
}

/* Parents that are not subscribed themselves show only to "%", RFC 3501 6.3.9. */
static void print_lsub(struct imap *s, const struct entries *all, struct span pattern)
{
	bool percent = span_has(pattern, '%');

	for (size_t i = 0; i < all->count; i++) {
		const struct entry *one = &all->list[i];

		if ((one->there || percent) && fits(s, pattern, one->name))
			print_entry(s, "LSUB", one->there ? "" : "\\Noselect", "", one->name);
	}
}

/* Reference and pattern make one name: the plain reading of RFC 3501 6.3.8. */
static bool parse_args(struct imap *s, struct span arg, struct span *pattern)
{
	struct span reference, mailbox;

	if (!name_parse_arg(s, &arg, &reference) || !parse_space(&arg) ||
	    !parse_pattern(&arg, s->arena, &mailbox) || !parse_end(arg))
		return false;
	*pattern = span_of(arena_printf(s->arena, SPAN_FMT SPAN_FMT, SPAN_ARG(reference), SPAN_ARG(mailbox)));
	if (!mailbox.n)
		*pattern = mailbox;
	return true;
}

struct reply do_list(struct imap *s, struct span arg)
{
	struct entries all = { .arena = s->arena };
	struct span pattern;
	struct err e;

	if (!parse_args(s, arg, &pattern))
		return say_syntax(s, "LIST reference pattern");
	if (!pattern.n) {		/* "which separator do you use?" */
		out_text(s->out, "* LIST (\\Noselect) \".\" \"\"\r\n");
		return say_done(s);
	}
	add(&all, "INBOX", true);
	if (!folders_each(s->root, add_with_parents, &all, &e))
		return say_err(&e);
	sort(&all);
	print_list(s, &all, pattern);
	return say_done(s);
}

struct reply do_lsub(struct imap *s, struct span arg)
{
	struct entries all = { .arena = s->arena };
	struct span pattern;
	struct err e;

	if (!parse_args(s, arg, &pattern))
		return say_syntax(s, "LSUB reference pattern");
	if (!pattern.n) {
		out_text(s->out, "* LSUB (\\Noselect) \".\" \"\"\r\n");
		return say_done(s);
	}
	if (!folder_subscribed(s->root, add_with_parents, &all, &e))
		return say_err(&e);
	sort(&all);
	print_lsub(s, &all, pattern);
	return say_done(s);
}
