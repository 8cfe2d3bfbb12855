/*
 * NAME
 *	dice - a number that nobody foresees, where it is no disaster when somebody does
 * DESCRIPTION
 *	For names that must differ, for who goes first, for when to try again: never waits, and where the
 *	kernel has no random bytes yet it is the clock. Keys, salts and tokens ask getrandom(2)
 *	themselves and take no other answer.
 */
#ifndef COMMON_OS_DICE_H
#define COMMON_OS_DICE_H

#include <stdint.h>

uint64_t dice_roll(void);

#endif
