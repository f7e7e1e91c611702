#pragma once
/*
 * Ending capsules in order: dependants first, each asked and given its time, then killed. Who asked
 * init for it is answered when it is done, later than asked, so init serves meanwhile.
 */
#include "modules/init/slot.h"
#include "sdk/ipc.h"

/** NOS_INIT_STOP: `m` is answered now or, when its capsule has ended, later. */
void stop_serve(struct nos_msg *m);

/** NOS_INIT_SHUTDOWN: stop all but who asks. Answered later. */
void stop_serve_shutdown(struct nos_msg *m);

/** Its last restart is used up: do what its manifest says of that. `s` has ended. */
void stop_escalate(const struct slot *s);

/** Everything ends: nothing is started any more. */
bool stop_is_final(void);

/** Another capsule has taken the place of that one: whoever waits for its end waits for this. */
void stop_follows(uint32_t old, uint32_t new);

/** A slot that was to stop has ended: put how on record. */
void stop_ended(struct slot *s);

/** What a capsule answered to STOP. */
void stop_answered(struct slot *s, nos_status_t st);

/** Is init itself what that capsule waits for? Then it cannot answer, and is not asked. */
bool stop_waits(uint32_t capsule);

/** Go on with what is under way. Gives: when to call again, if nothing happens; 0 = no need. */
uint64_t stop_step(uint64_t now_ns);
