/* A line of users(5): refused whole, or each field lies inside of it. */
#include <assert.h>

#include "common/directory/name.h"
#include "common/directory/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void inside(struct span part, struct span whole)
{
	assert(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span line = { (const char *)bytes, n };
	struct users_row row;
	struct name name;
	struct err e;

	if (!users_line_parse(line, &row, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return 0;
	}
	inside(row.address, line);
	inside(row.hash, line);
	inside(row.home, line);
	assert(name_read(row.address, &name, &e) && name_is_safe(name_local(&name)));
	assert((!row.has_uid || row.uid) && (!row.has_gid || row.gid));
	return 0;
}
