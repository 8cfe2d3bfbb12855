/* One line of posthorn-domains(5). See domains.h. */
#include "common/directory/domains.h"

#include "common/directory/name.h"

bool domains_line_parse(struct span line, struct domains_row *row, struct err *e)
{
	struct domains_row got = { .domain = span_trim(line) };
	struct span class, domain;

	if (span_cut(&got.domain, ':', &class)) {
		got.relay = span_is(span_trim(class), "relay");
		if (!got.relay && !span_is(span_trim(class), "virtual"))
			return err_perm(e, "5.3.5",
			    "expected \"relay:\" or nothing before a domain, not \"" SPAN_FMT ":\"",
			    SPAN_ARG(span_to(class, 60)));
		got.domain = span_trim(got.domain);
	}
	if (got.relay && span_cut(&got.domain, ' ', &domain)) {
		got.listed = span_is(span_trim(got.domain), "listed");
		if (!got.listed)
			return err_perm(e, "5.3.5",
			    "expected \"listed\" or nothing behind the domain, not \"" SPAN_FMT
			    "\"",
			    SPAN_ARG(span_to(span_trim(got.domain), 60)));
		got.domain = domain;
	}
	if (!name_is_domain(got.domain))
		return err_perm(e, "5.3.5",
		    "expected a domain like example.org, not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(got.domain, 60)));
	*row = got;
	return true;
}

bool recipients_line_parse(struct span line, struct span *address, struct err *e)
{
	struct span got = span_trim(line);
	struct name name;

	if (!name_read(got, &name, e))
		return false;
	if (!name_domain(&name).n || !name_is_domain(name_domain(&name)))
		return err_perm(e, "5.3.5",
		    "expected an address like ann@example.org, not \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(got, 60)));
	*address = got;
	return true;
}
