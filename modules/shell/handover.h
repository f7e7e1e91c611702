#pragma once
/* What one version of the prompt hands to the next: the line that is being typed, those before it,
 * and when the first prompt stood. */
#include "modules/shell/edit.h"
#include "sdk/upgrade.h"

/**
 * Once, before the first message: this shell can be upgraded. Started to take another's place it
 * waits for that one's state. Gives: it took over, `e` is what was there.
 * Borrows: `e`; `before` is called before the state is written down.
 */
bool handover_begin(struct edit *e, void (*before)(void));
