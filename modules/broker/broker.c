/*
 * A secret broker. Secrets lie in this capsule's memory alone, each for as long as who put it there
 * said: the service wakes at that moment and wipes it, asked or not. Nothing of a secret is ever in
 * the log, and an upgrade would have to hand all of them to another capsule, so there is none
 * (docs/broker.md).
 */
#include <string.h>

#include "lib/secret.h"
#include "lib/status.h"
#include "modules/broker/store.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"
#include "sdk/who.h"

static struct store store;

static void end(void)
{
    store_close(&store);
}

static uint64_t expire(void)
{
    unsigned ended;
    uint64_t next_ns = store_expire(&store, nos_now_ns(), &ended);

    if (ended != 0) {
        nos_log("%u expired", ended);
    }
    return next_ns != 0 ? next_ns : NOS_DEADLINE_NEVER;
}

/* Names were checked: by the kernel those of modules, by the store those of secrets. */
static void tell(const struct nos_who *by, const struct nos_msg *m, const struct store_answer *a)
{
    static const char *const done[] = { "", "keeps", "gave", "deleted" };
    static const char *const asked[] = { "request of", "to keep", "to give", "to delete" };
    unsigned op = m->label <= NOS_BROKER_DELETE         ? (unsigned)m->label
                  : (m->label & 0xff) == NOS_BROKER_PUT ? NOS_BROKER_PUT
                                                        : 0;
    const char *owner = a->owner[0] != '\0' ? a->owner : by->name;

    if (a->status == NOS_OK) {
        nos_log("%s %.16s/%.16s, asked by %.16s (capsule %u)", done[op], owner, a->name, by->name,
                m->sender);
    } else {
        nos_log("refused %s %.16s/%.16s, asked by %.16s (capsule %u): %s; %llu before it",
                asked[op], owner, a->name, by->name, m->sender, status_text(a->status),
                (unsigned long long)a->untold);
    }
}

static void serve(struct nos_msg *m)
{
    static struct store_answer a;
    const struct store_question q = { .label = m->label,
                                      .words = span_of(m->word, 8 * (size_t)m->n_words) };
    struct nos_who by;

    if (m->token == 0 || m->notified) {
        return;  // nobody waits: who asks must be alive when it is looked up
    }
    nos_status_t st = nos_who(m->sender, &by);
    if (st != NOS_OK) {
        nos_log("cannot tell who capsule %u is: %s", m->sender, status_text(st));
        nos_msg_answer(m, st);
    } else {
        store_serve(&store, &by, &q, nos_now_ns(), &a);
        if (a.tell) {
            tell(&by, m, &a);
        }
        nos_msg_answer(m, a.status);
        memcpy(m->word, a.word, 8 * (size_t)a.n_words);
        m->n_words = a.n_words;
    }
    nos_ignore(nos_reply(m));  // NOT_FOUND: it has ended, and nobody else gets the answer
    secret_wipe(&a, sizeof a);
}

int nos_main(void)
{
    static struct nos_msg m;
    nos_handle_t endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "broker");
    nos_status_t st = NOS_OK;

    nos_upgradable(NULL);
    nos_before_stop = end;
    while (st == NOS_OK || st == NOS_TIMED_OUT) {
        st = nos_recv(endpoint, &m, expire());
        if (st == NOS_OK && !nos_control(&m)) {
            serve(&m);
            nos_msg_wipe(&m);
        }
    }
    end();
    nos_log("cannot serve: %s", status_text(st));
    return 1;
}
