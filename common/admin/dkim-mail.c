/* posthorn dkim verify, sign. See posthorn-dkim(8). */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/dkim.h"
#include "common/admin/dns.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { PIECE = 65536, OUT_MAX = 1 << 20, MEMORY = 64 << 20 };

/* ---- the message: lines in CRLF become lines in LF ---- */

struct mail { int fd; bool crlf, cr; char buf[PIECE], text[PIECE + 1]; };

static bool mail_open(struct mail *m, const char *file, struct err *e)
{
	m->crlf = m->cr = false;
	m->fd =
	    file && strcmp(file, "-") != 0 ? open(file, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	return m->fd >= 0 || err_sys(e, "cannot open %s", file ? file : "standard input");
}

/* The next piece; empty at the end. A CR is held back until it is known what follows. */
static bool mail_read(struct mail *m, struct span *piece, struct err *e)
{
	ssize_t n = read(m->fd, m->buf, sizeof m->buf);
	size_t to = 0;

	if (n < 0)
		return err_sys(e, "cannot read the message");
	for (ssize_t i = 0; i < n; i++) {
		if (m->cr && m->buf[i] != '\n')
			m->text[to++] = '\r';
		m->crlf = m->crlf || (m->cr && m->buf[i] == '\n');
		m->cr = m->buf[i] == '\r';
		if (!m->cr)
			m->text[to++] = m->buf[i];
	}
	if (!n && m->cr) {
		m->text[to++] = '\r';
		m->cr = false;
	}
	*piece = (struct span){ m->text, to };
	return n == 0 || to > 0 || mail_read(m, piece, e);
}

/* ---- verify ---- */

struct verify_args { const char *resolver, *file; };

static bool read_verify(int argc, char **argv, struct verify_args *a, struct err *e)
{
	static const struct option options[] = { { "resolver", required_argument, NULL, 'r' },
		{ 0 } };
	int c;

	*a = (struct verify_args){ NULL, NULL };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'r')
			return err_perm(e, "5.5.4", "dkim verify [--resolver ADDRESS[@PORT]] [FILE]");
		a->resolver = optarg;
	}
	if (optind + 1 < argc)
		return err_perm(e, "5.5.4", "dkim verify takes one file, or standard input");
	a->file = argv[optind];
	return true;
}

static void print_json(const struct dkim_result *r, bool more, struct str *out)
{
	const struct dkim_signature *s = &r->signature;
	const struct { const char *name; struct span text; } words[] = {
		{ "domain", s->domain }, { "selector", s->selector }, { "identity", s->identity },
		{ "algorithm", s->algorithm }, { "why", r->result == TRUST_PASS ? SPAN("") : span_of(r->why.text) },
	};

	str_addf(out, "%s{\"result\":\"%s\"", more ? ",\n " : "", trust_result_name(r->result));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		admin_json_pair(out, words[i].name, words[i].text.p ? words[i].text : SPAN(""));
	str_addf(out, ",\"bits\":%u,\"testing\":%s,\"unsigned_bytes\":%llu}", r->bits,
	    r->testing ? "true" : "false", (unsigned long long)r->beyond);
}

static void print_plain(const struct dkim_result *r, struct str *out)
{
	dkim_result_print(r, out);
	if (r->bits)
		str_addf(out, " (%u bits%s)", r->bits, r->testing ? ", its domain only tests" : "");
	str_add_char(out, '\n');
}

static int print_verdict(const struct dkim_verdict *v)
{
	struct str out = STR(OUT_MAX);
	int code = EX_DATAERR;

	str_add_text(&out, admin_json() ? "[" : v->count ? "" : "none: the message has no signature\n");
	for (size_t i = 0; i < v->count; i++) {
		if (admin_json())
			print_json(&v->results[i], i > 0, &out);
		else
			print_plain(&v->results[i], &out);
		if (v->results[i].result == TRUST_PASS)
			code = EX_OK;
		else if (v->results[i].result == TRUST_TEMPERROR && code != EX_OK)
			code = EX_TEMPFAIL;
	}
	str_add_text(&out, admin_json() ? "]\n" : "");
	admin_print(&out);
	if (v->ignored)
		fprintf(stderr, "posthorn: %zu more signatures were not looked at\n", v->ignored);
	return code;
}

static bool judge(struct mail *m, struct admin_dns *dns, int *code, struct err *e)
{
	struct dkim_verify *v = dkim_verify_new((uint64_t)clock_wall());
	struct dkim_verdict verdict;
	struct span piece;
	bool ok;

	while ((ok = mail_read(m, &piece, e)) && piece.n)
		dkim_verify_feed(v, piece);
	if (ok) {
		dkim_verify_end(v, &dns->dns, &verdict);
		*code = print_verdict(&verdict);
	}
	dkim_verify_free(v);
	return ok;
}

int dkim_verify_command(int argc, char **argv)
{
	static struct mail m;
	struct admin_dns dns;
	struct verify_args a;
	struct conf c;
	struct err e;
	int code = EX_OK;

	if (!read_verify(argc, argv, &a, &e))
		return admin_usage("%s", e.text);
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (!mail_open(&m, a.file, &e) || !admin_dns_open(&c, a.resolver, &dns, &e)) {
		code = admin_fail(&e);
	} else {
		if (!judge(&m, &dns, &code, &e))
			code = admin_fail(&e);
		admin_dns_close(&dns);
	}
	fd_close(&m.fd);
	conf_free(&c);
	return code;
}

/* ---- sign ---- */

struct sign_args { bool only_header; const char *domain, *key, *selector, *file; };

static bool read_sign(int argc, char **argv, struct sign_args *a, struct err *e)
{
	static const struct option options[] = { { "header", no_argument, NULL, 'h' },
		{ "domain", required_argument, NULL, 'd' }, { "key", required_argument, NULL, 'k' },
		{ "selector", required_argument, NULL, 's' }, { 0 } };
	int c;

	*a = (struct sign_args){ 0 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'h': a->only_header = true; break;
		case 'd': a->domain = optarg; break;
		case 'k': a->key = optarg; break;
		case 's': a->selector = optarg; break;
		default:
			return err_perm(e, "5.5.4", "dkim sign [--header] [--domain DOMAIN] [--key FILE --selector SELECTOR] [FILE]");
		}
	}
	if (!a->key != !a->selector || (a->key && !a->domain))
		return err_perm(e, "5.5.4", "--key needs --selector and --domain, and the other way round");
	if (optind + 1 < argc)
		return err_perm(e, "5.5.4", "dkim sign takes one file, or standard input");
	a->file = argv[optind];
	return true;
}

static bool named_key(const struct sign_args *a, struct keyring_set *set, struct err *e)
{
	struct str pem = STR(KEY_PEM_MAX);
	int fd = open(a->key, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "cannot open %s", a->key);
	set->count = 0;
	set->keys[0] = file_read_all(fd, &pem, e) ? key_private(str_span(&pem), e) : NULL;
	if (set->keys[0])
		set->who[set->count++] =
		    (struct dkim_signer){ a->domain, a->selector, set->keys[0] };
	explicit_bzero(pem.p, pem.n);
	str_free(&pem);
	fd_close(&fd);
	return set->count || err_while(e, "%s", a->key);
}

static bool stored_keys(const struct conf *c, struct span domain, struct keyring_set *set, struct err *e)
{
	int root = dkim_store_root(c, false, e);
	bool ok = root >= 0 && keyring_find(root, domain, set, e);

	fd_close(&root);
	return ok && (set->count ||
	    err_perm(e, "5.7.5", "there is no active key for " SPAN_FMT, SPAN_ARG(span_to(domain, 200))));
}

static bool find_keys(const struct conf *c, const struct sign_args *a, struct dkim_sign *s,
    struct arena *arena, struct keyring_set *set, struct err *e)
{
	if (a->key)
		return named_key(a, set, e);
	return stored_keys(c, a->domain ? span_of(a->domain) : keyring_author(dkim_sign_header(s), arena), set, e);
}

/* As the message has its lines. */
static void print_lines(const struct mail *m, struct span lf_text, struct str *out)
{
	struct span line;

	while (span_cut(&lf_text, '\n', &line)) {
		str_add(out, line);
		str_add_text(out, m->crlf ? "\r\n" : "\n");
	}
	str_add(out, lf_text);
}

static bool sign(const struct conf *c, const struct sign_args *a, struct mail *m, struct err *e)
{
	struct str text = STR(c->message_size_limit), fields = STR(OUT_MAX), out = STR(c->message_size_limit * 2 + OUT_MAX);
	struct arena *arena = arena_new(MEMORY, NULL, NULL);
	struct keyring_set set = { .count = 0 };
	struct dkim_sign *s = dkim_sign_new();
	struct span piece;
	bool ok;

	while ((ok = mail_read(m, &piece, e)) && piece.n) {
		dkim_sign_feed(s, piece);
		str_add(&text, piece);
	}
	ok = ok &&
	    (!text.over || err_perm(e, "5.3.4", "the message is larger than message-size-limit")) &&
	    find_keys(c, a, s, arena, &set, e) &&
	    dkim_sign_end(s, set.who, set.count, (uint64_t)clock_wall(), 0, &fields, e);
	if (ok) {
		print_lines(m, str_span(&fields), &out);
		if (!a->only_header)
			print_lines(m, str_span(&text), &out);
		admin_print(&out);
	}
	keyring_forget(&set);
	dkim_sign_free(s);
	arena_free(arena);
	str_free(&text);
	str_free(&fields);
	str_free(&out);
	return ok;
}

int dkim_sign_command(int argc, char **argv)
{
	static struct mail m;
	struct sign_args a;
	struct conf c;
	struct err e;
	int code = EX_OK;

	if (!read_sign(argc, argv, &a, &e))
		return admin_usage("%s", e.text);
	if (!admin_conf(&c))
		return EX_CONFIG;
	if (!mail_open(&m, a.file, &e) || !sign(&c, &a, &m, &e))
		code = admin_fail(&e);
	fd_close(&m.fd);
	conf_free(&c);
	return code;
}
