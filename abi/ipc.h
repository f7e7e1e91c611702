/* Messages. Spec: docs/ipc.md.
 *
 * A message is a label and up to 64 words. Words 0..7 travel in registers, words 8..63 in the
 * sender's and the receiver's IPC buffer (a page of the capsule that the kernel can always reach;
 * word n at offset 8 n).
 *
 * Registers of the message calls (kind M of syscalls.tbl):
 *            in                                     out
 *   rax  in: call number. Out: bits 0..31 status; when it is OK, bits 32..63 the sender's capsule
 * id, stamped by the kernel (0 = notification) rdi  in: endpoint handle (ipc_reply: 0). Out: badge
 * of the handle that the sender used (0 in an answer) rsi  info, both ways rbx  in: deadline, ns
 * since boot: 0 = never, 1 = do not wait; ipc_reply: the token. Out: reply token, to answer later
 * with ipc_reply; 0 = no answer is awaited (ipc_send) rdx r10 r8 r9 r12 r13 r14 r15   words 0..7.
 * Those past the count belong to no message: each may come out as it went in, or as the sender had
 * it rcx and r11 are lost, as in every system call; all other registers keep their values.
 *
 * info: bits 0..6 word count (0..64) | 7: notification (out only; words[0] = its bits) | 8..10
 * handle count (0..4) | 11..15: 0 | 16..63 label, which belongs to the two sides.
 *
 * Handles lie in the IPC buffer (struct nos_ipc_buffer). Those of a message that was received are
 * in the receiver's own table. A receiver takes at most `accept` of them: 0 to begin with. */
#pragma once

#include <stdint.h>

enum {
    NOS_MSG_WORDS = 64,
    NOS_MSG_REG_WORDS = 8,
    NOS_MSG_NOTIFICATION = 1u << 7,
    NOS_MSG_LABEL_SHIFT = 16,
    NOS_DEADLINE_NEVER = 0,
    NOS_DEADLINE_POLL = 1,
    NOS_MSG_HANDLES = 4,
    NOS_MSG_HANDLES_SHIFT = 8,
};

enum { NOS_PASS_MOVE = 1u << 31 /* in nos_pass.rights: the sender's handle goes */ };
struct nos_pass {    /* one handle of a message */
    uint32_t handle; /* in: of the sender's table; out: of the receiver's */
    uint32_t rights; /* in: kept of what the handle has, | NOS_PASS_MOVE; out: what it has now */
};

struct nos_ipc_buffer { /* at the address of a thread's IPC buffer; the rest of the page is its own
                         */
    uint64_t word[NOS_MSG_WORDS]; /* 0..7 are not used: they travel in registers */
    struct nos_pass pass[NOS_MSG_HANDLES];
    uint32_t accept; /* handles that this thread takes with the next message, 0..4 */
    uint32_t rsv;    /* 0 */
};
#define NOS_MSG_RSV_MASK 0xf880ull /* must be 0 on the way in */

/* A page fault of a capsule that has a fault endpoint (capsule_faults) arrives there as a call of
 * this label: words[0] = address, [1] = ip, [2] = kind, [3] = sp, [4] = the thread's index. The
 * label of the answer says what becomes of the thread; any other: the capsule crashes. */
enum {
    NOS_FAULT = 0xfa17,
    NOS_FAULT_WRITE = 1,   /* kind: it wrote; else it read */
    NOS_FAULT_EXEC = 2,    /* it fetched an instruction */
    NOS_FAULT_PRESENT = 4, /* a page is there, and does not allow it */
    NOS_FAULT_RETRY = 0,   /* answer: the instruction again */
    NOS_FAULT_GO = 1,      /* answer: on at words[0] */
};

static inline uint64_t nos_msg_info(uint64_t label, uint64_t words)
{
    return label << NOS_MSG_LABEL_SHIFT | words;
}
