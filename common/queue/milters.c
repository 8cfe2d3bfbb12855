/* All milters of a daemon. See milters.h; milter-change.c does what they want. */
#include "common/queue/milters.h"

#include "common/mail/maillog.h"
#include "common/queue/milter-change.h"

enum { OUR_EXTENSIONS = EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_DSN };

void milters_init(struct milters *ms, const char *const *words, size_t count,
    const struct milter_times *times, const char *host_name,
    bool (*connect)(void *arg, const char *name, int *fd, struct err *e), void *arg)
{
	struct milter_where where;

	*ms = (struct milters){ .host_name = host_name, .connect = connect, .arg = arg };
	for (size_t i = 0; i < count && ms->count < MILTERS_MAX; i++) {
		if (where_parse(span_of(words[i]), &where))
			milter_init(&ms->list[ms->count++], &where, times);
	}
}

void milters_reset(struct milters *ms)
{
	for (size_t i = 0; i < ms->count; i++)
		milter_abort(&ms->list[i]);
	ms->by = NULL;
}

void milters_close(struct milters *ms)
{
	for (size_t i = 0; i < ms->count; i++)
		milter_close(&ms->list[i]);
	ms->by = NULL;
	*ms->hello = '\0';
}

/* --- facts --- */

/* Word number i of "TLSv1.3 TLS_AES_256_GCM_SHA384 256". */
static void tls_words(struct milters *ms, const char *text)
{
	struct span words = span_of(text);

	for (int i = 0; i < 3; i++)
		span_copy(span_word(&words), ms->tls[i], sizeof ms->tls[i]);
	ms->facts.tls_version = ms->tls[0];
	ms->facts.tls_cipher = ms->tls[1];
	ms->facts.tls_bits = ms->tls[2];
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

/* Who has no name is called by the address, as sendmail does. */
static void know_client(struct milters *ms, const struct intake *in)
{
	const struct wire_peer *peer = in->peer;

	snprintf(ms->client_name, sizeof ms->client_name, "[%s]", peer->ip);
	snprintf(ms->client, sizeof ms->client, "%s [%s]", ms->client_name, peer->ip);
	snprintf(ms->client_port, sizeof ms->client_port, "%u", peer->port);
	snprintf(ms->local_port, sizeof ms->local_port, "%u", peer->local_port);
	ms->facts = (struct milter_facts){
		.host_name = ms->host_name, .version = "Posthorn", .client = ms->client, .client_name = ms->client_name,
		.client_ip = peer->ip, .client_port = ms->client_port, .daemon = peer->service,
		.local_ip = peer->local_ip, .local_port = ms->local_port,
	};
	tls_words(ms, peer->tls_text);
}

static void know_message(struct milters *ms, const struct intake *in)
{
	ms->facts.id = in->env.id;
	ms->facts.sender = in->env.sender;
	ms->facts.sender_domain = domain_of(in->env.sender);
	ms->facts.login = in->login;
	ms->facts.mechanism = *in->login ? in->mechanism : "";
}

/* --- verdicts --- */

static void lost(struct milter *m, const char *id)
{
	if (!m->told)
		maillog_trouble(id, m->open ? "going on without a milter" : "asking a milter", &m->why);
	m->told = true;
}

/* Go on to the next milter? Else s->instead or e says why not. */
static bool settle(struct milters *ms, struct milter *m, enum milter_verdict v, const char *id,
    struct smtp *s, struct err *e)
{
	switch (v) {
	case MILTER_GO_ON:
	case MILTER_DONE:
		return true;
	case MILTER_DROP:
		ms->by = ms->by ? ms->by : m;
		return true;
	case MILTER_REFUSE:
		s->instead = m->reply;
		maillog_milter(id, m->name, "refused", span_of(m->reply.status));
		return m->reply.code >= 500 ?
		    err_perm(e, m->reply.status, "%.300s", m->reply.text) :
		    err_temp(e, m->reply.status, "%.300s", m->reply.text);
	default:
		lost(m, id);
		if (m->open)
			return true;
		s->instead = reply_say(451, "4.7.1", "our filter %s can not be asked now; try again later", m->name);
		return err_temp(e, "4.7.1", "%s", s->instead.text);
	}
}

/* --- steps --- */

static void put_client(const struct wire_peer *peer, struct str *out)
{
	char port[2] = { (char)(peer->port >> 8), (char)peer->port };
	struct address who;

	if (!address_parse(span_of(peer->ip), &who)) {
		str_add_char(out, 'U');		/* a proxy did not know either: XCLIENT */
		return;
	}
	str_add_char(out, who.family == 6 ? '6' : '4');
	str_add(out, (struct span){ port, sizeof port });
	frame_text(out, span_of(peer->ip));
}

static enum milter_verdict say_connect(struct milters *ms, struct milter *m, const struct wire_peer *peer)
{
	if (!milter_begin(m, SAY_CONNECT, &ms->facts))
		return milter_stands(m);
	frame_text(&m->out, span_of(ms->client_name));
	put_client(peer, &m->out);
	return milter_end(m);
}

/* For the first message of a client. */
static enum milter_verdict meet(struct milters *ms, struct milter *m, const struct wire_peer *peer)
{
	struct err e;
	int fd;

	if (m->started || m->gone)
		return milter_stands(m);
	if (!ms->connect(ms->arg, m->name, &fd, &e))
		milter_lost(m, &e);
	else if (milter_start(m, fd) && m->terms.wants_body)
		maillog_milter(ms->facts.id, m->name, "may-not-change-bodies", SPAN(""));
	return say_connect(ms, m, peer);
}

static enum milter_verdict say_text(struct milters *ms, struct milter *m, char what, struct span text)
{
	if (!milter_begin(m, what, &ms->facts))
		return milter_stands(m);
	frame_text(&m->out, text);
	return milter_end(m);
}

/* <address> and the parameters, each a field. */
static enum milter_verdict say_path(struct milters *ms, struct milter *m, char what, const char *address, struct span more)
{
	struct span word;

	if (!milter_begin(m, what, &ms->facts))
		return milter_stands(m);
	str_addf(&m->out, "<%s>", address);
	str_add_char(&m->out, '\0');
	while ((word = span_word(&more)).n)
		frame_text(&m->out, word);
	return milter_end(m);
}

/* After STARTTLS a client says EHLO once more, and may say another name. */
static void hear_hello(struct milters *ms, const struct smtp *s)
{
	if (strcmp(ms->hello, s->hello) == 0 && ms->hello_tls == s->tls)
		return;
	snprintf(ms->hello, sizeof ms->hello, "%s", s->hello);
	ms->hello_tls = s->tls;
	memset(ms->heard, 0, sizeof ms->heard);
}

static bool mail_to(struct milters *ms, size_t i, struct intake *in, struct smtp *s,
    struct span params, struct err *e)
{
	struct milter *m = &ms->list[i];
	enum milter_verdict v = meet(ms, m, in->peer);

	if (v == MILTER_GO_ON && !ms->heard[i]) {
		v = say_text(ms, m, SAY_HELO, span_of(s->hello));
		ms->heard[i] = true;
	}
	if (v == MILTER_GO_ON)
		v = say_path(ms, m, SAY_MAIL, in->env.sender, params);
	return settle(ms, m, v, in->env.id, s, e);
}

bool milters_mail(struct milters *ms, struct intake *in, struct smtp *s,
    const struct smtp_mail *from, struct err *e)
{
	struct str params = STR(2048);
	bool ok = true;

	milters_reset(ms);
	know_client(ms, in);
	know_message(ms, in);
	hear_hello(ms, s);
	param_print_mail(&from->params, OUR_EXTENSIONS, &params);
	for (size_t i = 0; ok && i < ms->count && !ms->by; i++)
		ok = mail_to(ms, i, in, s, str_span(&params), e);
	str_free(&params);
	return ok;
}

bool milters_rcpt(struct milters *ms, struct intake *in, struct smtp *s, const char *address,
    const struct smtp_rcpt *to, struct err *e)
{
	struct str params = STR(2048);
	bool ok = true;

	ms->facts.rcpt = address;
	ms->facts.rcpt_domain = domain_of(address);
	param_print_rcpt(&to->params, OUR_EXTENSIONS, &params);
	for (size_t i = 0; ok && i < ms->count && !ms->by; i++) {
		enum milter_verdict v =
		    say_path(ms, &ms->list[i], SAY_RCPT, address, str_span(&params));

		ok = settle(ms, &ms->list[i], v, in->env.id, s, e);
	}
	ms->facts.rcpt = ms->facts.rcpt_domain = NULL;
	str_free(&params);
	return ok;
}

bool milters_data(struct milters *ms, struct intake *in, struct smtp *s, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < ms->count && !ms->by; i++) {
		struct milter *m = &ms->list[i];

		ok = settle(ms, m,
		    milter_begin(m, SAY_DATA, &ms->facts) ? milter_end(m) : milter_stands(m),
		    in->env.id, s, e);
	}
	return ok;
}

/* --- the message --- */

/* What stands behind the colon, without the last line end: LF inside, as milters have it. */
static struct span raw_value(const struct milter *m, const struct field *f)
{
	struct span v = span_from(f->whole, (size_t)span_find(f->whole, ':') + 1);

	if (v.n && v.p[v.n - 1] == '\n')
		v.n--;
	if (!(m->terms.steps & LEADING_SPACE))
		span_while(&v, is_blank);
	return v;
}

/* False: a field is longer than what a milter takes, which is the message's fault: a filter is not to be passed by that. */
static bool say_header(struct milters *ms, struct milter *m, const struct edit *d,
    enum milter_verdict *v, struct err *e)
{
	struct field f;

	for (size_t at = 0; *v == MILTER_GO_ON && edit_next(d, &at, &f);) {
		if (m->terms.steps & NO_HEADER)
			break;
		if (f.whole.n > FRAME_CHUNK)
			return err_perm(e, "5.3.4",
			    "the header field " SPAN_FMT
			    " has more than the %d bytes that a filter takes",
			    SPAN_ARG(span_to(f.name, 40)), FRAME_CHUNK);
		if (!milter_begin(m, SAY_HEADER, NULL))
			break;
		frame_text(&m->out, f.name);
		frame_text(&m->out, raw_value(m, &f));
		*v = milter_end(m);
	}
	if (*v == MILTER_GO_ON && milter_begin(m, SAY_HEADER_END, &ms->facts))
		*v = milter_end(m);
	return true;
}

/* The body on its way to a milter, in CRLF and in pieces. */
struct pieces {
	struct milter		*m;
	enum milter_verdict	 v;
	bool			 begun;		/* past the empty line */
	struct str		 held;
};

static void give_piece(struct pieces *p)
{
	if (!p->held.n || p->v != MILTER_GO_ON)
		return;
	if (milter_begin(p->m, SAY_BODY, NULL)) {
		str_add(&p->m->out, str_span(&p->held));
		p->v = milter_end(p->m);
	}
	str_reset(&p->held);
}

static bool wants_more(const struct pieces *p)
{
	return p->v == MILTER_GO_ON && !p->m->skip_body && !(p->m->terms.steps & NO_BODY);
}

static void add_line_end(struct pieces *p)
{
	if (p->held.n + 2 > FRAME_CHUNK)
		give_piece(p);
	str_add(&p->held, SPAN("\r\n"));
}

static void add_text(struct pieces *p, struct span text)
{
	while (text.n && wants_more(p)) {
		if (p->held.n == FRAME_CHUNK)
			give_piece(p);
		str_add(&p->held, span_take(&text, FRAME_CHUNK - p->held.n));
	}
}

static void take_body(void *arg, struct span text)
{
	struct pieces *p = arg;
	struct span line;

	if (!p->begun && text.n) {
		p->begun = true;
		span_eat_char(&text, '\n');
	}
	while (text.n && wants_more(p)) {
		bool whole = span_cut(&text, '\n', &line);

		if (!whole)
			line = span_take(&text, text.n);
		add_text(p, line);
		if (whole)
			add_line_end(p);
	}
}

static bool say_body(struct milter *m, struct intake *in, enum milter_verdict *v, struct err *e)
{
	struct pieces p = { .m = m, .v = *v, .held = STR(FRAME_CHUNK) };
	bool ok = true;

	if (wants_more(&p))
		ok = intake_body(in, (struct sink){ take_body, &p }, e);
	if (ok && wants_more(&p))
		give_piece(&p);
	*v = p.v;
	str_free(&p.held);
	return ok;
}

static bool show(struct milters *ms, struct milter *m, struct intake *in, struct smtp *s, struct err *e)
{
	struct edit *d = intake_header(in, e);
	struct changing c = { .in = in, .s = s };
	enum milter_verdict v = milter_stands(m);

	if (!d)
		return false;
	if (v == MILTER_GO_ON && !say_header(ms, m, d, &v, e))
		return false;
	if (v == MILTER_GO_ON && !say_body(m, in, &v, e))
		return false;
	if (v == MILTER_GO_ON)
		v = milter_finish(m, &ms->facts, milter_change, &c);
	return settle(ms, m, v, in->env.id, s, e);
}

bool milters_message(struct milters *ms, struct intake *in, struct smtp *s, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < ms->count && !ms->by; i++)
		ok = show(ms, &ms->list[i], in, s, e);
	return ok;
}
