/* A number that nobody foresees. See dice.h. */
#include "common/os/dice.h"

#include <sys/random.h>

#include "common/os/clock.h"

uint64_t dice_roll(void)
{
	uint64_t n;

	return getrandom(&n, sizeof n, GRND_NONBLOCK) == sizeof n ? n : (uint64_t)clock_wall_us();
}
