/*
 * NAME
 *	mda - bring mail from the queue into mailboxes
 * DESCRIPTION
 *	This file only declares the daemon. keeper.h reads the settings, opens the
 *	log, and runs the roles below; deliver processes start when pick asks for them,
 *	each as the owner of its mailbox. Each role is a program of its own, so that what
 *	it links is what it can do (common/keeper/roles.c has their rows).
 */
#include "common/keeper/keeper.h"

static const struct daemon mda = {
	.name		= "mda",
	.always		= { ROLE_CLERK, ROLE_PICK },
	.on_request	= { ROLE_DELIVER },
};

int main(int argc, char **argv)
{
	return keeper_main(&mda, argc, argv);
}
