/* A command that asks a web server. See web.h. */
#include "common/admin/web.h"

#include "common/admin/servant.h"

bool admin_web(const struct conf *c, const struct fetch_job *j, struct arena *a,
    struct fetch_result *out, struct err *e)
{
	struct servant s;
	bool ok = servant_start(c, ROLE_FETCH, SERVANT_WORK, &s, e) && fetch(s.work, j, a, out, e);

	servant_stop(&s);
	return ok;
}
