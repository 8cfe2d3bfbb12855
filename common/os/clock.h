/*
 * NAME
 *	clock - what time it is
 * DESCRIPTION
 *	Deadlines are monotonic milliseconds (ms_t), because wall clocks jump.
 *	Dates in files and headers are wall-clock seconds (time_t).
 */
#ifndef COMMON_OS_CLOCK_H
#define COMMON_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

typedef int64_t ms_t;		/* the one typedef we allow ourselves: units in the name */

#define MS_NEVER	INT64_MAX

ms_t clock_ms(void);			/* monotonic now */
ms_t clock_in(int seconds);		/* a deadline that many seconds from now */
int clock_left(ms_t until); /* ms until then, for poll(2): 0 when past, -1 for MS_NEVER */
time_t clock_wall(void);		/* seconds since the epoch */
int64_t clock_wall_us(void);		/* microseconds since the epoch */

#endif
