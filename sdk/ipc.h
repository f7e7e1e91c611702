#pragma once
/*
 * Messages: a label and up to 64 words, called or served over an endpoint. Registers and limits:
 * abi/ipc.h; what the system capsules say to each other: abi/services.h and docs/services.md.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/ipc.h"
#include "abi/services.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

struct nos_msg {
    uint64_t label;   /* 48 bits */
    uint32_t n_words; /* 0..64 */
    uint32_t sender;  /* in: capsule id, stamped by the kernel */
    uint64_t badge;   /* in: of the handle that the sender used; 0 in an answer */
    uint64_t token;   /* in: names the caller to nos_reply; 0 = nobody waits for an answer */
    bool notified;    /* in: not a message; word[0] holds the notification's bits */
    uint32_t
        n_handles; /* 0..4. Out: set by nos_msg_pass. In: so many came, pass[i].handle is ours */
    struct nos_pass pass[NOS_MSG_HANDLES];
    uint64_t word[NOS_MSG_WORDS];
    uint64_t *buffer; /* the calling thread's IPC buffer; NULL = the first thread's */
};

/**
 * Send `*m` and wait for the reply, which replaces it.
 * Units:  deadline_ns since boot; NOS_DEADLINE_NEVER.
 * Errors: PEER_CLOSED, TIMED_OUT, CANCELLED, NO_ANSWER, BAD_MESSAGE; `*m` is then as it was.
 */
MUST_CHECK nos_status_t nos_call(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns);

/** Send `*m` one way: waits until a receiver has taken it; NOS_DEADLINE_POLL: only if one waits
 * already. Errors: as nos_call. */
MUST_CHECK nos_status_t nos_send(nos_handle_t ep, const struct nos_msg *m, uint64_t deadline_ns);

/** Wait for a message or a bound notification. Errors: TIMED_OUT, CANCELLED; `*m` is then as it
 * was. */
MUST_CHECK nos_status_t nos_recv(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns);

/** Answer the caller that m->token names with label and words of `*m`. Errors: NOT_FOUND when it is
 * gone. */
MUST_CHECK nos_status_t nos_reply(const struct nos_msg *m);

/** The caller of `*m`, received last, is answered later: without this, its call ends with NO_ANSWER
 * when this thread receives again. Gives: the token, for nos_reply. */
uint64_t nos_hold(const struct nos_msg *m);

/** Answer the last caller, then nos_recv. */
MUST_CHECK nos_status_t nos_reply_recv(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns);

/** Send `h` along with `*m`: `rights` of those it has. Moved, it names nothing here once the
 * message has been taken; copied, it needs the right DUP. False when the message has four already.
 */
MUST_CHECK bool nos_msg_copy(struct nos_msg *m, nos_handle_t h, uint32_t rights);
MUST_CHECK bool nos_msg_move(struct nos_msg *m, nos_handle_t h, uint32_t rights);

/** From now on this thread takes up to `n` handles with each message. `m` names its IPC buffer.
 * Gives: how many until now. */
uint32_t nos_msg_accept(const struct nos_msg *m, uint32_t n);

/** Make `*m` an answer: status as label, no words, no handles; token and buffer stay. */
void nos_msg_answer(struct nos_msg *m, nos_status_t st);

/** No word of the last message stays: not in `*m`, in the IPC buffer or on the stack below. For who
 * serves others, and keeps nothing for them. */
void nos_msg_wipe(struct nos_msg *m);

/** The status that a reply's label carries. */
nos_status_t nos_msg_status(const struct nos_msg *m);

/** Put `len` bytes of text at word `at`, zero padded. False when they do not fit. */
MUST_CHECK bool nos_msg_put(struct nos_msg *m, size_t at, const void *text, size_t len);

/** The `len` bytes from word `at` on; false when the message has fewer. Borrows: `m`. */
MUST_CHECK bool nos_msg_get(const struct nos_msg *m, size_t at, size_t len, span_t *out);

struct nos_ipc_regs {  // the registers of abi/ipc.h, in the order that ipc_raw.S loads and stores
    uint64_t rax, rdi, rsi, rbx;
    uint64_t word[NOS_MSG_REG_WORDS];
};

/** A message call as it stands: for tests that pass nonsense and for measurements. */
void nos_ipc_raw(struct nos_ipc_regs *r);
