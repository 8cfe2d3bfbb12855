/*
 * NAME
 *	gate - the gate's policy and lists, as the settings have them
 */
#ifndef COMMON_CONF_GATE_H
#define COMMON_CONF_GATE_H

#include "common/conf/conf.h"
#include "common/trust/gate-dns.h"

struct gate_rules {
	struct gate_policy	policy;
	struct gate_lists	lists, sender_lists;
};

/* Points into c; memory is c's. */
void gate_rules(const struct conf *c, struct gate_rules *out);
/* Is the client one that the gate lets pass; may it relay? */
bool gate_is_exempt(const struct conf *c, const struct address *peer);
bool gate_may_relay(const struct conf *c, const struct address *peer);
/* The same by what the front says of the client's certificate (net/channel.h); "" is no certificate. */
bool gate_may_relay_by(const struct conf *c, const char *seal);

#endif
