/*
 * Which mechanisms the children offer: the setting's "auto" made into names. The users file is read for
 * it, at the start and when it has changed. See state.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/auth/verifier.h"
#include "common/directory/users.h"
#include "common/keeper/state.h"

struct count { size_t users, with[DIGEST_COUNT]; };	/* those who can log in by password */

static void count_line(struct count *n, struct span line)
{
	struct users_row row;
	struct verifier v;

	line = span_trim(line);
	if (!line.n || *line.p == '#' || !users_line_parse(line, &row, NULL) || row.barred ||
	    !row.words.n)
		return;
	n->users++;
	for (size_t d = 0; d < DIGEST_COUNT; d++)
		n->with[d] += verifier_find(row.words, (enum digest)d, &v);
}

static void count_users(const char *file, struct count *n)
{
	FILE *users = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t got;

	*n = (struct count){ .users = 0 };
	if (!users)
		return;
	while ((got = getline(&line, &room, users)) >= 0)
		count_line(n, (struct span){ line, (size_t)got });
	if (line)
		explicit_bzero(line, room);
	free(line);
	fclose(users);
}

static bool accounts_log_in(const struct keeper *k)
{
	return k->as_root && k->conf.system_users && *k->conf.pam_service;
}

static void add_auto(struct keeper *k, const char *words[OFFER_MAX], size_t *count)
{
	const struct conf *c = &k->conf;
	struct count users;

	words[(*count)++] = "PLAIN";
	words[(*count)++] = "LOGIN";
	count_users(c->users_file, &users);
	for (size_t d = DIGEST_COUNT; d-- > 0 && users.users && !accounts_log_in(k);) {
		if (users.with[d] == users.users)
			words[(*count)++] = verifier_mechanism((enum digest)d);
	}
	if (*c->oauth_jwks || *c->oauth_introspection_url) {
		words[(*count)++] = "OAUTHBEARER";
		words[(*count)++] = "XOAUTH2";
	}
	if (*c->tls_client_ca)
		words[(*count)++] = "EXTERNAL";
}

void offer_mechanisms(struct keeper *k, const char *words[OFFER_MAX], size_t *count)
{
	const struct conf_list *set = &k->conf.auth_mechanisms;

	if (stat(k->conf.users_file, &k->users_seen) < 0)
		k->users_seen = (struct stat){ .st_size = -1 };
	*count = 0;
	for (size_t i = 0; i < set->count && *count < OFFER_MAX / 2; i++) {
		if (span_is(span_of(set->words[i]), "auto"))
			add_auto(k, words, count);
		else
			words[(*count)++] = set->words[i];
	}
}

bool offer_is_old(const struct keeper *k)
{
	const struct stat *was = &k->users_seen;
	struct stat now;

	if (stat(k->conf.users_file, &now) < 0)
		return was->st_size >= 0;
	return now.st_ino != was->st_ino || now.st_size != was->st_size ||
	    now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != was->st_mtim.tv_nsec;
}
