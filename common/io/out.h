/*
 * NAME
 *	out - what we tell the other side, held back until we flush
 * DESCRIPTION
 *	Adding never fails: after the first trouble out goes quiet and remembers why.
 *	Past OUT_HELD bytes it sends by itself (with the deadline of out_patience()).
 *	out_flush() sends the rest and is the one place that has to look.
 */
#ifndef COMMON_IO_OUT_H
#define COMMON_IO_OUT_H

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/io/stream.h"

enum { OUT_HELD = 65536 };

struct out;

struct out *out_new(struct stream *to);
void out_free(struct out *o);
void out_patience(struct out *o, int seconds);		/* for sends on the way; 300 at the start */
void out_add(struct out *o, struct span bytes);
void out_text(struct out *o, const char *text);
void out_addf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Stored text (lines end in LF) as the wire wants it (CRLF). Bare CR cannot be in it. */
void out_add_crlf(struct out *o, struct span lf_text);
bool out_flush(struct out *o, ms_t until, struct err *e);
bool out_failed(const struct out *o);

#endif
