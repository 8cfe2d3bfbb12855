/* A file for each day. See history.h. */
#include "common/os/history.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/span.h"
#include "common/base/tame.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/log.h"

enum { DAY_S = 86400, AGAIN_S = 60 };

/* There is one history in a process. */
static struct {
	char	 dir[4096], suffix[16];
	uint64_t max;
	int	 fd;
	time_t	 day;		/* of fd */
	time_t	 again;		/* not to be tried to open before */
	bool	 torn;		/* our last line is there in part */
} to = { .fd = -1 };

void history_open(const char *dir, const char *suffix, uint64_t day_max)
{
	fd_close(&to.fd);
	snprintf(to.dir, sizeof to.dir, "%s", dir);
	snprintf(to.suffix, sizeof to.suffix, "%s", suffix);
	to.max = day_max;
	to.again = 0;
}

void history_name(time_t when, char out[16])
{
	struct tm tm;

	gmtime_r(&when, &tm);
	if (!strftime(out, 16, "%Y-%m-%d", &tm))
		*out = '\0';
}

bool history_day(const char *name, time_t *begins)
{
	struct tm tm = { 0 };
	char again[16];
	int n = 0;

	if (sscanf(name, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &n) != 3 ||
	    (name[n] && name[n] != '.'))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*begins = timegm(&tm);
	history_name(*begins, again);		/* the 31st of June is none */
	return n == 10 && strncmp(name, again, 10) == 0;
}

/* --- writing --- */

static void open_day(time_t now)
{
	char day[16], path[sizeof to.dir + 48];

	fd_close(&to.fd);
	if (now < to.again)
		return;
	history_name(now, day);
	snprintf(path, sizeof path, "%s/%s%s%s", to.dir, day, *to.suffix ? "." : "", to.suffix);
	to.fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0660);
	to.day = now / DAY_S;
	to.torn = false;
	if (to.fd < 0)
		to.again = now + AGAIN_S;
}

static bool is_of_today(time_t now, struct stat *st)
{
	/* one that somebody removed is begun anew */
	return to.fd >= 0 && to.day == now / DAY_S && fstat(to.fd, st) == 0 && st->st_nlink;
}

static bool has_room(time_t now, bool by_strangers)
{
	struct stat st;

	if (!is_of_today(now, &st)) {
		open_day(now);
		if (!is_of_today(now, &st))
			return false;
	}
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size < (by_strangers ? to.max / 2 : to.max);
}

void history_add(const char *text, bool by_strangers)
{
	char line[HISTORY_LINE];
	int n = 0, front;
	ssize_t wrote;

	if (!*to.dir || !has_room(clock_wall(), by_strangers))
		return;
	if (to.torn)
		line[n++] = '\n';
	front = n + log_print_front(line + n, sizeof line - (size_t)n);
	n = front + snprintf(line + front, sizeof line - (size_t)front, "%s", text);
	if (n > (int)sizeof line - 2)
		n = (int)sizeof line - 2;
	n = front + (int)tame(line + front, (size_t)(n - front));
	line[n++] = '\n';
	wrote = write(to.fd, line, (size_t)n);
	to.torn = wrote > 0 && wrote < n;
}

/* --- old days --- */

static void sweep_dir(int dir, time_t before)
{
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *entry;
	time_t begins;

	while (d && (entry = readdir(d))) {
		if (history_day(entry->d_name, &begins) && begins + DAY_S < before)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
	else
		fd_close(&dir);
}

void history_sweep(const char *history, uint64_t keep_s, time_t now)
{
	DIR *d = opendir(history);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		if (*entry->d_name != '.')
			sweep_dir(openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			    now - (time_t)keep_s);
	}
	if (d)
		closedir(d);
}
