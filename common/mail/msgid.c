/* A new Message-ID. See msgid.h. */
#include "common/mail/msgid.h"

#include "common/os/clock.h"
#include "common/os/dice.h"

/* Base 36, lower digit first: short, and fine in any case-blind archive. */
static void add_base36(uint64_t v, struct str *out)
{
	do {
		str_add_char(out, "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36]);
		v /= 36;
	} while (v);
}

void msgid_make(int64_t wall_us, uint64_t dice, struct span domain, struct str *out)
{
	str_add_char(out, '<');
	add_base36((uint64_t)wall_us, out);
	str_add_char(out, '.');
	add_base36(dice, out);
	str_add_char(out, '@');
	str_add(out, domain);
	str_add_char(out, '>');
}

void msgid_new(struct span domain, struct str *out)
{
	msgid_make(clock_wall_us(), dice_roll(), domain, out);
}
