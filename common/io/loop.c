/* epoll and timers. See loop.h. */
#include "common/io/loop.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/mem.h"

enum { BATCH = 64, SIGNALS_MAX = 8 };

struct loop_io {
	struct loop	*loop;
	int		 fd;
	void		(*call)(void *arg, unsigned ready);
	void		*arg;
	struct loop_io	*next_dead;
	bool		 dead, asleep;	/* asleep: wants nothing, so epoll does not know it */
};

struct loop_timer {
	struct loop	*loop;
	ms_t		 when;
	void		(*call)(void *arg);
	void		*arg;
	size_t		 at;		/* place in the heap */
};

struct loop {
	int		  epoll;
	bool		  stop;
	struct loop_io	 *dead;		/* removed during this round; freed after it */
	struct loop_timer **heap;	/* heap[0] is the next */
	size_t		  timers, room;
	int		  signal_fd;
	struct loop_io	 *signal_io;
	sigset_t	  signal_set;
	struct { int signo; void (*call)(void *arg, int signo); void *arg; } signals[SIGNALS_MAX];
	size_t		  signal_count;
};

static void no_room(const char *what)
{
	perror(what);
	_exit(71);		/* EX_OSERR: the keeper starts us again */
}

struct loop *loop_new(void)
{
	struct loop *l = mem_get(sizeof *l);

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		no_room("cannot make an event loop");
	l->signal_fd = -1;
	sigemptyset(&l->signal_set);
	return l;
}

static uint32_t as_epoll(unsigned want)
{
	return (want & LOOP_READ ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0) |
	    (want & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

struct loop_io *loop_add(struct loop *l, int fd, unsigned want, void (*call)(void *, unsigned), void *arg)
{
	struct loop_io *io = mem_get(sizeof *io);
	struct epoll_event ev = { .events = as_epoll(want), .data.ptr = io };

	io->loop = l;
	io->fd = fd;
	io->call = call;
	io->arg = arg;
	io->asleep = !want;
	if (want && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		no_room("cannot watch a descriptor");
	return io;
}

/* epoll tells a hang-up even to who wants nothing, over and over: so nothing is not watched. */
void loop_want(struct loop_io *io, unsigned want)
{
	struct epoll_event ev = { .events = as_epoll(want), .data.ptr = io };
	bool was_asleep = io->asleep;

	io->asleep = !want;
	if (was_asleep && want && epoll_ctl(io->loop->epoll, EPOLL_CTL_ADD, io->fd, &ev) < 0)
		no_room("cannot watch a descriptor");
	else if (!was_asleep)
		epoll_ctl(io->loop->epoll, want ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, io->fd, &ev);
}

void loop_remove(struct loop_io *io)
{
	if (!io || io->dead)
		return;
	if (!io->asleep)
		epoll_ctl(io->loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	io->dead = true;
	io->next_dead = io->loop->dead;
	io->loop->dead = io;
}

static void bury(struct loop *l)
{
	while (l->dead) {
		struct loop_io *io = l->dead;

		l->dead = io->next_dead;
		free(io);
	}
}

static void put(struct loop *l, size_t at, struct loop_timer *t)
{
	l->heap[at] = t;
	t->at = at;
}

static void sift_up(struct loop *l, size_t at, struct loop_timer *t)
{
	while (at && l->heap[(at - 1) / 2]->when > t->when) {
		put(l, at, l->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(l, at, t);
}

static void sift_down(struct loop *l, size_t at, struct loop_timer *t)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= l->timers)
			break;
		if (child + 1 < l->timers && l->heap[child + 1]->when < l->heap[child]->when)
			child++;
		if (l->heap[child]->when >= t->when)
			break;
		put(l, at, l->heap[child]);
		at = child;
	}
	put(l, at, t);
}

struct loop_timer *loop_at(struct loop *l, ms_t when, void (*call)(void *), void *arg)
{
	struct loop_timer *t = mem_get(sizeof *t);

	*t = (struct loop_timer){ l, when, call, arg, 0 };
	if (l->timers == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->heap = mem_more(l->heap, l->room, sizeof *l->heap);
	}
	sift_up(l, l->timers++, t);
	return t;
}

void loop_cancel(struct loop_timer *t)
{
	struct loop_timer *last;
	struct loop *l;

	if (!t)
		return;
	l = t->loop;
	last = l->heap[--l->timers];
	if (last != t) {
		if (t->at && l->heap[(t->at - 1) / 2]->when > last->when)
			sift_up(l, t->at, last);
		else
			sift_down(l, t->at, last);
	}
	free(t);
}

static void run_timers(struct loop *l)
{
	ms_t now = clock_ms();

	while (l->timers && l->heap[0]->when <= now && !l->stop) {
		struct loop_timer *t = l->heap[0];
		void (*call)(void *) = t->call;
		void *arg = t->arg;

		loop_cancel(t);
		call(arg);
	}
}

static void got_signal(void *arg, unsigned ready)
{
	struct loop *l = arg;
	struct signalfd_siginfo info;

	(void)ready;
	while (read(l->signal_fd, &info, sizeof info) == sizeof info) {
		for (size_t i = 0; i < l->signal_count; i++) {
			if (l->signals[i].signo == (int)info.ssi_signo)
				l->signals[i].call(l->signals[i].arg, l->signals[i].signo);
		}
	}
}

void loop_on_signal(struct loop *l, int signo, void (*call)(void *, int), void *arg)
{
	bool first = l->signal_fd < 0;

	if (l->signal_count == SIGNALS_MAX)
		no_room("too many kinds of signals");
	sigaddset(&l->signal_set, signo);
	sigprocmask(SIG_BLOCK, &l->signal_set, NULL);
	l->signal_fd = signalfd(l->signal_fd, &l->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal_fd < 0)
		no_room("cannot wait for signals");
	l->signals[l->signal_count].signo = signo;
	l->signals[l->signal_count].call = call;
	l->signals[l->signal_count++].arg = arg;
	if (first)
		l->signal_io = loop_add(l, l->signal_fd, LOOP_READ, got_signal, l);
}

static unsigned as_ready(uint32_t events)
{
	unsigned ready = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ready |= LOOP_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= LOOP_WRITE;
	return ready;
}

void loop_run(struct loop *l)
{
	struct epoll_event ev[BATCH];

	l->stop = false;
	while (!l->stop) {
		int left = l->timers ? clock_left(l->heap[0]->when) : -1;
		int n = epoll_wait(l->epoll, ev, BATCH, left);

		for (int i = 0; i < n && !l->stop; i++) {
			struct loop_io *io = ev[i].data.ptr;

			if (!io->dead && !io->asleep)
				io->call(io->arg, as_ready(ev[i].events));
		}
		run_timers(l);
		bury(l);
	}
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	bury(l);
	while (l->timers)
		free(l->heap[--l->timers]);
	free(l->heap);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	free(l->signal_io);
	close(l->epoll);
	free(l);
}
