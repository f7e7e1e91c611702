#pragma once
/* Tab: finish the word under the cursor, or list what it could become. */
#include "modules/shell/edit.h"

void complete(struct edit *e);
