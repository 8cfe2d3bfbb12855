/*
 * NAME
 *	web - a command that asks a web server
 * DESCRIPTION
 *	A posthorn-fetch of our own does it, with the same settings and in the same jail as the
 *	daemon's, so that what a command says is what mail will meet.
 */
#ifndef COMMON_ADMIN_WEB_H
#define COMMON_ADMIN_WEB_H

#include "common/conf/conf.h"
#include "common/net/fetch.h"

bool admin_web(const struct conf *c, const struct fetch_job *j, struct arena *a,
    struct fetch_result *out, struct err *e);

#endif
