/* ENVELOPE, BODYSTRUCTURE and pieces of any bytes that call themselves a message. */
#include <assert.h>

#include "imapd/imap.h"
#include "imapd/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Checks on the way that parentheses balance outside of strings and that no NUL goes out. */
struct watcher { struct stream stream; uint64_t bytes; };

static bool watch(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	struct watcher *w = (struct watcher *)s;

	(void)until, (void)e;
	assert(!span_has(bytes, '\0'));
	w->bytes += bytes.n;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct watcher w = { .stream = { .write = watch } };
	struct span text = { (const char *)data, n };
	struct arena *a = arena_new(512 << 20, NULL, NULL);
	struct out *o = out_new(&w.stream);
	struct message m = { .text = text };
	struct mime mime;

	mime_parse(text, a, &mime);
	for (size_t i = 0; i < mime.count; i++) {
		assert(mime.parts[i].body.at + mime.parts[i].body.bytes <= n);
		assert(mime.parts[i].header.at + mime.parts[i].header.bytes <= n);
	}
	print_envelope(o, text, a);
	print_structure(o, &mime, text, true, a);
	print_structure(o, &mime, text, false, a);
	out_flush(o, MS_NEVER, NULL);
	if (!span_has(text, '\0')) {
		uint64_t before = w.bytes;

		print_text_part(&m, o, text, n / 3, n / 3 + 1);
		print_text_part(&m, o, text, n / 2, 7);
		out_flush(o, MS_NEVER, NULL);
		assert(w.bytes > before);
	}
	out_free(o);
	arena_free(a);
	return 0;
}
