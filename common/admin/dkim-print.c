/* DKIM records in the forms that providers want. See dkim.h. */
#include "common/admin/admin.h"
#include "common/admin/dkim.h"
#include "common/trust/dkim-record.h"

enum { STRING_MAX = 250 };	/* RFC 1035 3.3: 255 bytes in one string */

static const char *const form_names[] = {
	[DKIM_ZONE] = "zone",
	[DKIM_STRING] = "string",
	[DKIM_FIELDS] = "fields",
	[DKIM_JSON] = "json",
};

bool dkim_form_parse(const char *word, enum dkim_form *out)
{
	for (size_t i = 0; i < sizeof form_names / sizeof *form_names; i++) {
		if (strcmp(word, form_names[i]) == 0) {
			*out = (enum dkim_form)i;
			return true;
		}
	}
	return false;
}

static void print_zone(const char *name, struct span text, struct str *out)
{
	str_addf(out, "%s. IN TXT (", name);
	while (text.n) {
		struct span part = span_take(&text, STRING_MAX);

		str_addf(out, "\n\t\"" SPAN_FMT "\"", SPAN_ARG(part));
	}
	str_add_text(out, " )\n");
}

static void print_json(const char *name, const struct keyring_entry *entry, struct span text, struct str *out)
{
	str_add_text(out, "{\"name\":");
	admin_json_text(out, span_of(name));
	str_addf(out, ",\"type\":\"TXT\",\"state\":\"%s\",\"value\":", keyring_state_name(entry->state));
	admin_json_text(out, text);
	str_add_char(out, '}');
}

static void print(const char *name, const struct keyring_entry *entry, struct span text,
    enum dkim_form form, bool more, struct str *out)
{
	switch (form) {
	case DKIM_ZONE:
		print_zone(name, text, out);
		break;
	case DKIM_STRING:
		str_addf(out, SPAN_FMT "\n", SPAN_ARG(text));
		break;
	case DKIM_FIELDS:
		str_addf(out, "%sname   %s\ntype   TXT\nvalue  " SPAN_FMT "\n", more ? "\n" : "",
		    name, SPAN_ARG(text));
		break;
	case DKIM_JSON:
		str_add_text(out, more ? ",\n " : "");
		print_json(name, entry, text, out);
		break;
	}
}

bool dkim_print_record(int domain_fd, const char *domain, const struct keyring_entry *entry,
    enum dkim_form form, bool more, struct str *out, struct err *e)
{
	struct key *k = keyring_load(domain_fd, entry, e);
	struct str bytes = STR(KEY_DER_MAX), text = STR(DKIM_RECORD_MAX), name = STR(1024);
	bool ok =
	    k && (key_print_public(k, &bytes) || err_temp(e, "4.7.0", "cannot print the key"));

	if (ok) {
		dkim_record_print(key_kind(k), str_span(&bytes), &text);
		str_addf(&name, "%s._domainkey.%s", entry->selector, domain);
		print(name.p, entry, str_span(&text), form, more, out);
	}
	key_free(k);
	str_free(&bytes);
	str_free(&text);
	str_free(&name);
	return ok;
}
