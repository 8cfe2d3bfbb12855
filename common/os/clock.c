/* Clocks. See clock.h. */
#include "common/os/clock.h"

#include <limits.h>

ms_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ms_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

ms_t clock_in(int seconds)
{
	return clock_ms() + (ms_t)seconds * 1000;
}

int clock_left(ms_t until)
{
	ms_t left;

	if (until == MS_NEVER)
		return -1;
	left = until - clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

time_t clock_wall(void)
{
	return time(NULL);
}

int64_t clock_wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
