/* Ask a person for a password. See secret.h. */
#include "common/admin/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/span.h"

static volatile sig_atomic_t interrupted;	/* by Ctrl-C: the echo must come back first */

static void on_interrupt(int signo)
{
	interrupted = signo;
}

/* open_to: signals that may come while we wait, and at no other time; NULL: nothing special. */
static ssize_t read_char(int fd, char *c, const sigset_t *open_to)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (open_to && ppoll(&p, 1, NULL, open_to) < 0)
		return -1;
	return read(fd, c, 1);
}

static bool read_line(int fd, char secret[SECRET_SIZE], const sigset_t *open_to, struct err *e)
{
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got = read_char(fd, &c, open_to);

		if (got < 0 && errno == EINTR && interrupted)
			return err_perm(e, "5.7.0", "given up");
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "cannot read the password");
		if (got == 0 || c == '\n')
			break;
		if (c == '\0' || n + 1 >= SECRET_SIZE)
			return err_perm(e, "5.7.0", "a password has at most %d bytes, and no NUL",
			    SECRET_SIZE - 1);
		secret[n++] = c;
	}
	if (n && secret[n - 1] == '\r')
		n--;
	secret[n] = '\0';
	return n > 0 || err_perm(e, "5.7.0", "no password was given");
}

static void say(int fd, const char *text)
{
	ssize_t ignored = write(fd, text, strlen(text));

	(void)ignored;
}

static bool ask_quietly(int tty, const char *prompt, const struct termios *quiet,
    char secret[SECRET_SIZE], const sigset_t *open_to, struct err *e)
{
	if (tcsetattr(tty, TCSAFLUSH, quiet) < 0)
		return err_sys(e, "cannot turn the terminal's echo off");
	say(tty, prompt);	/* what was typed before it is gone */
	return read_line(tty, secret, open_to, e);
}

static bool ask(int tty, const char *prompt, char secret[SECRET_SIZE], struct err *e)
{
	struct sigaction catch = { .sa_handler = on_interrupt }, before;
	struct termios was, quiet;
	sigset_t interrupt, mask;
	bool ok;

	if (tcgetattr(tty, &was) < 0)
		return err_sys(e, "cannot turn the terminal's echo off");
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= ECHONL | ICANON | ISIG;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &mask);
	sigaction(SIGINT, &catch, &before);
	ok = ask_quietly(tty, prompt, &quiet, secret, &mask, e);
	tcsetattr(tty, TCSAFLUSH, &was);
	sigaction(SIGINT, &before, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return ok;
}

static bool ask_twice(int tty, char secret[SECRET_SIZE], struct err *e)
{
	char again[SECRET_SIZE] = "";
	bool ok = ask(tty, "Password: ", secret, e) && ask(tty, "Once more: ", again, e);

	if (ok && strcmp(secret, again) != 0)
		ok = err_perm(e, "5.7.0", "these were two different passwords");
	explicit_bzero(again, sizeof again);
	return ok;
}

static bool from_terminal(bool twice, char secret[SECRET_SIZE], struct err *e)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (tty < 0)
		return err_perm(e, "5.7.0", "there is no terminal to ask for the password at; use --stdin");
	ok = twice ? ask_twice(tty, secret, e) : ask(tty, "Password: ", secret, e);
	close(tty);
	return ok;
}

bool secret_read(bool from_stdin, bool twice, char secret[SECRET_SIZE], struct err *e)
{
	bool ok =
	    from_stdin ? read_line(STDIN_FILENO, secret, NULL, e) : from_terminal(twice, secret, e);

	if (!ok)
		explicit_bzero(secret, SECRET_SIZE);
	return ok;
}
