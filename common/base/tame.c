/* Control characters. See tame.h. */
#include "common/base/tame.h"

#include <stdbool.h>

size_t tame(char *text, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
		bool is_c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		text[kept++] = c < 0x20 || c == 0x7f || is_c1 ? '?' : (char)c;
		i += is_c1;
	}
	return kept;
}
