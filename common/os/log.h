/*
 * NAME
 *	log - one line, somewhere a person finds it
 * DESCRIPTION
 *	log_open() says who we are and where lines go; before it they go to standard
 *	error. Every line is one write(2). Line: "[time] program[pid]: text". Programs
 *	log; libraries return errors instead. Control characters are tamed.
 *	Message events have their own functions in mail/maillog.h.
 */
#ifndef COMMON_OS_LOG_H
#define COMMON_OS_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_form {
	LOG_FORM_PLAIN, /* with time stamp: standard error or a file */
	LOG_FORM_JOURNAL, /* "<6>" in front, no time stamp: standard error under systemd */
	LOG_FORM_SYSLOG, /* fd is a connected datagram socket to /dev/log */
};

void log_open(const char *program, int fd, enum log_form form);
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_show_debug(bool yes);		/* off at the start */
/* "2026-11-24T04:12:07.123Z mta-sched[123]: ", as snprintf(). */
int log_print_front(char *line, size_t size);

#endif
