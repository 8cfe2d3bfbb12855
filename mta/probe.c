/*
 * NAME
 *	mta-probe - posthorn destination test: what would happen to mail for a domain
 * DESCRIPTION
 *	A send process is given a job to rehearse (stage.h, rehearse.h), and what it tells step by step is
 *	printed. posthorn-destination(8).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/conf/who.h"
#include "common/directory/lookup.h"
#include "common/directory/name.h"
#include "common/directory/table.h"
#include "common/queue/route.h"
#include "common/smtp/path.h"
#include "mta/job.h"
#include "mta/stage.h"

enum { PATIENCE_S = 600, MEMORY = 8 << 20 };

struct probe {
	struct conf	 conf;
	struct stage	 stage;
	struct arena	*arena;
	struct job	 job;
	struct packet	 packet;
	const char	*words;			/* of a way, from the command line */
	bool		 begun;			/* to print */
	char		 about[ROUTE_NAME];
};

/* --- what it tells --- */

static void print_json(struct probe *p, const struct job_step *s)
{
	struct str out = STR(16384);

	str_addf(&out, "%s{\"step\":", p->begun ? ",\n" : "[");
	admin_json_text(&out, span_of(s->step));
	admin_json_pair(&out, "host", span_of(s->host));
	str_addf(&out, ",\"ok\":%s,\"ms\":%llu", s->mark == '+' ? "true" : s->mark == '-' ? "false" : "null",
	    (unsigned long long)s->ms);
	admin_json_pair(&out, "text", span_of(s->text));
	str_add_text(&out, "}");
	admin_print(&out);
	p->begun = true;
}

static void print_step(struct probe *p, const struct job_step *s)
{
	if (admin_json()) {
		print_json(p, s);
		return;
	}
	if (strcmp(p->about, s->host) != 0 && *s->host)
		printf("\n%s\n", s->host);
	snprintf(p->about, sizeof p->about, "%s", s->host);
	printf("%s%c %-12s %s", *s->host ? "  " : "", s->mark, s->step, s->text);
	printf(s->ms >= 10 ? "  (%llu ms)\n" : "\n", (unsigned long long)s->ms);
	fflush(stdout);
}

static int code_of(enum err_kind kind)
{
	return kind == ERR_NONE ? EX_OK : kind == ERR_TEMP ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

static int print_end(struct probe *p, const struct job_result *r)
{
	const struct job_result_rcpt *end = &r->rcpts[0];
	struct job_step s = { .mark = end->kind == ERR_NONE ? '+' : '-', .step = "end", .host = "" };

	if (end->kind == ERR_NONE)
		s.text = arena_printf(p->arena, "mail for %s goes to %s, %s%s", p->job.destination,
		    r->remote, *r->tls ? "by " : "in the clear", r->tls);
	else
		s.text = arena_printf(p->arena, "mail for %s %s: %s %s", p->job.destination,
		    end->kind == ERR_TEMP ? "would wait" : "would come back", end->status,
		    end->answer);
	if (!admin_json())
		printf("\n");
	print_step(p, &s);
	if (admin_json())
		printf("]\n");
	return code_of(end->kind);
}

/* One packet of its work. Negative: go on. */
static int hear(struct probe *p)
{
	struct job_result r;
	struct job_step s;
	struct err e;

	if (p->packet.verb == 'T') {
		if (!job_take_step(&p->packet, p->arena, &s, &e))
			return admin_fail(&e);
		print_step(p, &s);
		return -1;
	}
	if (!job_take_result(&p->packet, p->arena, &r, &e))
		return admin_fail(&e);
	if (r.count != 1)
		return EX_PROTOCOL;
	return print_end(p, &r);
}

static int follow(struct probe *p)
{
	ms_t until = clock_in(PATIENCE_S);
	struct err e;
	int code = -1;

	job_put(&p->job, &p->packet);
	if (!packet_send(p->stage.send.work, &p->packet, &e))
		return admin_fail(&e);
	while (code < 0) {
		if (!stage_next(&p->stage, &p->packet, until, &e))
			return admin_fail(&e);
		code = hear(p);
	}
	return code;
}

/* --- what is to be rehearsed --- */

static bool has_via(struct span words)
{
	struct span word, name;

	while ((word = span_word(&words)).n) {
		if (span_cut(&word, '=', &name) && span_is(name, "via"))
			return true;
	}
	return false;
}

/* The settings, and what posthorn-destinations(5) has on top: as mta-sched finds it for mail. */
static bool find_way(struct probe *p, const struct lookup *l, struct err *e)
{
	const char *words;

	p->job.way = who_way(&p->conf);
	if (!lookup_way(l, span_of(p->job.sender), span_of(p->job.destination), p->arena, &words, NULL, e) ||
	    !way_read(span_of(words), p->arena, &p->job.way, e))
		return false;
	way_at_try(&p->job.way, 0);
	if (has_via(span_of(p->words)))
		way_by(&p->job.way, "");	/* the words say which */
	return way_read(span_of(p->words), p->arena, &p->job.way, e);
}

/* What the directory knows of the destination: is it ours, and how do we go there? */
static bool ask_directory(struct probe *p, enum dir_class *is, struct err *e)
{
	const char *files[TABLE_COUNT];
	struct dir_rules rules;
	struct lookup l = { .rules = &rules };
	bool ok = true;

	who_rules(&p->conf, geteuid() == 0, &rules);
	who_files(&p->conf, files);
	for (enum table_kind kind = 0; ok && kind < TABLE_COUNT; kind++) {
		l.files[kind] = files[kind];
		l.tables[kind] = compile_memory(kind, files[kind], NULL, e);
		ok = l.tables[kind] != NULL;
	}
	ok = ok && lookup_domain(&l, span_of(p->job.destination), is, e) && find_way(p, &l, e);
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(l.tables[kind], NULL);
	return ok;
}

static int run(struct probe *p)
{
	enum dir_class is;
	struct err e;
	int code;

	if (!ask_directory(p, &is, &e))
		return admin_fail(&e);
	if (is == DIR_LOCAL) {
		print_step(p, &(struct job_step){ '+', "end", "", "that domain is ours: mail for it stays here", 0 });
		if (admin_json())
			printf("]\n");
		return EX_OK;
	}
	p->stage.conf = &p->conf;
	p->job.text = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (stage_open(&p->stage, &e)) {
		code = follow(p);
		stage_close(&p->stage);
	} else {
		code = admin_fail(&e);
	}
	fd_close(&p->job.text);
	return code;
}

/* --- words of the command line --- */

static int take_address(const char *word, const char **out)
{
	if (!word || (*word && !path_is_address(span_of(word), false)))
		return admin_usage("%s is no address", word ? word : "that");
	*out = word;
	return -1;
}

/* One word, and the one behind it where it has one. Negative: go on. */
static int take_word(struct probe *p, char ***argv)
{
	const char *word = *(*argv)++;

	if (strcmp(word, "--verbose") == 0) {
		p->stage.verbose = true;
	} else if (strcmp(word, "--requiretls") == 0) {
		p->job.require_tls = true;
	} else if (strcmp(word, "--from") == 0) {
		return **argv ? take_address(*(*argv)++, &p->job.sender) : admin_usage("--from needs an address");
	} else if (strcmp(word, "--rcpt") == 0) {
		p->job.count = 1;
		return **argv ? take_address(*(*argv)++, &p->job.rcpts[0].address) : admin_usage("--rcpt needs an address");
	} else if (strchr(word, '=')) {
		p->words = arena_printf(p->arena, "%s %s", p->words, word);
	} else if (*word == '-' || *p->job.destination) {
		return admin_usage("destination test [--from ADDRESS] [--rcpt ADDRESS] [--requiretls] [--verbose] DOMAIN "
		    "[KEY=VALUE ...]");
	} else {
		p->job.destination = word;
	}
	return -1;
}

static bool complete(struct probe *p)
{
	const char *at = p->job.count ? strrchr(p->job.rcpts[0].address, '@') : NULL;
	char name[ROUTE_NAME];

	if (!*p->job.destination && at)
		p->job.destination = at + 1;
	if (!*p->job.destination || !span_copy_lower(span_of(p->job.destination), name, sizeof name))
		return false;
	p->job.destination = arena_text(p->arena, span_of(name));
	return true;
}

int main(int argc, char **argv)
{
	static struct probe p;
	int code = admin_options(&argc, argv);

	p.words = "";
	if (code < 0 && !admin_conf(&p.conf))
		code = EX_CONFIG;
	p.arena = arena_new(MEMORY, NULL, NULL);
	p.job = (struct job){ .destination = "", .id = "-", .sender = "", .envid = "", .ret = "", .probe = true, .text = -1,
		.rcpts = { { .original = "" } } };
	for (argv++; code < 0 && *argv;)
		code = take_word(&p, &argv);
	if (code < 0 && !complete(&p))
		code = admin_usage("which domain?");
	if (code < 0 && !name_is_destination(span_of(p.job.destination)))
		code = admin_usage("%s is no domain%s", p.job.destination,
		    strchr(p.job.destination, '@') ? "; --rcpt asks for an address" : "");
	return code < 0 ? run(&p) : code;
}
