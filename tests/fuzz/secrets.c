/* A file of secrets: lines inside of it, and each mistake has no more in it than its number. */
#include <assert.h>
#include <stdint.h>

#include "common/auth/secrets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span text = { (const char *)data, n };
	struct str mistakes = STR(1 << 20);
	struct secrets_row row;
	bool fine = secrets_check(text, "f", &mistakes);

	assert(fine == !mistakes.n || mistakes.over);
	if (secrets_line_parse(text, &row, NULL)) {
		assert(row.name.n && row.user.n && row.password.n);
		assert(row.name.p >= text.p && row.password.p + row.password.n <= text.p + text.n);
	}
	str_free(&mistakes);
	return 0;
}
