/* The kernel's own handle tables, cells, regions and frames, and what passes handles on: for the
 * fuzzer. Included once. */
#pragma once

#include "tests/host/kernel_host.h"

#include "tests/host/kernel_host_impl.h"

#define grow cache_grow /* so has handle.c one */
#include "kernel/memory/cache.c"
#undef grow
#include "kernel/ipc/pass.c"
#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/object/region.c"
