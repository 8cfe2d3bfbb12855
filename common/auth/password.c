/* Hashes of passwords. See password.h. */
#include "common/auth/password.h"

#include <argon2.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/mail/encoding.h"

/* Of a password that nobody has, made like ours. */
static const char nobody[] =
    "$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1";

static struct span without_braces(struct span hash)
{
	struct span at = hash, scheme;

	return span_eat_char(&at, '{') && span_cut(&at, '}', &scheme) ? at : hash;
}

/* Takes the same time wherever they differ. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned differ = n != strlen(b);

	for (size_t i = 0; !differ && i < n; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return !differ;
}

static bool crypts_to(const char *password, const char *hash)
{
	struct crypt_data *room = calloc(1, sizeof *room);
	const char *got;
	bool ok;

	if (!room)
		return false;
	got = crypt_r(password, hash, room);
	ok = got && *got == '$' && same(got, hash);
	explicit_bzero(room, sizeof *room);
	free(room);
	return ok;
}

/* --- argon2id: $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH --- */

enum { ARGON_ROUNDS_MAX = 64, ARGON_LANES_MAX = 64, ARGON_SALT_MAX = 64, ARGON_OUT_MAX = 64 };
/* What OWASP asks for at least: 19 MiB, so that sixteen at once do no harm. */
enum { ARGON_KIB = 19456, ARGON_ROUNDS = 2, ARGON_SALT = 16, ARGON_OUT = 32 };

struct argon { uint64_t kib, rounds, lanes; unsigned char salt[ARGON_SALT_MAX], out[ARGON_OUT_MAX]; size_t salt_n, out_n; };

/* Base64 without its padding. */
static bool read_bytes(struct span text, unsigned char *bytes, size_t max, size_t *n)
{
	struct str padded = STR(256), got = STR(256);
	bool ok;

	str_add(&padded, text);
	while (padded.n % 4)
		str_add_char(&padded, '=');
	ok = base64_decode(str_span(&padded), &got) && !got.over && got.n && got.n <= max;
	*n = ok ? got.n : 0;
	memcpy(bytes, got.p, *n);
	str_free(&padded);
	str_free(&got);
	return ok;
}

static bool argon_parse(struct span hash, struct argon *a)
{
	struct span salt;

	return span_eat(&hash, "$argon2id$v=19$m=") && span_eat_u64(&hash, PASSWORD_MEMORY_MB * 1024, &a->kib) &&
	    span_eat(&hash, ",t=") && span_eat_u64(&hash, ARGON_ROUNDS_MAX, &a->rounds) &&
	    span_eat(&hash, ",p=") && span_eat_u64(&hash, ARGON_LANES_MAX, &a->lanes) &&
	    span_eat_char(&hash, '$') && span_cut(&hash, '$', &salt) &&
	    read_bytes(salt, a->salt, sizeof a->salt, &a->salt_n) && read_bytes(hash, a->out, sizeof a->out, &a->out_n);
}

static bool bytes_same(const unsigned char *a, const unsigned char *b, size_t n)
{
	unsigned differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

/* All lanes in this one thread: the jail has no other. */
static bool argon_matches(const char *password, struct span hash)
{
	unsigned char out[ARGON_OUT_MAX];
	struct argon a;
	bool ok = argon_parse(hash, &a);

	if (ok) {
		argon2_context c = {
			.out = out, .outlen = (uint32_t)a.out_n, .pwd = (unsigned char *)(uintptr_t)password,
			.pwdlen = (uint32_t)strlen(password), .salt = a.salt, .saltlen = (uint32_t)a.salt_n,
			.t_cost = (uint32_t)a.rounds, .m_cost = (uint32_t)a.kib, .lanes = (uint32_t)a.lanes, .threads = 1,
			.version = ARGON2_VERSION_13,
		};

		ok = argon2id_ctx(&c) == ARGON2_OK && bytes_same(out, a.out, a.out_n);
	}
	explicit_bzero(out, sizeof out);
	return ok;
}

static bool argon_hash(const char *password, char hash[PASSWORD_HASH_MAX], struct err *e)
{
	unsigned char salt[ARGON_SALT];

	if (getrandom(salt, sizeof salt, 0) != sizeof salt)
		return err_sys(e, "cannot make a salt");
	if (argon2id_hash_encoded(ARGON_ROUNDS, ARGON_KIB, 1, password, strlen(password), salt, sizeof salt, ARGON_OUT,
	    hash, PASSWORD_HASH_MAX) != ARGON2_OK)
		return err_temp(e, "4.3.0", "cannot make an argon2id hash");
	return true;
}

/* --- either --- */

bool password_matches(struct span hash, const char *password)
{
	char text[PASSWORD_HASH_MAX];

	hash = without_braces(hash);
	if (!span_copy(hash, text, sizeof text) || *text != '$') {
		crypts_to(password, nobody);
		return false;
	}
	return span_starts(hash, "$argon2id$") ? argon_matches(password, hash) : crypts_to(password, text);
}

static bool yescrypt_hash(const char *password, char hash[PASSWORD_HASH_MAX], struct err *e)
{
	struct crypt_data *room = calloc(1, sizeof *room);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *got;

	if (!room || !crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting)) {
		free(room);
		return err_sys(e, "cannot make a salt");
	}
	got = crypt_r(password, setting, room);
	if (!got || *got != '$' || strlen(got) >= PASSWORD_HASH_MAX) {
		free(room);
		return err_perm(e, "5.3.5", "crypt(3) of this machine makes no yescrypt hash");
	}
	memcpy(hash, got, strlen(got) + 1);
	explicit_bzero(room, sizeof *room);
	free(room);
	return true;
}

bool password_hash(const char *kind, const char *password, char hash[PASSWORD_HASH_MAX], struct err *e)
{
	return strcmp(kind, "argon2id") == 0 ? argon_hash(password, hash, e) : yescrypt_hash(password, hash, e);
}
