/* Jobs and results as packets. See job.h. */
#include "mta/job.h"

enum {
	JOB_SMTPUTF8 = 1, JOB_8BIT = 2, JOB_REQUIRETLS = 4, JOB_TLS_OPTIONAL = 8, JOB_RETURN = 16, JOB_NOTIFY = 32,
	JOB_TRACE = 64, JOB_PROBE = 128,
	RESULT_UNREACHABLE = 1, RESULT_DSN = 2, RESULT_BY = 4,
	PRIORITY_BASE = 9,
};

static uint64_t marks_of(const struct job *j)
{
	return (j->smtputf8 ? JOB_SMTPUTF8 : 0) | (j->body8bit ? JOB_8BIT : 0) |
	    (j->require_tls ? JOB_REQUIRETLS : 0) | (j->tls_optional ? JOB_TLS_OPTIONAL : 0) |
	    (j->by_mode == DELIVER_OR_RETURN ? JOB_RETURN : 0) |
	    (j->by_mode == DELIVER_OR_NOTIFY ? JOB_NOTIFY : 0) | (j->by_trace ? JOB_TRACE : 0) |
	    (j->probe ? JOB_PROBE : 0);
}

static void take_marks(struct job *j, uint64_t marks)
{
	j->smtputf8 = marks & JOB_SMTPUTF8;
	j->body8bit = marks & JOB_8BIT;
	j->require_tls = marks & JOB_REQUIRETLS;
	j->tls_optional = marks & JOB_TLS_OPTIONAL;
	j->by_mode = marks & JOB_RETURN ? DELIVER_OR_RETURN : marks & JOB_NOTIFY ? DELIVER_OR_NOTIFY : DELIVER_ANY;
	j->by_trace = marks & JOB_TRACE;
	j->probe = marks & JOB_PROBE;
}

static void put_way(const struct way *w, struct packet *p)
{
	struct str words = STR(WAY_TEXT);

	way_print(w, &way_plain, &words);
	packet_put(p, str_span(&words));
	p->bad = p->bad || words.over;
	str_free(&words);
}

void job_put(const struct job *j, struct packet *p)
{
	packet_begin(p, 'J');
	packet_put_text(p, j->destination);
	put_way(&j->way, p);
	packet_put_text(p, j->id);
	packet_put_text(p, j->sender);
	packet_put_text(p, j->envid);
	packet_put_text(p, j->ret);
	packet_put_u64(p, marks_of(j));
	packet_put_u64(p, (uint64_t)j->by);
	packet_put_u64(p, (uint64_t)(j->priority + PRIORITY_BASE));
	packet_put_u64(p, j->prefer_family);
	packet_put_u64(p, j->top_count);
	for (size_t i = 0; i < j->top_count; i++)
		packet_put_text(p, j->top[i]);
	packet_put_u64(p, j->wire_bytes);
	packet_put_u64(p, j->count);
	for (size_t i = 0; i < j->count; i++) {
		packet_put_text(p, j->rcpts[i].address);
		packet_put_text(p, j->rcpts[i].original);
		packet_put_u64(p, j->rcpts[i].notify);
	}
	packet_put_fd(p, j->text);
}

static const char *take_text(struct packet *p, struct arena *a)
{
	return arena_text(a, packet_take(p));
}

static void take_way(struct packet *p, struct arena *a, struct way *w)
{
	*w = way_plain;
	if (!way_read(packet_take(p), a, w, NULL))
		p->bad = true;
}

static void take_tops(struct packet *p, struct arena *a, struct job *j)
{
	uint64_t n = packet_take_u64(p);

	if (n > ENVELOPE_TOPS) {
		p->bad = true;
		return;
	}
	for (j->top_count = 0; j->top_count < n; j->top_count++)
		j->top[j->top_count] = take_text(p, a);
}

static size_t take_count(struct packet *p)
{
	uint64_t n = packet_take_u64(p);

	if (n <= JOB_RCPTS)
		return (size_t)n;
	p->bad = true;
	return 0;
}

bool job_take(struct packet *p, struct arena *a, struct job *j, struct err *e)
{
	*j = (struct job){ .text = -1 };
	if (p->verb != 'J')
		return err_temp(e, "4.3.0", "that is no job");
	j->destination = take_text(p, a);
	take_way(p, a, &j->way);
	j->id = take_text(p, a);
	j->sender = take_text(p, a);
	j->envid = take_text(p, a);
	j->ret = take_text(p, a);
	take_marks(j, packet_take_u64(p));
	j->by = (time_t)packet_take_u64(p);
	j->priority = (int)(packet_take_u64(p) % (2 * PRIORITY_BASE + 1)) - PRIORITY_BASE;
	j->prefer_family = (unsigned)packet_take_u64(p);
	take_tops(p, a, j);
	j->wire_bytes = packet_take_u64(p);
	j->count = take_count(p);
	for (size_t i = 0; i < j->count; i++) {
		j->rcpts[i].address = take_text(p, a);
		j->rcpts[i].original = take_text(p, a);
		j->rcpts[i].notify = (unsigned)packet_take_u64(p);
	}
	j->text = packet_take_fd(p);
	return !p->bad || err_temp(e, "4.3.0", "a job came in pieces");
}

void job_put_result(const struct job_result *r, struct packet *p)
{
	packet_begin(p, 'R');
	packet_put_u64(p, (r->unreachable ? RESULT_UNREACHABLE : 0) | (r->dsn ? RESULT_DSN : 0) | (r->by ? RESULT_BY : 0));
	packet_put_text(p, r->remote);
	packet_put_text(p, r->tls);
	packet_put_text(p, r->ip ? r->ip : "");
	packet_put_u64(p, r->extensions);
	packet_put_u64(p, r->count);
	for (size_t i = 0; i < r->count; i++) {
		packet_put_u64(p, r->rcpts[i].kind);
		packet_put_text(p, r->rcpts[i].status);
		packet_put_text(p, r->rcpts[i].answer);
	}
}

bool job_take_result(struct packet *p, struct arena *a, struct job_result *r, struct err *e)
{
	uint64_t marks;

	*r = (struct job_result){ 0 };
	if (p->verb != 'R')
		return err_temp(e, "4.3.0", "that is no result");
	marks = packet_take_u64(p);
	r->unreachable = marks & RESULT_UNREACHABLE;
	r->dsn = marks & RESULT_DSN;
	r->by = marks & RESULT_BY;
	r->remote = take_text(p, a);
	r->tls = take_text(p, a);
	r->ip = take_text(p, a);
	r->extensions = (unsigned)packet_take_u64(p);
	r->count = take_count(p);
	for (size_t i = 0; i < r->count; i++) {
		uint64_t kind = packet_take_u64(p);

		r->rcpts[i].kind = kind == ERR_NONE ? ERR_NONE : kind == ERR_PERM ? ERR_PERM : ERR_TEMP;
		r->rcpts[i].status = take_text(p, a);
		r->rcpts[i].answer = take_text(p, a);
	}
	return !p->bad || err_temp(e, "4.3.0", "a result came in pieces");
}

void job_put_step(const struct job_step *s, struct packet *p)
{
	packet_begin(p, 'T');
	packet_put_u64(p, (uint8_t)s->mark);
	packet_put_u64(p, s->ms);
	packet_put_text(p, s->step);
	packet_put_text(p, s->host);
	packet_put_text(p, s->text);
}

bool job_take_step(struct packet *p, struct arena *a, struct job_step *s, struct err *e)
{
	uint64_t mark;

	if (p->verb != 'T')
		return err_temp(e, "4.3.0", "that is no step");
	mark = packet_take_u64(p);
	s->mark = mark == '+' || mark == '-' ? (char)mark : ' ';
	s->ms = packet_take_u64(p);
	s->step = take_text(p, a);
	s->host = take_text(p, a);
	s->text = take_text(p, a);
	return !p->bad || err_temp(e, "4.3.0", "a step came in pieces");
}
