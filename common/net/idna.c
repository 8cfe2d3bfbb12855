/* The one file that sees libidn2. See idna.h. */
#include "common/net/idna.h"

#include <idn2.h>

bool idna_to_ascii(struct span name, char ascii[IDNA_NAME], struct err *e)
{
	char text[1024], *found = NULL;
	int code;
	bool fits;

	if (span_is_ascii(name)) /* "_25._tcp.mx.test" is fine for DNS, if not for IDNA */
		return span_copy(name, ascii, IDNA_NAME) ||
		    err_perm(e, "5.1.2", "a domain name is too long");
	if (!span_copy(name, text, sizeof text))
		return err_perm(e, "5.1.2", "a domain name is too long");
	code = idn2_to_ascii_8z(text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code != IDN2_OK)
		return err_perm(e, "5.1.2", "%s is no domain name: %s", text, idn2_strerror(code));
	fits = span_copy(span_of(found), ascii, IDNA_NAME);
	idn2_free(found);
	return fits || err_perm(e, "5.1.2", "a domain name is too long");
}
