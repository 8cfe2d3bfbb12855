/*
 * NAME
 *	crc - CRC-32C (Castagnoli), the checksum of our files on disk
 * DESCRIPTION
 *	Finds a disk's and a crash's mistakes, not an attacker's. Start with 0 and feed
 *	the pieces in order: crc32c(crc32c(0, a), b) is that of a and b together. Uses the
 *	processor's instruction where there is one (some 10 GB/s), a table elsewhere.
 *	RFC 3720 B.4 has test values.
 */
#ifndef COMMON_BASE_CRC_H
#define COMMON_BASE_CRC_H

#include "common/base/span.h"

uint32_t crc32c(uint32_t crc, struct span bytes);
uint32_t crc32c_by_table(uint32_t crc, struct span bytes);	/* the same, for the test */

#endif
