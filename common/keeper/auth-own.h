/*
 * NAME
 *	auth-own - what the files of posthorn-auth share; nobody else includes it
 * DESCRIPTION
 *	auth.c hears the question and says the answer; auth-users.c knows the users file,
 *	auth-exchange.c the mechanisms that are more than a name and a password,
 *	auth-token.c those where somebody else vouches for the user.
 */
#ifndef COMMON_KEEPER_AUTH_OWN_H
#define COMMON_KEEPER_AUTH_OWN_H

#include <stdio.h>

#include "common/auth/record.h"
#include "common/conf/who.h"
#include "common/directory/name.h"
#include "common/keeper/role.h"
#include "common/net/channel.h"

enum { AUTH_SALT_KEY = 32 };

struct attempt {
	struct role_self	 self;
	struct dir_rules	 rules;
	struct arena		*arena;
	bool			 as_root;
	char			 mechanism[24], service[24], daemon[16], peer[64];
	char			 user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
	struct name		 name;		/* user as tables know it */
	/* an exchange */
	bool			 exchange;
	char			 seal[WIRE_SEAL_MAX], salt_key[AUTH_SALT_KEY];
	struct channel		 channel;	/* what the front vouches for */
	bool			 forged;	/* the seal is not the front's */
	struct span		 state, message;	/* in the arena */
	struct auth_record	 record;
};

/* --- auth.c --- */

void auth_decide(struct attempt *a, enum auth_verdict verdict, const char *why);
void auth_let_in(struct attempt *a, const struct dir_target *place);
/* Whom user means: prepared (RFC 4013) where that can be done. False: nobody can be called so. */
bool auth_name(struct attempt *a, const char *user);

/* --- auth-users.c --- */

/* The tables are open before root is given up, and read after that. */
struct auth_users { FILE *users, *apps; int last_use; bool missing; };
void auth_users_open(struct attempt *a, struct auth_users *u);
void auth_users_close(struct auth_users *u);
bool auth_be_nobody(struct attempt *a, struct err *e);
/* The line about a->name, in the arena; .p NULL: there is none. */
struct span auth_users_find(struct attempt *a, FILE *table);

void auth_password(struct attempt *a);		/* 'A' for a name of the users file */

/* --- auth-exchange.c --- */

void auth_exchange(struct attempt *a);
bool auth_is_same_name(const struct attempt *a, const char *as); /* as "": nobody else is meant */

/* --- auth-token.c --- */

void auth_bearer(struct attempt *a);
void auth_external(struct attempt *a);

#endif
