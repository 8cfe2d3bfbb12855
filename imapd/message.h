/*
 * NAME
 *	message - one message of the folder, open and looked into
 * DESCRIPTION
 *	The file is mapped, not read: a large message costs address space, not memory.
 *	It stays open until another is asked for, since clients fetch one message in
 *	many pieces. Text has its lines in LF; a file that some other program wrote with
 *	CRLF is mended in memory, so that offsets and sizes are the same everywhere.
 *	On the wire each LF is CRLF, and all sizes and offsets that a client sees are so.
 */
#ifndef IMAPD_MESSAGE_H
#define IMAPD_MESSAGE_H

#include "common/base/arena.h"
#include "common/io/out.h"
#include "common/mail/header.h"
#include "common/mail/mime.h"
#include "imapd/view.h"

enum { MESSAGE_MEMORY_MAX = 64 << 20 };		/* of MIME structure */

struct message {
	uint32_t	 uid;		/* 0: none is open */
	struct span	 text;
	void		*map;
	size_t		 map_size;
	char		*mended;
	struct arena	*arena;		/* for as long as it is open */
	bool		 parsed;
	struct mime	 mime;
	/* where the last partial fetch ended, so that the next need not count from the start */
	struct span	 cursor_in;
	size_t		 cursor_at, cursor_wire, cursor_all;
};

bool message_open(struct message *m, struct view *v, size_t index, struct err *e);
void message_close(struct message *m);		/* fine when none is open */
void message_free(struct message *m);		/* and its memory */
const struct mime *message_mime(struct message *m);
struct span message_header(const struct message *m);	/* with its empty line */

/* Text's length on the wire. */
size_t wire_length(struct span text);
/* "{n}" and the text in CRLF; returns n. */
uint64_t print_text(struct out *o, struct span text);
/* Bytes from .. from+count of it as on the wire, as a literal; beyond its end: "". */
uint64_t print_text_part(struct message *m, struct out *o, struct span text, uint64_t from, uint64_t count);

#endif
