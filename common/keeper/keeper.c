/* The process that stays root. See keeper.h. */
#include "common/keeper/keeper.h"

#include <sysexits.h>

int keeper_main(const struct daemon *d, int argc, char **argv)
{
	(void)d;
	(void)argc;
	(void)argv;
	return EX_UNAVAILABLE;
}
