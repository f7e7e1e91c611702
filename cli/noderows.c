/* Records as JSON. Numbers keep their units in their names; words stand beside numbers that have
 * them. */
#include "cli/noderows.h"

#include "cli/names.h"
#include "cli/show.h"

static void add_names(cJSON *row, const char *key, const struct name_list *list, uint32_t mask)
{
    cJSON_AddItemToObject(row, key, names_of_mask(list, mask));
}

static void add_end(cJSON *row, const struct nos_capsule_info *c)
{
    out_u64(row, "ended_ns", c->ended_ns);
    if (c->state == NOS_CAPSULE_EXITED) {
        out_u64(row, "exit_code", c->exit_code);
    }
    if (c->state == NOS_CAPSULE_CRASHED) {
        out_text(row, "crash",
                 c->exit_code <= UINT32_MAX ? name_of(&crash_names, (uint32_t)c->exit_code) : "?");
        out_u64(row, "fault_addr", c->fault_addr);
        out_u64(row, "fault_ip", c->fault_ip);
        out_untrusted(row, "fault_symbol", c->fault_symbol, sizeof(c->fault_symbol));
    }
}

cJSON *row_capsule(const struct nos_capsule_info *c)
{
    cJSON *row = out_row();
    out_u64(row, "id", c->id);
    out_untrusted(row, "name", c->name, sizeof(c->name));
    out_text(row, "state", name_of(&state_names, c->state));
    out_hex(row, "module_id", c->module_id, 32);
    out_u64(row, "threads", c->threads);
    out_u64(row, "handles", c->handles);
    out_u64(row, "mem_bytes", c->mem_pages * UINT64_C(4096));
    out_u64(row, "mem_limit_bytes", c->mem_limit * UINT64_C(4096));
    add_names(row, "classes", &class_names, c->classes);
    out_u64(row, "priority", c->priority);
    out_u64(row, "restarts", c->restarts);
    out_text(row, "restart", name_of(&restart_names, c->restart.when));
    out_u64(row, "parent", c->parent);
    out_u64(row, "started_ns", c->started_ns);
    out_u64(row, "cpu_ns", c->cpu_ns);
    if (c->state != NOS_CAPSULE_RUNNING) {
        add_end(row, c);
    }
    return row;
}

cJSON *row_handle(const struct nos_handle_info *h, uint32_t capsule)
{
    cJSON *row = out_row();
    out_u64(row, "capsule", capsule);
    out_u64(row, "handle", h->handle);
    out_text(row, "type", name_of(&type_names, h->type));
    out_untrusted(row, "name", h->name, sizeof(h->name));
    add_names(row, "rights", &right_names, h->rights);
    out_u64(row, "deadline_ns", h->deadline_ns);
    out_text(row, "origin", name_of(&origin_names, h->origin));
    out_u64(row, "object", h->object);
    out_u64(row, "a", h->a);
    out_u64(row, "b", h->b);
    out_u64(row, "badge", h->badge);
    out_bool(row, "revoked", (h->flags & NOS_HANDLE_REVOKED) != 0);
    out_u64(row, "depth", h->depth);
    out_u64(row, "payer", h->payer);
    cJSON *cells = cJSON_AddArrayToObject(row, "cells");
    for (size_t i = 0; i < 4 && h->cell[i] != 0; i++) {
        cJSON_AddItemToArray(cells, cJSON_CreateNumber((double)(h->cell[i] >> 32)));
    }
    return row;
}

cJSON *row_module(const struct nos_module_info *m)
{
    cJSON *row = out_row();
    out_untrusted(row, "name", m->name, sizeof(m->name));
    out_bool(row, "verified", m->status == NOS_OK);
    out_status(row, "status", m->status);
    if (m->status != NOS_OK) {
        return row;
    }
    show_version(row, "version", m->version);
    out_untrusted(row, "semver", m->semver, sizeof(m->semver));
    out_u64(row, "sec_version", m->sec_version);
    out_hex(row, "module_id", m->module_id, 32);
    out_hex(row, "publisher_id", m->publisher_id, 32);
    out_u64(row, "image_bytes", m->image_len);
    add_names(row, "classes", &class_names, m->classes);
    out_u64(row, "capsules", m->capsules);
    out_untrusted(row, "about", m->about, sizeof(m->about));
    return row;
}

cJSON *row_mem(const struct nos_mem_info *m)
{
    cJSON *row = out_row();
    out_u64(row, "usable_bytes", m->usable);
    out_u64(row, "free_bytes", m->free);
    out_u64(row, "used_bytes", m->used);
    out_u64(row, "kernel_image_bytes", m->kernel_image);
    out_u64(row, "metadata_bytes", m->metadata);
    out_u64(row, "page_tables_bytes", m->page_tables);
    out_u64(row, "objects_bytes", m->objects);
    out_u64(row, "capsules_bytes", m->capsules);
    out_u64(row, "modules_bytes", m->modules);
    out_u64(row, "reclaim_bytes", m->reclaim);
    out_u64(row, "dirty_free_bytes", m->dirty_free);
    out_u64(row, "n_capsules", m->n_capsules);
    out_u64(row, "n_threads", m->n_threads);
    out_u64(row, "n_objects", m->n_objects);
    out_u64(row, "zeroed_frames", m->zeroed_frames);
    out_u64(row, "longest_step_insn", m->longest_step_insn);
    out_u64(row, "lock_waits", m->lock_waits);
    out_u64(row, "lock_wait_longest_ns", m->lock_wait_longest_ns);
    out_u64(row, "timer_irqs", m->timer_irqs);
    out_u64(row, "ipis", m->ipis);
    out_u64(row, "ended_bytes", m->ended);
    return row;
}

cJSON *row_about(const struct nos_about *a)
{
    cJSON *row = out_row();
    out_untrusted(row, "release", a->release, sizeof(a->release));
    out_hex(row, "boot_id", a->boot_id, 32);
    out_hex(row, "kernel_id", a->kernel_id, 32);
    out_hex(row, "policy_hash", a->policy_hash, 32);
    out_u64(row, "policy_epoch", a->policy_epoch);
    out_hex(row, "root_set", a->root_set, 32);
    out_hex(row, "issuer", a->issuer_pk, 32);
    out_hex(row, "operator", a->operator_pk, 32);
    out_u64(row, "uptime_ns", a->uptime_ns);
    out_u64(row, "idle_ns", a->idle_ns);
    out_u64(row, "tsc_hz", a->tsc_hz);
    out_u64(row, "tsc_loader", a->tsc_loader);
    out_u64(row, "tsc_firmware", a->tsc_firmware);
    out_u64(row, "tsc_kernel", a->tsc_kernel);
    out_u64(row, "tsc_now", a->tsc_now);
    out_u64(row, "cpus", a->cpus);
    out_bool(row, "secure_boot", (a->flags & 1) != 0);
    out_bool(row, "panic_hold", (a->flags & 2) != 0);
    out_bool(row, "framebuffer", (a->flags & 4) != 0);
    out_bool(row, "random_kernel_address", (a->flags & 8) != 0);
    out_untrusted(row, "cpu", a->cpu, sizeof(a->cpu));
    return row;
}

cJSON *row_audit_hidden(const struct nos_audit_record *r)
{
    cJSON *row = out_row();
    out_u64(row, "seq", r->seq);
    out_u64(row, "tick_ns", r->tick);
    out_u64(row, "actor", r->actor);
    out_text(row, "kind", name_of(&audit_names, r->kind));
    cJSON *causes = cJSON_AddArrayToObject(row, "causes");
    for (size_t i = 0; i < 2 && r->back[i] != 0; i++) {
        cJSON_AddItemToArray(causes, cJSON_CreateNumber((double)(r->seq - r->back[i])));
    }
    return row;
}

cJSON *row_audit(const struct nos_audit_entry *e)
{
    cJSON *row = row_audit_hidden(&e->rec);
    out_status(row, "status", e->body.status);
    out_hex(row, "subject", e->body.subject, 32);
    out_u64(row, "a", e->body.a);
    out_u64(row, "b", e->body.b);
    out_untrusted(row, "text", e->body.text, sizeof(e->body.text));
    return row;
}
