/* Asking PAM. See pam.h; the only file that sees it. */
#include "common/auth/pam.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/span.h"

enum { NAME_MAX_HERE = 32 };

struct question { const char *password; unsigned prompts; };

/* What useradd(8) would take, and so nothing that means something to a module, a path or a shell. */
static bool is_plain(struct span name)
{
	if (!name.n || name.n > NAME_MAX_HERE || !(is_alpha(*name.p) || *name.p == '_'))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!is_alnum(name.p[i]) && !strchr("_-.", name.p[i]))
			return false;
	}
	return true;
}

static void forget(struct pam_response *answers, int count)
{
	for (int i = 0; i < count; i++) {
		if (answers[i].resp)
			explicit_bzero(answers[i].resp, strlen(answers[i].resp));
		free(answers[i].resp);
	}
	free(answers);
}

/* We have one password and tell it once: a module that asks again wants something we do not have. */
static int converse(int count, const struct pam_message **asked, struct pam_response **out, void *arg)
{
	struct question *q = arg;
	struct pam_response *answers;

	if (count < 1 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = calloc((size_t)count, sizeof *answers);
	if (!answers)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++) {
		int style = asked[i]->msg_style;

		if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO)
			continue;
		if (style == PAM_PROMPT_ECHO_OFF && q->prompts++ == 0)
			answers[i].resp = strdup(q->password);
		if (!answers[i].resp) {
			forget(answers, count);
			return PAM_CONV_ERR;
		}
	}
	*out = answers;
	return PAM_SUCCESS;
}

static void no_delay(int status, unsigned delay_us, void *arg)
{
	(void)status;
	(void)delay_us;
	(void)arg;
}

static bool tell(pam_handle_t *pam, int rc, const char *phase, struct err *e)
{
	switch (rc) {
	case PAM_SUCCESS:
		return true;
	case PAM_AUTH_ERR: case PAM_USER_UNKNOWN: case PAM_MAXTRIES: case PAM_PERM_DENIED: case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD: case PAM_CRED_EXPIRED: case PAM_AUTHTOK_EXPIRED:
		return err_perm(e, "5.7.8", "%s: %s", phase, pam_strerror(pam, rc));
	default:
		return err_temp(e, "4.7.0", "%s: %s", phase, pam_strerror(pam, rc));
	}
}

static bool ask(pam_handle_t *pam, const char *peer_ip, struct err *e)
{
	union {
		void (*call)(int, unsigned, void *);
		const void *item;
	} delay = { .call = no_delay };

	return tell(pam, pam_set_item(pam, PAM_RHOST, peer_ip), "PAM_RHOST", e) &&
	    tell(pam, pam_set_item(pam, PAM_TTY, "posthorn"), "PAM_TTY", e) &&
	    tell(pam, pam_set_item(pam, PAM_FAIL_DELAY, delay.item), "PAM_FAIL_DELAY", e) &&
	    tell(pam, pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK), "password", e) &&
	    tell(pam, pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK), "account", e);
}

/* A module may have taken the conversation to be about somebody else. */
static bool is_still(pam_handle_t *pam, const char *user, struct err *e)
{
	const void *now = NULL;

	if (pam_get_item(pam, PAM_USER, &now) == PAM_SUCCESS && now && strcmp(now, user) == 0)
		return true;
	return err_perm(e, "5.7.8", "PAM changed the name");
}

bool pam_check(const char *service, const char *user, const char *password, const char *peer_ip, struct err *e)
{
	struct question q = { .password = password };
	struct pam_conv conversation = { converse, &q };
	pam_handle_t *pam = NULL;
	bool ok;
	int rc;

	if (!is_plain(span_of(user)))
		return err_perm(e, "5.7.8", "no name of an account");
	rc = pam_start(service, user, &conversation, &pam);
	if (rc != PAM_SUCCESS)
		return err_temp(e, "4.7.0", "PAM does not start (%d)", rc);
	ok = ask(pam, peer_ip, e) && is_still(pam, user, e);
	pam_end(pam, ok ? PAM_SUCCESS : PAM_AUTH_ERR);
	return ok;
}
