/* Who a header says that a message is from. See author.h. */
#include "common/mail/author.h"

#include "common/mail/addr.h"

enum { ADDRESS_MAX = 1000 };

/* ---- reading ---- */

static bool add(struct author_list *list, const struct addr *m, const char *name, struct arena *a,
    struct err *e)
{
	struct str text = STR(ADDRESS_MAX);
	bool ok = m->local.n && m->domain.n;

	if (ok) {
		addr_print(m->local, m->domain, &text);
		ok = !text.over;
	}
	if (ok)
		list->addresses[list->count++] = arena_text(a, str_span(&text));
	str_free(&text);
	return ok ||
	    err_perm(e, "5.6.0", "%s must hold whole addresses like ann@example.org", name);
}

/* Signs @ outside of quotes and comments. */
static size_t count_ats(struct span s)
{
	size_t n = 0, depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && (quoted || depth))
			i++;
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')' && depth)
			depth--;
		else if (!quoted && !depth && c == '@')
			n++;
	}
	return n;
}

/* An @ that is in none of our mailboxes is in one that somebody else reads there. */
static bool read_list(struct span value, const char *name, struct author_list *list, struct arena *a, struct err *e)
{
	struct addrs found;

	addr_parse(value, a, &found);
	if (found.cut || found.count > AUTHOR_MAX)
		return err_perm(e, "5.6.0", "%s names more than %d mailboxes", name, AUTHOR_MAX);
	list->addresses = arena_array(a, found.count + 1, sizeof *list->addresses);
	for (size_t i = 0; i < found.count; i++) {
		if (found.list[i].kind == ADDR_MAILBOX && !add(list, &found.list[i], name, a, e))
			return false;
	}
	if (count_ats(value) != list->count)
		return err_perm(e, "5.6.0",
		    "%s can be read in more than one way; a name with an @ stands in quotes", name);
	return list->count || err_perm(e, "5.6.0", "%s names nobody", name);
}

static bool read_field(const struct header *h, const char *name, struct author_list *list,
    struct arena *a, struct err *e)
{
	const struct field *f = header_find(h, name);

	*list = (struct author_list){ NULL, 0 };
	if (!f)
		return true;
	if (header_find_after(h, name, f))
		return err_perm(e, "5.6.0",
		    "the message has two %s fields; it may have one (RFC 5322 3.6)", name);
	return read_list(f->value, name, list, a, e) &&
	    (list->count == 1 || !span_is(span_of(name), "Sender") ||
	    err_perm(e, "5.6.0", "Sender names more than one mailbox"));
}

/* Resent- fields stand in blocks, the latest on top (RFC 5322 3.6.6); only that one is of our sender. */
static bool read_resent(const struct header *h, struct author *x, struct arena *a, struct err *e)
{
	bool inside = false;

	x->resent_from = x->resent_sender = (struct author_list){ NULL, 0 };
	for (size_t i = 0; i < h->count; i++) {
		const struct field *f = &h->fields[i];
		bool from = span_is(f->name, "Resent-From"), sender = span_is(f->name, "Resent-Sender");

		if (!span_starts(f->name, "Resent-")) {
			if (inside)
				break;
			continue;
		}
		inside = true;
		if ((from && x->resent_from.count) || (sender && x->resent_sender.count))
			break;
		if (from && !read_list(f->value, "Resent-From", &x->resent_from, a, e))
			return false;
		if (sender && !read_list(f->value, "Resent-Sender", &x->resent_sender, a, e))
			return false;
	}
	return true;
}

bool author_read(const struct header *h, struct arena *a, struct author *out, struct err *e)
{
	if (h->cut)
		return err_perm(e, "5.6.0", "the header has more than %d fields", HEADER_FIELDS_MAX);
	return read_field(h, "From", &out->from, a, e) &&
	    read_field(h, "Sender", &out->sender, a, e) && read_resent(h, out, a, e);
}

/* ---- deciding ---- */

static bool all_own(const struct author_list *list, const struct author_ask *ask, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!ask->may(ask->arg, list->addresses[i], e))
			return false;
	}
	return true;
}

/* The first address that is ours and not the sender's; e is kept from what refused it. */
static bool all_foreign_or_own(const struct author_list *list, const struct author_ask *ask, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		bool ours;

		if (ask->may(ask->arg, list->addresses[i], e))
			continue;
		if (e->kind != ERR_PERM)
			return false;
		if (!ask->is_ours(ask->arg, list->addresses[i], &ours, e))
			return false;
		if (ours)
			return err_perm(e, "5.7.1", "a message from %s cannot be sent on under that name; forward it instead",
			    list->addresses[i]);
	}
	return true;
}

static bool refuse(const char *where, const char *what_to_do, struct err *e)
{
	char why[sizeof e->text];

	if (e->kind != ERR_PERM)
		return false;
	snprintf(why, sizeof why, "%s", e->text);
	return err_perm(e, "5.7.1", "%.200s, who stands in %s; %s", why, where, what_to_do);
}

static const char mend[] =
    "choose an own address as sender in the mail program, or have the postmaster allow it";

static bool check_resent(const struct author *x, const struct author_ask *ask, struct err *e)
{
	if (!all_own(&x->resent_from, ask, e))
		return refuse("Resent-From", mend, e);
	if (!all_own(&x->resent_sender, ask, e))
		return refuse("Resent-Sender", mend, e);
	return all_foreign_or_own(&x->from, ask, e) && all_foreign_or_own(&x->sender, ask, e);
}

bool author_check(const struct author *x, const struct author_ask *ask, bool on_behalf,
    bool *add_sender, struct err *e)
{
	bool own;

	*add_sender = false;
	if (!x->from.count)
		return err_perm(e, "5.6.0", "the message has no From");
	if (x->resent_from.count)
		return check_resent(x, ask, e);
	own = all_own(&x->from, ask, e);
	if (!own && (e->kind != ERR_PERM || !on_behalf))
		return refuse("From", mend, e);
	if (x->sender.count && !all_own(&x->sender, ask, e)) {
		if (e->kind != ERR_PERM || !on_behalf)
			return refuse("Sender", "leave that field out", e);
		*add_sender = true;
	}
	*add_sender = *add_sender || (!x->sender.count && (!own || x->from.count > 1));
	return true;
}
