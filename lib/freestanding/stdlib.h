#pragma once
/* For third-party sources. There is no heap: malloc and free are declared, and defined nowhere. */
#include <stddef.h>

void *malloc(size_t n);
void free(void *p);
__attribute__((noreturn)) void abort(void);
