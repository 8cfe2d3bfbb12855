/* Agreeing with a milter. See terms.h. */
#include "common/milter/terms.h"

#include "common/milter/frame.h"

/* Below version 2 nobody speaks; DATA came with 4. */
enum { OLDEST = 2, KNOWS_DATA = 4 };

void terms_offer(struct str *out)
{
	size_t began = frame_begin(out, SAY_TERMS);

	frame_number(out, FRAME_VERSION);
	frame_number(out, MAY_OF_OURS);
	frame_number(out, STEPS_OF_OURS);
	frame_end(out, began);
}

/* Stage and names, as often as they come; what is not well formed ends the list. */
static void take_lists(struct span in, struct milter_terms *t)
{
	struct span names;
	uint32_t stage;

	while (frame_take_number(&in, &stage) && frame_take_text(&in, &names)) {
		if (stage < STAGES)
			t->macros[stage] = macro_named(names);
	}
}

bool terms_take(struct span frame, struct milter_terms *t, struct err *e)
{
	uint32_t may, steps;

	*t = (struct milter_terms){ .version = 0 };
	if (!span_eat_char(&frame, SAY_TERMS) || !frame_take_number(&frame, &t->version) ||
	    !frame_take_number(&frame, &may) || !frame_take_number(&frame, &steps))
		return err_perm(e, "5.5.0", "it does not answer as a milter would");
	if (t->version < OLDEST || t->version > FRAME_VERSION)
		return err_perm(e, "5.5.0",
		    "it speaks version %u of the protocol, we speak %d to %d", t->version, OLDEST,
		    FRAME_VERSION);
	t->may = may & MAY_OF_OURS;
	t->wants_body = may & MAY_CHANGE_BODY;
	t->steps = steps & STEPS_OF_OURS;
	if (t->version < KNOWS_DATA)
		t->steps |= NO_DATA;
	for (int i = 0; i < STAGES; i++)
		t->macros[i] = macro_usual((enum milter_stage)i);
	take_lists(frame, t);
	return true;
}
