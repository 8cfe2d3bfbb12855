/* The mail log: one function for each event. See maillog.h. */
#include "common/mail/maillog.h"

#include "common/base/str.h"
#include "common/os/history.h"
#include "common/os/log.h"

/*
 * A line is built in a str, because words from outside are cut and quoted on the way:
 * in double quotes when they hold anything but the plainest characters.
 */
enum { LINE_ROOM = 4096 };

struct line { struct str s; };

static struct line begin(const char *id, const char *verb)
{
	struct line l = { STR(LINE_ROOM) };

	str_addf(&l.s, "%s %s", id && *id ? id : "-", verb);
	return l;
}

static void end(struct line *l)
{
	log_info("%s", l->s.p);
	str_free(&l->s);
}

/* The history keeps what became of messages, and not what clients do besides. */
static void end_kept(struct line *l)
{
	history_add(l->s.p, false);
	end(l);
}

/* Of these a stranger can make any number. */
static void end_of_stranger(struct line *l)
{
	history_add(l->s.p, true);
	end(l);
}

static bool is_plain(char c)
{
	return is_alnum(c) || (c && strchr("@.+-_:/[]<>*,", c)) || (unsigned char)c >= 0x80;
}

static void add_quoted(struct span s, struct str *out)
{
	str_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			str_add_char(out, '\\');
		str_add_char(out, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i]);
	}
	str_add_char(out, '"');
}

/* key=value; nothing for an empty value. */
static void word(struct line *l, const char *key, struct span value)
{
	struct span cut = span_to(value, MAILLOG_WORD), rest = cut;

	if (!value.n)
		return;
	str_addf(&l->s, " %s=", key);
	span_while(&rest, is_plain);
	if (rest.n)
		add_quoted(cut, &l->s);
	else
		str_add(&l->s, cut);
	if (cut.n < value.n)
		str_add_text(&l->s, "...");
}

static void text(struct line *l, const char *key, const char *value)
{
	word(l, key, span_of(value ? value : ""));
}

/* An address stands between < and >, empty ones too. */
static void address(struct line *l, const char *key, struct span value)
{
	struct str s = STR(1024);

	str_add_char(&s, '<');
	str_add(&s, span_to(value, MAILLOG_WORD - 2));
	str_add_char(&s, '>');
	word(l, key, str_span(&s));
	str_free(&s);
}

static void number(struct line *l, const char *key, uint64_t value)
{
	str_addf(&l->s, " %s=%llu", key, (unsigned long long)value);
}

static void seconds(struct line *l, const char *key, int64_t value)
{
	str_addf(&l->s, " %s=%llds", key, (long long)value);
}

static void why(struct line *l, const struct err *e)
{
	if (!e)
		return;
	text(l, "status", e->status);
	str_add_text(&l->s, " why=");
	add_quoted(span_of(e->text), &l->s);
}

/* --- sessions --- */

void maillog_connect(const char *service, const char *peer)
{
	struct line l = begin("-", "connect");

	text(&l, "service", service);
	text(&l, "peer", peer);
	end(&l);
}

void maillog_tls(const char *service, const char *peer, const char *tls)
{
	struct line l = begin("-", "tls");

	text(&l, "service", service);
	text(&l, "peer", peer);
	text(&l, "tls", tls);
	end(&l);
}

void maillog_login(const char *service, const char *peer, struct span login, const char *mechanism)
{
	struct line l = begin("-", "login");

	text(&l, "service", service);
	text(&l, "peer", peer);
	word(&l, "login", login);
	text(&l, "mechanism", mechanism);
	end(&l);
}

void maillog_login_failed(const char *service, const char *peer, struct span login,
    const char *mechanism, const char *reason)
{
	struct line l = begin("-", "login-failed");

	text(&l, "service", service);
	text(&l, "peer", peer);
	word(&l, "login", login);
	text(&l, "mechanism", mechanism);
	text(&l, "why", reason);
	end(&l);
}

void maillog_disconnect(const char *service, const char *peer, const char *reason, int after_s)
{
	struct line l = begin("-", "disconnect");

	text(&l, "service", service);
	text(&l, "peer", peer);
	text(&l, "why", reason);
	seconds(&l, "after", after_s);
	end(&l);
}

void maillog_session_end(const char *service, const char *peer, struct span login, unsigned fetched,
    unsigned deleted, uint64_t bytes_out, int after_s)
{
	struct line l = begin("-", "session-end");

	text(&l, "service", service);
	text(&l, "peer", peer);
	word(&l, "login", login);
	number(&l, "fetched", fetched);
	number(&l, "deleted", deleted);
	number(&l, "bytes", bytes_out);
	seconds(&l, "after", after_s);
	end(&l);
}

/* --- receiving --- */

void maillog_received(const struct maillog_received *r)
{
	struct line l = begin(r->id, "received");

	text(&l, "parent", r->parent);
	text(&l, "peer", r->peer);
	text(&l, "helo", r->helo);
	text(&l, "login", r->login);
	text(&l, "protocol", r->protocol);
	text(&l, "tls", r->tls);
	address(&l, "from", r->from);
	number(&l, "rcpts", r->rcpts);
	if (r->bytes)
		number(&l, "bytes", r->bytes);
	word(&l, "message-id", r->message_id);
	end_kept(&l);
}

void maillog_rejected(const char *id, const char *peer, const char *verb, struct span from,
    struct span to, int code, const struct err *e)
{
	struct line l = begin(id, "rejected");

	text(&l, "peer", peer);
	text(&l, "at", verb);
	if (from.p)
		address(&l, "from", from);
	if (to.p)
		address(&l, "to", to);
	number(&l, "code", (unsigned)code);
	why(&l, e);
	end_of_stranger(&l);
}

void maillog_gate(const char *id, const char *peer, const char *verdict, int score, const char *reasons)
{
	struct line l = begin(id, "gate");

	text(&l, "peer", peer);
	text(&l, "verdict", verdict);
	str_addf(&l.s, " score=%d", score);
	text(&l, "why", reasons);
	end_of_stranger(&l);
}

void maillog_milter(const char *id, const char *milter, const char *did, struct span what)
{
	struct line l = begin(id, "milter");

	text(&l, "name", milter);
	text(&l, "did", did);
	word(&l, "what", what);
	end_kept(&l);
}

/* --- the queue --- */

/* The summary has the form of our own words already, but names of strangers in it. */
void maillog_checked(const char *id, const char *summary, const char *why)
{
	struct line l = begin(id, "checked");

	str_add_char(&l.s, ' ');
	for (struct span s = span_to(span_of(summary), 4 * MAILLOG_WORD); s.n; s = span_from(s, 1))
		str_add_char(&l.s, is_plain(*s.p) || *s.p == '=' || *s.p == ' ' ? *s.p : '?');
	text(&l, "why", why);
	end_kept(&l);
}

void maillog_reported(const char *id, const char *domain, const char *day, uint64_t messages)
{
	struct line l = begin(id, "reported");

	text(&l, "domain", domain);
	text(&l, "day", day);
	number(&l, "messages", messages);
	end_kept(&l);
}

void maillog_routed(const char *id, struct span to, const char *station, const char *via)
{
	struct line l = begin(id, "routed");

	address(&l, "to", to);
	text(&l, "station", station);
	text(&l, "via", via);
	end(&l);
}

void maillog_signed(const char *id, unsigned signatures)
{
	struct line l = begin(id, "signed");

	number(&l, "signatures", signatures);
	end(&l);
}

void maillog_sending(const char *id, const char *host, const char *ip, unsigned rcpts)
{
	struct line l = begin(id, "sending");

	text(&l, "host", host);
	text(&l, "ip", ip);
	number(&l, "rcpts", rcpts);
	end(&l);
}

void maillog_sent(const char *id, struct span to, const char *host, const char *tls, int delay_s,
    struct span answer)
{
	struct line l = begin(id, "sent");

	address(&l, "to", to);
	text(&l, "host", host);
	text(&l, "tls", tls);
	seconds(&l, "delay", delay_s);
	word(&l, "answer", answer);
	end_kept(&l);
}

void maillog_deferred(const char *id, struct span to, const char *host, time_t next_in_s, const struct err *e)
{
	struct line l = begin(id, "deferred");

	address(&l, "to", to);
	text(&l, "host", host);
	seconds(&l, "next", next_in_s);
	why(&l, e);
	end_kept(&l);
}

void maillog_failed(const char *id, struct span to, const char *host, const struct err *e)
{
	struct line l = begin(id, "failed");

	address(&l, "to", to);
	text(&l, "host", host);
	why(&l, e);
	end_kept(&l);
}

void maillog_expired(const char *id, struct span to, int after_s, const struct err *e)
{
	struct line l = begin(id, "expired");

	address(&l, "to", to);
	seconds(&l, "after", after_s);
	why(&l, e);
	end_kept(&l);
}

/* The report is a message of ours, and begins here. */
void maillog_bounced(const char *id, struct span sender, const char *report_id, const char *kind)
{
	struct line l = begin(id, "bounced");

	address(&l, "to", sender);
	text(&l, "report", report_id);
	text(&l, "kind", kind);
	end_kept(&l);
	maillog_received(&(struct maillog_received){
	    .id = report_id, .parent = id, .protocol = "report", .from = SPAN(""), .rcpts = 1 });
}

void maillog_held(const char *id, const char *reason)
{
	struct line l = begin(id, "held");

	text(&l, "why", reason);
	end_kept(&l);
}

void maillog_released(const char *id, const char *via)
{
	struct line l = begin(id, "released");

	text(&l, "via", via);
	end_kept(&l);
}

void maillog_removed(const char *id, const char *reason)
{
	struct line l = begin(id, "removed");

	text(&l, "why", reason);
	if (strcmp(reason, "done") == 0)
		end(&l);	/* its recipients' lines have said it */
	else
		end_kept(&l);
}

/* --- the mailbox --- */

void maillog_expanded(const char *id, struct span to, struct span target, const char *as)
{
	struct line l = begin(id, "expanded");

	address(&l, "to", to);
	address(&l, "target", target);
	text(&l, "as", as);
	end_kept(&l);
}

void maillog_unforwarded(const char *id, struct span to, const struct err *e)
{
	struct line l = begin(id, "unforwarded");

	address(&l, "to", to);
	why(&l, e);
	end_kept(&l);
}

void maillog_delivered(const char *id, struct span to, struct span login, const char *folder,
    const char *file, int delay_s)
{
	struct line l = begin(id, "delivered");

	address(&l, "to", to);
	word(&l, "login", login);
	text(&l, "folder", folder && *folder ? folder : "INBOX");
	text(&l, "file", file);
	seconds(&l, "delay", delay_s);
	end_kept(&l);
}

void maillog_fetched(const char *service, struct span login, const char *file, uint64_t bytes)
{
	struct line l = begin("-", "fetched");

	text(&l, "service", service);
	word(&l, "login", login);
	text(&l, "file", file);
	number(&l, "bytes", bytes);
	end(&l);
}

/* --- anything else --- */

void maillog_trouble(const char *id, const char *doing, const struct err *e)
{
	struct line l = begin(id, "trouble");

	text(&l, "doing", doing);
	why(&l, e);
	end_kept(&l);
}
