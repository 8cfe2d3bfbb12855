/* The one file that sees libarchive. See unpack.h. */
#include "common/trust/unpack.h"

#include <archive.h>
#include <archive_entry.h>

/* A report is packed once: gzip in gzip makes gigabytes to go through of a few bytes. */
enum { PIECE = 65536, FILTERS_MAX = 2 };	/* gzip, and the one that libarchive calls none */

static bool refuse(struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);

	return err_perm(e, "5.6.0", "cannot unpack it: %s", why ? why : "it is damaged");
}

static bool read_entry(struct archive *a, struct str *out, struct err *e)
{
	for (;;) {
		char *room = str_room(out, PIECE);
		la_ssize_t n;

		if (!room)
			return err_perm(e, "5.6.0", "it unpacks to more than %zu bytes", out->max);
		n = archive_read_data(a, room, PIECE);
		if (n == 0)
			return true;
		if (n < 0)
			return refuse(a, e);
		str_grew(out, (size_t)n);
	}
}

bool unpack(struct span bytes, struct str *out, struct err *e)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	bool ok;

	if (!a)
		return err_temp(e, "4.3.0", "no memory to unpack");
	archive_read_support_filter_gzip(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_raw(a);
	ok = (archive_read_open_memory(a, bytes.p, bytes.n) == ARCHIVE_OK && archive_read_next_header(a, &entry) == ARCHIVE_OK) ||
	    refuse(a, e);
	ok = ok && (archive_filter_count(a) <= FILTERS_MAX || err_perm(e, "5.6.0", "it is packed more than once"));
	ok = ok && read_entry(a, out, e);
	archive_read_free(a);
	return ok;
}
