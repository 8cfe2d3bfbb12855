/* Names beyond ASCII on their way to SPF. Apart from spf.c, because it brings libidn2. See spf.h. */
#include "common/mail/addr.h"
#include "common/net/idna.h"
#include "common/trust/spf.h"

const char *spf_ascii_name(struct span name, struct arena *a)
{
	char ascii[IDNA_NAME];

	return arena_text(a, idna_to_ascii(name, ascii, NULL) ? span_of(ascii) : name);
}

const char *spf_ascii_sender(const char *sender, struct arena *a)
{
	struct span local, domain;

	if (!addr_split(span_of(sender), &local, &domain))
		return sender;
	return arena_printf(a, SPAN_FMT "@%s", SPAN_ARG(local), spf_ascii_name(domain, a));
}
