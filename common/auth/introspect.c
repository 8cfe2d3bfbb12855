/* Asking a token's issuer. See introspect.h. */
#include "common/auth/introspect.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "common/mail/encoding.h"
#include "common/net/tcp.h"

/* --- the URL --- */

static bool is_host_char(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == ':';
}

static bool is_path_char(char c)
{
	return c > 0x20 && c < 0x7f && c != '#';
}

static bool take_host(struct span *in, struct introspect_url *u)
{
	struct span host, port;

	if (span_eat_char(in, '[')) {
		if (!span_cut(in, ']', &host))
			return false;
	} else {
		host = span_while(in, is_host_char);
		*in = (struct span){ host.p, host.n + in->n };
		if (span_find(host, ':') >= 0)
			host = span_to(host, (size_t)span_find(host, ':'));
		*in = span_from(*in, host.n);
	}
	snprintf(u->port, sizeof u->port, "%s", u->tls ? "443" : "80");
	if (span_eat_char(in, ':')) {
		port = span_while(in, is_digit);
		if (!port.n || !span_copy(port, u->port, sizeof u->port))
			return false;
	}
	return host.n && span_copy(host, u->host, sizeof u->host);
}

static bool is_this_machine(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	    strcmp(host, "::1") == 0;
}

bool introspect_url_parse(struct span url, struct introspect_url *out)
{
	struct introspect_url u = { .tls = span_eat(&url, "https://") };
	struct span path;

	if (!u.tls && !span_eat(&url, "http://"))
		return false;
	if (!take_host(&url, &u) || (!u.tls && !is_this_machine(u.host)))
		return false;
	path = span_while(&url, is_path_char);
	if (url.n || (path.n && *path.p != '/') ||
	    !span_copy(path.n ? path : SPAN("/"), u.path, sizeof u.path))
		return false;
	*out = u;
	return true;
}

/* --- the answer --- */

static bool take_line(struct span *in, struct span *line)
{
	if (!span_cut(in, '\n', line))
		return false;
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static bool take_hex(struct span *in, size_t *n)
{
	struct span was = *in;

	for (*n = 0; in->n && *n <= INTROSPECT_REPLY_MAX; span_take(in, 1)) {
		int digit = hex_value(*in->p);

		if (digit < 0)
			break;
		*n = *n * 16 + (size_t)digit;
	}
	return in->n < was.n && *n <= INTROSPECT_REPLY_MAX;
}

/* RFC 9112 7.1. */
static bool join_chunks(struct span in, struct str *body)
{
	struct span line;
	size_t n;

	while (take_line(&in, &line)) {
		if (!take_hex(&line, &n) || n > in.n)
			return false;
		if (!n)
			return true;
		str_add(body, span_take(&in, n));
		if (!take_line(&in, &line) || line.n)
			return false;
	}
	return false;
}

struct head { bool chunked, has_length; uint64_t length; };

static bool take_head(struct span *in, struct head *h)
{
	struct span line, name;

	while (take_line(in, &line)) {
		if (!line.n)
			return true;
		if (!span_cut(&line, ':', &name))
			return false;
		line = span_trim(line);
		if (span_is(name, "Transfer-Encoding"))
			h->chunked = span_is(line, "chunked");
		if (span_is(name, "Content-Length") &&
		    !(h->has_length = span_u64(line, INTROSPECT_REPLY_MAX, &h->length)))
			return false;
	}
	return false;
}

bool introspect_reply_parse(struct span all, unsigned *code, struct str *body)
{
	struct head h = { .chunked = false };
	struct span status;
	uint64_t n;

	if (!take_line(&all, &status) || !span_eat(&status, "HTTP/1.") ||
	    !span_take(&status, 1).n || !span_u64(span_word(&status), 599, &n) ||
	    !take_head(&all, &h))
		return false;
	*code = (unsigned)n;
	if (h.chunked)
		return join_chunks(all, body);
	if (h.has_length && all.n < h.length)
		return false;
	str_add(body, h.has_length ? span_to(all, h.length) : all);
	return !body->over;
}

/* --- the question --- */

/* application/x-www-form-urlencoded; also what RFC 6749 2.3.1 wants of client and secret. */
static void add_encoded(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (is_alnum(c) || (c && strchr("-._~", c)))
			str_add_char(out, c);
		else
			str_addf(out, "%%%02X", (unsigned char)c);
	}
}

static void add_basic(struct str *out, const char *client, const char *secret)
{
	struct str pair = STR(4096);

	add_encoded(&pair, span_of(client));
	str_add_char(&pair, ':');
	add_encoded(&pair, span_of(secret));
	str_add_text(out, "Authorization: Basic ");
	base64_encode(str_span(&pair), out);
	str_add_text(out, "\r\n");
	if (pair.cap)
		explicit_bzero(pair.p, pair.cap);
	str_free(&pair);
}

static void add_question(struct str *out, const struct introspect_url *url, const char *client,
    const char *secret, struct span token)
{
	struct str form = STR(4 * INTROSPECT_REPLY_MAX);
	bool v6 = strchr(url->host, ':') != NULL;

	str_add_text(&form, "token_type_hint=access_token&token=");
	add_encoded(&form, token);
	str_addf(out, "POST %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nConnection: close\r\nAccept: application/json\r\n", url->path,
	    v6 ? "[" : "", url->host, v6 ? "]" : "", url->port);
	if (*client)
		add_basic(out, client, secret);
	str_addf(out,
	    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
	    form.n);
	str_add(out, str_span(&form));
	explicit_bzero(form.p, form.cap);
	str_free(&form);
}

static bool connect_to(const struct introspect_url *url, ms_t until, int *fd, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	char ip[NI_MAXHOST];
	bool ok = false;

	if (getaddrinfo(url->host, url->port, &hints, &list) != 0)
		return err_temp(e, "4.7.0", "cannot find the address of %s", url->host);
	for (const struct addrinfo *a = list; a && !ok; a = a->ai_next) {
		uint64_t port = 0;

		if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST) == 0 &&
		    span_u64(span_of(url->port), 65535, &port))
			ok = tcp_connect(ip, (unsigned)port, "", until, fd, e);
	}
	freeaddrinfo(list);
	return ok || err_while(e, "asking %s", url->host);
}

static bool read_all(struct stream *s, ms_t until, struct str *all)
{
	char *room;
	ssize_t n;

	while ((room = str_room(all, 4096))) {
		n = s->read(s, room, 4096, until);
		if (n <= 0)
			return n == 0 || all->n;	/* a server that hangs up without a goodbye has said it all too */
		str_grew(all, (size_t)n);
	}
	return false;
}

static bool converse(struct tls_stream *s, struct span question, ms_t until, struct str *json, struct err *e)
{
	struct str all = STR(2 * INTROSPECT_REPLY_MAX);
	unsigned code = 0;
	bool ok = s->stream.write(&s->stream, question, until, e);

	if (ok && (!read_all(&s->stream, until, &all) || !introspect_reply_parse(str_span(&all), &code, json)))
		ok = err_temp(e, "4.7.0",
		    "the introspection endpoint gave no answer in time, or none in HTTP");
	else if (ok && code != 200)
		ok = err_temp(e, "4.7.0", "the introspection endpoint answered %u", code);
	str_free(&all);
	return ok;
}

bool introspect(const struct introspect_url *url, struct tls_client *trust, const char *client,
    const char *secret, struct span token, ms_t until, struct str *json, struct err *e)
{
	struct str question = STR(8 * INTROSPECT_REPLY_MAX);
	struct tls_stream s;
	bool ok;
	int fd;

	if (!connect_to(url, until, &fd, e))
		return false;
	tls_stream_init(&s, fd);
	add_question(&question, url, client, secret, token);
	ok = (!url->tls || tls_client_start(trust, &s, url->host, true, until, e)) &&
	    converse(&s, str_span(&question), until, json, e);
	explicit_bzero(question.p, question.cap);
	str_free(&question);
	tls_stream_close(&s);
	return ok;
}
