/* Any bytes as a file name: flags survive being printed and read again, the base never changes. */
#include <assert.h>

#include "common/store/maildir.h"
#include "common/store/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct maildir_name name, again;
	struct str out = STR(2 * n + 256);

	folder_name_ok(in, NULL);
	name_parse(in, &name);
	assert(name.base.n <= n && name.unique.n <= name.base.n);
	name_print(name.base, name.letters, name.flags, name.keywords, &out);
	assert(!out.over);
	name_parse(str_span(&out), &again);
	assert(span_same(again.base, name.base) && again.flags == name.flags &&
	    again.keywords == name.keywords);
	assert(again.size == name.size && again.wire_size == name.wire_size);
	str_free(&out);
	return 0;
}
