/* posthorn queue list and show, for people and for programs. See queue.h. */
#include "common/admin/queue.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/mail/date.h"
#include "common/os/clock.h"

const char *queue_ago(time_t s, char out[24])
{
	long n = (long)(s < 0 ? 0 : s);

	if (n < 60)
		snprintf(out, 24, "%lds", n);
	else if (n < 3600)
		snprintf(out, 24, "%ldm%02lds", n / 60, n % 60);
	else if (n < 86400)
		snprintf(out, 24, "%ldh%02ldm", n / 3600, n / 60 % 60);
	else
		snprintf(out, 24, "%ldd%02ldh", n / 86400, n / 3600 % 24);
	return out;
}

static const char *size_text(uint64_t n, char out[24])
{
	if (n < 10000)
		snprintf(out, 24, "%u", (unsigned)n);
	else if (n < 10000 << 10)
		snprintf(out, 24, "%uK", (unsigned)(n >> 10));
	else
		snprintf(out, 24, "%lluM", (unsigned long long)(n >> 20));
	return out;
}

/* --- for people --- */

static void print_rcpt(const struct rcpt *r, time_t now, struct str *out)
{
	char when[24];

	str_addf(out, "    %-8s %s", rcpt_state_name(r->state), r->address);
	if (r->tries)
		str_addf(out, ", tried %u time%s", r->tries, r->tries == 1 ? "" : "s");
	if (r->state == RCPT_WAITING && r->next)
		str_addf(out, r->next > now ? ", again in %s" : ", again now",
		    queue_ago(r->next - now, when));
	if (*r->answer)
		str_addf(out, "\n             %s%s%s", *r->remote ? r->remote : "",
		    *r->remote ? ": " : "", r->answer);
	str_add_char(out, '\n');
}

static void print_text(const struct station *st, const struct envelope *env)
{
	struct str out = STR(QUEUE_PRINT);
	time_t now = clock_wall();
	char age[24], size[24];

	str_addf(&out, "%-15s %7s %6s  %-7s <%s>\n", env->id, queue_ago(now - env->arrived, age),
	    size_text(env->text_bytes, size), st->name, env->sender);
	if (*env->hold)
		str_addf(&out, "    on hold: %s\n", env->hold);
	if (*env->via)
		str_addf(&out, "    via %s\n", env->via);
	for (size_t i = 0; i < env->rcpt_count; i++)
		print_rcpt(&env->rcpts[i], now, &out);
	admin_print(&out);
}

/* --- for programs --- */

static void json_rcpt(const struct rcpt *r, struct str *out)
{
	str_addf(out, "{\"number\":%u", r->number);
	admin_json_pair(out, "address", span_of(r->address));
	admin_json_pair(out, "state", span_of(rcpt_state_name(r->state)));
	str_addf(out, ",\"tries\":%u,\"next\":%lld", r->tries, (long long)r->next);
	admin_json_pair(out, "status", span_of(r->status));
	admin_json_pair(out, "answer", span_of(r->answer));
	admin_json_pair(out, "remote", span_of(r->remote));
	str_add_char(out, '}');
}

static void json_texts(const struct envelope *env, struct str *out)
{
	admin_json_pair(out, "sender", span_of(env->sender));
	admin_json_pair(out, "login", span_of(env->login));
	admin_json_pair(out, "peer", span_of(env->peer));
	admin_json_pair(out, "helo", span_of(env->helo));
	admin_json_pair(out, "protocol", span_of(env->protocol));
	admin_json_pair(out, "tls", span_of(env->tls));
	admin_json_pair(out, "hold", span_of(env->hold));
	admin_json_pair(out, "via", span_of(env->via));
}

void queue_json(const char *station, const struct envelope *env, struct str *out)
{
	str_addf(out, "{\"id\":\"%s\",\"station\":\"%s\",\"arrived\":%lld,\"size\":%llu",
	    env->id, station, (long long)env->arrived, (unsigned long long)env->text_bytes);
	json_texts(env, out);
	str_add_text(out, ",\"recipients\":[");
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (i)
			str_add_char(out, ',');
		json_rcpt(&env->rcpts[i], out);
	}
	str_add_text(out, "]}");
}

static void print_json(const struct station *st, const struct envelope *env, bool first)
{
	struct str out = STR(QUEUE_PRINT);

	str_add_text(&out, first ? "[" : ",\n ");
	queue_json(st->name, env, &out);
	admin_print(&out);
}

/* --- the list: each message is printed when it was read --- */

struct listing {
	struct desk		 d;
	const struct choice	*c;
	int			 station;
	time_t			 now;
	size_t			 messages;
	uint64_t		 bytes;
};

static bool list_one(void *arg, const char *id)
{
	struct listing *l = arg;
	struct place p = { .station = l->station };
	struct envelope env;

	span_copy(span_of(id), p.id, sizeof p.id);
	if (!desk_read(&l->d, &p, &env) || !choice_fits(l->c, &env, l->now))
		return true;
	if (admin_json())
		print_json(&l->d.st[l->station], &env, !l->messages);
	else
		print_text(&l->d.st[l->station], &env);
	l->messages++;
	l->bytes += env.text_bytes;
	return true;
}

static void list_all(struct listing *l)
{
	struct err e;

	for (l->station = 0; l->station < STATIONS; l->station++) {
		if (l->c->in[l->station] && l->d.open[l->station]
		    && !queue_each(&l->d.st[l->station], list_one, l, &e))
			l->d.code = admin_fail(&e);
	}
}

/* Stations may be named without --station, too. */
static int take_stations(int argc, char **argv, struct choice *c)
{
	if (argc > 1 && !c->any_station)
		memset(c->in, 0, sizeof c->in);
	for (int i = 1; i < argc; i++) {
		int n = choice_station(argv[i]);

		if (n < 0)
			return admin_usage("%s is no station of the queue: in/sub in/net in/own out local hold", argv[i]);
		c->in[n] = true;
	}
	return -1;
}

/* As mailq of Postfix ends, for the programs that count by that line. */
static void print_classic_end(const struct listing *l)
{
	if (l->messages)
		printf("-- %llu Kbytes in %zu Request%s.\n",
		    (unsigned long long)((l->bytes + 1023) / 1024), l->messages,
		    l->messages == 1 ? "" : "s");
	else if (l->d.code == EX_OK)
		puts("Mail queue is empty");
}

static void print_end(const struct listing *l)
{
	char size[24];

	if (l->messages)
		printf("%zu message%s, %s\n", l->messages, l->messages == 1 ? "" : "s",
		    size_text(l->bytes, size));
	else if (l->d.code == EX_OK)
		puts(choice_is_made(l->c) ? "no such message is in the queue" : "the queue is empty");
}

int queue_list(int argc, char **argv)
{
	struct choice c;
	struct listing l = { .c = &c, .now = clock_wall() };
	int code = choice_read(&argc, argv, &c);

	if (code < 0)
		code = take_stations(argc, argv, &c);
	if (code >= 0)
		return code;
	code = desk_open(&l.d);
	if (code != EX_OK)
		return code;
	list_all(&l);
	if (admin_json())
		puts(l.messages ? "]" : "[]");
	else if (strcmp(argv[0], "mailq") == 0)
		print_classic_end(&l);
	else
		print_end(&l);
	code = l.d.code;
	desk_close(&l.d);
	return code;
}

/* --- one, with all we know --- */

static void print_line(const char *what, const char *value)
{
	if (*value)
		printf("%-10s %s\n", what, value);
}

static void print_time(const char *what, time_t when)
{
	struct str out = STR(64);

	date_iso_print(when, &out);
	printf("%-10s %s\n", what, out.p);
	str_free(&out);
}

static void show_text(const struct station *st, const struct envelope *env)
{
	struct str rcpts = STR(QUEUE_PRINT);

	printf("%-10s %s\n%-10s %s\n", "id", env->id, "station", st->name);
	print_time("arrived", env->arrived);
	printf("%-10s <%s>\n", "sender", env->sender);
	print_line("login", env->login);
	print_line("peer", env->peer);
	print_line("helo", env->helo);
	print_line("protocol", env->protocol);
	print_line("tls", env->tls);
	print_line("hold", env->hold);
	print_line("via", env->via);
	print_line("envid", env->envid);
	print_line("ret", env->ret);
	printf("%-10s%s%s%s%s%s%s%s\n", "marks", env->smtputf8 ? " smtputf8" : "",
	    env->body8bit ? " 8bitmime" : "", env->require_tls ? " requiretls" : "",
	    env->tls_optional ? " tls-optional" : "", env->is_bounce ? " bounce" : "",
	    env->junk ? " junk" : "", env->vouched ? " vouched" : "");
	if (env->release)
		print_time("release", env->release);
	if (env->by_mode)
		print_time(env->by_mode == DELIVER_OR_RETURN ? "return-by" : "notify-by", env->by);
	if (env->priority)
		printf("%-10s %d\n", "priority", env->priority);
	if (env->warned)
		print_time("warned", env->warned);
	printf("%-10s %llu bytes here, %llu on the wire, crc32c %08x\n", "text",
	    (unsigned long long)env->text_bytes, (unsigned long long)env->wire_bytes,
	    env->text_crc);
	puts("recipients");
	for (size_t i = 0; i < env->rcpt_count; i++)
		print_rcpt(&env->rcpts[i], clock_wall(), &rcpts);
	admin_print(&rcpts);
}

void queue_show(const struct station *st, const struct envelope *env, bool first)
{
	if (admin_json())
		print_json(st, env, first);
	else
		show_text(st, env);
}
