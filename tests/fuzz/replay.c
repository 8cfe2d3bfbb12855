/*
 * Runs a fuzz target without a fuzzer: over each file of a directory of seeds, over each
 * seed cut short, and over some thousand seeded random changes of it. So every build tests
 * the property, whatever compiler is there.
 */
#include <dirent.h>
#include <stdint.h>

#include "common/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SEED_MAX = 1 << 20, CHANGES = 200 };

static uint64_t dice = 88172645463325252u;

static uint64_t roll(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice;
}

/* An own allocation of exactly n bytes, so that a sanitizer sees one byte too far. */
static void run(const uint8_t *data, size_t n)
{
	uint8_t *copy = mem_get(n);

	memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_changed(const uint8_t *seed, size_t n)
{
	uint8_t *copy = mem_get(n);

	memcpy(copy, seed, n);
	for (uint64_t k = 1 + roll() % 8; n && k; k--)
		copy[roll() % n] = (uint8_t)(roll() % 4 ? seed[roll() % n] : roll());
	run(copy, n);
	free(copy);
}

static void run_file(const char *path)
{
	uint8_t *seed = mem_get(SEED_MAX);
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(seed, 1, SEED_MAX, f) : 0;

	if (f)
		fclose(f);
	run(seed, n);
	for (size_t cut = 0; cut < n; cut += 1 + n / 64)
		run(seed, cut);
	for (int i = 0; i < CHANGES && n < 65536; i++)
		run_changed(seed, n);
	free(seed);
}

int main(int argc, char **argv)
{
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *d;
	char path[4096];
	int seeds = 0;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], d->d_name);
		run_file(path);
		seeds++;
	}
	if (dir)
		closedir(dir);
	if (!seeds)
		fprintf(stderr, "no seeds in %s\n", argc > 1 ? argv[1] : "(no directory named)");
	else
		printf("%d seeds\n", seeds);
	return seeds ? 0 : 1;
}
