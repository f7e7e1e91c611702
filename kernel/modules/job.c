/*
 * One verification from first byte to registry, a bounded step at a time. Whatever says no ends in
 * refuse(): audited, kept for the listing, frames given back. Names, versions and publishers are
 * told only once a signature covers them.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/modules/stages_impl.h"

void module_job_init(struct module_job *j, paddr_t base, uint32_t pages, uint64_t len,
                     uint32_t actor)
{
    KASSERT(len <= (uint64_t)pages * PAGE_SIZE);
    j->file = span_of(phys_ptr(base), len);
    j->base = base;
    j->pages = pages;
    j->actor = actor;
    j->asked = (struct audit_ref){ 0 };
    j->boot = false;
    j->stage = STAGE_EXTRACT;
    j->out = NULL;
    j->ahead = false;
    memset(j->name, 0, sizeof j->name);
    memset(j->id, 0, sizeof j->id);
}

void module_job_drop(struct module_job *j)
{
    if (j->base.v != 0) {
        file_frames_free(j->base, j->pages, j->boot);
        j->base.v = 0;
    }
}

static struct audit_ref policy_record; /* whatever is admitted or refused, by this policy */

static void refuse(struct module_job *j, nos_status_t st)
{
    struct refusal r = { .status = st };

    memcpy(r.name, j->name, sizeof r.name);
    memcpy(r.id, j->id, sizeof r.id);
    if (j->stage > STAGE_SIGNATURE) {
        r.version = j->view.version;
        r.sec_version = j->view.sec_version;
        memcpy(r.publisher_id, j->view.publisher_id, sizeof r.publisher_id);
    }
    registry_refuse(&r, j->stage, j->actor);
    audit_cause(&j->asked);
    audit_cause(&policy_record);
    module_job_drop(j);
}

static void audit_load(const struct module_job *j, struct module *m, bool again)
{
    audit_add(NOS_AUDIT_LOAD, j->actor, NOS_OK, m->id, m->view.version, again, m->name);
    audit_cause(&j->asked);
    audit_cause(again ? &m->record : &policy_record);
    audit_remember(&m->record);
}

/* Known since earlier: its own verified bytes are used and the new ones, whatever they are behind
 * the header, dropped. */
static bool answer_known(struct module_job *j)
{
    j->out = module_find_id(j->id);
    if (j->out == NULL) {
        return false;
    }
    audit_load(j, j->out, true);
    module_job_drop(j);
    return true;
}

/* Stages 4 to 6 as far as a file goes; on success the module has the frames. */
static nos_status_t judge(struct module_job *j, struct module *m)
{
    struct admission a;

    nos_status_t st = stage4_manifest(j, m);
    if (st == NOS_OK) {
        memcpy(j->name, m->man.name, sizeof j->name);
        j->stage = STAGE_GRANT;
        st = stage5_admit(m, &a);
    }
    if (st == NOS_OK) {
        j->stage = STAGE_LOAD;
        st = stage6_check(m);
    }
    return st;
}

static nos_status_t finish(struct module_job *j)
{
    struct module *m = registry_new();
    if (m == NULL) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = judge(j, m);
    if (st == NOS_OK) {
        st = registry_room();
    }
    if (st != NOS_OK) {
        obj_put(&m->obj);  // it has no frames yet
        return st;
    }
    audit_load(j, m, false);  // before anybody can find it
    m->boot = j->boot;
    m->pages = j->pages;
    m->base = j->base;
    j->base.v = 0;
    registry_add(m);
    j->out = m;
    return NOS_OK;
}

bool module_job_is_pure(const struct module_job *j)
{
    return j->stage == STAGE_SIGNATURE || j->stage == STAGE_HASHES;
}

void module_job_ahead(struct module_job *j)
{
    bool hashed = true;
    if (j->stage == STAGE_SIGNATURE) {
        j->worked = stage2_signature(j);
        if (j->worked == NOS_OK) {
            stage3_begin(j);
        }
    } else {
        arch_simd_begin();
        j->worked = stage3_hashes(j, &hashed);
        arch_simd_end();
    }
    j->hashed = hashed;
    j->ahead = true;
}

static nos_status_t one_step(struct module_job *j, bool *done)
{
    nos_status_t st;

    switch (j->stage) {
    case STAGE_EXTRACT:
        st = stage1_extract(j);
        *done = st == NOS_OK && answer_known(j);
        j->stage += st == NOS_OK;
        return st;
    case STAGE_SIGNATURE:
    case STAGE_HASHES:
        if (!j->ahead) {
            module_job_ahead(j);
        }
        j->ahead = false;
        j->stage += j->worked == NOS_OK && j->hashed;
        return j->worked;
    case STAGE_MANIFEST:
    case STAGE_GRANT:   /* uncovered(1): a job ends with its manifest */
    case STAGE_LOAD:    /* uncovered(1): the same */
    case STAGE_EXECUTE: /* uncovered(1): the same */
    default:            /* uncovered(1): there is no other stage */
        *done = true;
        return finish(j);
    }
}

nos_status_t module_job_step(struct module_job *j, bool *done)
{
    *done = false;
    nos_status_t st = one_step(j, done);
    if (st != NOS_OK) {
        *done = true;
        refuse(j, st);
    }
    return st;
}

/* ---- boot ---- */

static struct module_job boot_job; /* too large for a kernel stack */

static void boot_file(const struct nos_boot_file *f)
{
    bool done = false;
    uint64_t pages = (f->len + PAGE_SIZE - 1) / PAGE_SIZE;

    KASSERT(f->base % PAGE_SIZE == 0 && pages <= UINT32_MAX);
    if (f->status != NOS_OK) {
        struct refusal r = { .status = (nos_status_t)f->status };
        memcpy(r.name, f->name, sizeof r.name);
        registry_refuse(&r, STAGE_EXTRACT, 0);
        audit_cause(&policy_record);
        if (f->len != 0) {
            file_frames_free((paddr_t){ f->base }, (uint32_t)pages, true);
        }
        return;
    }
    module_job_init(&boot_job, (paddr_t){ f->base }, (uint32_t)pages, f->len, 0);
    boot_job.boot = true;
    memcpy(boot_job.name, f->name, sizeof boot_job.name);
    while (!done) {
        if (module_job_step(&boot_job, &done) != NOS_OK) {
            break;  // audited and listed: boot goes on without it
        }
    }
}

void module_boot(const struct nos_bootinfo *bi)
{
    const struct policy_view *v = &policy_get()->view;
    bool hold = (v->flags & NOS_POL_PANIC_HOLD) != 0;

    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, bi->policy_hash, v->epoch, hold,
              hold ? "policy, panic=hold" : "policy");
    audit_remember(&policy_record);
    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, bi->root_set, bi->secure_boot, 0, "trust roots");
    for (uint32_t i = 0; i < bi->n_files && i < NOS_BOOT_FILES_MAX; i++) {
        boot_file(&bi->file[i]);
    }
}
