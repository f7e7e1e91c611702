#pragma once
/* What the break-ins share: a line for each answer. */
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

void row(const char *name, nos_status_t want, nos_status_t got);

/** Call `endpoint`; the answer's status. */
nos_status_t ask(const char *endpoint, struct nos_msg *m);

/** What of the three control messages is not refused; DENIED when all are. */
nos_status_t control(const char *endpoint, uint32_t capsule);

void break_into_signer(void);
void break_into_broker(void);

/** Keep secrets that the test knows, have some end, and stay. */
void plant_in_broker(void);
