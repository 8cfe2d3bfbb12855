/* One line, one write. See log.h. */
#include "common/os/log.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/tame.h"
#include "common/os/clock.h"

enum { LINE_ROOM = 2048 };

/* There is one log in a process. */
static struct {
	char		program[32];
	int		fd;
	enum log_form	form;
	bool		debug;
} to = { "posthorn", STDERR_FILENO, LOG_FORM_PLAIN, false };

void log_open(const char *program, int fd, enum log_form form)
{
	snprintf(to.program, sizeof to.program, "%s", program);
	to.fd = fd;
	to.form = form;
}

void log_show_debug(bool yes)
{
	to.debug = yes;
}

int log_print_front(char *line, size_t size)
{
	int64_t us = clock_wall_us();
	time_t sec = (time_t)(us / 1000000);
	struct tm tm;
	char date[24];

	gmtime_r(&sec, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03dZ %s[%d]: ", date, (int)(us / 1000 % 1000), to.program,
	    (int)getpid());
}

/* What the other side wants in front. */
static int print_front(char *line, size_t size, int level)
{
	if (to.form == LOG_FORM_JOURNAL)
		return snprintf(line, size, "<%d>%s[%d]: ", level, to.program, (int)getpid());
	if (to.form == LOG_FORM_SYSLOG)
		return snprintf(line, size, "<%d>%s[%d]: ", LOG_MAIL | level, to.program, (int)getpid());
	return log_print_front(line, size);
}

static void say(int level, const char *fmt, va_list args)
{
	char line[LINE_ROOM];
	int front = print_front(line, sizeof line, level);
	int room = (int)sizeof line - front - 1;
	int n = vsnprintf(line + front, (size_t)room, fmt, args);
	ssize_t ignored;

	if (n >= room)
		n = room - 1;
	n = front + (int)tame(line + front, (size_t)n);
	if (to.form != LOG_FORM_SYSLOG)
		line[n++] = '\n';
	/* A full or dead log must not stop the mail. */
	ignored = to.form == LOG_FORM_SYSLOG ?
	    send(to.fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) :
	    write(to.fd, line, (size_t)n);
	(void)ignored;
}

#define SAY(level) do { va_list args; va_start(args, fmt); say(level, fmt, args); va_end(args); } while (0)

void log_debug(const char *fmt, ...)
{
	if (to.debug)
		SAY(LOG_DEBUG);
}

void log_info(const char *fmt, ...)
{
	SAY(LOG_INFO);
}

void log_warn(const char *fmt, ...)
{
	SAY(LOG_WARNING);
}

void log_error(const char *fmt, ...)
{
	SAY(LOG_ERR);
}
