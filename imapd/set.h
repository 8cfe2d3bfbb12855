/*
 * NAME
 *	set - sequence sets: "1,3:5,7:*"
 * DESCRIPTION
 *	Parsed as written; "*" is SET_STAR until set_resolve() gives it a number. After
 *	that ranges are in order, do not touch each other, and set_has() is a binary
 *	search, so that a set of many thousand UIDs costs no more than it has to.
 */
#ifndef IMAPD_SET_H
#define IMAPD_SET_H

#include "common/base/arena.h"
#include "common/base/span.h"
#include "common/base/str.h"

#define SET_STAR	UINT32_MAX

struct set_range { uint32_t from, to; };
struct set { struct set_range *ranges; size_t count; };

bool set_parse(struct span *in, struct arena *a, struct set *out);
/* star: the number that "*" stands for. Sorts and joins. */
void set_resolve(struct set *s, uint32_t star);
bool set_has(const struct set *s, uint32_t n);
/* Before set_resolve(): is a number written out above max? */
bool set_exceeds(const struct set *s, uint32_t max);
/* "1,3:5" from numbers added one by one, in any order but runs only upwards. */
struct set_text { struct str text; uint32_t from, to; };
void set_text_add(struct set_text *t, uint32_t n);
void set_text_end(struct set_text *t);

#endif
