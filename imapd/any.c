/* The verbs that need no folder. RFC 3501 6.1, RFC 2971, RFC 5161, RFC 2342. */
#include "imapd/imap.h"

struct reply do_capability(struct imap *s, struct span arg)
{
	(void)arg;
	out_text(s->out, "* CAPABILITY ");
	print_capabilities(s);
	out_text(s->out, "\r\n");
	return say_done(s);
}

struct reply do_noop(struct imap *s, struct span arg)
{
	(void)arg;
	return say_done(s);
}

struct reply do_logout(struct imap *s, struct span arg)
{
	(void)arg;
	out_text(s->out, "* BYE until next time\r\n");
	s->over = true;
	return say_done(s);
}

/* We listen politely and keep nothing: what a client says of itself is its own affair. */
struct reply do_id(struct imap *s, struct span arg)
{
	if (!arg.n)
		return say_syntax(s, "ID NIL or ID (\"name\" \"value\" ...)");
	out_text(s->out, "* ID (\"name\" \"Posthorn\")\r\n");
	return say_done(s);
}

struct reply do_enable(struct imap *s, struct span arg)
{
	struct span word;

	do {
		if (!parse_atom(&arg, &word))
			return say_syntax(s, "ENABLE capability ...");
	} while (parse_space(&arg));
	if (!parse_end(arg))
		return say_syntax(s, "ENABLE capability ...");
	out_text(s->out, "* ENABLED\r\n");
	return say_done(s);
}

struct reply do_namespace(struct imap *s, struct span arg)
{
	(void)arg;
	out_text(s->out, "* NAMESPACE ((\"\" \".\")) NIL NIL\r\n");
	return say_done(s);
}
