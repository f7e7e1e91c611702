/* Switches of mutants: tests/mutants/schemata writes them into copies of the trusted core, every
 * file of a host test is compiled with this header in front. One program holds all mutants; MUTANT
 * in its environment says which is on. */
#pragma once

enum { MUTANTS_MAX = 1 << 20 };

extern int mutant_on;              /* -1: none */
extern unsigned char *mutant_seen; /* [MUTANTS_MAX]: 1 where a run has been */

#define MUTANT(id) (mutant_seen[id] = 1, mutant_on == (id))

#define MUT_ALWAYS(id, ...) \
    ({ \
        _Bool v_ = (__VA_ARGS__); \
        MUTANT(id) || v_; \
    })
#define MUT_NEVER(id, ...) \
    ({ \
        _Bool v_ = (__VA_ARGS__); \
        !MUTANT(id) && v_; \
    })
#define MUT_OK(id, ...) \
    ({ \
        nos_status_t v_ = (__VA_ARGS__); \
        MUTANT(id) ? NOS_OK : v_; \
    })
#define MUT_PAIR(id, l, r, other, same) \
    ({ \
        __auto_type l_ = l; \
        __auto_type r_ = r; \
        MUTANT(id) ? (other) : (same); \
    })
