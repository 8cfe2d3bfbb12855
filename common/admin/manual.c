/* posthorn.conf(5), made from the settings' rows. See manual.h. */
#include "common/admin/manual.h"

#include "common/conf/value.h"

static const char head[] =
    ".\\\" Made by \"posthorn config man\" from common/conf/rows.c: change it there.\n"
    ".Dd November 24, 2026\n"
    ".Dt POSTHORN.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm posthorn.conf\n"
    ".Nd settings of the Posthorn mail suite\n"
    ".Sh DESCRIPTION\n"
    "One file for all daemons and commands.\n"
    "A section begins with its name in brackets; in it each line is\n"
    ".Dl key = value\n"
    "Lines that begin with # or ; are comments, and so is what stands behind a # that has a\n"
    "blank before it.\n"
    "Names of sections and keys do not heed case.\n"
    "A line that begins with a blank goes on with the value before it, unless it is itself a\n"
    "section or a setting.\n"
    ".Pp\n"
    "The files\n"
    ".Pa posthorn.conf.d/*.conf\n"
    "beside this file are read after it, in the order of their names; what they set counts.\n"
    ".Pp\n"
    "Every setting has a default; an empty file is a valid one.\n"
    "A mistake is reported with file, line and what was expected, and a daemon does not start with it.\n"
    "Daemons read their settings again on\n"
    ".Dv SIGHUP .\n"
    ".Pp\n"
    "The kinds of values:\n"
    ".Bl -tag -width choice\n"
    ".It text\n"
    "As it stands, without blanks at its ends.\n"
    ".It path\n"
    "An absolute path.\n"
    ".It size\n"
    "Bytes, or with K, M, G or T behind: 50M.\n"
    ".It time\n"
    "Seconds, or with s, m, h, d or w behind: 30s, 5m, 4h, 5d.\n"
    ".It number\n"
    "A whole number.\n"
    ".It flag\n"
    "yes or no; also on, off, true, false.\n"
    ".It choice\n"
    "One of the words that are listed.\n"
    ".It list\n"
    "Words with blanks or commas between.\n"
    "A key that comes again adds to its list; an empty value empties it.\n"
    ".El\n";

static const char tail[] =
    ".Sh FILES\n"
    ".Bl -tag -width /etc/posthorn/posthorn.conf -compact\n"
    ".It Pa /etc/posthorn/posthorn.conf\n"
    ".It Pa /etc/posthorn/posthorn.conf.d/*.conf\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    "A host with its own certificate, and one more port for mail clients behind strict firewalls:\n"
    ".Bd -literal -offset indent\n"
    "[posthorn]\n"
    "host-name = mail.example.org\n"
    "postmaster = ann@example.org\n"
    "message-size-limit = 100M\n"
    "\n"
    "[tls]\n"
    "certificate = /etc/letsencrypt/live/mail.example.org/fullchain.pem\n"
    "key = /etc/letsencrypt/live/mail.example.org/privkey.pem\n"
    "\n"
    "[msa]\n"
    "listen = submission=*:587 submissions=*:465:tls\n"
    "listen = odd=*:2525\n"
    ".Ed\n"
    ".Pp\n"
    "What is in force, and from where:\n"
    ".Dl $ posthorn config show\n"
    ".Sh SEE ALSO\n"
    ".Xr posthorn-aliases 5 ,\n"
    ".Xr posthorn-domains 5 ,\n"
    ".Xr posthorn-users 5 ,\n"
    ".Xr posthorn 7 ,\n"
    ".Xr posthorn 8 ,\n"
    ".Xr posthorn-config 8\n";

static const struct { const char *section, *about; } sections[] = {
	{ "posthorn", "What all daemons share." },
	{ "directory", "Who is who." },
	{ "auth", "How users prove who they are; see posthorn-auth(8)." },
	{ "tls", "Certificates, for all servers." },
	{ "limits", "What a stranger may use up." },
	{ "proxy", "Load balancers and content filters in front of us." },
	{ "msa", "Submission." },
	{ "mta", "Other servers." },
	{ "gate", "What mta thinks of a client and its mail: posthorn-gate(7)." },
	{ "milter", "How long to wait for milters: posthorn-milter(7)." },
	{ "dns", "The resolver." },
	{ "mda", "Delivery." },
	{ "pop3d", "POP3." },
	{ "imapd", "IMAP." },
};

static const char *const kinds[] = {
	[SET_TEXT] = "text", [SET_PATH] = "path", [SET_SIZE] = "size", [SET_TIME] = "time",
	[SET_COUNT] = "number", [SET_FLAG] = "yes | no", [SET_CHOICE] = "choice", [SET_LIST] = "list",
};

/* Text that roff takes as text. */
static void escape(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\')
			str_add_text(out, "\\e");
		else if (i == 0 && (text.p[i] == '.' || text.p[i] == '\''))
			str_addf(out, "\\&%c", text.p[i]);
		else
			str_add_char(out, text.p[i]);
	}
}

/* A sentence a line, as mdoc(7) likes it; no number with a full stop behind it is taken for an end. */
static void sentences(struct str *out, struct span text)
{
	for (size_t i = 0; i + 2 < text.n; i++) {
		if (text.p[i] == '.' && text.p[i + 1] == ' ' && text.p[i + 2] >= 'A' &&
		    text.p[i + 2] <= 'Z') {
			escape(out, span_to(text, i + 1));
			str_add_char(out, '\n');
			text = span_from(text, i + 2);
			i = 0;
		}
	}
	escape(out, text);
	str_add_char(out, '\n');
}

static void print_default(const struct setting *row, struct str *out)
{
	static const struct { const char *word, *means; } words[] = {
		{ "@hostname", "the name of the host" },
		{ "@hostname localhost", "host-name and localhost" },
		{ "postmaster@@hostname", "postmaster at host-name" },
		{ "@here", "the directory of this file" },
		{ "@programs", "where the programs were installed" },
		{ "@config/users", "users in config-directory" },
		{ "@config/domains", "domains in config-directory" },
		{ "@config/aliases", "aliases in config-directory" },
		{ "", "empty" },
	};

	str_add_text(out, "Default: ");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(row->fallback, words[i].word) == 0) {
			str_addf(out, "%s.\n", words[i].means);
			return;
		}
	}
	escape(out, span_of(row->fallback));
	str_add_text(out, ".\n");
}

static void print_row(const struct setting *row, struct str *out)
{
	struct str expected = STR(400);

	str_addf(out, ".It Cm %s No = Ar %s\n", row->key, kinds[row->kind]);
	sentences(out, span_of(row->help));
	if (row->words && row->kind != SET_PATH && row->kind != SET_TEXT) {
		value_expected(row, &expected);
		str_add_text(out, "Expected: ");
		escape(out, str_span(&expected));
		str_add_text(out, ".\n");
	}
	print_default(row, out);
	str_free(&expected);
}

void manual_print(struct str *out)
{
	str_add_text(out, head);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		str_addf(out, ".Ss [%s]\n%s\n.Bl -tag -width Ds\n", sections[i].section,
		    sections[i].about);
		for (const struct setting *row = settings; row->key; row++) {
			if (strcmp(row->section, sections[i].section) == 0)
				print_row(row, out);
		}
		str_add_text(out, ".El\n");
	}
	str_add_text(out, tail);
}
