/* Memory or the end. See mem.h. */
#include "common/base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { LARGE = 32 << 10 };

static void out_of_memory(void)
{
	static const char why[] = "out of memory, ending this process; nothing accepted is lost\n";
	ssize_t ignored = write(STDERR_FILENO, why, sizeof why - 1);

	(void)ignored;
	_exit(EX_TEMPFAIL);
}

void *mem_get(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_more(void *p, size_t count, size_t each)
{
	void *more = reallocarray(p, count ? count : 1, each ? each : 1);

	if (!more)
		out_of_memory();
	return more;
}

char *mem_text(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(mem_get(n), text, n);
}

void mem_give_back(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
}
