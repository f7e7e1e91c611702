/* The CPUs' data. */
#include "kernel/core/percpu.h"

struct cpu cpus[CPUS_MAX];
uint32_t cpus_running = 1, cpus_idle;
uint32_t background_news;
