/*
 * NAME
 *	items - what a FETCH asks for
 * DESCRIPTION
 *	"(UID FLAGS BODY.PEEK[1.HEADER.FIELDS (From To)]<0.100>)" as a list. RFC 3501
 *	6.4.5. Memory from the arena; spans point into the command.
 */
#ifndef IMAPD_ITEMS_H
#define IMAPD_ITEMS_H

#include "common/base/arena.h"
#include "common/base/span.h"

enum {
	ITEMS_MAX		= 200,		/* in one FETCH */
	SECTION_NUMBERS_MAX	= 100,		/* as deep as MIME_DEPTH_MAX */
	SECTION_FIELDS_MAX	= 1000,
};

enum item_kind {
	ITEM_FLAGS, ITEM_UID, ITEM_DATE, ITEM_SIZE, ITEM_ENVELOPE, ITEM_BODY, ITEM_STRUCTURE,
	ITEM_SECTION,
	ITEM_RFC822, ITEM_RFC822_HEADER, ITEM_RFC822_TEXT,	/* sections by an older name */
};

enum section_what {
	SECTION_ALL, SECTION_HEADER, SECTION_FIELDS, SECTION_FIELDS_NOT, SECTION_TEXT, SECTION_MIME,
};

struct section {
	unsigned		*numbers;	/* "2.1": {2, 1} */
	size_t			 number_count;
	enum section_what	 what;
	struct span		*fields;	/* names in HEADER.FIELDS */
	size_t			 field_count;
};

struct item {
	enum item_kind	kind;
	struct section	section;
	bool		peek;
	bool		partial;
	uint32_t	from, count;		/* octets on the wire */
};

struct items {
	struct item	list[ITEMS_MAX];
	size_t		count;
};

/* One item, a list of them, or a macro (ALL, FAST, FULL). Eats all of in, or false. */
bool items_parse(struct span in, struct arena *a, struct items *out);
bool section_parse(struct span *in, struct arena *a, struct section *out);	/* "[...]" */

#endif
