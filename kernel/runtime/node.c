/* Listings. A record is built in a kernel page and then copied out whole, so no uninitialised byte
 * can leave. */
#include "kernel/runtime/node.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/core/log.h"
#include "kernel/crypto/vault.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/object/region.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/death.h"

static struct nos_about about;
static uint64_t kernel_bytes;

void node_init(const struct nos_bootinfo *bi, uint64_t tsc_kernel)
{
    uint64_t mult, base;
    kernel_bytes = bi->kernel_len;
    about = (struct nos_about){
        .policy_epoch = policy_get()->view.epoch,
        .tsc_loader = bi->tsc_start,
        .tsc_firmware = bi->tsc_firmware,
        .tsc_kernel = tsc_kernel,
        .cpus = 1,
        .flags = (bi->secure_boot != 0 ? 1u : 0u) |
                 ((policy_get()->view.flags & NOS_POL_PANIC_HOLD) != 0 ? 2u : 0u) |
                 (bi->fb.len != 0 ? 4u : 0u) | ((bi->flags & NOS_BOOT_RANDOM_BASE) != 0 ? 8u : 0u)
    };
    memcpy(about.release, NOS_RELEASE, sizeof NOS_RELEASE);
    memcpy(about.boot_id, vault_boot_id(), 32);
    memcpy(about.kernel_id, bi->kernel_id, 32);
    memcpy(about.policy_hash, bi->policy_hash, 32);
    memcpy(about.root_set, bi->root_set, 32);
    memcpy(about.issuer_pk, vault_issuer_pk(), 32);
    memcpy(about.operator_pk, policy_get()->operator_pk, 32);
    arch_cpu_name(about.cpu);
    arch_clock_params(&about.tsc_hz, &mult, &base);
}

uint32_t node_topic_right(uint64_t topic)
{
    switch (topic) {
    case NOS_TOPIC_LOG:
        return NOS_RIGHT_LOG;
    case NOS_TOPIC_AUDIT:
    case NOS_TOPIC_AUDIT_HEAD:
    case NOS_TOPIC_CHECKPOINT:
        return NOS_RIGHT_AUDIT;
    case NOS_TOPIC_CHECK:
    case NOS_TOPIC_SUPERVISION:
        return NOS_RIGHT_INSPECT;
    case NOS_TOPIC_CRASH:
        return NOS_RIGHT_CRASH;
    default:
        return topic < NOS_TOPIC_AUDIT ? (uint32_t)NOS_RIGHT_INSPECT : 0;
    }
}

static nos_status_t about_record(struct nos_about *out)
{
    *out = about;
    out->cpus = (uint32_t)__builtin_popcount(cpus_running);
    out->uptime_ns = arch_clock_ns();
    out->tsc_now = arch_tsc();
    out->idle_ns = sched_idle_ns();
    return NOS_OK;
}

static void count_cpus(struct nos_mem_info *out)
{
    uint64_t hz, mult, base, longest = 0;
    arch_clock_params(&hz, &mult, &base);
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        out->lock_waits += cpus[i].lock_waits;
        out->timer_irqs += cpus[i].timer_irqs;
        out->ipis += cpus[i].ipis;
        longest = cpus[i].lock_wait_longest > longest ? cpus[i].lock_wait_longest : longest;
    }
    out->lock_wait_longest_ns = (uint64_t)((unsigned __int128)longest * mult >> 32);
}

static nos_status_t mem_record(struct nos_mem_info *out)
{
    struct frame_stats f = frame_stats();
    uint64_t private_pages = 0, ended_pages = 0;
    for (const struct capsule *c = capsule_nth(0); c != NULL; c = c->next) {
        private_pages += c->space.pages;
        ended_pages += c->reclaiming ? c->space.pages : 0;
    }
    *out = (struct nos_mem_info){
        .usable = f.total * PAGE_SIZE,
        .free = f.free * PAGE_SIZE,
        .used = (f.total - f.free) * PAGE_SIZE,
        .kernel_image = kernel_bytes,
        .metadata = f.metadata_bytes,
        .page_tables = f.tables * PAGE_SIZE,
        .objects = cache_frames() * PAGE_SIZE,
        .capsules = private_pages * PAGE_SIZE,
        .modules = module_frames() * PAGE_SIZE,
        .reclaim = f.deferred * PAGE_SIZE,
        .ended = ended_pages * PAGE_SIZE,
        .dirty_free = f.dirty_free * PAGE_SIZE,
        .n_capsules = capsule_count(),
        .n_threads = thread_count(),
        .n_objects = obj_live(),
        .zeroed_frames = f.zeroed,
        .longest_step_insn = sched_longest_step(),
    };
    count_cpus(out);
    return NOS_OK;
}

/* Names and numbers of an object, for people. */
static void describe_object(struct obj *o, struct nos_handle_info *out)
{
    const char *name = NULL;
    switch ((enum nos_type)o->type) {
    case NOS_TYPE_ENDPOINT:
        name = CONTAINER_OF(o, struct endpoint, obj)->name;
        break;
    case NOS_TYPE_NOTIFICATION:
        name = CONTAINER_OF(o, struct notification, obj)->name;
        break;
    case NOS_TYPE_MODULE:
        name = CONTAINER_OF(o, struct module, obj)->name;
        break;
    case NOS_TYPE_CAPSULE:
        name = CONTAINER_OF(o, struct capsule, obj)->module->name;
        out->a = CONTAINER_OF(o, struct capsule, obj)->id;
        break;
    case NOS_TYPE_REGION:
        out->a = CONTAINER_OF(o, struct region, obj)->pages;
        break;
    case NOS_TYPE_PORTS:
        out->a = CONTAINER_OF(o, struct ports, obj)->base;
        out->b = CONTAINER_OF(o, struct ports, obj)->count;
        break;
    case NOS_TYPE_IRQ:
        out->a = CONTAINER_OF(o, struct irq, obj)->line;
        break;
    case NOS_TYPE_DEVICE:
        out->a = CONTAINER_OF(o, struct device, obj)->a;
        out->b = CONTAINER_OF(o, struct device, obj)->b;
        break;
    case NOS_TYPE_NONE:
    case NOS_TYPE_THREAD:
    case NOS_TYPE_POWER:
    case NOS_TYPE_NODE:
    case NOS_TYPE_COUNT:
        break;
    }
    if (name != NULL) {
        memcpy(out->name, name, NOS_NAME_MAX);
    }
}

void handle_describe(uint32_t h, const struct handle_slot *s, struct nos_handle_info *out)
{
    *out = (struct nos_handle_info){ .handle = h,
                                     .type = s->obj->type,
                                     .rights = s->rights,
                                     .origin = s->origin,
                                     .deadline_ns = s->deadline_ns,
                                     .object = s->obj->serial,
                                     .badge = s->badge,
                                     .depth = s->depth };
    struct cell_account *payer = cell_path(s->via, out->cell);
    if (payer != NULL) {
        out->payer = CONTAINER_OF(payer, struct capsule, handles.cells)->id;
    }
    if (cell_look(s->via) != CELL_ALIVE || obj_ended(s->obj)) {
        out->flags = NOS_HANDLE_REVOKED;
    }
    describe_object(s->obj, out);
}

static nos_status_t handle_record(uint64_t index, struct nos_handle_info *out)
{
    struct capsule *c = capsule_find((uint32_t)(index >> 32));
    struct handle_slot *s;
    uint32_t h;
    nos_status_t st = c == NULL ? NOS_NOT_FOUND : handle_nth(&c->handles, (uint32_t)index, &h, &s);
    if (st == NOS_OK) {
        handle_describe(h, s, out);
    }
    return st;
}

static nos_status_t capsule_record(uint64_t index, struct nos_capsule_info *out)
{
    const struct capsule *c = index > UINT32_MAX ? NULL : capsule_nth((uint32_t)index);
    if (c == NULL) {
        return NOS_NOT_FOUND;
    }
    capsule_describe(c, out);
    return NOS_OK;
}

static nos_status_t log_record(uint64_t index, void *page, size_t room, size_t *got)
{
    struct nos_log_head head = { .from = index };
    uint8_t *text = (uint8_t *)page + sizeof head;
    if (room < sizeof head) {
        return NOS_TOO_BIG;
    }
    size_t n = log_read(&head.from, text, room - sizeof head);
    head.end = log_end();
    memcpy(page, &head, sizeof head);
    *got = sizeof head + n;
    return NOS_OK;
}

nos_status_t node_record(uint32_t topic, uint64_t index, void *page, size_t room, size_t *got)
{
    struct nos_pol_start start;
    nos_status_t st = NOS_NOT_FOUND;
    switch ((enum nos_topic)topic) {
    case NOS_TOPIC_ABOUT:
        *got = sizeof(struct nos_about);
        return index == 0 ? about_record(page) : NOS_NOT_FOUND;
    case NOS_TOPIC_CAPSULES:
        *got = sizeof(struct nos_capsule_info);
        return capsule_record(index, page);
    case NOS_TOPIC_HANDLES:
        *got = sizeof(struct nos_handle_info);
        return handle_record(index, page);
    case NOS_TOPIC_MODULES:
        *got = sizeof(struct nos_module_info);
        return index > UINT32_MAX ? NOS_NOT_FOUND : module_info((uint32_t)index, page);
    case NOS_TOPIC_MEM:
        *got = sizeof(struct nos_mem_info);
        return index == 0 ? mem_record(page) : NOS_NOT_FOUND;
    case NOS_TOPIC_START:
        *got = sizeof start;
        if (index <= UINT32_MAX && policy_start(policy_get(), (uint32_t)index, &start)) {
            memcpy(page, &start, sizeof start);
            st = NOS_OK;
        }
        return st;
    case NOS_TOPIC_LOG:
        return log_record(index, page, room, got);
    case NOS_TOPIC_AUDIT:
        *got = sizeof(struct nos_audit_entry);
        return audit_entry(index, page);
    case NOS_TOPIC_AUDIT_HEAD:
        *got = sizeof(struct nos_audit_head);
        audit_head(page);
        return index == 0 ? NOS_OK : NOS_NOT_FOUND;
    case NOS_TOPIC_CHECKPOINT:
        *got = sizeof(struct nos_audit_checkpoint);
        return audit_checkpoint(index, page);
    case NOS_TOPIC_CHECK:
        *got = sizeof(struct nos_check_info);
        return check_record(index, page);
    case NOS_TOPIC_CRASH:
        *got = sizeof(struct nos_crash_record);
        return death_record(index, page);
    case NOS_TOPIC_SUPERVISION:
        *got = sizeof(struct nos_supervision);
        return index > UINT32_MAX ? NOS_NOT_FOUND : module_supervision((uint32_t)index, page);
    }
    return NOS_INVALID;
}
