/* What must hold whenever all is quiet: the kernel's own check of its books, frames, the audit
 * chain. Each loss is said once. */
#include <string.h>

#include "abi/crash.h"
#include "abi/info.h"
#include "lib/audit.h"
#include "lib/status.h"
#include "modules/storm/storm.h"
#include "sdk/start.h"

enum { LOOKS = 8, LOOK_AGAIN_NS = 1000000 };

uint64_t deaths_by_kind[NOS_STORM_KINDS];
static uint64_t known, next_record;

void look_begin(void)
{
    struct nos_storm_state s;
    node_look(&s);
    known = s.known;
}

static void check_books(void)
{
    struct nos_check_info c;
    for (uint64_t i = 0; node_record(NOS_TOPIC_CHECK, i, &c, sizeof(c)); i++) {
        if (c.broken[0] != '\0') {
            say_broken("%.*s (capsule %u)", (int)sizeof(c.broken), c.broken, c.capsule);
        }
    }
}

/* Who is in the middle of something owes the books for a moment: a region is zeroed in steps and
 * charged as a whole. A frame that is lost stays lost. */
static void look_at_frames(struct nos_storm_state *s)
{
    node_look(s);
    for (unsigned i = 0; i < LOOKS && s->known != known; i++) {
        nos_ignore(node_quiet(LOOK_AGAIN_NS));
        node_look(s);
    }
}

void look_check(void)
{
    struct nos_storm_state s;
    look_at_frames(&s);
    if (s.known != known) {
        say_broken("%lld frames lost", (long long)(known - s.known));
        known = s.known;
    }
    check_books();
}

static const char *how(uint32_t state)
{
    return state == NOS_CAPSULE_CRASHED  ? "crashed"
           : state == NOS_CAPSULE_EXITED ? "exited"
                                         : "killed";
}

void look_deaths(uint32_t kind)
{
    static struct nos_crash_record r;
    while (node_record(NOS_TOPIC_CRASH, next_record, &r, sizeof(r))) {
        next_record = r.seq + 1;
        deaths_by_kind[kind]++;
        digest_add(&r, sizeof(r));
        say("%llu %.*s (capsule %u) %s, code %llu, at %.*s", (unsigned long long)at_fault,
            NOS_NAME_MAX, r.info.name, r.info.id, how(r.info.state),
            (unsigned long long)r.info.exit_code, (int)sizeof(r.info.fault_symbol),
            r.info.fault_symbol);
    }
}

/* The records. The signatures of its checkpoints would take longer than the faults do: whoever
 * fetches the log checks them. */
static nos_status_t chain(void)
{
    static struct audit_checker c;
    static struct nos_audit_entry e;
    static struct nos_audit_head head;

    if (!node_record(NOS_TOPIC_AUDIT_HEAD, 0, &head, sizeof(head))) {
        return NOS_NOT_FOUND;
    }
    nos_status_t st = audit_check_begin(&c, &head);
    for (uint64_t seq = head.first; st == NOS_OK && seq < head.next; seq++) {
        st = node_record(NOS_TOPIC_AUDIT, seq, &e, sizeof(e)) ? audit_check_next(&c, &e)
                                                              : NOS_NOT_FOUND;
    }
    if (st == NOS_OK) {
        st = audit_check_end(&c);
        st = st == NOS_AUDIT_GAP ? NOS_OK : st;  // no checkpoint was shown to it
    }
    digest_add(&head, sizeof(head));
    return st;
}

void look_audit(void)
{
    nos_status_t st = chain();
    if (st != NOS_OK) {
        say_broken("audit chain: %s", status_text(st));
    }
}
