/* The directory's rules, as the settings have them. See who.h. */
#include "common/conf/who.h"

#include <pwd.h>
#include <unistd.h>

void who_rules(const struct conf *c, bool as_root, struct dir_rules *rules)
{
	struct passwd row, *pw = NULL;
	char room[16384];

	*rules = (struct dir_rules){
		.host_name = c->host_name, .postmaster = c->postmaster,
		.separator = c->recipient_separator, .mail_directory = c->mail_directory,
		.system_mail = c->system_mail, .system_domains = c->system_domains.words,
		.system_domain_count = c->system_domains.count, .system_users = c->system_users,
		.as_caller = !as_root, .uid_min = (uint32_t)c->uid_min,
	};
	if (!as_root) {
		rules->uid = geteuid();
		rules->gid = getegid();
	} else if (getpwnam_r(c->vmail_user, &row, room, sizeof room, &pw) == 0 && pw &&
	    pw->pw_uid) {
		rules->has_vmail = true;
		rules->uid = pw->pw_uid;
		rules->gid = pw->pw_gid;
	}
}

struct way who_way(const struct conf *c)
{
	struct way w = way_plain;

	w.via = c->relay_host;
	way_tls_parse(span_of(c->mta_tls), &w.tls);	/* the setting has these words only */
	return w;
}

void who_files(const struct conf *c, const char *files[TABLE_COUNT])
{
	files[TABLE_USERS] = c->users_file;
	files[TABLE_DOMAINS] = c->domains_file;
	files[TABLE_ALIASES] = c->aliases_file;
	files[TABLE_RECIPIENTS] = c->recipients_file;
	files[TABLE_DESTINATIONS] = c->destinations_file;
}
