/*
 * posthorn ps: every process of this installation beside what its row allows (roles.c), as the
 * kernel says in /proc. A "!" tells what is not as the row says. See posthorn-ps(8).
 */
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/base/mem.h"
#include "common/keeper/role.h"
#include "common/os/file.h"

enum { PROC_TEXT_MAX = 65536, OUTPUT_MAX = 64 << 20 };

static const char *const daemons[] = { "msa", "mta", "mda", "pop3d", "imapd" };

struct process {
	int			 pid, parent;
	char			 daemon[16], role[24];
	char root[256]; /* its root directory; "" when we may not know */
	const struct role	*row;			/* NULL: none has this name */
	uint64_t		 uid, caps, seccomp, no_new_privs, memory_kb;
};

/* --- reading /proc --- */

static bool read_proc(int pid, const char *name, struct str *text)
{
	char path[64];
	bool ok;
	int fd;

	str_reset(text);
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = file_read_all(fd, text, NULL);
	close(fd);
	return ok;
}

/* The first number of the line "key:" in status, in this base; 0 without one. */
static uint64_t status_number(const struct str *status, const char *key, int base)
{
	struct span rest = str_span(status), line;

	while (span_cut(&rest, '\n', &line)) {
		if (span_eat(&line, key) && span_eat_char(&line, ':'))
			return strtoull(line.p, NULL, base);
	}
	return 0;
}

static bool has_program_of(const struct role *row, const char *daemon)
{
	return strncmp(row->program, "posthorn-", 9) == 0 ||
	    (strncmp(row->program, daemon, strlen(daemon)) == 0 && row->program[strlen(daemon)] == '-');
}

static const struct role *find_row(const char *daemon, const char *role)
{
	for (size_t i = ROLE_KEEPER + 1; i < ROLE_COUNT; i++) {
		if (strcmp(roles[i].name, role) == 0 && has_program_of(&roles[i], daemon))
			return &roles[i];
	}
	return NULL;
}

static void read_root(struct process *p)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/root", p->pid);
	n = readlink(path, p->root, sizeof p->root - 1);
	p->root[n > 0 ? n : 0] = '\0';
}

static bool read_status(struct process *p, struct str *text)
{
	if (!read_proc(p->pid, "status", text))
		return false;
	p->parent = (int)status_number(text, "PPid", 10);
	p->uid = status_number(text, "Uid", 10);
	p->caps = status_number(text, "CapEff", 16);
	p->seccomp = status_number(text, "Seccomp", 10);
	p->no_new_privs = status_number(text, "NoNewPrivs", 10);
	p->memory_kb = status_number(text, "RssAnon", 10);
	read_root(p);
	return true;
}

/* argv[0] of a child is DAEMON/ROLE. */
static bool read_child(struct process *p, struct str *text)
{
	struct span name, daemon;

	if (!read_status(p, text) || !read_proc(p->pid, "cmdline", text))
		return false;
	name = span_of(text->p);
	if (!span_cut(&name, '/', &daemon) || !span_copy(daemon, p->daemon, sizeof p->daemon) ||
	    !span_copy(name, p->role, sizeof p->role))
		return false;
	p->row = find_row(p->daemon, p->role);
	return true;
}

/* --- all of them --- */

struct processes { struct process *each; size_t count; };

static void add(struct processes *all, const struct process *p)
{
	all->each = mem_more(all->each, all->count + 1, sizeof *all->each);
	all->each[all->count++] = *p;
}

/* The keeper whose pid stands in RUN/DAEMON.pid, if it still lives. */
static void add_keeper(struct processes *all, const char *run, const char *daemon, struct str *text)
{
	struct process p = { .row = &roles[ROLE_KEEPER], .role = "keeper" };
	char name[64];
	uint64_t pid;
	int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(name, sizeof name, "%s.pid", daemon);
	str_reset(text);
	if (dir < 0 || !file_read_at(dir, name, text, NULL) ||
	    !span_u64(span_trim(str_span(text)), INT32_MAX, &pid))
		pid = 0;
	if (dir >= 0)
		close(dir);
	p.pid = (int)pid;
	if (!pid || !read_proc(p.pid, "comm", text) || !span_is(span_trim(str_span(text)), daemon))
		return;
	snprintf(p.daemon, sizeof p.daemon, "%s", daemon);
	if (read_status(&p, text))
		add(all, &p);
}

static bool has_keeper(const struct processes *all, size_t keepers, int pid)
{
	for (size_t i = 0; i < keepers; i++) {
		if (all->each[i].pid == pid)
			return true;
	}
	return false;
}

static void add_children(struct processes *all, struct str *text)
{
	size_t keepers = all->count;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc)) != NULL) {
		struct process p = { 0 };
		uint64_t pid;

		if (!span_u64(span_of(entry->d_name), INT32_MAX, &pid))
			continue;
		p.pid = (int)pid;
		if (read_child(&p, text) && has_keeper(all, keepers, p.parent))
			add(all, &p);
	}
	if (proc)
		closedir(proc);
}

static int place_of(const char *daemon)
{
	int i = 0;

	while (i < (int)(sizeof daemons / sizeof *daemons) && strcmp(daemons[i], daemon) != 0)
		i++;
	return i;
}

static int by_daemon_row_pid(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	if (place_of(p->daemon) != place_of(q->daemon))
		return place_of(p->daemon) - place_of(q->daemon);
	if (p->row != q->row)
		return p->row < q->row ? -1 : 1;
	return p->pid - q->pid;
}

/* --- is it as its row says --- */

static bool is_jailed_role(const struct process *p)
{
	return p->row && p->row != &roles[ROLE_KEEPER] && p->row != &roles[ROLE_AUTH];
}

static bool uid_is_right(const struct process *p, uint64_t keeper_uid)
{
	const struct passwd *who;

	if (!p->row)
		return false;
	if (keeper_uid != 0)
		return p->uid == keeper_uid;
	if (!*p->row->user)
		return p->uid != 0;
	who = getpwnam(p->row->user);
	return who && who->pw_uid == p->uid;
}

static uint64_t keeper_uid_of(const struct processes *all, const struct process *p)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->each[i].pid == (p->row == &roles[ROLE_KEEPER] ? p->pid : p->parent))
			return all->each[i].uid;
	}
	return p->uid;
}

/* --- output --- */

static const char *user_name(uint64_t uid)
{
	static char number[24];
	const struct passwd *who = getpwuid((uid_t)uid);

	if (who)
		return who->pw_name;
	snprintf(number, sizeof number, "%llu", (unsigned long long)uid);
	return number;
}

/* Where its root directory tells nothing, what its row leaves it of the file system. */
static const char *files_of(const struct process *p)
{
	if (p->root[0] && strcmp(p->root, "/") != 0)
		return p->root;
	if (!p->row)
		return "?";
	return *p->row->root ? p->row->root : "none";
}

static const char *seccomp_name(uint64_t mode)
{
	return mode == 2 ? "filter" : mode == 1 ? "strict" : "none";
}

struct faults { bool uid, seccomp, caps, no_new_privs; };

static struct faults faults_of(const struct processes *all, const struct process *p)
{
	bool jailed = is_jailed_role(p);

	return (struct faults){
		.uid = !uid_is_right(p, keeper_uid_of(all, p)),
		.seccomp = jailed && p->seccomp != 2,
		.caps = jailed && p->caps != 0,
		.no_new_privs = jailed && !p->no_new_privs,
	};
}

static void print_text(const struct process *p, const struct faults *f, struct str *out)
{
	char caps[24];

	snprintf(caps, sizeof caps, p->caps ? "%llx" : "none", (unsigned long long)p->caps);
	str_addf(out, "%-6s %-9s %7d %-15s%c %-7s%c %-11s%c %-3s%c %6llu  %s\n", p->daemon, p->role, p->pid,
	    user_name(p->uid), f->uid ? '!' : ' ', seccomp_name(p->seccomp), f->seccomp ? '!' : ' ',
	    caps, f->caps ? '!' : ' ', p->no_new_privs ? "yes" : "no", f->no_new_privs ? '!' : ' ',
	    (unsigned long long)p->memory_kb, files_of(p));
}

static void print_json(const struct process *p, bool right, struct str *out)
{
	str_addf(out,
	    "{\"daemon\":\"%s\",\"role\":\"%s\",\"pid\":%d,\"uid\":%llu,\"user\":", p->daemon,
	    p->role, p->pid, (unsigned long long)p->uid);
	admin_json_text(out, span_of(user_name(p->uid)));
	str_addf(out, ",\"seccomp\":\"%s\",\"capabilities\":\"%llx\",\"no_new_privs\":%s,\"memory_kb\":%llu,\"files\":",
	    seccomp_name(p->seccomp), (unsigned long long)p->caps, p->no_new_privs ? "true" : "false",
	    (unsigned long long)p->memory_kb);
	admin_json_text(out, span_of(files_of(p)));
	str_addf(out, ",\"as_its_row\":%s}", right ? "true" : "false");
}

/* False: one is not as its row says. */
static bool print_all(const struct processes *all, struct str *out)
{
	bool good = true;

	str_add_text(out, admin_json() ? "[" :
	    "DAEMON ROLE          PID USER             SYSCALLS CAPS         NNP   KB     FILES\n");
	for (size_t i = 0; i < all->count; i++) {
		struct faults f = faults_of(all, &all->each[i]);
		bool right = !f.uid && !f.seccomp && !f.caps && !f.no_new_privs;

		good = good && right;
		if (admin_json() && i)
			str_add_text(out, ",\n ");
		if (admin_json())
			print_json(&all->each[i], right, out);
		else
			print_text(&all->each[i], &f, out);
	}
	if (admin_json())
		str_add_text(out, "]\n");
	return good;
}

int admin_ps(int argc, char **argv)
{
	struct processes all = { 0 };
	struct str text = STR(PROC_TEXT_MAX), out = STR(OUTPUT_MAX);
	struct conf c;
	bool good;

	(void)argv;
	if (argc > 1)
		return admin_usage("ps takes no arguments");
	if (!admin_conf(&c))
		return EX_CONFIG;
	for (size_t i = 0; i < sizeof daemons / sizeof *daemons; i++)
		add_keeper(&all, c.run_directory, daemons[i], &text);
	add_children(&all, &text);
	if (all.count)
		qsort(all.each, all.count, sizeof *all.each, by_daemon_row_pid);
	good = print_all(&all, &out);
	if (!good)
		fputs("posthorn: what is marked with ! is not as it should be; see posthorn-keeper(7)\n", stderr);
	if (!all.count)
		fprintf(stderr, "posthorn: no daemon runs with the run directory %s\n",
		    c.run_directory);
	admin_print(&out);
	free(all.each);
	str_free(&text);
	conf_free(&c);
	return good && all.count ? EX_OK : EX_UNAVAILABLE;
}
