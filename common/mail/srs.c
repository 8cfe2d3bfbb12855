/* Senders that lead back. See srs.h. */
#include "common/mail/srs.h"

#include "common/base/siphash.h"
#include "common/mail/addr.h"

enum { HASH_LETTERS = 6, HASH_BITS = 64, LETTER_BITS = 5, DAYS = 1024, DAY_S = 86400 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* --- addresses --- */

/* RFC 5321 4.1.2: what is in quotes means the same as without. */
static void add_plain(struct span local, struct str *out)
{
	if (local.n < 2 || *local.p != '"' || local.p[local.n - 1] != '"') {
		str_add(out, local);
		return;
	}
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\' && i + 2 < local.n)
			i++;
		str_add_char(out, local.p[i]);
	}
}

static bool is_separator(char c)
{
	return c == '=' || c == '+' || c == '-';
}

/* Past "SRS0" or "SRS1": what follows begins with a separator. */
static bool eat_mark(struct span *local, char *which)
{
	struct span rest = *local;

	if (!span_eat(&rest, "SRS") || rest.n < 2 || (rest.p[0] != '0' && rest.p[0] != '1') ||
	    !is_separator(rest.p[1]))
		return false;
	*which = rest.p[0];
	*local = span_from(rest, 1);
	return true;
}

bool srs_is(struct span address)
{
	char which;

	span_eat_char(&address, '"');
	return eat_mark(&address, &which);
}

/* --- the hash and the day --- */

static void add_hash(const uint64_t key[2], char which, struct span what, struct str *out)
{
	struct str folded = STR(SRS_ADDRESS_MAX + 1);
	uint64_t n;

	str_add_char(&folded, which);
	for (size_t i = 0; i < what.n; i++)
		str_add_char(&folded, to_lower(what.p[i]));
	n = siphash(key, str_span(&folded));
	for (int i = 1; i <= HASH_LETTERS; i++)
		str_add_char(out, letters[n >> (HASH_BITS - i * LETTER_BITS) & 31]);
	str_free(&folded);
}

/* Guessing is slow, over a network and thirty bits: no need to compare in constant time. */
static bool is_ours(const struct srs_keys *keys, char which, struct span hash, struct span what)
{
	struct str good = STR(HASH_LETTERS);
	bool found = false;

	for (size_t i = 0; i < keys->count && !found; i++) {
		str_reset(&good);
		add_hash(keys->keys[i], which, what, &good);
		found = span_alike(hash, str_span(&good));
	}
	str_free(&good);
	return found;
}

static void add_day(time_t now, struct str *out)
{
	uint64_t day = (uint64_t)now / DAY_S;

	str_add_char(out, letters[day >> LETTER_BITS & 31]);
	str_add_char(out, letters[day & 31]);
}

static bool read_letter(char c, unsigned *out)
{
	char upper = (char)(is_alpha(c) ? to_lower(c) - 'a' + 'A' : c);
	const char *at = upper ? strchr(letters, upper) : NULL;

	*out = at ? (unsigned)(at - letters) : 0;
	return at != NULL;
}

/* Days since then. Tomorrow is today: clocks differ. */
static bool read_age(struct span day, time_t now, uint64_t *age)
{
	unsigned high, low;

	if (day.n != 2 || !read_letter(day.p[0], &high) || !read_letter(day.p[1], &low))
		return false;
	*age = ((uint64_t)now / DAY_S - (high << LETTER_BITS | low)) % DAYS;
	if (*age == DAYS - 1)
		*age = 0;
	return true;
}

/* --- there --- */

/* Of an SRS1: first=rest, and rest begins with the separator that the first used. */
static bool leads_on(struct span inner)
{
	struct span first;

	return span_cut(&inner, '=', &first) && first.n && inner.n && is_separator(*inner.p);
}

/* What the hash is over; out is over when there is nothing to come back to. */
static char add_inner(struct span plain, struct span domain, time_t now, struct str *out)
{
	struct span rest = plain, hash, hop;
	char which;

	if (!eat_mark(&rest, &which)) {
		add_day(now, out);
		str_addf(out, "=" SPAN_FMT "=" SPAN_FMT, SPAN_ARG(domain), SPAN_ARG(plain));
		return '0';
	}
	if (which == '0') {
		str_addf(out, SPAN_FMT "=" SPAN_FMT, SPAN_ARG(domain), SPAN_ARG(rest));
		return '1';
	}
	hop = span_from(rest, 1);
	if (span_cut(&hop, '=', &hash) && leads_on(hop))
		str_add(out, hop);
	else
		out->over = true;
	return '1';
}

bool srs_forward(const struct srs_keys *keys, struct span sender, struct span domain, time_t now,
    struct str *out)
{
	struct str plain = STR(SRS_LOCAL_MAX), inner = STR(SRS_LOCAL_MAX), local = STR(SRS_LOCAL_MAX);
	struct span said, at;
	bool ok = false;
	char which;

	if (keys->count && addr_split(sender, &said, &at) && !span_has(at, '=') &&
	    !span_has(sender, '\0')) {
		add_plain(said, &plain);
		which = add_inner(str_span(&plain), at, now, &inner);
		str_addf(&local, "SRS%c=", which);
		add_hash(keys->keys[0], which, str_span(&inner), &local);
		str_addf(&local, "=" SPAN_FMT, SPAN_ARG(str_span(&inner)));
		ok = !plain.over && !inner.over && !local.over;
	}
	if (ok)
		addr_print(str_span(&local), domain, out);
	str_free(&plain);
	str_free(&inner);
	str_free(&local);
	return ok && !out->over;
}

/* --- and back --- */

static bool none_of_ours(struct err *e)
{
	return err_perm(e, "5.1.1", "we made no such address for a message that we forwarded");
}

/* TT=domain=local */
static bool back_to_sender(struct span inner, time_t now, time_t valid, struct str *out, struct err *e)
{
	struct span day, domain;
	uint64_t age;

	if (!span_cut(&inner, '=', &day) || !span_cut(&inner, '=', &domain) || !domain.n ||
	    !inner.n || !read_age(day, now, &age))
		return none_of_ours(e);
	if (age > (uint64_t)valid / DAY_S)
		return err_perm(e, "5.1.1",
		    "the message that we made this address for was forwarded %llu days ago, "
		    "and reports are taken for %llu",
		    (unsigned long long)age, (unsigned long long)valid / DAY_S);
	addr_print(inner, domain, out);
	return true;
}

static bool back_to_first(struct span inner, struct str *out, struct err *e)
{
	struct str local = STR(SRS_LOCAL_MAX);
	struct span first;

	if (!leads_on(inner))
		return none_of_ours(e);
	span_cut(&inner, '=', &first);
	str_addf(&local, "SRS0" SPAN_FMT, SPAN_ARG(inner));
	addr_print(str_span(&local), first, out);
	str_free(&local);
	return true;
}

static bool open_up(const struct srs_keys *keys, struct span plain, time_t now, time_t valid,
    struct str *out, struct err *e)
{
	struct span hash;
	char which;

	if (!eat_mark(&plain, &which))
		return none_of_ours(e);
	plain = span_from(plain, 1);
	if (!span_cut(&plain, '=', &hash) || !is_ours(keys, which, hash, plain))
		return none_of_ours(e);
	return which == '0' ? back_to_sender(plain, now, valid, out, e) : back_to_first(plain, out, e);
}

bool srs_back(const struct srs_keys *keys, struct span address, time_t now, time_t valid,
    struct str *out, struct err *e)
{
	struct str plain = STR(SRS_LOCAL_MAX);
	struct span local = address, domain;
	bool ok;

	addr_split(address, &local, &domain);
	add_plain(local, &plain);
	ok = plain.over ? none_of_ours(e) : open_up(keys, str_span(&plain), now, valid, out, e);
	str_free(&plain);
	return ok;
}
