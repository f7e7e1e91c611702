/* Written by a kernel that is broken, so: into memory taken at boot, most wanted records first, and
 * counted only when whole. Whatever list runs in circles ends when the block is full; whatever
 * faults ends this, and the panic goes on (kernel/core/panic.c). */
#include "kernel/runtime/postmortem.h"

#include <string.h>

#include "abi/crash.h"
#include "abi/postmortem.h"
#include "kernel/audit/audit.h"
#include "kernel/core/log.h"
#include "kernel/core/panic.h"
#include "kernel/core/wipe.h"
#include "kernel/crypto/vault.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/node.h"
#include "lib/crypto/blake3.h"

enum { BLAKE3_CHUNK_BYTES = 1024 };

static struct nos_pm_head *block; /* NULL: memory is not kept */

void postmortem_init(void)
{
    paddr_t p = frame_alloc(NOS_PM_ORDER);
    if (p.v == 0) {
        panic("panic=hold: no memory for what a panic leaves");
    }
    block = phys_ptr(p);
}

/* The next record goes here; NULL when it might not fit. */
static struct nos_pm_record *room(void)
{
    size_t at = sizeof *block + block->len;
    bool fits =
        block->end == NOS_PM_BROKE && NOS_PM_BYTES - at >= sizeof(struct nos_pm_record) + PAGE_SIZE;
    if (!fits) {
        block->end = NOS_PM_FULL;
    }
    return fits ? (struct nos_pm_record *)((uint8_t *)block + at) : NULL;
}

/* One record of node_info. NULL: there is none, or no room. */
static const void *tell(enum nos_topic topic, uint64_t index)
{
    struct nos_pm_record *r = room();
    size_t got = 0;
    if (r == NULL) {
        return NULL;
    }
    void *bytes = r + 1;
    if (node_record(topic, index, bytes, PAGE_SIZE, &got) != NOS_OK) {
        memset(bytes, 0, PAGE_SIZE);  // a refusal may have written
        return NULL;
    }
    *r = (struct nos_pm_record){ .topic = topic, .len = (uint32_t)got, .index = index };
    if (topic == NOS_TOPIC_AUDIT) {
        r->index = ((const struct nos_audit_entry *)bytes)->rec.seq;
    } else if (topic == NOS_TOPIC_CRASH) {
        r->index = ((const struct nos_crash_record *)bytes)->seq;
    } else if (topic == NOS_TOPIC_CHECKPOINT) {
        r->index = ((const struct nos_audit_checkpoint *)bytes)->seq;
    } else if (topic == NOS_TOPIC_LOG) {
        r->index = ((const struct nos_log_head *)bytes)->from;
    }
    block->len += sizeof *r + (got + 7) / 8 * 8;
    block->records++;
    return bytes;
}

static void tell_list(enum nos_topic topic, uint64_t index)
{
    while (tell(topic, index) != NULL) {
        index++;
    }
}

/* Of LOG, AUDIT, CRASH and CHECKPOINT the one that there is says which is next. */
static void tell_log(void)
{
    const struct nos_log_head *h = tell(NOS_TOPIC_LOG, 0);
    while (h != NULL && h->from < h->end) {
        const struct nos_pm_record *r = (const struct nos_pm_record *)h - 1;
        h = tell(NOS_TOPIC_LOG, h->from + r->len - sizeof *h);
    }
}

static void tell_crashes(void)
{
    const struct nos_crash_record *c = tell(NOS_TOPIC_CRASH, 0);
    while (c != NULL) {
        c = tell(NOS_TOPIC_CRASH, c->seq + 1);
    }
}

static void tell_audit(void)
{
    const struct nos_audit_checkpoint *c = tell(NOS_TOPIC_CHECKPOINT, 0);
    while (c != NULL) {
        c = tell(NOS_TOPIC_CHECKPOINT, c->seq + 1);
    }
    const struct nos_audit_entry *e = tell(NOS_TOPIC_AUDIT, 0);
    while (e != NULL) {
        e = tell(NOS_TOPIC_AUDIT, e->rec.seq + 1);
    }
}

static void tell_capsules(void)
{
    const struct nos_capsule_info *c;
    for (uint64_t i = 0; (c = tell(NOS_TOPIC_CAPSULES, i)) != NULL; i++) {
        tell_list(NOS_TOPIC_HANDLES, (uint64_t)c->id << 32);
    }
}

static void tell_all(void)
{
    tell_list(NOS_TOPIC_ABOUT, 0);
    tell_log();
    tell_crashes();
    tell_capsules();
    tell_list(NOS_TOPIC_MEM, 0);
    tell_list(NOS_TOPIC_MODULES, 0);
    tell_list(NOS_TOPIC_AUDIT_HEAD, 0);
    tell_audit();
}

/* Chunk by chunk, and with its state off the stack: the stack of an NMI is one page, and a longer
 * piece at once makes BLAKE3 call itself. */
static void seal(void)
{
    static struct blake3_ctx hash;
    span_t rest = span_of(&block->version, sizeof *block - NOS_PM_CHECKED + block->len), piece;
    blake3_init_derive(&hash, NOS_CTX_POSTMORTEM);
    while (
        span_take(&rest, rest.len < BLAKE3_CHUNK_BYTES ? rest.len : BLAKE3_CHUNK_BYTES, &piece) &&
        piece.len > 0) {
        blake3_update(&hash, piece);
    }
    blake3_final(&hash, block->check);
}

void machine_tell(void)
{
    if (block == NULL) {
        return;
    }
    memcpy(block->magic, NOS_PM_MAGIC, sizeof block->magic);
    memcpy(block->boot_id, vault_boot_id(), sizeof block->boot_id);
    block->version = NOS_PM_VERSION;
    tell_all();
    block->end = block->end == NOS_PM_BROKE ? (uint32_t)NOS_PM_COMPLETE : block->end;
    seal();
    klog("%lu records are kept for nonosctl --dump", block->records);
}
