/*
 * NAME
 *	stations - the queue of a test, as others see it
 * DESCRIPTION
 *	For programs that have judge.h. queue is its directory, open.
 */
#ifndef TESTS_STATIONS_H
#define TESTS_STATIONS_H

#include "common/queue/queue.h"
#include "tests/judge.h"

static int queue = -1;

static struct station station(const char *name)
{
	struct station st;
	struct err e;

	if (!station_open(queue, name, &st, &e))
		die(e.text);
	return st;
}

static bool count_one(void *arg, const char *id)
{
	(void)id;
	++*(int *)arg;
	return true;
}

static int count(const char *name)
{
	struct station st = station(name);
	int n = 0;

	queue_each(&st, count_one, &n, NULL);
	station_close(&st);
	return n;
}

#endif
