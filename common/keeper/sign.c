/*
 * NAME
 *	posthorn-sign - signs mail that goes out
 * DESCRIPTION
 *	Answers the questions of trust/signing.h on its fd 5, for mta-sched. The only process of
 *	the suite that sees the DKIM keys; it sees no other file and reaches nobody. It ends when nobody asked for
 *	IDLE_S and after SIGNED_MAX messages: what their bytes may have left in its memory goes with it. A
 *	question takes at most ALARM_S.
 * FILES
 *	CONFIG/dkim/	see trust/keyring.h
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/keeper/role.h"
#include "common/mail/addr.h"
#include "common/mail/header.h"
#include "common/os/log.h"
#include "common/trust/key.h"
#include "common/trust/keyring.h"
#include "common/trust/signing.h"

enum {
	IDLE_S		= 60,
	SIGNED_MAX	= 1000,
	ALARM_S		= 20,		/* below SIGNING_PATIENCE_S */
	KNOWN_MAX	= 16,		/* domains whose keys are kept */
	KNOWN_S		= 5,		/* so long: a change of keys is noticed soon */
	MEMORY_MAX	= 64 << 20,	/* of one question */
	PIECE		= 65536,
	FIELDS_MAX	= 65536,
};

struct known { char domain[KEYRING_DOMAIN]; struct keyring_set set; ms_t until; };

struct signer {
	struct role_self self;
	int		 root;		/* CONFIG/dkim, or -1 */
	bool		 no_keys;	/* there is none */
	struct err	 no_root;	/* why it cannot be opened */
	struct known	 known[KNOWN_MAX];
	size_t		 next;
	struct arena	*arena;
	struct packet	 packet;
	unsigned	 asked;
};

/* --- keys --- */

static struct known *find_known(struct signer *s, struct span domain)
{
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (clock_ms() < s->known[i].until && span_is(domain, s->known[i].domain))
			return &s->known[i];
	}
	return NULL;
}

/* NULL: they can not be read. What is kept of a domain may be that it has none. */
static const struct keyring_set *keys_of(struct signer *s, struct span domain, struct err *e)
{
	struct known *k = find_known(s, domain);

	if (k)
		return &k->set;
	k = &s->known[s->next++ % KNOWN_MAX];
	keyring_forget(&k->set);
	k->until = 0;
	if (!keyring_find(s->root, domain, &k->set, e))
		return NULL;
	if (span_copy(domain, k->domain, sizeof k->domain))
		k->until = clock_in(KNOWN_S);
	return &k->set;
}

static const struct keyring_set *keys_for(struct signer *s, struct span header, const char *sender, struct err *e)
{
	const struct keyring_set *set = keys_of(s, keyring_author(header, s->arena), e);
	struct span local, domain;

	if (!set || set->count || !addr_split(span_of(sender), &local, &domain))
		return set;
	return keys_of(s, domain, e);
}

/* --- one message --- */

static bool feed(struct dkim_sign *d, int text, struct err *e)
{
	static char piece[PIECE];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(text, piece, sizeof piece, at)) > 0) {
		dkim_sign_feed(d, (struct span){ piece, (size_t)n });
		at += n;
	}
	return n == 0 || err_sys(e, "cannot read the text to be signed");
}

static void add_fields(struct signer *s, struct span lf_text, struct signing *out)
{
	struct span in = lf_text;
	struct field f;

	while (out->count < SIGNING_FIELDS && header_next(&in, &f)) {
		struct str line = STR(FIELDS_MAX);

		header_unfold(f.whole, &line);
		out->fields[out->count++] = arena_text(s->arena, str_span(&line));
		str_free(&line);
	}
}

static bool sign(struct signer *s, struct dkim_sign *d, const char *sender, struct signing *out, struct err *e)
{
	const struct keyring_set *set = keys_for(s, dkim_sign_header(d), sender, e);
	struct str fields = STR(FIELDS_MAX);
	bool ok = set != NULL;

	if (ok && set->count)
		ok = dkim_sign_end(d, set->who, set->count, (uint64_t)clock_wall(),
		    s->self.conf.mta_signature_valid, &fields, e);
	if (ok)
		add_fields(s, str_span(&fields), out);
	str_free(&fields);
	return ok;
}

static void answer(struct signer *s, const char *sender, int text)
{
	struct signing out = { .last = ++s->asked >= SIGNED_MAX || s->root < 0,
		.none = s->no_keys };
	struct dkim_sign *d = dkim_sign_new();
	struct err e = s->no_root;

	if (s->no_keys || (s->root >= 0 && feed(d, text, &e) && sign(s, d, sender, &out, &e))) {
		signing_put(&s->packet, &out);
	} else {
		packet_begin(&s->packet, '-');
		packet_put_err(&s->packet, &e);
	}
	dkim_sign_free(d);
}

static bool serve(struct signer *s)
{
	const char *sender;
	int text;

	if (packet_recv(s->self.work, &s->packet, clock_in(IDLE_S)) != PACKET_OK)
		return false;
	alarm(ALARM_S);
	if (!signing_take(&s->packet, s->arena, &sender, &text)) {
		log_error("somebody asked what is no question");
		return false;
	}
	answer(s, sender, text);
	close(text);
	alarm(0);
	arena_reset(s->arena);
	return packet_send(s->self.work, &s->packet, NULL) && s->asked < SIGNED_MAX && s->root >= 0;
}

int main(int argc, char **argv)
{
	static struct signer s;
	struct err e;
	const char *path;

	role_begin(&s.self, ROLE_SIGN, argc, argv);
	if (!key_prepare(&e)) {
		log_error("%s", e.text);
		return EXIT_FAILURE;
	}
	s.arena = arena_new(MEMORY_MAX, NULL, NULL);
	path = arena_printf(s.arena, "%s/dkim", s.self.conf.config_directory);
	s.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.no_keys = s.root < 0 && errno == ENOENT;
	if (s.root < 0)
		err_sys(&s.no_root, "cannot open %s", path);
	role_jail(&s.self);
	while (serve(&s))
		;
	return EXIT_SUCCESS;
}
