/* Dates: what reads, prints and reads the same again. */
#include <assert.h>

#include "common/mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void there_and_back(const struct date *d)
{
	struct str s = STR(100);
	struct date again;

	date_print(d->when, d->zone, &s);
	assert(date_parse(str_span(&s), &again) && again.when == d->when);
	str_reset(&s);
	date_imap_print(d->when, d->zone, &s);
	assert(date_imap_parse(str_span(&s), &again) && again.when == d->when);
	str_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct date d;

	if (date_parse(in, &d))
		there_and_back(&d);
	if (date_imap_parse(in, &d))
		there_and_back(&d);
	if (date_imap_day(in, &d))
		assert(date_days(d.year, d.month, d.day) * 86400L == (long)d.when);
	return 0;
}
