/*
 * NAME
 *	dkim - what the parts of `posthorn dkim` share
 */
#ifndef COMMON_ADMIN_DKIM_H
#define COMMON_ADMIN_DKIM_H

#include "common/conf/conf.h"
#include "common/trust/keyring.h"

int dkim_verify_command(int argc, char **argv);		/* dkim-mail.c */
int dkim_sign_command(int argc, char **argv);
int dkim_key_command(int argc, char **argv);		/* dkim-key.c */
int dkim_record_command(int argc, char **argv);
int dkim_rotate_command(int argc, char **argv);		/* dkim-rotate.c */

/* --- dkim-store.c: keys on disk, as whoever may change them --- */

/* CONFIG/dkim and CONFIG/dkim/DOMAIN, opened; where make says so they are made, for posthorn-sign. -1. */
int dkim_store_root(const struct conf *c, bool make, struct err *e);
int dkim_store_domain(const struct conf *c, const char *domain, bool make, struct err *e);
/* A new key, in the state new. selector: filled where it is "". */
bool dkim_store_make(int domain, enum key_kind kind, unsigned bits, char selector[KEYRING_SELECTOR], struct err *e);
bool dkim_store_change(int domain, const struct keyring_entry *entry, enum keyring_state to, struct err *e);
bool dkim_store_remove(int domain, const struct keyring_entry *entry, struct err *e);
/* Calls each with every domain that has a directory, sorted by name; stops when it says false. */
bool dkim_store_each(const struct conf *c, bool (*each)(void *arg, const char *domain), void *arg, struct err *e);

/* --- dkim-print.c: records in the forms that providers want --- */

enum dkim_form { DKIM_ZONE, DKIM_STRING, DKIM_FIELDS, DKIM_JSON };

bool dkim_form_parse(const char *word, enum dkim_form *out);
/* One record; with more, JSON is a list that goes on. */
bool dkim_print_record(int domain_fd, const char *domain, const struct keyring_entry *entry,
    enum dkim_form form, bool more, struct str *out, struct err *e);

#endif
