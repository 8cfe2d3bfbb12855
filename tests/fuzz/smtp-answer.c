/* Lines of another server's replies: text stays tame and cut, codes stay codes. */
#include <assert.h>

#include "common/smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, line;
	struct answer a = { .code = 0 };
	bool more = true;
	struct err e;

	while (more && in.n) {
		line = in;
		if (!span_cut(&in, '\n', &line))
			in.n = 0;
		if (!answer_line(&a, line, &more, &e)) {
			assert(e.kind == ERR_TEMP && e.text[0]);
			return 0;
		}
		assert(a.code >= 200 && a.code < 600 && a.lines <= REPLY_LINES_MAX);
		assert(strlen(a.text) < sizeof a.text && a.status[0] == (char)('0' + a.code / 100));
		for (const char *p = a.text; *p; p++)
			assert((unsigned char)*p >= ' ' && *p != 0x7f);
	}
	return 0;
}
