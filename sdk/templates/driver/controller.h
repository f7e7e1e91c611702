#pragma once
/* The keyboard controller (8042) by its two ports and its interrupt. */
#include <stdbool.h>
#include <stdint.h>

#include "sdk/syscalls.h"

/** The first of the grants that the device needs and this capsule has not, as a manifest asks for
 * it; or NULL. */
const char *controller_missing(void);

/**
 * Bring it to a known state, and from then on signal `bit` of `notify` when keys are pressed.
 * Errors: NOT_SUPPORTED, no controller is there; TIMED_OUT, it or the keyboard does not answer.
 */
nos_status_t controller_open(nos_handle_t notify, uint64_t bit);

/** The next code of the keyboard; false when there is none. */
bool controller_read(uint8_t *code);

/** There is none any more: let the next interrupt in. */
void controller_ack(void);
