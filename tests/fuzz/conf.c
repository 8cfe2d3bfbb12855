/* Whatever a settings file says: it is read whole, or its mistakes are named. */
#include <assert.h>
#include <stdint.h>

#include "common/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str mistakes = STR(1 << 16), out = STR(1 << 20);
	struct conf c;
	struct err e;

	if (conf_parse((struct span){ (const char *)bytes, n }, "f", &c, &mistakes, &e)) {
		assert(!mistakes.n);
		for (const struct setting *row = settings; row->key; row++)
			conf_print(&c, row, &out);
		conf_free(&c);
	} else {
		assert(e.kind == ERR_PERM && e.text[0] && (mistakes.n || mistakes.over));
	}
	str_free(&mistakes);
	str_free(&out);
	return 0;
}
