#pragma once
/* How much a tree may hold: what the operator says when memfs is started, else what is here. */
#include <stdbool.h>
#include <stdint.h>

struct limits {
    uint64_t private_kib, private_nodes, share_kib, share_nodes;
};

#define LIMITS_DEFAULT \
    ((struct limits){ \
        .private_kib = 16384, .private_nodes = 4096, .share_kib = 16384, .share_nodes = 4096 })

/** Take a word like "share_kib=32768" into `*l`. False, and nothing is changed: no such name, or
 * not 1 to 4,294,967,295 in decimal digits. */
bool limits_take(struct limits *l, const char *word);
