/* Frames of the milter protocol. See frame.h. */
#include "common/milter/frame.h"

enum { LENGTH = 4 };

static void put_number(char *at, uint32_t number)
{
	for (int i = 0; i < LENGTH; i++)
		at[i] = (char)(number >> (24 - 8 * i) & 0xff);
}

static uint32_t get_number(const char *at)
{
	uint32_t number = 0;

	for (int i = 0; i < LENGTH; i++)
		number = number << 8 | (unsigned char)at[i];
	return number;
}

size_t frame_begin(struct str *out, char what)
{
	size_t began = out->n;

	frame_number(out, 0);
	str_add_char(out, what);
	return began;
}

void frame_end(struct str *out, size_t began)
{
	if (!out->over)
		put_number(out->p + began, (uint32_t)(out->n - began - LENGTH));
}

void frame_text(struct str *out, struct span text)
{
	ptrdiff_t nul = span_find(text, '\0');

	str_add(out, nul < 0 ? text : span_to(text, (size_t)nul));
	str_add_char(out, '\0');
}

void frame_number(struct str *out, uint32_t number)
{
	char bytes[LENGTH];

	put_number(bytes, number);
	str_add(out, (struct span){ bytes, sizeof bytes });
}

bool frame_take(struct span *in, struct span *frame)
{
	uint32_t n;

	if (in->n < LENGTH)
		return false;
	n = get_number(in->p);
	if (in->n - LENGTH < n)
		return false;
	span_take(in, LENGTH);
	*frame = span_take(in, n);
	return true;
}

bool frame_take_text(struct span *in, struct span *text)
{
	return span_cut(in, '\0', text);
}

bool frame_take_number(struct span *in, uint32_t *number)
{
	if (in->n < LENGTH)
		return false;
	*number = get_number(in->p);
	span_take(in, LENGTH);
	return true;
}
