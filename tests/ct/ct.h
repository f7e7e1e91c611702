#pragma once
/*
 * Uses of secrets, run in two ways (docs/constant-time.md): under valgrind, where a secret's bytes
 * are "undefined" and whatever branches or reads memory by them is an error; and as a plain
 * process, twice with other secrets, where no byte may differ afterwards.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/compiler.h"

struct use {
    const char *name;
    void (*run)(void);
    bool planted; /* a fault: it must be found */
    bool keeps;   /* secrets, in the place that ct_kept names and nowhere else */
};

/** Make `n` bytes at `p` a secret: other ones in each run. */
void ct_secret(void *p, size_t n);

/** What follows from secrets and may be known: a signature, a public key, an answer. Where bytes
 * are compared it is zeroed, for it differs: read it before. */
void ct_public(void *p, size_t n);

/** As ct_public, and the bytes stay. */
void ct_declare(void *p, size_t n);

/** Known bytes become secret ones. */
void ct_hide(void *p, size_t n);

/** As ct_public, for one answer that decides what is done next; it is returned. */
bool ct_known(bool answer);

/** Run them all, as `how` says ("time" under valgrind, "wipe"). Gives: the exit status. */
int ct_main(int argc, char **argv, const struct use *uses, size_t n);

/** Where uses that keep secrets keep them: left out of the comparison. */
void ct_kept(void *p, size_t n);

extern const struct use ct_common[];
extern const size_t ct_common_len;
