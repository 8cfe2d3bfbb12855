/*
 * NAME
 *	judge - what a test program that plays the world holds true
 * DESCRIPTION
 *	CHECK() prints what is not so, with its line, and counts it in bad; the program goes on.
 *	die() ends it: the world itself does not work. Included once in a program.
 */
#ifndef TESTS_JUDGE_H
#define TESTS_JUDGE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int bad;

#define CHECK(ok, ...) check(ok, __LINE__, #ok, __VA_ARGS__)

static void __attribute__((format(printf, 4, 5)))
check(bool ok, int line, const char *what, const char *fmt, ...)
{
	char text[700];
	va_list args;

	if (ok)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	printf("%s:%d: %s: %s\n", __BASE_FILE__, line, what, text);
	bad++;
}

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(2);
}

#endif
