/*
 * NAME
 *	who - the directory's rules, as the settings have them
 */
#ifndef COMMON_CONF_WHO_H
#define COMMON_CONF_WHO_H

#include "common/conf/conf.h"
#include "common/directory/compile.h"
#include "common/directory/place.h"
#include "common/directory/way.h"

/*
 * Points into c. as_root: the daemons run as root, so that mail can belong to anybody (it is
 * not asked of the system, because a role may have given root up already). Looks up
 * vmail-user (NSS), so call it before a jail.
 */
void who_rules(const struct conf *c, bool as_root, struct dir_rules *rules);

/* How mail goes where no line of posthorn-destinations(5) says otherwise. Points into c. */
struct way who_way(const struct conf *c);

/* The texts that its tables are made from. Points into c. */
void who_files(const struct conf *c, const char *files[TABLE_COUNT]);

#endif
