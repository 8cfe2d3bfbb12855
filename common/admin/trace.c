/*
 * posthorn trace: the whole life of a message, from what the daemons keep (os/history.h) and from
 * the queue, or from log files. See trace.h.
 */
#include "common/admin/trace.h"

#include <stdlib.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/conf/form.h"
#include "common/os/clock.h"
#include "common/os/history.h"

enum { LOGS_MAX = 100, LAST = 100, LAST_MAX = 1000000 };

struct asked { const char *logs[LOGS_MAX], *word; size_t log_n; uint64_t last; time_t since; };

/* "3d" is three days ago, "2026-11-24" that day of UTC. */
static bool take_since(const char *value, time_t *since)
{
	uint64_t ago;

	if (form_time(span_of(value), &ago)) {
		*since = clock_wall() - (time_t)ago;
		return true;
	}
	return history_day(value, since);
}

static int take_value(struct asked *a, const char *option, const char *value)
{
	if (strcmp(option, "--log") == 0) {
		if (a->log_n == LOGS_MAX)
			return admin_usage("more than %d logs", LOGS_MAX);
		a->logs[a->log_n++] = value;
	} else if (strcmp(option, "--since") == 0) {
		if (!take_since(value, &a->since))
			return admin_usage("--since wants a time ago like 90s, 5m, 4h, 5d, or a day like 2026-11-24");
	} else if (!span_u64(span_of(value), LAST_MAX, &a->last) || !a->last) {
		return admin_usage("--last wants a number from 1 to %d", LAST_MAX);
	}
	return -1;
}

static bool takes_value(const char *word)
{
	return strcmp(word, "--log") == 0 || strcmp(word, "--since") == 0 ||
	    strcmp(word, "--last") == 0;
}

static int read_arguments(int argc, char **argv, struct asked *a)
{
	int code = -1;

	*a = (struct asked){ .last = LAST };
	for (int i = 1; i < argc && code < 0; i++) {
		if (!takes_value(argv[i])) {
			if (a->word || *argv[i] == '-')
				return admin_usage("trace does not take \"%s\"", argv[i]);
			a->word = argv[i];
		} else if (i + 1 == argc) {
			return admin_usage("%s needs a value", argv[i]);
		} else {
			code = take_value(a, argv[i], argv[i + 1]);
			i++;
		}
	}
	if (code < 0 && (!a->word || !*a->word))
		return admin_usage("trace needs an id, a Message-ID, an address, @domain or a client's address");
	return code;
}

static bool load_logs(struct trace *t, const struct asked *a)
{
	for (size_t i = 0; i < a->log_n; i++) {
		if (!trace_load_log(t, a->logs[i]))
			return false;
	}
	return true;
}

static int run(struct trace *t, const struct asked *a)
{
	if (load_logs(t, a)) {
		trace_find(t, a->word);
		trace_print(t);
	}
	trace_unload(t);
	free(t->lives);
	free(t->events);
	return t->code;
}

int admin_trace(int argc, char **argv)
{
	struct trace t = { .desk = NULL };
	struct asked a;
	struct desk d;
	int code = read_arguments(argc, argv, &a);

	if (code >= 0)
		return code;
	t.last = (size_t)a.last;
	t.since = a.since;
	if (a.log_n)
		return run(&t, &a);
	code = desk_open(&d);
	if (code != EX_OK)
		return code;
	t.desk = &d;
	code = run(&t, &a);
	if (code == EX_OK)
		code = d.code;
	desk_close(&d);
	return code;
}
