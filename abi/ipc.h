/* Messages. Spec: docs/ipc.md.
 *
 * A message is a label and up to 64 words. Words 0..7 travel in registers, words 8..63 in the
 * sender's and the receiver's IPC buffer (a page of the capsule that the kernel can always reach;
 * word n at offset 8 n).
 *
 * Registers of the message calls (kind M of syscalls.tbl):
 *            in                                     out
 *   rax      call number                            status
 *   rdi      endpoint handle (ipc_reply: 0)         sender: capsule id, stamped by the kernel; 0 =
 * notification rsi      info                                   info rbx      deadline, ns since
 * boot: 0 = never,    reply token, to answer later with ipc_reply 1 = do not wait; ipc_reply: the
 * token rdx r10 r8 r9 r12 r13 r14 r15                   words 0..7 (all eight, also when fewer are
 * meant) rcx and r11 are lost, as in every system call; all other registers keep their values.
 *
 * info: bits 0..6 word count (0..64) | 7: notification (out only; words[0] = its bits) | 8..10
 * handle count (0) | 11..15: 0 | 16..63 label, which belongs to the two sides. */
#pragma once

#include <stdint.h>

enum {
    NOS_MSG_WORDS = 64,
    NOS_MSG_REG_WORDS = 8,
    NOS_MSG_NOTIFICATION = 1u << 7,
    NOS_MSG_LABEL_SHIFT = 16,
    NOS_DEADLINE_NEVER = 0,
    NOS_DEADLINE_POLL = 1,
};
#define NOS_MSG_RSV_MASK 0xff80ull /* must be 0 on the way in */

static inline uint64_t nos_msg_info(uint64_t label, uint64_t words)
{
    return label << NOS_MSG_LABEL_SHIFT | words;
}
