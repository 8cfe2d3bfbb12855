/*
 * NAME
 *	charset-table - single-byte character sets
 * DESCRIPTION
 *	Constant, so that all processes share them: opening each set through iconv(3)
 *	instead would cost every session 16 KB and every start of one some time.
 */
#ifndef COMMON_MAIL_CHARSET_TABLE_H
#define COMMON_MAIL_CHARSET_TABLE_H

#include <stdint.h>
#include <stddef.h>

struct charset_table {
	char		name[16];	/* in lower case; "" ends the list */
	uint16_t	upper[128];	/* 0x80 to 0xff; 0xfffd stands for nothing */
};

extern const struct charset_table charset_tables[];

#endif
