/* Header text between its wire form and UTF-8, RFC 2047. See word.h. */
#include "common/mail/word.h"

#include "common/mail/charset.h"
#include "common/mail/encoding.h"
#include "common/mail/header.h"

enum {
	WORDS_JOINED_MAX = 1 << 20,	/* bytes of neighbouring words gathered before they are converted */
	WORD_MAX = 75,			/* one encoded-word, RFC 2047 2 */
	WORD_AROUND = sizeof "=?utf-8?q?" + 1,	/* and "?=" */
	ATOM_MAX = 900,			/* longer ASCII words are encoded so that lines stay below 998 */
};

#define WORD_START	"=?utf-8?"

static const char hex[] = "0123456789ABCDEF";

/* --- decoding --- */

/* RFC 2047 2: token, without what would end it here. */
static bool is_token(char c)
{
	return is_print(c) && c != ' ' && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* Not by the book, but some programs leave blanks in there. */
static bool is_encoded(char c)
{
	return c != '?' && c != '\r' && c != '\n';
}

/* Quoted-printable where "_" is a space: RFC 2047 4.2. */
static void decode_q(struct span text, struct str *bytes)
{
	struct decoder d = { .kind = ENCODING_QP };

	for (size_t i = 0; i < text.n; i++)
		decoder_feed(&d, text.p[i] == '_' ? SPAN("=20") : (struct span){ text.p + i, 1 }, bytes);
	decoder_end(&d, bytes);
}

static void decode_b(struct span text, struct str *bytes)
{
	struct decoder d = { .kind = ENCODING_BASE64 };

	decoder_feed(&d, text, bytes);
	decoder_end(&d, bytes);
}

/* Eat one encoded-word: its charset without the language of RFC 2231 5, its bytes decoded. */
static bool eat_raw(struct span *in, struct span *charset, struct str *bytes)
{
	struct span at = *in, set, language, text;
	char how;

	if (!span_eat(&at, "=?"))
		return false;
	set = span_while(&at, is_token);
	if (!set.n || !span_eat_char(&at, '?') || !at.n)
		return false;
	how = to_lower(*at.p);
	if (!span_eat(&at, how == 'b' ? "b?" : "q?"))
		return false;
	text = span_while(&at, is_encoded);
	if (!span_eat(&at, "?="))
		return false;
	*charset = set;
	language = set;
	span_cut(&language, '*', charset);
	if (how == 'b')
		decode_b(text, bytes);
	else
		decode_q(text, bytes);
	*in = at;
	return true;
}

static void tame(struct str *s, size_t from)
{
	for (size_t i = from; i < s->n; i++) {
		if ((unsigned char)s->p[i] < ' ' || s->p[i] == 0x7f)
			s->p[i] = ' ';
	}
}

static struct span ltrim(struct span s)
{
	span_while(&s, is_space);
	return s;
}

/*
 * Eat a run of encoded-words; the blanks between them vanish (RFC 2047 6.2). Neighbours of one
 * charset are converted together: many programs cut a character in two.
 */
static bool eat_run(struct span *in, struct str *bytes, struct str *out)
{
	struct span charset, next_charset, at;

	str_reset(bytes);
	if (!eat_raw(in, &charset, bytes))
		return false;
	for (;;) {
		size_t had = bytes->n;

		at = ltrim(*in);
		if (!eat_raw(&at, &next_charset, bytes))
			break;
		*in = at;
		if (!span_alike(charset, next_charset)) {
			charset_to_utf8(charset, (struct span){ bytes->p, had }, out);
			memmove(bytes->p, bytes->p + had, bytes->n - had);
			str_cut(bytes, bytes->n - had);
			charset = next_charset;
		}
	}
	charset_to_utf8(charset, str_span(bytes), out);
	return true;
}

/* Everything up to what may be an encoded-word; at least one byte. */
static struct span plain_stretch(struct span *in)
{
	struct span rest = span_from(*in, 1);
	ptrdiff_t at = span_search(rest, SPAN("=?"));

	return span_take(in, at < 0 ? in->n : (size_t)at + 1);
}

void word_decode(struct span value, struct str *out)
{
	struct str flat = STR(out->max), bytes = STR(WORDS_JOINED_MAX);
	size_t from = out->n;
	struct span in;

	header_unfold(span_to(value, out->max), &flat);
	in = str_span(&flat);
	while (in.n && !out->over) {
		if (!eat_run(&in, &bytes, out))
			utf8_mend(plain_stretch(&in), out);
	}
	tame(out, from);
	str_free(&flat);
	str_free(&bytes);
}

/* --- encoding --- */

struct writer { struct str *out; size_t column; };

static void put(struct writer *w, struct span s)
{
	str_add(w->out, s);
	w->column += s.n;
}

/* The blanks before a word, as a fold when the word would not fit into the line. */
static void put_blanks(struct writer *w, struct span blanks, size_t width)
{
	if (blanks.n && w->column + blanks.n + width > WORD_LINE) {
		str_add_char(w->out, '\n');
		w->column = 0;
	}
	put(w, blanks);
}

/* RFC 2047 5 (3): what may stand as it is even in a phrase. */
static bool is_q_literal(char c)
{
	return is_alnum(c) || (c && strchr("!*+-/", c));
}

static size_t q_width(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += is_q_literal(s.p[i]) || s.p[i] == ' ' ? 1 : 3;
	return n;
}

static size_t b_width(struct span s)
{
	return (s.n + 2) / 3 * 4;
}

static size_t character_length(struct span s)
{
	size_t n = 1;

	while (n < s.n && n < 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* As many whole characters as make a text of at most room; one at least. */
static struct span take_fitting(struct span *in, bool b64, size_t room)
{
	size_t n = character_length(*in);

	while (n < in->n) {
		size_t more = n + character_length(span_from(*in, n));
		struct span try = span_to(*in, more);

		if (more > room || (b64 ? b_width(try) : q_width(try)) > room)
			break;
		n = more;
	}
	return span_take(in, n);
}

static void put_q(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_q_literal(s.p[i]))
			put(w, (struct span){ s.p + i, 1 });
		else if (c == ' ')
			put(w, SPAN("_"));
		else
			put(w, (struct span){ (char[]){ '=', hex[c >> 4], hex[c & 15] }, 3 });
	}
}

static void put_word(struct writer *w, struct span part, bool b64)
{
	put(w, SPAN(WORD_START));
	if (b64) {
		put(w, SPAN("b?"));
		base64_encode(part, w->out);
		w->column += b_width(part);
	} else {
		put(w, SPAN("q?"));
		put_q(w, part);
	}
	put(w, SPAN("?="));
}

/* A stretch of text as encoded-words, a line each. */
static void put_words(struct writer *w, struct span text)
{
	bool b64 = b_width(text) < q_width(text);

	while (text.n) {
		size_t used = w->column + WORD_AROUND + 1;
		size_t room = used < WORD_MAX ? WORD_MAX - used : 0;

		put_word(w, take_fitting(&text, b64, room), b64);
		if (!text.n)
			break;
		str_add_text(w->out, "\n ");
		w->column = 1;
	}
}

static bool needs_encoding(struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		if (!is_print(word.p[i]))
			return true;
	}
	return word.n > ATOM_MAX || span_search(word, SPAN("=?")) >= 0;
}

static bool is_not_blank(char c)
{
	return c != ' ';
}

static bool is_sp(char c)
{
	return c == ' ';
}

/* Words that need it, with the blanks between them: one stretch. */
static struct span take_needy(struct span *in)
{
	struct span start = *in, at = *in;

	for (;;) {
		span_while(&at, is_not_blank);
		*in = at;
		span_while(&at, is_sp);
		if (!at.n || !needs_encoding((struct span){ at.p, span_while(&(struct span){ at.p, at.n }, is_not_blank).n }))
			break;
	}
	return (struct span){ start.p, start.n - in->n };
}

void word_encode(struct span utf8, size_t column, struct str *out)
{
	struct writer w = { out, column };

	while (utf8.n) {
		struct span blanks = span_while(&utf8, is_sp), look = utf8, word = span_while(&look, is_not_blank);

		if (!needs_encoding(word)) {
			put_blanks(&w, blanks, word.n);
			put(&w, word);
			utf8 = look;
		} else {
			put_blanks(&w, blanks, WORD_MAX / 2);
			put_words(&w, take_needy(&utf8));
		}
	}
}

/* RFC 5322 3.2.3, and blanks one at a time. */
static bool is_phrase_char(char c)
{
	return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~ ", c));
}

static void put_quoted(struct writer *w, struct span s)
{
	put(w, SPAN("\""));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			put(w, SPAN("\\"));
		put(w, (struct span){ s.p + i, 1 });
	}
	put(w, SPAN("\""));
}

void word_encode_phrase(struct span utf8, size_t column, struct str *out)
{
	struct writer w = { out, column };
	struct span rest = utf8;

	span_while(&rest, is_phrase_char);
	if (needs_encoding(utf8))
		put_words(&w, utf8);
	else if (rest.n || !utf8.n || span_search(utf8, SPAN("  ")) >= 0 || *utf8.p == ' ' ||
	    utf8.p[utf8.n - 1] == ' ')
		put_quoted(&w, utf8);
	else
		put(&w, utf8);
}
