#pragma once
/*
 * The client's side of memfs (abi/fs.h, docs/memfs.md). The capsule needs classes IPC and Memory,
 * and { "kind": "endpoint", "name": "memfs", "rights": ["call"] } for a private tree, or "rw-NAME",
 * "ro-NAME" for a share. One thread at a time may use a session.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/fs.h"
#include "abi/ipc.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

struct nos_fs {
    nos_handle_t call, region, lifeline;
    uint8_t *window;  /* memfs's memory: touched under a guard alone */
    uint64_t *buffer; /* the calling thread's IPC buffer; NULL = the first thread's */
};

struct nos_fs_answer {
    uint64_t word[NOS_MSG_REG_WORDS];
    nos_handle_t handle; /* MAP's; the caller's to close */
};

/** Begin a session at a door, from the calling thread, whose IPC buffer is f->buffer. Errors:
 * BAD_HANDLE (not granted), TIMED_OUT (after 1 s: memfs does not run), NO_SLOT, QUOTA, NO_CLASS
 * (without Memory), BAD_MESSAGE. */
MUST_CHECK nos_status_t nos_fs_attach(nos_handle_t door, struct nos_fs *f);

/** Lend file `number`, whose offset is `at`, to who gets these handles: he begins a session with
 * them that has it as number 1 and nothing else. Errors: BAD_HANDLE, IS_DIR, NO_SLOT. Gives: three
 * handles, in the order of enum nos_fs_pass. */
MUST_CHECK nos_status_t nos_fs_lend(const struct nos_fs *f, uint64_t number, uint64_t at,
                                    nos_handle_t out[NOS_FS_PASSES]);

/** Begin a session whose handles are in `f` already. Takes: those, also on an error. */
MUST_CHECK nos_status_t nos_fs_begin(struct nos_fs *f);

/** End it: what is open is closed, a private tree is wiped. */
void nos_fs_detach(struct nos_fs *f);

/** One request of `n` words. Errors: the answer's status; PEER_CLOSED: memfs has ended, and the
 * tree with it. */
MUST_CHECK nos_status_t nos_fs_ask(const struct nos_fs *f, enum nos_fs_op op, const uint64_t *word,
                                   uint32_t n, struct nos_fs_answer *out);

/** Copy to and from the window at `at`. Errors: TOO_BIG (the window), PEER_CLOSED. */
MUST_CHECK nos_status_t nos_fs_put(const struct nos_fs *f, size_t at, span_t bytes);
MUST_CHECK nos_status_t nos_fs_get(const struct nos_fs *f, size_t at, mspan_t out);

/** Copy out of memory that memfs has lent: false when it has ended meanwhile. */
MUST_CHECK bool nos_fs_copy(const struct nos_fs *f, void *to, const void *from, size_t len);
