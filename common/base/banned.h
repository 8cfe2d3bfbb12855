/* Functions that do not compile here, and what to use instead. Included everywhere. */
#ifndef COMMON_BASE_BANNED_H
#define COMMON_BASE_BANNED_H

#ifndef POSTHORN_BANS_NOTHING
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets atoi atol /* span, str, snprintf */
#pragma GCC poison gmtime localtime ctime asctime	/* mail/date.h, gmtime_r */
#endif

#endif
