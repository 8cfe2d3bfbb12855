/* OAUTHBEARER, XOAUTH2 and EXTERNAL: somebody else vouches for the user. See auth-own.h. */
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/bearer.h"
#include "common/auth/introspect.h"
#include "common/auth/token.h"
#include "common/directory/users.h"
#include "common/keeper/auth-own.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { JWKS_MAX = 1 << 18, ANSWER_S = 15, JAIL_MEMORY_MB = 64 };

/* --- the user somebody vouches for --- */

/* The name that is vouched for must be a user's here, and the one that the client asked for. */
static void let_user_in(struct attempt *a, FILE *users, const char *vouched, const char *as)
{
	struct users_row row;
	struct dir_target place;
	struct span line;
	struct err e;

	if (!auth_name(a, vouched) || !auth_is_same_name(a, as)) {
		auth_decide(a, AUTH_NO,
		    *as ? "vouched for as somebody else" : "no name that a user could have");
		return;
	}
	line = auth_users_find(a, users);
	if (!line.p || !users_line_parse(line, &row, NULL))
		auth_decide(a, AUTH_NO, "no such user in the users file");
	else if (row.barred)
		auth_decide(a, AUTH_NO, "this user may not log in");
	else if (!place_of_user(&a->rules, &row, a->arena, &place, &e))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else
		auth_let_in(a, &place);
}

/* --- EXTERNAL: RFC 4422 A --- */

/* Which of the certificate's addresses: the one that the client names, or the only one that is a user's. */
static void try_names(struct attempt *a, FILE *users, const char *as)
{
	struct span names = span_of(a->channel.names), name;
	char one[CHANNEL_NAMES];

	auth_decide(a, AUTH_NO, "the client showed no certificate with an address");
	while (a->record.verdict != AUTH_YES && span_piece(&names, ',', &name)) {
		rewind(users);
		span_copy(name, one, sizeof one);
		let_user_in(a, users, one, as);
	}
}

void auth_external(struct attempt *a)
{
	struct auth_users u;
	char as[AUTH_NAME_MAX];
	struct err e;

	auth_users_open(a, &u);
	span_copy(span_of(a->channel.names), a->record.login, sizeof a->record.login);
	if (!auth_be_nobody(a, &e))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else if (!u.users)
		auth_decide(a, u.missing ? AUTH_NO : AUTH_CANNOT_TELL, "cannot open the users file");
	else if (!span_copy(a->message, as, sizeof as))
		auth_decide(a, AUTH_NO, "no name that a user could have");
	else
		try_names(a, u.users, as);
	auth_users_close(&u);
}

/* --- tokens --- */

struct issuer {
	struct auth_users	users;
	struct token_terms	terms;
	struct str		jwks, secret;
	struct introspect_url	url;
	bool			asks;		/* there is an URL */
	struct tls_client	*trust;
};

static bool read_file(const char *path, struct str *text, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && file_read_all(fd, text, e);

	if (fd < 0)
		err_sys(e, "cannot open %s", path);
	fd_close(&fd);
	return ok;
}

/* All that needs root, or files, before either is given up. */
static bool prepare(struct attempt *a, struct issuer *i, struct err *e)
{
	const struct conf *c = &a->self.conf;

	*i = (struct issuer){ .jwks = STR(JWKS_MAX), .secret = STR(2048), .terms = {
		.issuer = c->oauth_issuer, .audience = c->oauth_audience, .user_claim = c->oauth_user_claim,
		.scopes = c->oauth_scope.words, .scope_count = c->oauth_scope.count, .now = clock_wall() } };
	auth_users_open(a, &i->users);
	i->asks = *c->oauth_introspection_url != '\0';
	if (*c->oauth_jwks && !read_file(c->oauth_jwks, &i->jwks, e))
		return false;
	if (*c->oauth_introspection_secret &&
	    !read_file(c->oauth_introspection_secret, &i->secret, e))
		return false;
	if (i->asks && !introspect_url_parse(span_of(c->oauth_introspection_url), &i->url))
		return err_perm(e, "5.3.5", "introspection-url is none that can be asked");
	if (i->asks && i->url.tls)
		i->trust = tls_prepare(e) ? tls_client_new(c->oauth_introspection_ca, e) : NULL;
	return !i->asks || !i->url.tls || i->trust;
}

/* Nobody, who may still ask for addresses and connect. */
static bool be_asker(const struct attempt *a, struct err *e)
{
	const struct passwd *nobody = a->as_root ? getpwnam(roles[ROLE_IMAP_LOGIN].user) : NULL;
	struct jail j = { .uid = -1, .gid = -1, .files = 32, .memory_mb = JAIL_MEMORY_MB,
		.may = MAY_READ | MAY_NET | MAY_NSS, .paths = { { "/etc", false }, { "/run/systemd", false } } };

	if (a->as_root && !nobody)
		return err_temp(e, "4.7.0", "there is no user %s", roles[ROLE_IMAP_LOGIN].user);
	if (nobody) {
		j.uid = (int)nobody->pw_uid;
		j.gid = (int)nobody->pw_gid;
	}
	return jail_enter(&j, NULL, e);
}

static enum token_verdict ask(const struct attempt *a, const struct issuer *i, struct span token,
    char user[AUTH_NAME_MAX], struct err *e)
{
	struct span secret = span_trim(str_span(&i->secret));
	struct str json = STR(INTROSPECT_REPLY_MAX);
	enum token_verdict v = TOKEN_BAD;
	char text[2048];

	span_copy(secret, text, sizeof text);
	if (introspect(&i->url, i->trust, a->self.conf.oauth_introspection_client, text, token, clock_in(ANSWER_S), &json, e))
		v = token_check_answer(str_span(&json), &i->terms, user, e);
	explicit_bzero(text, sizeof text);
	str_free(&json);
	return v;
}

/* The client hears why before it hears no: RFC 7628 3.2.2. */
static void refuse(struct attempt *a, const struct issuer *i, enum token_verdict v, const char *why)
{
	struct str json = STR(AUTH_CHALLENGE_MAX);

	token_error(span_of(a->mechanism), v, &i->terms, a->self.conf.oauth_configuration_url, &json);
	if (!json.over) {
		memcpy(a->record.challenge, json.p, json.n);
		a->record.challenge_n = (uint32_t)json.n;
	}
	auth_decide(a, AUTH_NO, why);
	str_free(&json);
}

static void judge_token(struct attempt *a, const struct issuer *i, const struct bearer *b)
{
	char user[AUTH_NAME_MAX] = "";
	struct err e = { .kind = ERR_NONE };
	bool local = i->jwks.n && token_is_jwt(b->token);
	enum token_verdict v;

	if (!local && !i->asks) {
		refuse(a, i, TOKEN_BAD, "the token is no JWT, and there is nobody to ask about it");
		return;
	}
	v = local ? token_check_jwt(b->token, str_span(&i->jwks), &i->terms, user, &e) : ask(a, i, b->token, user, &e);
	if (v != TOKEN_GOOD && e.kind == ERR_TEMP) {
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	} else if (v != TOKEN_GOOD) {
		refuse(a, i, v, e.text);
	} else {
		let_user_in(a, i->users.users, user, b->user);
		if (a->record.verdict == AUTH_NO)
			refuse(a, i, TOKEN_BAD, arena_text(a->arena, span_of(a->record.why)));
	}
	if (a->record.verdict != AUTH_YES)
		span_copy(span_of(*user ? user : b->user), a->record.login, sizeof a->record.login);
}

static void judge(struct attempt *a, const struct issuer *i)
{
	struct bearer b;
	struct err e;

	if (!(i->asks ? be_asker(a, &e) : auth_be_nobody(a, &e)))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else if (!i->users.users && !i->users.missing)
		auth_decide(a, AUTH_CANNOT_TELL, "cannot open the users file");
	else if (!bearer_parse(span_of(a->mechanism), a->message, &b, &e))
		refuse(a, i, TOKEN_BAD, e.text);
	else
		judge_token(a, i, &b);
}

void auth_bearer(struct attempt *a)
{
	struct issuer i;
	struct err e;

	if (prepare(a, &i, &e))
		judge(a, &i);
	else
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	auth_users_close(&i.users);
	tls_client_free(i.trust);
	explicit_bzero(i.secret.p, i.secret.cap);
	str_free(&i.secret);
	str_free(&i.jwks);
}
