/* Lines that tell where a message has been. See trace.h. */
#include "common/mail/trace.h"

#include "common/mail/date.h"
#include "common/mail/header.h"

enum { HELO_MAX = 255 };		/* RFC 5321 4.5.3.1.2 */

/* Rows: LMTP or HELO or EHLO; then TLS and AUTH by letters. RFC 3848, 6531 4.3. */
static const char *const protocols[][4] = {
	/* plain	 TLS		AUTH		both */
	{ "LMTP",	"LMTPS",	"LMTPA",	"LMTPSA" },
	{ "ESMTP",	"ESMTPS",	"ESMTPA",	"ESMTPSA" },
	{ "UTF8LMTP",	"UTF8LMTPS",	"UTF8LMTPA",	"UTF8LMTPSA" },
	{ "UTF8SMTP",	"UTF8SMTPS",	"UTF8SMTPA",	"UTF8SMTPSA" },
};

const char *trace_protocol(bool lmtp, bool ehlo, bool tls, bool auth, bool smtputf8)
{
	if (!lmtp && !ehlo)
		return "SMTP";
	return protocols[(smtputf8 ? 2 : 0) + (lmtp ? 0 : 1)][(tls ? 1 : 0) + (auth ? 2 : 0)];
}

/* A stranger's word: cut, and nothing in it that ends a comment or a line. */
static void add_word(const char *word, struct str *out)
{
	for (size_t i = 0; word[i] && i < HELO_MAX; i++) {
		char c = word[i];

		str_add_char(out, (unsigned char)c <= ' ' || c == 0x7f || strchr("()\\\";", c) ? '?' : c);
	}
}

static void add_ip(const char *ip, struct str *out)
{
	str_addf(out, strchr(ip, ':') ? "[IPv6:%s]" : "[%s]", ip);	/* RFC 5321 4.1.3 */
}

/* from EXTENDED-DOMAIN, RFC 5321 4.4. A hidden or local client has no from clause. */
static void add_from(const struct trace *t, struct str *out)
{
	if (t->hide_client || !*t->peer_ip)
		return;
	str_add_text(out, "from ");
	add_word(*t->helo ? t->helo : "unknown", out);
	str_add_text(out, " (");
	if (*t->peer_name) {
		add_word(t->peer_name, out);
		str_add_char(out, ' ');
	}
	add_ip(t->peer_ip, out);
	str_add_text(out, ")\n\t");
}

static void add_tls(const struct trace *t, struct str *out)
{
	if (!*t->tls)
		return;
	str_add_text(out, "\n\t(");
	for (const char *c = t->tls; *c; c++)
		str_add_char(out, *c == ' ' ? ' ' : is_print(*c) && !strchr("()\\", *c) ? *c : '?');
	str_add_char(out, ')');
}

void trace_received(const struct trace *t, struct str *out)
{
	str_add_text(out, "Received: ");
	add_from(t, out);
	str_add_text(out, "by ");
	add_word(t->by, out);
	if (*t->login && !*t->peer_ip) {
		str_add_text(out, " (login ");
		add_word(t->login, out);
		str_add_char(out, ')');
	}
	str_addf(out, " with %s id %s", t->protocol, t->id);
	add_tls(t, out);
	if (*t->recipient) {
		str_add_text(out, "\n\tfor <");
		add_word(t->recipient, out);
		str_add_char(out, '>');
	}
	if (t->priority)		/* RFC 6710: an additional registered clause */
		str_addf(out, "\n\tPRIORITY %d", t->priority);
	str_add_text(out, ";\n\t");
	date_print(t->when, t->zone, out);
	str_add_char(out, '\n');
}

/* An address was checked when it came in; no control may pass all the same. */
static void add_line(const char *name, const char *open, struct span address, const char *close, struct str *out)
{
	str_add_text(out, name);
	str_add_text(out, open);
	header_unfold(address, out);
	str_add_text(out, close);
	str_add_char(out, '\n');
}

void trace_return_path(struct span sender, struct str *out)
{
	add_line("Return-Path: ", "<", sender, ">", out);
}

void trace_delivered_to(struct span address, struct str *out)
{
	add_line("Delivered-To: ", "", address, "", out);
}

unsigned trace_hops(struct span text)
{
	struct field f;
	unsigned hops = 0;

	while (header_next(&text, &f))
		hops += span_is(f.name, "Received");
	return hops;
}

bool trace_was_delivered_to(struct span text, struct span address)
{
	struct field f;

	while (header_next(&text, &f)) {
		if (span_is(f.name, "Delivered-To") && span_alike(f.value, address))
			return true;
	}
	return false;
}
