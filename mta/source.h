/*
 * NAME
 *	source - may mail leave from this address of ours?
 * DESCRIPTION
 *	Many servers turn mail away that comes from an address without a name, or with one that does
 *	not lead back to it (RFC 1912 2.1). So a family whose address of ours is such is not used where the
 *	other one will do; by the setting check-source = must not at all. An address that the world does not see (private, loopback) is judged by
 *	nobody; nor is one about which the DNS cannot be asked. An answer counts for an hour.
 */
#ifndef MTA_SOURCE_H
#define MTA_SOURCE_H

#include "mta/carry.h"

/* The address of ours, of that family, that the way or the settings want; "": the kernel's choice. */
void source_of(const struct carrier *c, const struct job *j, unsigned family, char text[ADDRESS_TEXT]);
/* Families of addresses. */
enum source_out { SOURCE_ALL_FINE, SOURCE_NOT_4 = 4, SOURCE_NOT_6 = 6, SOURCE_NEITHER = 10 };
/* What is to be left out on the way to these addresses, by what the way wants, and for our own sake. */
enum source_out source_without(struct carrier *c, const struct job *j, const char *const *ips, size_t n, struct arena *a);
/* Is that an address that only we and our neighbours know? */
bool source_is_private(const struct address *a);

#endif
