/*
 * NAME
 *	bench-fill - a station of a queue, full at once
 * SYNOPSIS
 *	bench-fill [-d DESTINATIONS] [-n SECONDS] [-r RCPTS] [-s SENDERS] QUEUE STATION COUNT BYTES
 * DESCRIPTION
 *	Writes COUNT messages of RCPTS recipients (default 1) and BYTES each, as the suite would, but flushes nothing.
 *	Texts are links to each other as far as the filesystem lets them. Recipients are in
 *	d0.test, d1.test ... of DESTINATIONS (default 1), senders in bench.test.
 *	-n	They were tried twice, and will be again after SECONDS, spread over as long.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/os/clock.h"
#include "common/os/file.h"
#include "common/queue/queue.h"

enum { LINKS = 60000 };		/* ext4 lets a file have 65,000 names */

enum { RCPTS_MAX = 10000, ADDRESS = 48 };

static struct {
	size_t destinations, senders, rcpts, count, bytes;
	time_t seconds;
} job = { 1, 50, 1, 0, 0, 0 };
static struct rcpt rcpts[RCPTS_MAX];
static char addresses[RCPTS_MAX][ADDRESS];
static struct station st;
static struct str text = STR(64 << 20), envelope = STR(ENVELOPE_MAX);
static char first[ID_SIZE + 2];

static void die(const struct err *e)
{
	fprintf(stderr, "bench-fill: %s\n", e->text);
	exit(1);
}

static void write_file(const char *name, struct span bytes, time_t when)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = when } };
	int fd = openat(st.fresh, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	struct err e;

	if (fd < 0 ? !err_sys(&e, "cannot make %s", name) : !file_write(fd, bytes, &e))
		die(&e);
	if (when)
		futimens(fd, times);
	close(fd);
}

static void put_text(const char *id, size_t i)
{
	char name[ID_SIZE + 2];

	snprintf(name, sizeof name, "%s.m", id);
	if (i % LINKS && linkat(st.fresh, first, st.fresh, name, 0) == 0)
		return;
	write_file(name, str_span(&text), 0);
	memcpy(first, name, sizeof first);
}

static void fill_rcpt(size_t i, size_t k, time_t now)
{
	struct rcpt *r = &rcpts[k];

	*r = (struct rcpt){ .number = (unsigned)k, .address = addresses[k] };
	snprintf(addresses[k], ADDRESS, "u%zu@d%zu.test", i % 1000, (i + k) % job.destinations);
	if (!job.seconds)
		return;
	r->tries = 2;
	r->next = now + job.seconds + (time_t)(i * 2654435761u % (size_t)job.seconds);
	r->status = "4.4.1";
	r->answer = "cannot connect to 192.0.2.1 port 25: Connection timed out";
}

static void put_envelope(const char *id, size_t i, time_t now)
{
	char from[64], name[ID_SIZE + 2];
	struct envelope env = { .arrived = now, .arrived_us = (int64_t)now * 1000000, .sender = from, .rcpts = rcpts,
		.rcpt_count = job.rcpts, .protocol = "ESMTP", .peer = "127.0.0.1 25", .text_bytes = text.n,
		.wire_bytes = text.n + span_count(str_span(&text), '\n'), .text_crc = crc32c(0, str_span(&text)) };

	snprintf(from, sizeof from, "s%zu@bench.test", i % job.senders);
	snprintf(env.id, sizeof env.id, "%s", id);
	for (size_t k = 0; k < job.rcpts; k++)
		fill_rcpt(i, k, now);
	str_reset(&envelope);
	envelope_print(&env, &envelope);
	snprintf(name, sizeof name, "%s.e", id);
	write_file(name, str_span(&envelope), rcpts->next);
}

static void make_text(void)
{
	str_add_text(&text,
	    "Received: from bench.test by bench.test; Thu, 26 Nov 2026 00:00:00 +0000\n"
	    "From: bench <bench@bench.test>\nTo: you\nSubject: bench\nDate: Thu, 26 Nov 2026 00:00:00 +0000\n"
	    "Message-ID: <bench@bench.test>\n\n");
	while (text.n < job.bytes)
		str_add_text(&text,
		    "The quick brown fox jumps over the lazy dog, and again, and once more.\n");
}

static uint64_t number(const char *word, uint64_t most)
{
	uint64_t n;

	if (!span_u64(span_of(word), most, &n) || !n) {
		fprintf(stderr, "bench-fill: %s is no number\n", word);
		exit(2);
	}
	return n;
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:n:r:s:")) > 0) {
		if (c == 'd')
			job.destinations = number(optarg, UINT32_MAX);
		else if (c == 's')
			job.senders = number(optarg, UINT32_MAX);
		else if (c == 'r')
			job.rcpts = number(optarg, RCPTS_MAX);
		else if (c == 'n')
			job.seconds = (time_t)number(optarg, UINT32_MAX);
	}
	if (argc - optind != 4) {
		fprintf(stderr, "usage: bench-fill [-d DESTINATIONS] [-n SECONDS] [-r RCPTS] [-s SENDERS] QUEUE STATION COUNT BYTES\n");
		exit(2);
	}
	job.count = number(argv[optind + 2], UINT32_MAX);
	job.bytes = number(argv[optind + 3], UINT32_MAX);
}

int main(int argc, char **argv)
{
	time_t now = clock_wall();
	char id[ID_SIZE];
	struct err e;
	int queue;

	options(argc, argv);
	queue = queue_open(argv[optind], &e);
	if (queue < 0 || !station_open(queue, argv[optind + 1], &st, &e))
		die(&e);
	make_text();
	for (size_t i = 0; i < job.count; i++) {
		queue_new_id(id);
		put_text(id, i);
		put_envelope(id, i, now);
	}
	return 0;
}
