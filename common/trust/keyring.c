/* The DKIM keys of our domains, on disk. See keyring.h. */
#include "common/trust/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mail/addr.h"
#include "common/mail/header.h"
#include "common/net/dns-name.h"
#include "common/net/idna.h"
#include "common/os/fd.h"
#include "common/os/file.h"

static const char *const state_names[] = {
	[KEYRING_NEW] = "new", [KEYRING_ACTIVE] = "active", [KEYRING_RETIRED] = "retired",
};

const char *keyring_state_name(enum keyring_state s)
{
	return state_names[s];
}

/* --- names --- */

static bool is_selector_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

bool keyring_file_parse(struct span name, struct keyring_entry *out)
{
	struct span selector = span_while(&name, is_selector_char), state;

	if (!span_copy(selector, out->selector, sizeof out->selector) || !selector.n ||
	    !span_eat_char(&name, '.') || !span_cut(&name, '.', &state) ||
	    !span_same(name, SPAN("pem")))
		return false;
	for (int s = 0; s < KEYRING_STATES; s++) {
		if (span_same(state, span_of(state_names[s]))) {
			out->state = (enum keyring_state)s;
			return true;
		}
	}
	return false;
}

void keyring_file_print(const char *selector, enum keyring_state s, char name[KEYRING_FILE])
{
	snprintf(name, KEYRING_FILE, "%s.%s.pem", selector, state_names[s]);
}

bool keyring_domain(struct span written, char domain[KEYRING_DOMAIN], struct err *e)
{
	char ascii[IDNA_NAME];

	if (!idna_to_ascii(written, ascii, e))
		return false;
	if (!dns_name_clean(span_of(ascii), domain) || !*domain)
		return err_perm(e, "5.1.2", "\"" SPAN_FMT "\" can be no domain",
		    SPAN_ARG(span_to(written, 100)));
	return true;
}

/* --- one domain --- */

static int by_selector(const void *a, const void *b)
{
	const struct keyring_entry *x = a, *y = b;

	return strcmp(x->selector, y->selector);
}

static void read_names(DIR *d, struct keyring_entry *out, size_t *count)
{
	const struct dirent *entry;
	struct stat st;

	*count = 0;
	while (*count < KEYRING_DOMAIN_KEYS && (entry = readdir(d))) {
		if (!keyring_file_parse(span_of(entry->d_name), &out[*count]))
			continue;
		out[*count].since = fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ctime : 0;
		++*count;
	}
}

bool keyring_list(int domain, struct keyring_entry *out, size_t *count, struct err *e)
{
	int fd = openat(domain, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		err_sys(e, "cannot read the directory of keys");
		fd_close(&fd);
		return false;
	}
	read_names(d, out, count);
	closedir(d);
	qsort(out, *count, sizeof *out, by_selector);
	return true;
}

struct key *keyring_load(int domain, const struct keyring_entry *entry, struct err *e)
{
	struct str pem = STR(KEY_PEM_MAX);
	char name[KEYRING_FILE];
	struct key *k;

	keyring_file_print(entry->selector, entry->state, name);
	k = file_read_at(domain, name, &pem, e) ? key_private(str_span(&pem), e) : NULL;
	explicit_bzero(pem.p, pem.n);
	str_free(&pem);
	if (!k)
		err_while(e, "the key %s", name);
	return k;
}

/* --- who signs --- */

static bool add_signer(int domain, const struct keyring_entry *entry, struct keyring_set *set, struct err *e)
{
	size_t i = set->count;

	set->entries[i] = *entry;
	set->keys[i] = keyring_load(domain, entry, e);
	if (!set->keys[i])
		return false;
	set->who[i] = (struct dkim_signer){ set->domain, set->entries[i].selector, set->keys[i] };
	set->count++;
	return true;
}

static bool load_active(int domain, struct keyring_set *set, struct err *e)
{
	struct keyring_entry all[KEYRING_DOMAIN_KEYS];
	size_t count;

	if (!keyring_list(domain, all, &count, e))
		return false;
	for (size_t i = 0; i < count && set->count < DKIM_SIGNERS; i++) {
		if (all[i].state == KEYRING_ACTIVE && !add_signer(domain, &all[i], set, e))
			return false;
	}
	return true;
}

static bool try_domain(int root, const char *domain, struct keyring_set *out, struct err *e)
{
	int fd = file_open_beneath(root, domain, O_RDONLY | O_DIRECTORY, 0);
	bool ok;

	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open the keys of %s", domain);
	snprintf(out->domain, sizeof out->domain, "%s", domain);
	ok = load_active(fd, out, e) || err_while(e, "%s", domain);
	fd_close(&fd);
	return ok;
}

bool keyring_find(int root, struct span domain, struct keyring_set *out, struct err *e)
{
	char name[KEYRING_DOMAIN];
	const char *at = name;

	out->count = 0;
	if (root < 0 || !domain.n || !keyring_domain(domain, name, NULL))
		return true;
	for (; at && !out->count; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
		if (!try_domain(root, at, out, e)) {
			keyring_forget(out);
			return false;
		}
	}
	return true;
}

void keyring_forget(struct keyring_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		key_free(set->keys[i]);
	set->count = 0;
}

struct span keyring_author(struct span header, struct arena *a)
{
	struct addrs from = { 0 };
	struct header h;

	header_index(header, a, &h);
	if (header_value(&h, "From").p)
		addr_parse(header_value(&h, "From"), a, &from);
	for (size_t i = 0; i < from.count; i++) {
		if (from.list[i].kind == ADDR_MAILBOX && from.list[i].domain.n)
			return from.list[i].domain;
	}
	return (struct span){ 0 };
}
