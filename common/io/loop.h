/*
 * NAME
 *	loop - wait for many things at once (front, keeper, sched, pick, clerk, resolver)
 * DESCRIPTION
 *	epoll and a heap of timers, in one thread. A handler may add and remove
 *	anything, itself too. Whatever was removed is not called again.
 */
#ifndef COMMON_IO_LOOP_H
#define COMMON_IO_LOOP_H

#include <stdint.h>

#include "common/os/clock.h"

struct loop;
struct loop_io;
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };		/* hang-up and error count as both */

struct loop *loop_new(void);
void loop_free(struct loop *l);
struct loop_io *loop_add(struct loop *l, int fd, unsigned want, void (*call)(void *arg, unsigned ready), void *arg);
void loop_want(struct loop_io *io, unsigned want);	/* 0: not even a hang-up is told */
void loop_remove(struct loop_io *io);			/* NULL is fine; does not close fd */
struct loop_timer *loop_at(struct loop *l, ms_t when, void (*call)(void *arg), void *arg);	/* once */
void loop_cancel(struct loop_timer *t);			/* NULL is fine; not after it was called */
/* SIGTERM, SIGHUP, SIGCHLD ... as events, through signalfd. */
void loop_on_signal(struct loop *l, int signo, void (*call)(void *arg, int signo), void *arg);
void loop_run(struct loop *l);				/* until loop_stop() */
void loop_stop(struct loop *l);

#endif
