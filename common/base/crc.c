/* CRC-32C. See crc.h. */
#include "common/base/crc.h"

#include <string.h>

/* Half-byte steps: 16 entries one can check by eye, for processors without the instruction. */
static const uint32_t halves[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t crc32c_by_table(uint32_t crc, struct span bytes)
{
	crc = ~crc;
	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= (unsigned char)bytes.p[i];
		crc = halves[crc & 15] ^ (crc >> 4);
		crc = halves[crc & 15] ^ (crc >> 4);
	}
	return ~crc;
}

#if defined __x86_64__
__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, struct span bytes)
{
	uint64_t c = ~crc;

	for (; bytes.n >= 8; bytes = span_from(bytes, 8)) {
		uint64_t eight;

		memcpy(&eight, bytes.p, 8);
		c = __builtin_ia32_crc32di(c, eight);
	}
	for (size_t i = 0; i < bytes.n; i++)
		c = __builtin_ia32_crc32qi((uint32_t)c, (unsigned char)bytes.p[i]);
	return ~(uint32_t)c;
}

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined __ARM_FEATURE_CRC32
#include <arm_acle.h>

static uint32_t by_instruction(uint32_t crc, struct span bytes)
{
	crc = ~crc;
	for (; bytes.n >= 8; bytes = span_from(bytes, 8)) {
		uint64_t eight;

		memcpy(&eight, bytes.p, 8);
		crc = __crc32cd(crc, eight);
	}
	for (size_t i = 0; i < bytes.n; i++)
		crc = __crc32cb(crc, (uint8_t)bytes.p[i]);
	return ~crc;
}

static bool has_instruction(void)
{
	return true;
}
#else
static uint32_t by_instruction(uint32_t crc, struct span bytes)
{
	return crc32c_by_table(crc, bytes);
}

static bool has_instruction(void)
{
	return false;
}
#endif

uint32_t crc32c(uint32_t crc, struct span bytes)
{
	return has_instruction() ? by_instruction(crc, bytes) : crc32c_by_table(crc, bytes);
}
