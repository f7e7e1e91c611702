/* Kernel paths are short and run with interrupts off, so one fair lock is enough and keeps the code
 * provable. One CPU runs in this release; the lock is taken all the same, so that nothing grows up
 * without it. */
#include "kernel/core/lock.h"

struct ticket_lock big_lock;
