/* What reports are made of. See rows.h. */
#include "mta/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/mail/date.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { DAY_S = 86400, DATE_LENGTH = 10 };

bool rows_day(const char *name, const char *kind, char day[ROWS_DAY], int64_t *begin)
{
	struct span s = span_of(name);
	char midnight[32];
	time_t when;

	if (!span_eat(&s, kind) || !span_eat_char(&s, '.') || s.n != DATE_LENGTH)
		return false;
	snprintf(midnight, sizeof midnight, SPAN_FMT "T00:00:00Z", SPAN_ARG(s));
	if (!date_iso_parse(span_of(midnight), &when))
		return false;
	*begin = when;
	return span_copy(s, day, ROWS_DAY);
}

static void name_of(const char *kind, int64_t now, char name[32])
{
	struct str date = STR(40);

	date_iso_print((time_t)(now - now % DAY_S), &date);
	snprintf(name, 32, "%s.%.*s", kind, DATE_LENGTH, date.p);
	str_free(&date);
}

/* A full disk takes a part of a line: out with it, or the next row would go on where it ends. */
static bool append(int fd, off_t end, struct span line, struct err *e)
{
	return file_write(fd, line, e) ||
	    (ftruncate(fd, end) < 0 && err_sys(e, "cannot cut the last row off again"));
}

bool rows_add(int directory, const char *kind, struct span row, int64_t now, struct err *e)
{
	struct str line = STR(8192);
	struct stat st;
	char name[32];
	bool ok;
	int fd;

	name_of(kind, now, name);
	fd = file_open_beneath(directory, name, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0)
		return err_sys(e, "cannot open %s", name);
	str_add(&line, row);
	str_add_char(&line, '\n');
	if (line.over)
		ok = err_perm(e, "5.3.4", "it has %zu bytes", row.n);
	else if (fstat(fd, &st) < 0)
		ok = err_sys(e, "cannot look at it");
	else
		ok = st.st_size + (off_t)line.n > ROWS_MAX ||
		    append(fd, st.st_size, str_span(&line), e);
	fd_close(&fd);
	str_free(&line);
	return ok || err_while(e, "noting a row of %s", name);
}
