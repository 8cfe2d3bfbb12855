/* The gate's policy and lists, as the settings have them. See gate.h. */
#include "common/conf/gate.h"

#include "common/net/channel.h"

static enum gate_greylist greylist_of(const char *word)
{
	if (strcmp(word, "off") == 0)
		return GATE_GREY_OFF;
	return strcmp(word, "unknown") == 0 ? GATE_GREY_UNKNOWN : GATE_GREY_SUSPICIOUS;
}

static void take_weights(const struct conf_list *words, int weights[GATE_FACTS])
{
	enum gate_fact fact;
	int weight;

	for (enum gate_fact i = 0; i < GATE_FACTS; i++)
		weights[i] = gate_fact_weight(i);
	for (size_t i = 0; i < words->count; i++) {
		if (gate_weight_parse(span_of(words->words[i]), &fact, &weight))
			weights[fact] = weight;
	}
}

static struct gate_lists take_lists(const struct conf_list *words, struct arena *a)
{
	struct gate_list *rows = arena_array(a, words->count + 1, sizeof *rows);
	size_t n = 0;

	for (size_t i = 0; i < words->count; i++)
		n += gate_list_parse(span_of(words->words[i]), &rows[n]);
	return (struct gate_lists){ rows, n };
}

void gate_rules(const struct conf *c, struct gate_rules *out)
{
	*out = (struct gate_rules){
		.policy = {
			.tarpit_at = (int)c->gate_tarpit_at, .greylist_at = (int)c->gate_greylist_at,
			.quarantine_at = (int)c->gate_quarantine_at, .reject_at = (int)c->gate_reject_at,
			.tarpit_s = (unsigned)c->gate_tarpit, .greylist = greylist_of(c->gate_greylist),
			.postmaster = c->postmaster, .notice = c->gate_notice,
		},
		.lists = take_lists(&c->gate_lists, c->memory), .sender_lists = take_lists(&c->gate_sender_lists, c->memory),
	};
	take_weights(&c->gate_weights, out->policy.weights);
}

bool gate_is_exempt(const struct conf *c, const struct address *peer)
{
	return networks_have(c->gate_exempt_networks.words, c->gate_exempt_networks.count, peer);
}

bool gate_may_relay(const struct conf *c, const struct address *peer)
{
	return networks_have(c->mta_relay_networks.words, c->mta_relay_networks.count, peer);
}

bool gate_may_relay_by(const struct conf *c, const char *seal)
{
	const struct conf_list *allowed = &c->mta_relay_certificates;
	struct channel channel;
	struct span names, name;

	if (!allowed->count || !channel_read(span_of(seal), &channel))
		return false;
	names = span_of(channel.names);
	while (span_piece(&names, ',', &name)) {
		for (size_t i = 0; i < allowed->count; i++) {
			if (span_is(name, allowed->words[i]))
				return true;
		}
	}
	return false;
}
