/* posthorn dkim: verify, sign, and keep keys. See posthorn-dkim(8). */
#include "common/admin/admin.h"
#include "common/admin/dkim.h"

static const struct admin_verb verbs[] = {
	{ "verify", dkim_verify_command, "[--resolver ADDRESS[@PORT]] [FILE]", "judge the signatures of a message" },
	{ "sign", dkim_sign_command, "[--header] [--domain DOMAIN] [--key FILE --selector SELECTOR] [FILE]",
	  "sign a message, as we do with mail that goes out" },
	{ "key", dkim_key_command, "new DOMAIN|list [DOMAIN]", "make keys, and see which there are" },
	{ "record", dkim_record_command, "[--form zone|string|fields|json] DOMAIN [SELECTOR]",
	  "what is to be published in the DNS" },
	{ "rotate", dkim_rotate_command, "[--check|--activate|--retire] DOMAIN", "change keys without a gap" },
	{ .name = NULL }
};

int admin_dkim(int argc, char **argv)
{
	return admin_run("posthorn dkim", verbs, argc, argv);
}
