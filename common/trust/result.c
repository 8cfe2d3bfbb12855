/* The words of RFC 8601 2.7. See result.h. */
#include "common/trust/result.h"

static const char *const names[TRUST_RESULTS] = {
	[TRUST_NONE] = "none", [TRUST_NEUTRAL] = "neutral", [TRUST_PASS] = "pass", [TRUST_FAIL] = "fail",
	[TRUST_SOFTFAIL] = "softfail", [TRUST_POLICY] = "policy", [TRUST_TEMPERROR] = "temperror",
	[TRUST_PERMERROR] = "permerror",
};

const char *trust_result_name(enum trust_result r)
{
	return names[r];
}

void trust_reason_print(const char *words, struct str *out)
{
	if (!*words)
		return;
	str_add_text(out, " reason=\"");
	for (; *words; words++)
		str_add_char(out, strchr("\"\\;", *words) || (unsigned char)*words < ' ' || *words == 0x7f ? '?' : *words);
	str_add_char(out, '"');
}
