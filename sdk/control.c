/* See control.h. Who may ask is the kernel's word twice: the sender stamped on the message, and the
 * supervisor in the start record. */
#include "sdk/control.h"

#include "sdk/start.h"

void (*nos_before_stop)(void);
void (*nos_on_upgrade)(struct nos_msg *m);
void (*nos_on_health)(struct nos_msg *m);

static _Noreturn void stop(const struct nos_msg *m)
{
    nos_ignore(nos_reply(m));  // a supervisor that is gone has asked all the same
    if (nos_before_stop != NULL) {
        nos_before_stop();
    }
    nos_exit(0);
}

static nos_status_t judge(const struct nos_msg *m)
{
    if (m->sender != nos_self()->supervisor || m->token == 0) {
        return NOS_DENIED;
    }
    if (m->n_words != 1) {
        return NOS_BAD_MESSAGE;
    }
    return m->word[0] == nos_self()->capsule ? NOS_OK : NOS_NOT_FOUND;
}

bool nos_control(struct nos_msg *m)
{
    uint64_t op = m->label - NOS_CTL_FIRST;

    if (m->notified || m->label < NOS_CTL_FIRST) {
        return false;
    }
    nos_status_t st = judge(m);
    for (uint32_t i = 0; i < m->n_handles && i < NOS_MSG_HANDLES; i++) {
        nos_ignore(nos_sys_handle_close((nos_handle_t){ m->pass[i].handle }));
    }
    if (st == NOS_OK && op == NOS_CTL_UPGRADE) {
        st = NOS_NOT_SUPPORTED;
        if (nos_on_upgrade != NULL) {
            nos_on_upgrade(m);
            return true;
        }
    } else if (st == NOS_OK && op != NOS_CTL_HEALTH && op != NOS_CTL_STOP) {
        st = NOS_BAD_MESSAGE;
    }
    nos_msg_answer(m, st);
    if (st == NOS_OK && op == NOS_CTL_STOP) {
        stop(m);
    }
    if (st == NOS_OK && nos_on_health != NULL) {
        nos_on_health(m);
        return true;
    }
    if (m->token != 0) {
        nos_ignore(nos_reply(m));  // NOT_FOUND: it no longer waits
    }
    return true;
}
