/* Macros for milters. See macro.h. */
#include "common/milter/macro.h"

#include "common/milter/frame.h"

#define AT(fact)	offsetof(struct milter_facts, fact)
#define IN(stage)	(1u << STAGE_##stage)

static const struct row {
	const char	*name;
	size_t		 at;
	unsigned	 usual;		/* steps */
} rows[] = {
	{ "j",			AT(host_name),		IN(CONNECT) },
	{ "v",			AT(version),		IN(CONNECT) },
	{ "_",			AT(client),		IN(CONNECT) },
	{ "{client_name}",	AT(client_name),	IN(CONNECT) },
	{ "{client_ptr}",	AT(client_name),	IN(CONNECT) },
	{ "{client_addr}",	AT(client_ip),		IN(CONNECT) },
	{ "{client_port}",	AT(client_port),	IN(CONNECT) },
	{ "{daemon_name}",	AT(daemon),		IN(CONNECT) },
	{ "{daemon_addr}",	AT(local_ip),		IN(CONNECT) },
	{ "{daemon_port}",	AT(local_port),		IN(CONNECT) },
	{ "{if_name}",		AT(host_name),		IN(CONNECT) },
	{ "{if_addr}",		AT(local_ip),		IN(CONNECT) },
	{ "{tls_version}",	AT(tls_version),	IN(HELO) },
	{ "{cipher}",		AT(tls_cipher),		IN(HELO) },
	{ "{cipher_bits}",	AT(tls_bits),		IN(HELO) },
	{ "i",			AT(id),			IN(MAIL) | IN(RCPT) | IN(DATA) | IN(HEADER_END) | IN(MESSAGE_END) },
	{ "{auth_type}",	AT(mechanism),		IN(MAIL) },
	{ "{auth_authen}",	AT(login),		IN(MAIL) },
	{ "{mail_addr}",	AT(sender),		IN(MAIL) },
	{ "{mail_host}",	AT(sender_domain),	IN(MAIL) },
	{ "{rcpt_addr}",	AT(rcpt),		IN(RCPT) },
	{ "{rcpt_host}",	AT(rcpt_domain),	IN(RCPT) },
};

enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS <= 32, "a mask of macros has 32 bits");

uint32_t macro_usual(enum milter_stage at)
{
	uint32_t mask = 0;

	for (size_t i = 0; at < STAGES && i < ROWS; i++)
		mask |= rows[i].usual & 1u << at ? 1u << i : 0;
	return mask;
}

static bool is_between(char c)
{
	return is_blank(c) || c == ',';
}

static bool not_between(char c)
{
	return !is_between(c);
}

/* Some write {j}, some client_addr. */
static struct span bare(struct span name)
{
	return name.n > 2 && *name.p == '{' && name.p[name.n - 1] == '}' ?
	    span_to(span_from(name, 1), name.n - 2) :
	    name;
}

uint32_t macro_named(struct span names)
{
	uint32_t mask = 0;

	while (names.n) {
		struct span name;

		span_while(&names, is_between);
		name = bare(span_while(&names, not_between));
		for (size_t i = 0; i < ROWS; i++)
			mask |= span_same(name, bare(span_of(rows[i].name))) ? 1u << i : 0;
	}
	return mask;
}

void macro_put(const struct milter_facts *f, uint32_t which, struct str *out)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *value = *(const char *const *)((const char *)f + rows[i].at);

		if (!(which & 1u << i) || !value || !*value)
			continue;
		frame_text(out, span_of(rows[i].name));
		frame_text(out, span_of(value));
	}
}
