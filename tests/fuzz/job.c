/* Any bytes as a packet: a job or a result is read whole, or refused. */
#include <assert.h>
#include <string.h>

#include "mta/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct job_result r;
	struct job_step step;
	struct packet *p;
	struct arena *a;
	struct err e;
	struct job j;

	if (n < 1 || n > PACKET_MAX)
		return 0;
	a = arena_new(16 << 20, NULL, NULL);
	p = arena_get(a, sizeof *p);
	packet_begin(p, (char)data[0]);
	memcpy(p->buf, data, n);
	p->n = n;
	if (job_take_result(p, a, &r, &e)) {
		assert(r.count <= JOB_RCPTS);
		for (size_t i = 0; i < r.count; i++)
			assert(r.rcpts[i].status && r.rcpts[i].answer);
	}
	p->at = 1;
	p->bad = false;
	if (job_take_step(p, a, &step, &e))
		assert(strchr("+- ", step.mark) && step.step && step.host && step.text);
	p->at = 1;
	p->bad = false;
	if (job_take(p, a, &j, &e))
		assert(j.count <= JOB_RCPTS && j.text >= 0);
	arena_free(a);
	return 0;
}
