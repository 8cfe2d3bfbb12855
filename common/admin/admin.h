/*
 * NAME
 *	admin - what the sub-commands of posthorn(8) share
 * DESCRIPTION
 *	A sub-command is a function and a row in main.c. It gets its own argv (argv[0] is its
 *	name, options -c and --json are gone), prints results to standard output and mistakes
 *	to standard error, and returns a code of sysexits.h.
 */
#ifndef COMMON_ADMIN_ADMIN_H
#define COMMON_ADMIN_ADMIN_H

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/conf/conf.h"

struct admin_verb {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*args;		/* "ADDRESS [--stdin]" */
	const char	*help;		/* one line */
};

int admin_config(int argc, char **argv);
int admin_user(int argc, char **argv);
int admin_user_app(int argc, char **argv);
/* Who is gone logs in no more, not even where the name is given away again. */
bool app_revoke_all(const struct conf *c, const char *address, struct err *e);
int admin_dmarc(int argc, char **argv);
int admin_domain(int argc, char **argv);
int admin_alias(int argc, char **argv);
int admin_address(int argc, char **argv);
int admin_destination(int argc, char **argv);
int admin_dkim(int argc, char **argv);
int admin_ps(int argc, char **argv);
int admin_queue(int argc, char **argv);
int admin_gate(int argc, char **argv);
int admin_spf(int argc, char **argv);
int admin_srs(int argc, char **argv);
int admin_sts(int argc, char **argv);
int admin_tlsrpt(int argc, char **argv);
int admin_trace(int argc, char **argv);

/* Takes -c FILE and --json out of argv; a negative code: go on. */
int admin_options(int *argc, char **argv);
/*
 * Takes "--name VALUE" of a list that ends without name out of argv; words are left. False: another
 * option, or one without its value.
 */
struct admin_option { const char *name, **value; };
bool admin_take(int *argc, char **argv, const struct admin_option *list);
const char *admin_conf_file(void);
bool admin_json(void);
const char *admin_version(void);
/* Reads the settings; false after all mistakes were printed: return EX_CONFIG. */
bool admin_conf(struct conf *c);
/* Reads the settings, and does something with them. */
int admin_with_conf(int (*run)(const struct conf *c, void *arg), void *arg);
/* The same for what is done or says why not. */
int admin_try(bool (*run)(const struct conf *c, const void *arg, struct err *e), const void *arg);
/* Runs argv[1] from a table that ends with a row without name. */
int admin_run(const char *command, const struct admin_verb *verbs, int argc, char **argv);

/* One line on standard error; returns the code that fits e, or EX_USAGE. */
int admin_fail(const struct err *e);
int admin_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "text" as JSON has it, quotes included; what is no UTF-8 becomes U+FFFD. */
void admin_json_text(struct str *out, struct span text);
/* ,"key":"text": one more of an object that has some. */
void admin_json_pair(struct str *out, const char *key, struct span text);
/* Prints and frees. */
void admin_print(struct str *out);

#endif
