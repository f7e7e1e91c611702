/* The kernel's reading of the boot information, and its frames: for the fuzzer. What else
 * kernel_main calls is not there. Included once. */
#pragma once

#include "tests/host/kernel_host.h"

#include "tests/host/kernel_host_impl.h"
#include "tests/host/panic_host.h"

#define panic panics
#include "kernel/memory/frame.c"
#include "kernel/runtime/main.c"
#undef panic
