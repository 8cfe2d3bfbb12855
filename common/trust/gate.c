/* Facts, weights, one verdict. See gate.h. */
#include "common/trust/gate.h"

#include "common/net/address.h"
#include "common/net/dns-name.h"

/*
 * Words for the client say what to do about it: its postmaster reads them. $ip, $helo and $domain
 * are filled in. An honest server that somebody set up in a hurry has one or two of the small
 * ones; what never happens to an honest one weighs as much as the mark of rejection.
 */
static const struct {
	const char	*name;
	int		 weight;
	const char	*help, *status, *words;
} rows[GATE_FACTS] = {
	[GATE_EARLY] = { "early", 10, "the client spoke before it was greeted", "5.5.1",
		"your server spoke before our greeting; it has to wait for the line that begins with 220" },
	[GATE_REVERSE_NONE] = { "reverse-none", 3, "the client's address has no name in DNS", "5.7.25",
		"the address $ip has no name in DNS; let its provider set a PTR record" },
	[GATE_REVERSE_FALSE] = { "reverse-false", 2, "the name of the client's address does not lead back to it", "5.7.25",
		"the name in the PTR record of $ip does not lead back to that address; make the two agree" },
	[GATE_HELO_SYNTAX] = { "helo-syntax", 2, "HELO with a word that is no full host name", "5.7.1",
		"\"$helo\" is no full host name; let your server say HELO with its own name in DNS" },
	[GATE_HELO_ADDRESS] = { "helo-address", 3, "HELO with an address that is bare, or not the client's", "5.7.1",
		"\"$helo\" is not the name of your server; let it say HELO with its own name in DNS" },
	[GATE_HELO_OURS] = { "helo-ours", 10, "HELO with our own name or address", "5.7.1",
		"\"$helo\" is our name, not yours; let your server say HELO with its own name in DNS" },
	[GATE_HELO_UNKNOWN] = { "helo-unknown", 2, "the name in HELO has no address", "5.7.1",
		"the name \"$helo\" has no address in DNS; let your server say HELO with its own name there" },
	[GATE_SENDER_MISSING] = { "sender-missing", 10, "the sender's domain does not exist", "5.1.8",
		"the sender's domain $domain does not exist in DNS, so nobody could answer; mend the sender's address" },
	[GATE_SENDER_SILENT] = { "sender-silent", 10, "the sender's domain has neither MX nor address", "5.1.8",
		"the sender's domain $domain has neither MX nor address, so nobody could answer; "
		"give it an MX record, or mend the sender's address" },
	[GATE_SENDER_NULL_MX] = { "sender-null-mx", 10, "the sender's domain says that it takes no mail", "5.7.27",
		"the sender's domain $domain says that it takes no mail (null MX), so nobody could answer; "
		"use a sender that can get mail" },
	[GATE_SENDER_OURS] = { "sender-ours", 10, "the sender's domain is ours, and no check shows that the mail is", "5.7.1",
		"$domain is our own domain; its people log in on port 587 or 465, and other "
		"servers that send for it have to be in its SPF record or sign with its DKIM key" },
	[GATE_BOUNCE_MANY] = { "bounce-many", 5, "a report (null sender) for more than one recipient", "5.7.1",
		"a message without sender is a report, and goes to one recipient; send it to each alone" },
	[GATE_SPF_FAIL] = { "spf-fail", 6, "SPF says that the client may not send for the sender's domain", "5.7.23",
		"the SPF record of $domain does not allow $ip; add it there, or send through that domain's servers" },
	[GATE_SPF_SOFTFAIL] = { "spf-softfail", 2, "SPF says that the client probably may not", "5.7.23",
		"the SPF record of $domain does not name $ip; add it there, or send through that domain's servers" },
	[GATE_SPF_PASS] = { "spf-pass", -1, "SPF says that the client may send for the sender's domain", "", "" },
	[GATE_DKIM_PASS] = { "dkim-pass", -1, "a DKIM signature is good", "", "" },
	[GATE_DMARC_PASS] = { "dmarc-pass", -1, "the author's domain stands behind it (DMARC)", "", "" },
	[GATE_AUTHOR_UNCLEAR] = { "author-unclear", 10, "From shows several domains, or may", "5.7.26",
		"nobody can tell who wrote this: there has to be one field From, with addresses of one domain" },
	[GATE_KNOWN] = { "known", -3, "the client's network brought mail before that we took", "", "" },
};

static const char *const actions[] = {
	[GATE_ACCEPT] = "accept", [GATE_ASK_GREYLIST] = "ask-greylist", [GATE_DEFER] = "defer",
	[GATE_QUARANTINE] = "quarantine", [GATE_REJECT] = "reject",
};

const char *gate_fact_name(enum gate_fact fact)
{
	return rows[fact].name;
}

const char *gate_fact_help(enum gate_fact fact)
{
	return rows[fact].help;
}

int gate_fact_weight(enum gate_fact fact)
{
	return rows[fact].weight;
}

const char *gate_action_name(enum gate_action action)
{
	return actions[action];
}

bool gate_weight_parse(struct span word, enum gate_fact *fact, int *weight)
{
	struct span name, digits = word;
	uint64_t n;
	bool less;

	if (!span_cut(&digits, '=', &name))
		return false;
	less = span_eat_char(&digits, '-');
	if (!span_u64(digits, GATE_WEIGHT_MAX, &n))
		return false;
	for (enum gate_fact i = 0; i < GATE_FACTS; i++) {
		if (span_is(name, rows[i].name)) {
			*fact = i;
			*weight = less ? -(int)n : (int)n;
			return true;
		}
	}
	return false;
}

/* --- HELO, as it stands --- */

static bool is_ours(struct span helo, struct gate_self self)
{
	struct address said, ours;

	if (span_is(helo, self.name))
		return true;
	return (address_literal_parse(helo, &said) || address_parse(helo, &said)) &&
	    address_parse(span_of(self.ip), &ours) && address_same(&said, &ours);
}

uint32_t gate_helo(struct span helo, const char *peer_ip, struct gate_self self, bool *is_name)
{
	struct address said, peer = { 0 };
	char name[DNS_NAME];

	*is_name = false;
	address_parse(span_of(peer_ip), &peer);
	if (address_literal_parse(helo, &said) && address_same(&said, &peer))
		return 0;		/* RFC 5321 4.1.3: for who has no name */
	if (is_ours(helo, self))
		return 1u << GATE_HELO_OURS;
	if (address_literal_parse(helo, &said) || address_parse(helo, &said))
		return 1u << GATE_HELO_ADDRESS;
	if (!span_is_ascii(helo))
		return 0; /* RFC 6531 3.7.1 does not want it in HELO; it is no sign of anything */
	if (!dns_name_clean(helo, name) || !strchr(name, '.'))
		return 1u << GATE_HELO_SYNTAX;
	*is_name = true;
	return 0;
}

/* --- the score --- */

static void add_reason(struct gate_verdict *v, const char *name, const char *detail, int weight)
{
	if (!weight)
		return;
	v->reasons[v->reason_count++] = (struct gate_reason){ name, detail, weight };
	v->score += weight;
}

static bool passed(const struct facts *f)
{
	return f->spf == TRUST_PASS || f->dkim == TRUST_PASS || f->dmarc == TRUST_PASS;
}

/* Our own domain needs more than somebody's signature, or somebody's author whose domain stands behind him. */
static bool is_really_ours(const struct facts *f)
{
	return f->spf == TRUST_PASS || (f->dkim == TRUST_PASS && f->dkim_aligned);
}

static uint32_t all_seen(const struct facts *f, const struct gate_policy *p)
{
	const struct { enum gate_fact fact; bool seen; } checks[] = {
		{ GATE_SPF_FAIL, f->spf == TRUST_FAIL }, { GATE_SPF_SOFTFAIL, f->spf == TRUST_SOFTFAIL },
		{ GATE_SPF_PASS, f->spf == TRUST_PASS }, { GATE_DKIM_PASS, f->dkim == TRUST_PASS },
		{ GATE_DMARC_PASS, f->dmarc == TRUST_PASS }, { GATE_AUTHOR_UNCLEAR, f->dmarc == TRUST_PERMERROR },
	};
	uint32_t seen = f->seen;

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		if (checks[i].seen)
			seen |= 1u << checks[i].fact;
	}
	if (is_really_ours(f) || (f->stage == GATE_RCPT && p->dkim_later))
		seen &= ~(1u << GATE_SENDER_OURS);
	return seen;
}

static void add_up(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v)
{
	uint32_t seen = all_seen(f, p);

	for (enum gate_fact i = 0; i < GATE_FACTS; i++) {
		if (seen & 1u << i)
			add_reason(v, rows[i].name, "", p->weights[i]);
	}
	for (size_t i = 0; i < f->listed_count; i++)
		add_reason(v, f->listed[i].of_sender ? "sender-listed" : "listed",
		    f->listed[i].zone, f->listed[i].weight);
}

static bool reaches(int score, int mark)
{
	return mark > 0 && score >= mark;
}

/* --- the words --- */

static void fill_in(struct span words, const struct facts *f, struct str *out)
{
	const struct { const char *name, *value; } known[] = {
		{ "$ip", f->ip }, { "$helo", f->helo }, { "$domain", f->sender_domain },
	};

	while (words.n) {
		size_t i = 0;

		while (i < sizeof known / sizeof *known && !span_eat(&words, known[i].name))
			i++;
		if (i < sizeof known / sizeof *known)
			str_add(out, span_to(span_of(known[i].value), GATE_WORDS));
		else
			str_add(out, span_take(&words, 1));
	}
}

static void list_words(const struct gate_listed *l, const struct facts *f, struct str *out)
{
	str_addf(out, "%s is on the list %s", l->of_sender ? f->sender_domain : f->ip, l->zone);
	if (*l->why)
		str_addf(out, " (%s)", l->why);
	str_add_text(out, "; ask those who keep it to take it off");
}

/* The heaviest of what was seen says what is wrong. */
static const char *leading_words(const struct facts *f, const struct gate_policy *p, struct str *out)
{
	const struct gate_listed *list = NULL;
	uint32_t seen = all_seen(f, p);
	int most = 0, fact = -1;

	for (int i = 0; i < GATE_FACTS; i++) {
		if ((seen & 1u << i) && p->weights[i] > most) {
			most = p->weights[i];
			fact = i;
		}
	}
	for (size_t i = 0; i < f->listed_count; i++) {
		if (f->listed[i].weight > most) {
			most = f->listed[i].weight;
			list = &f->listed[i];
		}
	}
	if (list)
		list_words(list, f, out);
	else if (fact >= 0)
		fill_in(span_of(rows[fact].words), f, out);
	if (!list && fact == GATE_SPF_FAIL &&
	    *f->spf_words) /* RFC 7208 8.4: and whose words they are */
		str_addf(out, "; %s says: %.*s", f->sender_domain, GATE_WORDS, f->spf_words);
	return list || fact < 0 ? "5.7.1" : rows[fact].status;
}

/* Refused for a score, which may be a mistake: then our postmaster is the one to ask. */
static void reject(const char *status, const char *words, const struct facts *f,
    const struct gate_policy *p, struct gate_verdict *v)
{
	int room = *p->notice ? 160 : 240;	/* so that the number at the end stays whole */

	v->action = GATE_REJECT;
	err_perm(&v->e, status, "%.*s (for help: %s%s%s, quoting %s)", room, words, p->postmaster,
	    *p->notice ? " " : "", p->notice, f->id);
}

static void reject_score(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v)
{
	struct str words = STR(300);
	const char *status = leading_words(f, p, &words);

	reject(status, words.p, f, p, v);
	str_free(&words);
}

/* --- the verdict --- */

/* Is the recipient's own answer the end of it? */
static bool rcpt_decides(const struct facts *f, struct gate_verdict *v)
{
	v->action = GATE_REJECT;
	switch (f->rcpt) {
	case GATE_TO_UNKNOWN:
		err_perm(&v->e, "5.1.1",
		    "nobody here has the address %s; look for a slip of the pen (%s)", f->recipient,
		    f->id);
		return true;
	case GATE_TO_ELSEWHERE:
		if (f->may_relay)
			return false;
		err_perm(&v->e, "5.7.1",
		    "we do not carry strangers' mail to other domains; "
		    "if you have an account here, log in on the submission port (587 or 465) (%s)",
		    f->id);
		return true;
	case GATE_TO_FULL:
		v->action = GATE_DEFER;
		err_temp(&v->e, "4.2.2", "the mailbox of %s is full; try again later (%s)",
		    f->recipient, f->id);
		return true;
	default:
		return false;
	}
}

/* DMARC: RFC 9989 lets us do as the author's domain wishes. True: it decided. */
static bool dmarc_decides(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v)
{
	if (f->dmarc != TRUST_FAIL || f->dmarc_wish == GATE_WISH_NONE)
		return false;
	v->reasons[v->reason_count++] = (struct gate_reason){ "dmarc",
		f->dmarc_wish == GATE_WISH_QUARANTINE ? "quarantine" : "reject", 0 };
	if (f->dmarc_wish == GATE_WISH_QUARANTINE)
		v->action = GATE_QUARANTINE;
	else
		reject("5.7.26",
		    "neither SPF nor DKIM stands behind the author's domain, which wants such mail "
		    "refused (DMARC); send through its own servers",
		    f, p, v);
	return true;
}

static int list_sum(const struct facts *f)
{
	int sum = 0;

	for (size_t i = 0; i < f->listed_count; i++)
		sum += f->listed[i].weight;
	return sum;
}

static bool is_allowed(const struct facts *f)
{
	return list_sum(f) < 0;
}

static bool wants_greylist(const struct facts *f, const struct gate_policy *p, int score)
{
	if (p->greylist == GATE_GREY_OFF || f->grey == GATE_GREY_PASSED ||
	    f->rcpt == GATE_TO_POSTMASTER)
		return false;
	if (f->seen & 1u << GATE_KNOWN || passed(f) || is_allowed(f))
		return false;
	if (f->stage == GATE_RCPT && p->dkim_later)
		return false;
	return p->greylist == GATE_GREY_UNKNOWN || reaches(score, p->greylist_at);
}

static void greylist(const struct facts *f, struct gate_verdict *v)
{
	v->action = f->grey == GATE_GREY_UNASKED ? GATE_ASK_GREYLIST : GATE_DEFER;
	err_temp(&v->e, "4.7.1",
	    "we do not know your server yet; this is no mistake, let it try again in "
	    "%u seconds (%s)",
	    f->grey_left_s, f->id);
}

/* What reaches the mark alone is not outweighed by what speaks for the client. Lists speak as one. */
static int strongest(const struct facts *f, const struct gate_policy *p)
{
	uint32_t seen = all_seen(f, p);
	int most = list_sum(f);

	for (enum gate_fact i = 0; i < GATE_FACTS; i++) {
		if ((seen & 1u << i) && p->weights[i] > most)
			most = p->weights[i];
	}
	return most;
}

static void judge(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v)
{
	bool may_refuse = f->rcpt != GATE_TO_POSTMASTER || f->stage == GATE_CONNECT;

	add_up(f, p, v);
	if (may_refuse &&
	    (reaches(v->score, p->reject_at) || reaches(strongest(f, p), p->reject_at)))
		reject_score(f, p, v);
	else if (f->stage == GATE_TEXT && may_refuse && dmarc_decides(f, p, v))
		return;
	else if (f->stage != GATE_CONNECT && wants_greylist(f, p, v->score))
		greylist(f, v);
	else if (f->stage == GATE_TEXT && reaches(v->score, p->quarantine_at))
		v->action = GATE_QUARANTINE;
}

void gate_verdict(const struct facts *f, const struct gate_policy *p, struct gate_verdict *v)
{
	v->action = GATE_ACCEPT;
	v->wait_s = 0;
	v->score = 0;
	v->reason_count = 0;
	v->e = (struct err){ 0 };
	if (f->stage == GATE_RCPT && rcpt_decides(f, v))
		return;
	v->action = GATE_ACCEPT;
	if (f->trusted)
		return;
	judge(f, p, v);
	if (f->stage == GATE_RCPT && !(f->seen & 1u << GATE_KNOWN) && !is_allowed(f) &&
	    reaches(v->score, p->tarpit_at))
		v->wait_s = p->tarpit_s;
}

static void add_one(const struct gate_reason *r, struct str *out)
{
	str_addf(out, "%s%s%s=%d", r->name, *r->detail ? ":" : "", r->detail, r->weight);
}

void gate_reasons_print(const struct gate_verdict *v, struct str *out)
{
	for (size_t i = 0; i < v->reason_count; i++) {
		str_add_text(out, i ? " " : "");
		add_one(&v->reasons[i], out);
	}
}

void gate_header_print(const struct gate_verdict *v, struct str *out)
{
	str_addf(out, " %s score=%d", gate_action_name(v->action), v->score);
	for (size_t i = 0; i < v->reason_count; i++) {
		str_add_text(out, !i ? "\n\t(" : i % 4 ? ", " : ",\n\t");
		add_one(&v->reasons[i], out);
	}
	str_add_text(out, v->reason_count ? ")" : "");
}
