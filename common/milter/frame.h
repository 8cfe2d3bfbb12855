/*
 * NAME
 *	frame - what a mail server and a milter say to each other, as bytes
 * DESCRIPTION
 *	The milter protocol as libmilter speaks it (version 6 at most): a length of four bytes,
 *	big end first, then one byte that says what it is, then its fields: texts that end
 *	in NUL, numbers of four bytes. The letters and bits stand here. Pure.
 */
#ifndef COMMON_MILTER_FRAME_H
#define COMMON_MILTER_FRAME_H

#include "common/base/span.h"
#include "common/base/str.h"

enum {
	FRAME_VERSION = 6,
	FRAME_CHUNK = 65535, /* most bytes of a body in one frame; no milter takes more unasked */
	FRAME_MAX = 256 << 10, /* longest frame we take: a header value of 64 KiB and to spare */
};

/* What we say. */
enum {
	SAY_CONNECT = 'C', SAY_HELO = 'H', SAY_MAIL = 'M', SAY_RCPT = 'R', SAY_DATA = 'T',
	SAY_HEADER = 'L', SAY_HEADER_END = 'N', SAY_BODY = 'B', SAY_MESSAGE_END = 'E',
	SAY_MACROS = 'D', SAY_TERMS = 'O', SAY_ABORT = 'A', SAY_QUIT = 'Q',
};

/* What a milter may do to a message. */
enum {
	MAY_ADD_HEADERS	= 1 << 0,	/* insert too */
	MAY_CHANGE_BODY	= 1 << 1,	/* never with us */
	MAY_ADD_RCPTS	= 1 << 2,
	MAY_DELETE_RCPTS = 1 << 3,
	MAY_CHANGE_HEADERS = 1 << 4,
	MAY_QUARANTINE	= 1 << 5,
	MAY_CHANGE_FROM	= 1 << 6,
	MAY_ADD_RCPTS_WITH = 1 << 7,	/* with parameters */
	MAY_LIST_MACROS	= 1 << 8,	/* say which macros it wants */
	MAY_OF_OURS	= 0x1ff & ~MAY_CHANGE_BODY,
};

/* Steps a milter can do without, without answering, or have done its way. */
enum {
	NO_CONNECT = 1 << 0, NO_HELO = 1 << 1, NO_MAIL = 1 << 2, NO_RCPT = 1 << 3, NO_BODY = 1 << 4,
	NO_HEADER = 1 << 5, NO_HEADER_END = 1 << 6, MUTE_HEADER = 1 << 7, NO_UNKNOWN = 1 << 8, NO_DATA = 1 << 9,
	CAN_SKIP = 1 << 10,		/* "no more body" is understood */
	MUTE_CONNECT = 1 << 12, MUTE_HELO = 1 << 13, MUTE_MAIL = 1 << 14, MUTE_RCPT = 1 << 15,
	MUTE_DATA = 1 << 16, MUTE_UNKNOWN = 1 << 17, MUTE_HEADER_END = 1 << 18, MUTE_BODY = 1 << 19,
	LEADING_SPACE = 1 << 20,	/* header values with the blank behind the colon */
	STEPS_OF_OURS = 0x1ff7ff,	/* all but rejected recipients (1 << 11) and larger frames */
};

/* Build one at the end of out: begin, any fields, end. out's ceiling is the frame's. */
size_t frame_begin(struct str *out, char what);		/* where it began, for frame_end() */
void frame_end(struct str *out, size_t began);
void frame_text(struct str *out, struct span text);	/* cut at a NUL, which ends a field */
void frame_number(struct str *out, uint32_t number);

/* Eat one whole frame from the front: what is in it behind the length. False: it is not whole. */
bool frame_take(struct span *in, struct span *frame);
/* Fields from the front of what is left of a frame. False, nothing moved: there is none. */
bool frame_take_text(struct span *in, struct span *text);
bool frame_take_number(struct span *in, uint32_t *number);

#endif
