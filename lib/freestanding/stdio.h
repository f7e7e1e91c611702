#pragma once
/* For third-party sources that include it out of habit. */
#include <stddef.h>
