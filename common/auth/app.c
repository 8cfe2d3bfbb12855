/* App passwords. See app.h. */
#include "common/auth/app.h"

#include <sys/random.h>

#include "common/auth/digest.h"
#include "common/mail/encoding.h"

enum { LETTERS = 20, GROUP = 4 };

/* 32 of them, so that each is five bits: without 0 and o, 1 and l. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";

static const struct { unsigned rights; const char *text; } rights_texts[] = {
	{ APP_READ, "read" }, { APP_SEND, "send" }, { APP_READ | APP_SEND, "read,send" },
};

static bool is_name_char(char c)
{
	return is_alnum(c) || (c && strchr("-_.", c));
}

bool app_name_is_good(struct span name)
{
	struct span rest = name;

	span_while(&rest, is_name_char);
	return name.n && name.n <= APP_NAME_MAX && !rest.n;
}

bool app_rights_parse(struct span text, unsigned *rights)
{
	unsigned got = 0;
	struct span word;

	while (span_piece(&text, ',', &word)) {
		if (!span_is(word, "read") && !span_is(word, "send"))
			return false;
		got |= span_is(word, "read") ? APP_READ : APP_SEND;
	}
	*rights = got;
	return got != 0;
}

const char *app_rights_text(unsigned rights)
{
	for (size_t i = 0; i < sizeof rights_texts / sizeof *rights_texts; i++) {
		if (rights_texts[i].rights == rights)
			return rights_texts[i].text;
	}
	return "";
}

bool app_line_parse(struct span line, struct app_row *row, struct err *e)
{
	struct app_row got = { .rights = 0 };
	struct span rights;

	line = span_trim(line);
	if (!span_cut(&line, ':', &got.address) || !span_cut(&line, ':', &got.name) ||
	    !span_cut(&line, ':', &rights))
		return err_perm(e, "5.3.5", "expected address:name:rights:hash");
	got.hash = line;
	if (!got.address.n || !app_name_is_good(got.name))
		return err_perm(e, "5.3.5", "expected an address and a name of letters, digits, - _ and .");
	if (!app_rights_parse(rights, &got.rights))
		return err_perm(e, "5.3.5", "rights are read, send, or read,send");
	if (!span_starts(line, "{SHA256}") || span_has(line, ':'))
		return err_perm(e, "5.3.5", "this is no hash that posthorn user app add makes");
	*row = got;
	return true;
}

bool app_secret_make(char secret[APP_SECRET_MAX], struct err *e)
{
	unsigned char dice[LETTERS];
	size_t n = 0;

	if (getrandom(dice, sizeof dice, 0) != sizeof dice)
		return err_sys(e, "cannot get random bytes");
	for (size_t i = 0; i < LETTERS; i++) {
		if (i && i % GROUP == 0)
			secret[n++] = '-';
		secret[n++] = alphabet[dice[i] % 32];
	}
	secret[n] = '\0';
	explicit_bzero(dice, sizeof dice);
	return true;
}

/* Only the letters, in lower case. */
static bool normalize(struct span typed, char letters[LETTERS + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < typed.n; i++) {
		char c = to_lower(typed.p[i]);

		if (c == '-' || c == ' ')
			continue;
		if (n == LETTERS || !c || !strchr(alphabet, c))
			return false;
		letters[n++] = c;
	}
	letters[n] = '\0';
	return n == LETTERS;
}

bool app_secret_hash(struct span typed, struct str *hash)
{
	char letters[LETTERS + 1];
	unsigned char digest[DIGEST_MAX];
	bool ok = normalize(typed, letters);

	if (ok) {
		digest_of(DIGEST_SHA256, (struct span){ letters, LETTERS }, digest);
		str_add_text(hash, "{SHA256}");
		base64_encode((struct span){ (const char *)digest, DIGEST_MAX }, hash);
	}
	explicit_bzero(letters, sizeof letters);
	return ok;
}
