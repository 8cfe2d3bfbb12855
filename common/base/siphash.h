/*
 * NAME
 *	siphash - a hash that a stranger who chooses the input can not steer
 * DESCRIPTION
 *	SipHash-2-4 (Aumasson and Bernstein). With a random key nobody outside can make
 *	many names fall into one place of a table. Same key, same bytes, same result, on
 *	every machine.
 */
#ifndef COMMON_BASE_SIPHASH_H
#define COMMON_BASE_SIPHASH_H

#include "common/base/span.h"

uint64_t siphash(const uint64_t key[2], struct span bytes);

#endif
