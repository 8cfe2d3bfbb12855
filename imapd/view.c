/* The selected folder. See view.h. */
#include "imapd/view.h"

#include <stdlib.h>

#include "common/base/mem.h"

enum { KEYWORDS = 26 };

bool view_open(struct view *v, int root, const char *folder, bool read_only, struct err *e)
{
	struct mailbox *box = mailbox_open(root, folder, read_only, e);

	if (!box)
		return false;
	*v = (struct view){ .box = box, .read_only = read_only };
	if (!span_copy(span_of(folder), v->folder, sizeof v->folder))
		v->folder[0] = '\0';
	return true;
}

void view_close(struct view *v)
{
	if (v->box)
		mailbox_close(v->box);
	free(v->flags);
	*v = (struct view){ .box = NULL };
}

static const struct { unsigned flag; const char *name; } system_flags[] = {
	{ FLAG_ANSWERED, "\\Answered" }, { FLAG_FLAGGED, "\\Flagged" }, { FLAG_DELETED, "\\Deleted" },
	{ FLAG_SEEN, "\\Seen" }, { FLAG_DRAFT, "\\Draft" }, { FLAG_RECENT, "\\Recent" },
};

void view_print_flags(const struct view *v, struct out *o, unsigned flags, uint32_t keywords)
{
	const char *blank = "";

	out_text(o, "(");
	for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++) {
		if (flags & system_flags[i].flag) {
			out_addf(o, "%s%s", blank, system_flags[i].name);
			blank = " ";
		}
	}
	for (unsigned bit = 0; bit < KEYWORDS; bit++) {
		const char *name = keywords >> bit & 1 ? mailbox_keyword(v->box, bit) : NULL;

		if (name) {
			out_addf(o, "%s%s", blank, name);
			blank = " ";
		}
	}
	out_text(o, ")");
}

static uint32_t keywords_there(const struct view *v)
{
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < KEYWORDS; bit++) {
		if (mailbox_keyword(v->box, bit))
			bits |= UINT32_C(1) << bit;
	}
	return bits;
}

void view_tell_keywords(struct view *v, struct out *o, bool always)
{
	const unsigned system =
	    FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED | FLAG_SEEN | FLAG_DRAFT;
	uint32_t bits = keywords_there(v);

	if (!always && !(bits & ~v->keywords))
		return;
	v->keywords = bits;
	out_text(o, "* FLAGS ");
	view_print_flags(v, o, system, bits);
	if (v->read_only) {
		out_text(o, "\r\n* OK [PERMANENTFLAGS ()] nothing can be changed here\r\n");
		return;
	}
	out_text(o, "\r\n* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (unsigned bit = 0; bit < KEYWORDS; bit++) {
		if (bits >> bit & 1)
			out_addf(o, " %s", mailbox_keyword(v->box, bit));
	}
	out_addf(o, "%s)] these stay\r\n", bits == (UINT32_C(1) << KEYWORDS) - 1 ? "" : " \\*");
}

static size_t count_recent(const struct view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->told; i++)
		n += !!(mailbox_msg(v->box, i)->flags & FLAG_RECENT);
	return n;
}

void view_tell_exists(struct view *v, struct out *o)
{
	size_t count = mailbox_count(v->box);

	if (count > v->room) {
		v->flags = mem_more(v->flags, count, sizeof *v->flags);
		v->room = count;
	}
	for (size_t i = v->told; i < count; i++) {
		v->told = i + 1;
		view_note_flags(v, i);
	}
	v->recent = count_recent(v);
	out_addf(o, "* %zu EXISTS\r\n* %zu RECENT\r\n", v->told, v->recent);
}

void view_note_flags(struct view *v, size_t index)
{
	const struct mailbox_msg *m = mailbox_msg(v->box, index);

	if (index < v->told)
		v->flags[index] = (struct told){ m->flags, m->keywords };
}

/* From the last to the first, so that no number shifts before it was said. */
static void tell_expunges(struct view *v, struct out *o)
{
	size_t left = 0, was = v->told;

	for (size_t i = was; i-- > 0;) {
		if (mailbox_msg(v->box, i)->gone)
			out_addf(o, "* %zu EXPUNGE\r\n", i + 1);
	}
	for (size_t i = 0; i < was; i++) {
		if (!mailbox_msg(v->box, i)->gone)
			v->flags[left++] = v->flags[i];
	}
	v->told = left;
	mailbox_forget_gone(v->box);
}

static void tell_flags(struct view *v, struct out *o)
{
	for (size_t i = 0; i < v->told; i++) {
		const struct mailbox_msg *m = mailbox_msg(v->box, i);

		if (m->gone ||
		    (m->flags == v->flags[i].flags && m->keywords == v->flags[i].keywords))
			continue;
		view_note_flags(v, i);
		out_addf(o, "* %zu FETCH (UID %u FLAGS ", i + 1, m->uid);
		view_print_flags(v, o, m->flags, m->keywords);
		out_text(o, ")\r\n");
	}
}

void view_tell_known(struct view *v, struct out *o, bool may_expunge)
{
	if (may_expunge)
		tell_expunges(v, o);
	view_tell_keywords(v, o, false);
	if (mailbox_count(v->box) > v->told)
		view_tell_exists(v, o);
	tell_flags(v, o);
}

bool view_tell(struct view *v, struct out *o, bool may_expunge, struct err *e)
{
	bool appeared = false, vanished = false, changed = false;

	if (!mailbox_refresh(v->box, &appeared, &vanished, &changed, e))
		return false;
	view_tell_known(v, o, may_expunge);
	return true;
}

uint32_t view_star(const struct view *v, bool uid)
{
	if (!v->told)
		return 0;
	return uid ? mailbox_msg(v->box, v->told - 1)->uid : (uint32_t)v->told;
}

struct walk view_walk(const struct view *v, const struct set *set, bool uid)
{
	return (struct walk){ v, set, uid, 0, 0 };
}

/* The first message whose UID is at least uid. */
static size_t index_of_uid(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->told;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mailbox_msg(v->box, mid)->uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool walk_next(struct walk *w, size_t *index)
{
	for (; w->range < w->set->count; w->range++) {
		struct set_range r = w->set->ranges[w->range];
		size_t first = w->uid ? index_of_uid(w->view, r.from) : r.from ? r.from - 1 : 0;

		if (w->index < first)
			w->index = first;
		if (w->index >= w->view->told)
			return false;
		if ((w->uid ? mailbox_msg(w->view->box, w->index)->uid : w->index + 1) > r.to)
			continue;
		*index = w->index++;
		return true;
	}
	return false;
}
