/*
 * A signing service. Its key is made of bytes of the vault when it starts, lies in this capsule's
 * memory alone, and is gone with it: no request, control message, crash record or debugger gets it.
 * An upgrade would have to hand it to another capsule, so there is none (docs/signer.md).
 */
#include <string.h>

#include "lib/fmt.h"
#include "lib/secret.h"
#include "lib/status.h"
#include "modules/signer/desk.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

static struct desk desk;

static void end(void)
{
    desk_close(&desk);
}

static nos_status_t begin(void)
{
    uint8_t seed[ED25519_SEED_LEN];
    char text[2 * ED25519_PK_LEN + 1];
    struct fmt f;

    nos_status_t st = nos_sys_random(seed, sizeof seed);
    if (st != NOS_OK) {
        return st;
    }
    desk_open(&desk, seed);
    secret_wipe(seed, sizeof seed);
    FMT_INIT(&f, text);
    fmt_bytes(&f, SPAN_OF(desk.pk));
    nos_log("public key %s", text);
    return NOS_OK;
}

/* For the operator: `log`, or nonosctl log. The names were checked when the modules were verified.
 */
static void tell(const struct asker *by, const struct desk_answer *a)
{
    char digest[17];
    struct fmt f;

    FMT_INIT(&f, digest);
    if (a->made != NULL) {
        fmt_short_id(&f, a->made->digest);
        nos_log("signed %llu for %.16s (capsule %u) as %.32s, %u bytes, %s",
                (unsigned long long)a->made->number, a->made->module, by->capsule,
                (const char *)a->made->context, a->made->message_len, digest);
    } else if (a->tell) {
        nos_log("refused %.16s (capsule %u): %s; %llu before it", by->who.name, by->capsule,
                status_text(a->status), (unsigned long long)a->untold);
    }
}

static void serve(struct nos_msg *m)
{
    static struct desk_answer a;
    struct asker by = { .capsule = m->sender };
    const struct desk_question q = { .label = m->label,
                                     .words = span_of(m->word, 8 * (size_t)m->n_words) };

    if (m->token == 0 || m->notified) {
        return;  // nobody waits: nothing is signed for nobody
    }
    nos_status_t st = nos_who(by.capsule, &by.who);
    if (st == NOS_OK) {
        desk_serve(&desk, &by, &q, nos_now_ns(), &a);
        tell(&by, &a);
        nos_msg_answer(m, a.status);
        memcpy(m->word, a.word, 8 * (size_t)a.n_words);
        m->n_words = a.n_words;
    } else {
        nos_log("cannot tell who capsule %u is: %s", by.capsule, status_text(st));
        nos_msg_answer(m, st);
    }
    nos_ignore(nos_reply(m));  // NOT_FOUND: it has ended
}

int nos_main(void)
{
    static struct nos_msg m;
    nos_handle_t endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "signer");

    nos_upgradable(NULL);
    nos_before_stop = end;
    nos_status_t st = begin();
    while (st == NOS_OK) {
        st = nos_recv(endpoint, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && !nos_control(&m)) {
            serve(&m);
            nos_msg_wipe(&m);
        }
    }
    end();
    nos_log("cannot serve: %s", status_text(st));
    return 1;
}
