/* Where the mail of one user is, and whose it is. See place.h. */
#include "common/directory/place.h"

#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "common/directory/name.h"

enum { ACCOUNT_SIZE = 32 << 10 };

static bool owner(const struct dir_rules *rules, const struct users_row *user,
    struct dir_target *place, struct err *e)
{
	place->uid = rules->uid;
	place->gid = rules->gid;
	if (rules->as_caller)
		return true;
	if (!rules->has_vmail && !(user && user->has_uid && user->has_gid))
		return err_temp(e, "4.3.5", "the account that vmail-user names is not there");
	if (user && user->has_uid)
		place->uid = user->uid;
	if (user && user->has_gid)
		place->gid = user->gid;
	if (place->uid < rules->uid_min && !(rules->has_vmail && place->uid == rules->uid))
		return err_temp(e, "4.3.5", "the uid %u of " SPAN_FMT " is below uid-min",
		    place->uid, SPAN_ARG(user ? user->address : SPAN("postmaster")));
	return true;
}

bool place_of_user(const struct dir_rules *rules, const struct users_row *user, struct arena *a,
    struct dir_target *place, struct err *e)
{
	struct name name;

	*place = (struct dir_target){ .kind = DIR_MAILBOX, .detail = "", .quota = user->quota };
	if (!name_read(user->address, &name, e) || !owner(rules, user, place, e))
		return false;
	place->login = place->address = arena_text(a, name_span(&name));
	if (user->home.n)
		place->home = arena_text(a, user->home);
	else
		place->home = arena_printf(a, "%s/" SPAN_FMT "/" SPAN_FMT, rules->mail_directory,
		    SPAN_ARG(name_domain(&name)), SPAN_ARG(name_local(&name)));
	place->mail = arena_printf(a, "%s/Maildir", place->home);
	return true;
}

bool place_of_postmaster(const struct dir_rules *rules, struct arena *a, struct dir_target *place,
    struct err *e)
{
	*place = (struct dir_target){ .kind = DIR_MAILBOX, .detail = "" };
	if (!owner(rules, NULL, place, e))
		return false;
	place->login = "postmaster";
	place->address = arena_text(a, span_of(rules->postmaster));
	place->home = arena_printf(a, "%s/postmaster", rules->mail_directory);
	place->mail = arena_printf(a, "%s/Maildir", place->home);
	return true;
}

static bool has_mail(const struct dir_rules *rules, const struct passwd *pw)
{
	if (!pw || pw->pw_uid < rules->uid_min || pw->pw_uid == 0 || pw->pw_uid == 65534)
		return false;
	if (!pw->pw_dir || pw->pw_dir[0] != '/' || !pw->pw_dir[1])
		return false;
	return !rules->as_caller || pw->pw_uid == rules->uid;
}

bool place_of_account(const struct dir_rules *rules, struct span name, struct arena *a,
    struct dir_target *place, bool *found, struct err *e)
{
	char text[40], room[ACCOUNT_SIZE];
	struct passwd row, *pw = NULL;
	int rc;

	*found = false;
	if (!rules->system_users || !name_is_account(name) || !span_copy(name, text, sizeof text))
		return true;
	rc = getpwnam_r(text, &row, room, sizeof room, &pw);
	if (rc && rc != ENOENT && rc != ESRCH) {
		errno = rc;
		return err_sys(e, "cannot look for the account %s", text);
	}
	*found = has_mail(rules, pw);
	if (!*found)
		return true;
	*place = (struct dir_target){ .kind = DIR_MAILBOX, .detail = "", .uid = pw->pw_uid, .gid = pw->pw_gid };
	place->login = arena_text(a, span_of(pw->pw_name));
	place->address = arena_printf(a, "%s@%s", place->login,
	    rules->system_domain_count ? rules->system_domains[0] : rules->host_name);
	place->home = arena_text(a, span_of(pw->pw_dir));
	place->mail = arena_printf(a, "%s/%s", place->home, rules->system_mail);
	return true;
}
