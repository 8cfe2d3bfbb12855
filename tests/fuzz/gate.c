/* Words of the gate's settings, and HELO: whatever comes, inside the bytes given. */
#include <assert.h>

#include "common/trust/gate-list.h"
#include "common/trust/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct gate_self self = { "mx.example.org", "192.0.2.1" };
	char name[DNS_NAME];
	struct gate_list l;
	enum gate_fact fact;
	bool is_name;
	int weight;

	if (gate_list_parse(in, &l)) {
		assert(l.weight && l.weight <= GATE_WEIGHT_MAX && l.weight >= -GATE_WEIGHT_MAX &&
		    strchr(l.zone, '.'));
		gate_list_has(&l, span_to(in, 4));
	}
	if (gate_weight_parse(in, &fact, &weight))
		assert(fact < GATE_FACTS && weight <= GATE_WEIGHT_MAX && weight >= -GATE_WEIGHT_MAX);
	gate_helo(in, "192.0.2.7", self, &is_name);
	assert(!is_name || dns_name_clean(in, name));
	gate_list_domain(in, "list.example", name);
	return 0;
}
