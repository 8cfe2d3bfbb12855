/* What sessions of SMTP have alike. See receive.h. */
#include "common/keeper/receive.h"

#include <stdlib.h>

#include "common/net/address.h"
#include "common/os/fd.h"
#include "common/os/log.h"

void receive_station(const struct conf *c, const char *name, struct station *st)
{
	struct err e;
	int queue = queue_open(c->queue_directory, &e);

	if (queue < 0 || !station_open(queue, name, st, &e)) {
		log_error("cannot open the queue: %s", e.text);
		exit(EXIT_FAILURE);
	}
	fd_close(&queue);
	st->reserve = c->disk_reserve;
}

struct smtp_terms receive_terms(const struct conf *c)
{
	return (struct smtp_terms){
		.host_name = c->host_name, .auth_words = "",
		.offer = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_ENHANCED | EXT_CHUNKING | EXT_DSN | EXT_SMTPUTF8 |
		    EXT_REQUIRETLS | EXT_LIMITS | EXT_HELP | (*c->tls_certificate ? EXT_STARTTLS : 0),
		.size_max = c->message_size_limit, .rcpts_max = c->recipients_max, .mails_max = c->mails_max,
		.rate_min = c->data_rate_min, .command_timeout_s = (int)c->command_timeout,
		.greet_timeout_s = (int)c->greet_timeout, .errors_max = (unsigned)c->errors_max, .error_delay_ms = 1000,
	};
}

void receive_xclient(const struct conf *c, const char *ip, struct smtp_terms *t)
{
	struct address who;

	t->offer &= ~(unsigned)EXT_XCLIENT;
	if (address_parse(span_of(ip), &who) &&
	    networks_have(c->proxy_xclient.words, c->proxy_xclient.count, &who))
		t->offer |= EXT_XCLIENT;
}

static bool to_milter(void *arg, const char *name, int *fd, struct err *e)
{
	return role_milter(arg, name, fd, e);
}

void receive_milters(struct role_self *self, const struct conf_list *words, struct milters *ms)
{
	const struct conf *c = &self->conf;
	const struct milter_times times = { (int)c->milter_connect, (int)c->milter_command,
		(int)c->milter_content };

	milters_init(ms, words->words, words->count, &times, c->host_name, to_milter, self);
}

bool receive_return(int *clerk, const char *sender, const char *address, struct arena *a, struct err *e)
{
	struct dir_target *targets;
	size_t count;

	if (*sender)
		return err_perm(e, "5.7.1",
		    "%s takes reports about mail only, which have no sender: please write to the "
		    "person instead",
		    address);
	return directory_expand(clerk, span_of(address), a, &targets, &count, e);
}

bool receive_resolve(struct role_self *self, int *clerk, const char *address, enum dir_class *is,
    uint64_t *room, struct err *e)
{
	uint64_t ignored;

	for (int tries = 0; tries < 2; tries++) {
		if (*clerk < 0 && !role_connect(self, "clerk", clerk, e))
			return false;
		if (directory_recipient(clerk, span_of(address), is, room ? room : &ignored, e))
			return true;
		if (*clerk >= 0)
			return false;
	}
	return false;
}
