/*
 * From bytes to a capsule's memory: the seven stages, the registry, tokens, with a machine made of
 * host memory. Each file lies in a buffer of exactly its length, each frame is its own allocation:
 * the address sanitiser sees every byte that is read or written beside them, the leak checker every
 * frame that was lost.
 */
#include <stdio.h>

#include "tests/host/test.h"

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/ipc/named.h"
#include "kernel/memory/frame.h"
#include "kernel/modules/module.h"
#include "kernel/modules/token.h"
#include "lib/cap.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/sigs.h"
#include "lib/text.h"
#include "lib/tlv.h"
#include "tests/host/golden.h"

#include "kernel/modules/registry.c"  // its lists are made empty between tests

/* ---- the machine ---- */

static uint64_t now, random_state;
static size_t frames_live, frames_max, objects_live, donated, freed_runs;
static bool no_objects;
static nos_status_t absent[NOS_CAP_KIND_COUNT];  // what cap_object answers

static unsigned in_simd, simd_uses;

void arch_simd_begin(void)
{
    assert_int_equal(in_simd++, 0);
    simd_uses++;
}

void arch_simd_end(void)
{
    assert_int_equal(in_simd--, 1);
}

uint64_t arch_clock_ns(void)
{
    return now;
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = 1;
    *mult = 0x1234;
    *base = 0x5678;
}

static jmp_buf *panics; /* where a panic that is wanted goes */

void panic(const char *format, ...)
{
    if (panics != NULL) {
        longjmp(*panics, 1);
    }
    fail_msg("panic: %s", format);
    abort();
}

static char logged[200];

void klog(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(logged, sizeof logged, format, args);
    va_end(args);
}

void *cache_alloc(struct cache *c)
{
    objects_live += !no_objects;
    return no_objects ? NULL : calloc(1, c->size);
}

void cache_free(struct cache *c, void *p)
{
    (void)c;
    objects_live--;
    free(p);
}

static paddr_t new_frame(int fill)
{
    void *p = NULL;
    if (frames_live == frames_max) {
        return (paddr_t){ 0 };
    }
    frames_live++;
    assert_int_equal(posix_memalign(&p, PAGE_SIZE, PAGE_SIZE), 0);
    memset(p, fill, PAGE_SIZE);
    return ptr_phys(p);
}

static size_t clean_frames;

paddr_t frame_alloc(unsigned order)
{
    assert_int_equal(order, 0);
    clean_frames++;
    return new_frame(0);
}

paddr_t frame_alloc_dirty(unsigned order)
{
    assert_int_equal(order, 0);
    return new_frame(0xa5);
}

void frame_free(paddr_t p, unsigned order)
{
    assert_int_equal(order, 0);
    frames_live--;
    free(phys_ptr(p));
}

void frame_free_run(paddr_t p, uint32_t pages)
{
    freed_runs += pages;
    free(phys_ptr(p));
}

void frame_donate(paddr_t base, uint64_t len)
{
    assert_int_equal(len % PAGE_SIZE, 0);
    donated += len / PAGE_SIZE;
    free(phys_ptr(base));
}

uint64_t frame_tables_made(void)
{
    return 0;
}

/* One address space at a time: what is mapped where. */
enum { MAPPED_MAX = 2048 };
static struct {
    uint64_t va;
    paddr_t pa;
    unsigned prot;
} mapped[MAPPED_MAX];
static size_t n_mapped;

nos_status_t arch_space_create(struct arch_space *s)
{
    s->root = (paddr_t){ 1 };
    return NOS_OK;
}

bool arch_space_destroy_step(struct arch_space *s, unsigned budget)
{
    (void)s, (void)budget;
    return true;
}

nos_status_t arch_map_run(struct arch_space *s, const struct arch_run *r)
{
    (void)s;
    assert_int_equal(r->pages, 1);  // nothing but private pages is mapped here
    assert_true(n_mapped < MAPPED_MAX);
    assert_int_not_equal(r->prot & (PROT_W | PROT_X), PROT_W | PROT_X);
    mapped[n_mapped].va = r->va;
    mapped[n_mapped].pa = r->pa;
    mapped[n_mapped++].prot = r->prot;
    return NOS_OK;
}

paddr_t arch_clear(struct arch_space *s, uint64_t va, uint32_t pages, bool alone)
{
    (void)s, (void)va, (void)pages, (void)alone;
    return (paddr_t){ 0 };
}

bool arch_table_put(struct arch_space *s, paddr_t table)
{
    (void)s;
    return table.v != 0;
}

void arch_flush(const struct arch_space *s, uint64_t va, uint32_t pages)
{
    (void)s, (void)va, (void)pages;
}

paddr_t arch_query(const struct arch_space *s, uint64_t va, unsigned *prot)
{
    (void)s;
    for (size_t i = 0; i < n_mapped; i++) {
        if (mapped[i].va == va) {
            *prot = mapped[i].prot;
            return mapped[i].pa;
        }
    }
    return (paddr_t){ 0 };
}

paddr_t arch_unmap(struct arch_space *s, uint64_t va)
{
    (void)s;
    for (size_t i = 0; i < n_mapped; i++) {
        if (mapped[i].va == va) {
            paddr_t p = mapped[i].pa;
            mapped[i] = mapped[--n_mapped];
            return p;
        }
    }
    return (paddr_t){ 0 };
}

uint64_t vault_random64(void)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return random_state >> 11;
}

const uint8_t *vault_issuer_pk(void)
{
    static const uint8_t pk[32] = { 7 };
    return pk;
}

void vault_random(void *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)out)[i] = (uint8_t)vault_random64();
    }
}

const uint8_t *vault_boot_id(void)
{
    return (const uint8_t *)"the boot id of this test: 32 b.";
}

void vault_sign(const char *domain, span_t msg, uint8_t sig[64])
{
    uint8_t bytes[300];
    size_t n = strlen(domain) + 1;
    memcpy(bytes, domain, n);
    memcpy(bytes + n, msg.data, msg.len);
    ed25519_sign(sig, span_of(bytes, n + msg.len), golden_key(GOLDEN_ISSUER).sk);
}

struct told {
    enum nos_audit_kind kind;
    uint32_t actor;
    nos_status_t status;
    uint8_t subject[32];
    uint64_t a, b;
    char text[41];
    uint32_t handles;  // the capsule held then
    bool found;        // the module it is about was in the registry then
};
static struct told told[300];
static size_t n_told;
static uint64_t n_causes[ARRAY_LEN(told)];
static struct capsule cap;

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text)
{
    n_causes[n_told % ARRAY_LEN(told)] = 0;
    struct told *t = &told[n_told++ % ARRAY_LEN(told)];
    *t = (struct told){ .kind = kind,
                        .actor = actor,
                        .status = status,
                        .a = a,
                        .b = b,
                        .handles = cap.handles.used,
                        .found = subject != NULL && module_find_id(subject) != NULL };
    if (subject != NULL) {
        memcpy(t->subject, subject, 32);
    }
    for (size_t i = 0; text != NULL && i < 40 && text[i] != 0; i++) {
        t->text[i] = text[i];
    }
}

static const struct audit_ref *causes[ARRAY_LEN(told)][2];

void audit_cause(const struct audit_ref *cause)
{
    size_t i = (n_told - 1) % ARRAY_LEN(told);
    if (cause != NULL && cause->at != 0) {
        causes[i][n_causes[i]++ % 2] = cause;
    }
}

void audit_remember(struct audit_ref *ref)
{
    ref->at = n_told;
}

static unsigned forgets;

void audit_forget(struct audit_ref *ref)
{
    forgets++;
    ref->at = 0;
}

static const struct told *last_told(void)
{
    assert_true(n_told > 0);
    return &told[(n_told - 1) % ARRAY_LEN(told)];
}

static struct obj things[NOS_TYPE_COUNT];

nos_status_t cap_object(const struct nos_cap *c, struct nos_start_handle *h, struct obj **out)
{
    if (absent[c->kind] != NOS_OK) {
        return absent[c->kind];
    }
    if (c->kind == NOS_CAP_FRAMEBUFFER) {
        h->a = 0xfa;
        h->b = 0xfb;
    }
    *out = c->kind == NOS_CAP_LOG ? NULL : &things[cap_type(c->kind)];
    if (*out != NULL) {
        obj_get(*out);
    }
    return NOS_OK;
}

static void never(struct obj *o)
{
    fail_msg("object of type %u died", o->type);
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_MODULE] = module_destroy,
    [NOS_TYPE_ENDPOINT] = never,
    [NOS_TYPE_NOTIFICATION] = never,
    [NOS_TYPE_DEVICE] = never,
    [NOS_TYPE_IRQ] = never,
    [NOS_TYPE_PORTS] = never,
    [NOS_TYPE_POWER] = never,
    [NOS_TYPE_NODE] = never,
};

void cell_gone(void)
{
}

static struct capsule spawner = { .id = 3, .filter = { UINT64_MAX, UINT64_MAX } };

static bool orphan; /* started by the kernel itself */

struct capsule *capsule_find(uint32_t id)
{
    return id == spawner.id && !orphan ? &spawner : NULL;
}

#include "tests/host/objects_host.h"

/* ---- policies ---- */

enum { NARROW = 0x33 /* a publisher that may sign CoreExec only; its key is GOLDEN_OPERATOR's */ };

struct policy_parts {
    uint32_t flags;
    struct nos_pol_rule rule;  // for publisher 0x11, module "hello"
    struct nos_cap grant[8];
    uint32_t n_grants, no_rules;  // the last ones are in the table, and of no rule
    uint8_t publisher;            // its id's bytes; 0: 0x11, who signs the golden module
    uint32_t pub_flags, pub_sec_min;
};

static struct policy_parts policy_parts(void)
{
    struct policy_parts p = {
        .rule = { .match = NOS_MATCH_NAME, .sec_min = 2, .classes = NOS_CLASS_ALL, .priority = 30 }
    };
    memset(p.rule.id, 0x11, 32);
    name_hash(SPAN_LIT("hello"), p.rule.name_hash);
    return p;
}

static struct buf policy_file;

static void policy_use(const struct policy_parts *p)
{
    uint8_t pub[3 * 80], rules[2 * 96], grants[8 * 32], room[4096];
    struct nos_pol_publisher publisher = { .classes = NOS_CLASS_ALL, .sec_min = 1 };
    struct nos_pol_rule rule = p->rule;
    struct golden_key op = golden_key(GOLDEN_OPERATOR);
    struct tlv_writer w;
    span_t body;

    memset(publisher.id, p->publisher != 0 ? p->publisher : 0x11, 32);
    memcpy(publisher.pk, golden_key(GOLDEN_PUBLISHER).pk, 32);
    publisher.flags = p->pub_flags;
    publisher.sec_min = p->pub_sec_min != 0 ? p->pub_sec_min : 1;
    policy_publisher_write(&publisher, pub);
    publisher.sec_min = 1;
    memset(publisher.id, 0x22, 32);
    publisher.flags = NOS_PUBLISHER_REVOKED;
    policy_publisher_write(&publisher, pub + 80);
    memset(publisher.id, NARROW, 32);
    publisher.flags = 0;
    publisher.classes = NOS_CLASS_COREEXEC;
    memcpy(publisher.pk, op.pk, 32);
    policy_publisher_write(&publisher, pub + 160);
    rule.grants_n = p->n_grants - p->no_rules;
    policy_rule_write(&rule, rules);
    rule = policy_parts().rule;
    rule.match = NOS_MATCH_NAME;
    memset(rule.id, NARROW, 32);
    policy_rule_write(&rule, rules + 96);
    for (uint32_t i = 0; i < p->n_grants; i++) {
        cap_write(&p->grant[i], grants + 32 * i);
    }
    tlv_write_init(&w, MSPAN_OF(room));
    tlv_put(&w, NOS_POL_OPERATOR, SPAN_OF(op.pk));
    tlv_put(&w, NOS_POL_PUBLISHERS, SPAN_OF(pub));
    tlv_put(&w, NOS_POL_RULES, SPAN_OF(rules));
    tlv_put(&w, NOS_POL_GRANTS, span_of(grants, 32 * p->n_grants));
    tlv_put(&w, NOS_POL_BOOT, SPAN_LIT("HELLO.MOD\0\0\0\0\0\0\0"));
    tlv_put(&w, NOS_POL_FIRST, SPAN_LIT("hello\0\0\0\0\0\0\0\0\0\0\0"));
    assert_int_equal(tlv_write_end(&w, &body), NOS_OK);
    buf_free(&policy_file);
    policy_file = golden_policy(body, 1, 1);
    store_le32(policy_file.data + 12, p->flags);
    struct nos_bootinfo bi = { .policy = { .base = ptr_phys(policy_file.data).v,
                                           .len = policy_file.len } };
    policy_init(&bi);
}

static int fresh(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    policy_use(&p);
    n_told = n_mapped = donated = freed_runs = frames_live = 0;
    objects_live = 0;
    frames_max = SIZE_MAX;
    no_objects = false;
    now = 5000;
    memset(absent, 0, sizeof absent);
    memset(&cap, 0, sizeof cap);
    for (uint32_t t = 0; t < NOS_TYPE_COUNT; t++) {
        obj_init(&things[t], (enum nos_type)t);
    }
    return 0;
}

static int clear(void **state)
{
    (void)state;
    while (modules != NULL) {
        struct module *m = modules;
        modules = m->next;
        n_modules--;
        assert_int_equal(m->obj.refs, 1);
        size_t back = freed_runs + donated + m->pages;
        unsigned forgotten = forgets + 1;
        obj_put(&m->obj);
        assert_int_equal(freed_runs + donated, back);
        assert_int_equal(forgets, forgotten);
    }
    assert_int_equal(n_modules, 0);
    assert_int_equal(module_frames(), 0);
    assert_int_equal(objects_live, 0);
    n_refusals = 0;
    memset(refusals, 0, sizeof refusals);
    buf_free(&policy_file);
    return 0;
}

/* ---- verifying ---- */

static uint32_t pages_of(size_t len)
{
    return (uint32_t)((len + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* The file in frames of its own, which the pipeline then owns. */
static paddr_t place_file(span_t file)
{
    void *p = NULL;
    assert_int_equal(posix_memalign(&p, PAGE_SIZE, file.len), 0);
    memcpy(p, file.data, file.len);
    return ptr_phys(p);
}

static struct module_job job;
static unsigned job_steps;

static nos_status_t verify(span_t file)
{
    bool done = false;
    nos_status_t st = NOS_OK;

    module_job_init(&job, place_file(file), pages_of(file.len), file.len, 7);
    for (job_steps = 0; !done; job_steps++) {
        uint64_t told_before = n_told;
        st = module_job_step(&job, &done);
        assert_true(done || (st == NOS_OK && n_told == told_before));
    }
    return st;
}

static struct module *verify_good(const struct golden_mod *p)
{
    struct buf f = golden_module(p);
    assert_int_equal(verify(buf_span(f)), NOS_OK);
    buf_free(&f);
    return job.out;
}

static struct module *hello(void)
{
    struct golden_mod p = golden_parts();
    struct module *m = verify_good(&p);
    golden_parts_free(&p);
    return m;
}

static void test_good_module(void **state)
{
    struct nos_module_info info;
    (void)state;
    struct module *m = hello();
    assert_string_equal(m->name, "hello");
    assert_ptr_equal(module_find("hello\0\0\0\0\0\0\0\0\0\0"), m);
    assert_ptr_equal(module_find_id(m->id), m);
    assert_null(module_find("hallo\0\0\0\0\0\0\0\0\0\0"));
    assert_null(module_find_id(m->view.manifest_hash));
    assert_int_equal(module_frames(), m->pages);
    assert_int_equal(freed_runs + donated, 0);
    assert_int_equal(n_told, 1);
    assert_int_equal(last_told()->kind, NOS_AUDIT_LOAD);
    assert_int_equal(last_told()->actor, 7);
    assert_int_equal(last_told()->b, 0);
    assert_memory_equal(last_told()->subject, m->id, 32);
    assert_false(last_told()->found);  // told before anybody could start it
    assert_int_equal(m->record.at, n_told);
    assert_int_equal(module_info(0, &info), NOS_OK);
    assert_string_equal(info.name, "hello");
    assert_string_equal(info.semver, "1.2.3");
    assert_string_equal(info.about, "says h\xc3\xa9llo");
    assert_int_equal(info.status, NOS_OK);
    assert_int_equal(info.sec_version, 3);
    assert_memory_equal(info.module_id, m->id, 32);
    assert_int_equal(module_info(1, &info), NOS_NOT_FOUND);
}

/* Whatever stood in a job before: whoever asked is a cause, what was asked for begins anew, and a
 * job that has ended has nothing to give back. */
static void test_a_job_begins_anew(void **state)
{
    struct golden_mod p = golden_parts();
    struct nos_module_info info;
    (void)state;
    for (unsigned bad = 2; bad-- > 0;) {
        p.signer[0] = golden_key(bad ? GOLDEN_STRANGER : GOLDEN_PUBLISHER);
        struct buf f = golden_module(&p);
        bool done = true;
        nos_status_t st = NOS_OK;
        memset(&job, 1, sizeof job);
        module_job_init(&job, place_file(buf_span(f)), pages_of(f.len), f.len, 7);
        assert_int_equal(job.asked.at, 0);
        assert_false(job.boot);
        assert_null(job.out);
        assert_false(job.ahead);
        job.asked.at = 55;
        st = module_job_step(&job, &done);
        assert_false(done);
        done = true;
        st = module_job_step(&job, &done);
        assert_int_equal(done, bad);
        while (!done) {
            st = module_job_step(&job, &done);
        }
        assert_int_equal(st, bad ? NOS_KEY_UNKNOWN : NOS_OK);
        assert_ptr_equal(causes[(n_told - 1) % ARRAY_LEN(told)][0], &job.asked);
        module_job_drop(&job);
        assert_int_equal(freed_runs, bad ? pages_of(f.len) : 0);
        freed_runs = 0;
        buf_free(&f);
    }
    assert_int_not_equal(verify(SPAN_LIT("no module")), NOS_OK);
    assert_non_null(strstr(logged, "(unnamed)"));
    struct buf f = golden_module(&p);
    f.data[f.len - 1] ^= 1;
    clear(NULL);
    fresh(NULL);
    assert_int_equal(verify(buf_span(f)), NOS_HASH_CHUNK);
    assert_int_equal(module_info(0, &info), NOS_OK);
    assert_int_equal(info.version, p.version);
    assert_int_equal(info.sec_version, p.sec_version);
    buf_free(&f);
    golden_parts_free(&p);
}

/* What it is told to the log, the list and the owner of the frames when a file is refused. */
static void check_refused(enum module_stage stage, nos_status_t st, size_t len)
{
    struct nos_module_info info;
    bool header_read = stage > STAGE_EXTRACT;
    bool header_proved = stage > STAGE_SIGNATURE;

    assert_int_equal(n_told, 1);
    assert_int_equal(last_told()->kind, NOS_AUDIT_REFUSE);
    assert_int_equal(last_told()->status, st);
    assert_int_equal(last_told()->a, stage);
    assert_int_equal(last_told()->actor, 7);
    assert_int_equal(freed_runs, pages_of(len));
    assert_int_equal(donated, 0);
    assert_int_equal(module_frames(), 0);
    assert_int_equal(objects_live, 0);
    assert_null(modules);
    assert_int_equal(module_info(0, &info), NOS_OK);
    assert_int_equal(info.status, st);
    assert_memory_equal(info.module_id, last_told()->subject, 32);
    assert_int_equal(!span_is_zero(SPAN_OF(info.module_id)), header_read);
    assert_int_equal(info.sec_version != 0 || info.version != 0, header_proved);
    assert_int_equal(!span_is_zero(SPAN_OF(info.publisher_id)), header_proved);
    assert_int_equal(info.name[0] != 0, stage >= STAGE_GRANT);
    assert_int_equal(module_info(1, &info), NOS_NOT_FOUND);
}

static void expect(struct buf f, enum module_stage stage, nos_status_t st)
{
    clear(NULL);
    fresh(NULL);
    assert_int_equal(verify(buf_span(f)), st);
    check_refused(stage, st, f.len);
}

static void expect_parts(struct golden_mod *p, enum module_stage stage, nos_status_t st)
{
    struct buf f = golden_module(p);
    expect(f, stage, st);
    buf_free(&f);
}

/* A good file with some header bytes changed, and signed anew or not. */
static void expect_header(size_t at, uint64_t value, size_t bytes, bool sign,
                          enum module_stage stage, nos_status_t st)
{
    struct golden_mod p = golden_parts();
    struct buf f = golden_module(&p);
    for (size_t i = 0; i < bytes; i++) {
        f.data[at + i] = (uint8_t)(value >> 8 * i);
    }
    if (sign) {
        golden_sign(f, &p);
    }
    expect(f, stage, st);
    buf_free(&f);
    golden_parts_free(&p);
}

static void test_refused_by_shape(void **state)
{
    (void)state;
    expect_header(0, 'X', 1, true, STAGE_EXTRACT, NOS_MOD_MAGIC);
    expect_header(7, 2, 1, true, STAGE_EXTRACT, NOS_MOD_VERSION);
    expect_header(12, 2, 4, true, STAGE_EXTRACT, NOS_MOD_VERSION);
    expect_header(28, 17, 4, true, STAGE_EXTRACT, NOS_MOD_VERSION);
    expect_header(176, 1, 4, true, STAGE_EXTRACT, NOS_MOD_RESERVED);
    expect_header(184, 1, 8, true, STAGE_EXTRACT, NOS_MOD_RESERVED);
    expect_header(180, 0, 4, false, STAGE_EXTRACT, NOS_MOD_LAYOUT);
    expect_header(160, 1 << 20, 8, true, STAGE_EXTRACT, NOS_MOD_OVERSIZE);
    expect_header(168, 60 << 20, 8, true, STAGE_EXTRACT, NOS_MOD_TRUNCATED);
}

static void test_refused_by_signature(void **state)
{
    struct golden_mod p = golden_parts();
    (void)state;
    expect_header(64, 0x99, 1, true, STAGE_SIGNATURE, NOS_PUB_UNKNOWN);
    expect_header(192, 0x99, 1, false, STAGE_SIGNATURE, NOS_KEY_UNKNOWN);
    expect_header(192 + 32, 0x99, 1, false, STAGE_SIGNATURE, NOS_BAD_SIGNATURE);
    expect_header(24, 9, 4, false, STAGE_SIGNATURE,
                  NOS_BAD_SIGNATURE);  // sec_version raised by nobody
    memset(p.publisher_id, 0x22, 32);
    expect_parts(&p, STAGE_SIGNATURE, NOS_PUB_REVOKED);
    memset(p.publisher_id, 0x11, 32);
    p.signer[0] = golden_key(GOLDEN_STRANGER);
    expect_parts(&p, STAGE_SIGNATURE, NOS_KEY_UNKNOWN);
    memcpy(p.signer[0].id, golden_key(GOLDEN_PUBLISHER).id, 32);  // says it is the publisher's
    expect_parts(&p, STAGE_SIGNATURE, NOS_BAD_SIGNATURE);
    p.signer[0] = golden_key(GOLDEN_PUBLISHER);
    p.sec_version = 0;
    expect_parts(&p, STAGE_SIGNATURE, NOS_SEC_VERSION);
    golden_parts_free(&p);
}

static void test_a_kernel_is_not_a_module(void **state)
{
    struct golden_mod p = golden_parts();
    struct buf kernel = golden_kernel(1, 1);
    (void)state;
    clear(NULL);
    fresh(NULL);
    assert_int_equal(verify(buf_span(kernel)), NOS_MOD_VERSION);
    buf_free(&kernel);
    p.flags = NOS_MOD_FLAG_KERNEL;  // signed by a publisher
    struct buf f = golden_module(&p);
    assert_int_equal(verify(buf_span(f)), NOS_MOD_VERSION);
    buf_free(&f);
    golden_parts_free(&p);
}

static void test_refused_by_hash(void **state)
{
    struct golden_mod p = golden_parts();
    struct buf f = golden_module(&p);
    size_t manifest = 192 + 96, table = manifest + p.manifest.len;
    size_t image = mod_image_off(1, p.manifest.len, p.image.len);
    const struct {
        size_t at;
        nos_status_t st;
    } row[] = { { manifest, NOS_HASH_MANIFEST },
                { table - 1, NOS_HASH_MANIFEST },
                { table, NOS_HASH_TABLE },
                { table + 31, NOS_HASH_TABLE },
                { image, NOS_HASH_CHUNK },
                { image + p.image.len - 1, NOS_HASH_CHUNK },
                { f.len - 1, NOS_HASH_CHUNK /* symbols */ } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        f.data[row[i].at] ^= 1;
        expect(f, STAGE_HASHES, row[i].st);
        f.data[row[i].at] ^= 1;
    }
    buf_free(&f);
    golden_parts_free(&p);
}

static void expect_manifest(struct change c, enum module_stage stage, nos_status_t st)
{
    struct golden_mod p = golden_parts();
    buf_free(&p.manifest);
    p.manifest = golden_manifest(c);
    expect_parts(&p, stage, st);
    golden_parts_free(&p);
}

static void test_refused_by_manifest(void **state)
{
    static const uint8_t one[4] = { 1 }, no_exec[4] = { NOS_CLASS_IO | NOS_CLASS_IPC },
                         only_exec[4] = { NOS_CLASS_COREEXEC };
    struct golden_mod p = golden_parts();
    (void)state;
    expect_manifest((struct change){ .tag = 0x80ff, .value = SPAN_OF(one) }, STAGE_MANIFEST,
                    NOS_TLV_CRITICAL);
    expect_manifest((struct change){ .tag = NOS_MAN_MODULE_NAME, .value = SPAN_LIT("other") },
                    STAGE_MANIFEST, NOS_MAN_NAME);
    expect_manifest((struct change){ .tag = NOS_MAN_LIMITS, .drop = true }, STAGE_MANIFEST,
                    NOS_MAN_MISSING);
    expect_manifest((struct change){ .tag = NOS_MAN_CLASSES, .value = SPAN_OF(no_exec) },
                    STAGE_MANIFEST, NOS_MAN_FIELD);
    expect_manifest((struct change){ .tag = NOS_MAN_CLASSES, .value = SPAN_OF(only_exec) },
                    STAGE_MANIFEST, NOS_CAP_CLASS);
    expect_manifest((struct change){ .tag = NOS_MAN_SYMBOLS, .drop = true }, STAGE_MANIFEST,
                    NOS_MOD_OVERSIZE);
    buf_free(&p.symbols);
    expect_parts(&p, STAGE_MANIFEST, NOS_MOD_TRUNCATED);
    golden_parts_free(&p);
}

static void test_refused_by_policy(void **state)
{
    struct golden_mod p = golden_parts();
    (void)state;
    memset(p.publisher_id, NARROW, 32);
    p.signer[0] = golden_key(GOLDEN_OPERATOR);
    expect_parts(&p, STAGE_GRANT, NOS_GRANT_CEILING);
    memset(p.publisher_id, 0x11, 32);
    p.signer[0] = golden_key(GOLDEN_PUBLISHER);
    p.sec_version = 1;  // the publisher's floor is 1, the rule's 2
    expect_parts(&p, STAGE_GRANT, NOS_SEC_VERSION);
    golden_parts_free(&p);

    p = golden_parts();
    buf_free(&p.manifest);
    p.manifest =
        golden_manifest((struct change){ .tag = NOS_MAN_MODULE_NAME, .value = SPAN_LIT("other") });
    p.name = "other";
    expect_parts(&p, STAGE_GRANT, NOS_GRANT_NO_RULE);
    golden_parts_free(&p);

    struct policy_parts no_exec = policy_parts();
    no_exec.rule.classes = NOS_CLASS_IO;
    clear(NULL);
    fresh(NULL);
    policy_use(&no_exec);
    struct buf f = golden_module_plain();
    assert_int_equal(verify(buf_span(f)), NOS_GRANT_NO_RULE);
    check_refused(STAGE_GRANT, NOS_GRANT_NO_RULE, f.len);
    buf_free(&f);
}

static void test_refused_by_image(void **state)
{
    struct golden_mod p = golden_parts();
    uint8_t *data = p.image.data + ELF_PHDR + ELF_DATA * ELF_PHDR_LEN;
    (void)state;
    store_le32(data + 4, ELF_R | ELF_W | ELF_X);
    expect_parts(&p, STAGE_LOAD, NOS_ELF_WX);
    store_le32(data + 4, ELF_R | ELF_W);
    store_le64(p.image.data + 24, 0x1000);
    expect_parts(&p, STAGE_LOAD, NOS_ELF_ENTRY);
    store_le64(p.image.data + 24, ELF_ENTRY_AT);
    store_le64(data + 40, 65ull * 4096);  // the manifest's limit is 64 pages in all
    expect_parts(&p, STAGE_LOAD, NOS_ELF_SIZE);
    p.image.data[0] = 0;
    expect_parts(&p, STAGE_LOAD, NOS_ELF_HEADER);
    golden_parts_free(&p);
}

/* No byte of a good file can change, and none can be missing. */
static void test_every_byte_counts(void **state)
{
    struct buf f = golden_module_plain();
    (void)state;
    for (size_t i = 0; i < f.len; i++) {
        unsigned first = i < 192 + 96 ? 0 : (unsigned)(i * 5 % 8), last = i < 192 + 96 ? 7 : first;
        for (unsigned bit = first; bit <= last; bit++) {
            f.data[i] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(verify(buf_span(f)), NOS_OK);
            f.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(verify(buf_span(f)), NOS_OK);
    buf_free(&f);
}

static void test_every_truncation(void **state)
{
    struct buf f = golden_module_plain();
    (void)state;
    for (size_t len = 1; len < f.len; len++) {
        assert_int_not_equal(verify(span_of(f.data, len)), NOS_OK);
    }
    struct buf longer = buf_new(f.len + 1);
    memcpy(longer.data, f.data, f.len);
    assert_int_not_equal(verify(buf_span(longer)), NOS_OK);
    buf_free(&longer);
    buf_free(&f);
}

static void test_steps_are_bounded(void **state)
{
    struct golden_mod p = golden_parts();
    struct buf image = buf_new(600000);
    (void)state;
    memcpy(image.data, p.image.data, p.image.len);
    buf_free(&p.image);
    p.image = image;
    struct buf f = golden_module(&p);
    size_t hashed = 0, at = 0;
    bool done = false;
    module_job_init(&job, place_file(buf_span(f)), pages_of(f.len), f.len, 7);
    while (!done) {
        assert_int_equal(module_job_step(&job, &done), NOS_OK);
        if (job.stage == STAGE_HASHES && job.hasher.at > at) {
            assert_true(job.hasher.at - at <= MODULE_STEP);
            hashed += job.hasher.at - at;
        }
        at = job.stage == STAGE_HASHES ? job.hasher.at : 0;
    }
    assert_true(hashed > 300000);
    buf_free(&f);
    golden_parts_free(&p);
}

/* ---- known modules ---- */

static void test_known_module_is_not_read_again(void **state)
{
    struct buf f = golden_module_plain();
    uint8_t id[32];
    (void)state;
    assert_int_equal(verify(buf_span(f)), NOS_OK);
    struct module *m = job.out;
    memcpy(id, m->id, 32);
    const uint8_t *image = m->view.image.data;
    uint8_t first = image[0x200];
    size_t at = mod_image_off(1, m->view.manifest_len, m->view.image_len) + 0x200;
    f.data[at] ^= 0xff;  // other code behind the same header
    assert_int_equal(verify(buf_span(f)), NOS_OK);
    assert_int_equal(job_steps, 1);
    assert_ptr_equal(job.out, m);
    assert_ptr_equal(m->view.image.data, image);
    assert_int_equal(image[0x200], first);  // the verified bytes are used, the new ones are gone
    assert_int_equal(freed_runs, m->pages);
    assert_int_equal(module_frames(), m->pages);
    assert_int_equal(last_told()->kind, NOS_AUDIT_LOAD);
    assert_int_equal(last_told()->b, 1);
    assert_memory_equal(last_told()->subject, id, 32);
    assert_ptr_equal(causes[n_told - 1][0], &m->record);  // the time before
    assert_int_equal(m->record.at, n_told);
    f.data[at] ^= 0xff;
    f.data[24] ^= 1;  // another header: another id, and no signature for it
    assert_int_equal(verify(buf_span(f)), NOS_BAD_SIGNATURE);
    buf_free(&f);
}

static void test_newest_of_a_name(void **state)
{
    static const uint64_t version[] = { 5, 9, 7, 9, 8 };
    struct golden_mod p = golden_parts();
    struct module *m[ARRAY_LEN(version)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(version); i++) {
        p.version = version[i];
        p.sec_version = 3 + (uint32_t)i;
        m[i] = verify_good(&p);
    }
    assert_ptr_equal(module_find(m[0]->name), m[3]);
    golden_parts_free(&p);
}

static void test_full_registry(void **state)
{
    struct golden_mod p = golden_parts();
    struct module *m[MODULES_MAX];
    struct buf f;
    (void)state;
    for (size_t i = 0; i < MODULES_MAX; i++) {
        p.version = i + 1;
        m[i] = verify_good(&p);
    }
    m[0]->boot = true;
    obj_get(&m[1]->obj);
    m[2]->running = 1;
    uint8_t third[32];
    memcpy(third, m[3]->id, 32);
    p.version = 1000;
    struct module *newest = verify_good(&p);
    assert_null(module_find_id(third));  // the oldest that nobody needs
    assert_non_null(module_find_id(m[0]->id));
    assert_non_null(module_find_id(m[1]->id));
    assert_non_null(module_find_id(m[2]->id));
    assert_int_equal(n_modules, MODULES_MAX);
    for (struct module *k = modules; k != NULL; k = k->next) {
        k->running = 1;
    }
    p.version = 1001;
    f = golden_module(&p);
    size_t before = freed_runs;
    assert_int_equal(verify(buf_span(f)), NOS_QUOTA);
    assert_int_equal(last_told()->kind, NOS_AUDIT_REFUSE);
    assert_int_equal(freed_runs - before, newest->pages);
    m[0]->boot = false;
    obj_put(&m[1]->obj);
    buf_free(&f);
    golden_parts_free(&p);
}

static void test_no_memory_for_a_module(void **state)
{
    struct buf f = golden_module_plain();
    (void)state;
    no_objects = true;
    assert_int_equal(verify(buf_span(f)), NOS_NO_MEMORY);
    assert_int_equal(freed_runs, pages_of(f.len));
    buf_free(&f);
}

static void test_dropped_half_way(void **state)
{
    struct buf f = golden_module_plain();
    bool done = false;
    (void)state;
    module_job_init(&job, place_file(buf_span(f)), pages_of(f.len), f.len, 7);
    assert_int_equal(module_job_step(&job, &done), NOS_OK);
    assert_int_equal(module_job_step(&job, &done), NOS_OK);
    module_job_drop(&job);
    module_job_drop(&job);  // once is enough
    assert_int_equal(freed_runs, pages_of(f.len));
    buf_free(&f);
}

static void test_refusals_are_bounded(void **state)
{
    struct golden_mod p = golden_parts();
    struct nos_module_info info;
    (void)state;
    p.signer[0] = golden_key(GOLDEN_STRANGER);
    for (unsigned i = 0; i < 3 * MODULE_REFUSALS; i++) {
        p.version = i / 2;  // each one twice: one line
        struct buf f = golden_module(&p);
        assert_int_equal(verify(buf_span(f)), NOS_KEY_UNKNOWN);
        buf_free(&f);
        assert_int_equal(n_told, i + 1);  // but two records
        unsigned lines = i / 2 + 1 < MODULE_REFUSALS ? i / 2 + 1 : MODULE_REFUSALS;
        assert_int_equal(module_info(lines - 1, &info), NOS_OK);
        assert_memory_equal(info.module_id, last_told()->subject,
                            32);  // the newest is the last line
        assert_int_equal(module_info(lines, &info), NOS_NOT_FOUND);
    }
    golden_parts_free(&p);
}

/* One header, broken in two ways behind it: two lines. */
static void test_refusals_differ_by_status(void **state)
{
    struct buf f = golden_module_plain();
    struct nos_module_info info;
    (void)state;
    f.data[300] ^= 1;
    assert_int_equal(verify(buf_span(f)), NOS_HASH_MANIFEST);
    f.data[300] ^= 1;
    f.data[f.len - 1] ^= 1;
    assert_int_equal(verify(buf_span(f)), NOS_HASH_CHUNK);
    assert_int_equal(module_info(1, &info), NOS_OK);
    assert_int_equal(info.status, NOS_HASH_CHUNK);
    assert_int_equal(module_info(2, &info), NOS_NOT_FOUND);
    buf_free(&f);
}

/* ---- boot ---- */

static void set_name(char to[NOS_NAME_MAX], const char *name)
{
    memset(to, 0, NOS_NAME_MAX);
    memcpy(to, name, strlen(name));
}

static void boot_add(struct nos_bootinfo *bi, const char *name, span_t file)
{
    struct nos_boot_file *f = &bi->file[bi->n_files++];
    set_name(f->name, name);
    f->len = file.len;
    f->base = file.len == 0 ? 0 : place_file(file).v;
}

static void test_boot(void **state)
{
    static const uint8_t zeroes[2 * PAGE_SIZE];
    static struct nos_bootinfo bi;
    struct buf good = golden_module_plain(), bad = golden_module_plain();
    struct nos_module_info info;
    (void)state;
    bi = (struct nos_bootinfo){ .secure_boot = 1 };
    memset(bi.policy_hash, 0x50, 32);
    memset(bi.root_set, 0x52, 32);
    bad.data[300] ^= 1;
    boot_add(&bi, "BAD.MOD", buf_span(bad));
    boot_add(&bi, "EMPTY.MOD", (span_t){ NULL, 0 });
    boot_add(&bi, "UNREADABLE.MOD", (span_t){ NULL, 0 });
    bi.file[2].status = NOS_BOOT_VOLUME;
    boot_add(&bi, "HALF.MOD", buf_span(good));
    bi.file[3].status = NOS_BOOT_VOLUME;
    boot_add(&bi, "HELLO.MOD", buf_span(good));
    boot_add(&bi, "AGAIN.MOD", buf_span(good));
    boot_add(&bi, "ZERO.MOD", span_of(zeroes, sizeof zeroes));
    module_boot(&bi);
    assert_true(module_find("hello\0\0\0\0\0\0\0\0\0\0")->boot);
    assert_non_null(strstr(logged, "module ZERO.MOD"));

    assert_int_equal(told[0].kind, NOS_AUDIT_BOOT);
    assert_memory_equal(told[0].subject, bi.policy_hash, 32);
    assert_string_equal(told[0].text, "policy");
    assert_memory_equal(told[1].subject, bi.root_set, 32);
    assert_int_equal(told[1].a, 1);
    static const nos_status_t want[] = {
        NOS_HASH_MANIFEST, NOS_MOD_TRUNCATED, NOS_BOOT_VOLUME, NOS_BOOT_VOLUME, NOS_OK, NOS_OK
    };
    static const char *const name[] = { "BAD.MOD",  "EMPTY.MOD", "UNREADABLE.MOD",
                                        "HALF.MOD", "hello",     "hello" };
    assert_int_equal(n_told, 2 + 7);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(told[2 + i].status, want[i]);
        assert_int_equal(told[2 + i].kind, want[i] == NOS_OK ? NOS_AUDIT_LOAD : NOS_AUDIT_REFUSE);
        assert_int_equal(told[2 + i].actor, 0);
        assert_string_equal(told[2 + i].text, name[i]);
        assert_true(n_causes[2 + i] == 1);  // the policy; of the second copy: the first
        assert_int_equal(causes[2 + i][0] == causes[2][0], i != 5);
    }
    assert_int_equal(causes[2][0]->at, 1);  // the policy's record
    assert_int_equal(donated,
                     3 * pages_of(good.len) + 2);  // the bad ones, and the second copy
    assert_int_equal(freed_runs, 0);
    assert_int_equal(module_info(0, &info), NOS_OK);
    assert_int_equal(info.status, NOS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(module_info(1 + i, &info), NOS_OK);
        assert_int_equal(info.status, want[i]);
        assert_string_equal(info.name, name[i]);
    }
    assert_int_equal(module_info(5, &info), NOS_OK);
    assert_int_equal(module_info(6, &info), NOS_NOT_FOUND);
    buf_free(&good);
    buf_free(&bad);
}

static void test_boot_tells_panic_hold(void **state)
{
    static struct nos_bootinfo bi;
    struct policy_parts p = policy_parts();
    (void)state;
    p.flags = NOS_POL_PANIC_HOLD;
    policy_use(&p);
    module_boot(&bi);
    assert_string_equal(told[0].text, "policy, panic=hold");
    assert_int_equal(told[0].b, 1);
}

/* ---- grant ---- */

static struct nos_start *start;

static struct nos_cap named(uint16_t kind, uint32_t rights, const char *name)
{
    struct nos_cap c = { .kind = kind, .rights = rights };
    assert_true(name16_set(c.name, span_of(name, strlen(name))));
    return c;
}

static struct nos_cap ports(uint32_t rights, uint64_t base, uint64_t n, uint64_t ttl)
{
    return (struct nos_cap){
        .kind = NOS_CAP_PORTS, .rights = rights, .a = base, .b = n, .ttl_ns = ttl
    };
}

static void drop_handles(void)
{
    handle_close_all(&cap.handles);
    for (uint32_t t = 0; t < NOS_TYPE_COUNT; t++) {
        assert_int_equal(things[t].refs, 1);  // no reference was lost or kept
    }
    memset(&cap, 0, sizeof cap);
    free(start);
    start = NULL;
    assert_int_equal(frames_live, 0);
}

static nos_status_t grant(struct module *m)
{
    start = malloc(PAGE_SIZE);
    memset(start, 0xa5, PAGE_SIZE);  // nothing is expected of the page
    cap.id = 12;
    cap.parent = spawner.id;
    handle_table_init(&cap.handles, 0, 0);
    assert_int_equal(space_create(&cap.space, 1), NOS_OK);
    n_told = 0;
    return module_grant(m, &cap, start);
}

static struct module *hello_under(const struct policy_parts *p, struct change manifest)
{
    struct golden_mod parts = golden_parts();
    policy_use(p);
    buf_free(&parts.manifest);
    parts.manifest = golden_manifest(manifest);
    struct module *m = verify_good(&parts);
    golden_parts_free(&parts);
    return m;
}

/* The golden module asks for: the log; CALL on endpoint "console"; READ on ports 0x3f8, 8. */
static void test_grant_is_the_intersection(void **state)
{
    struct policy_parts p = policy_parts();
    struct handle_slot *s;
    (void)state;
    p.grant[0] = (struct nos_cap){ .kind = NOS_CAP_LOG };
    p.grant[1] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL | NOS_RIGHT_RECV, "console");
    p.grant[2] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "other");
    p.grant[3] = ports(NOS_RIGHT_READ | NOS_RIGHT_WRITE, 0x3f0, 16, 700);
    p.grant[4] = (struct nos_cap){ .kind = NOS_CAP_NODE, .rights = NOS_RIGHT_ALL };
    p.n_grants = 5;
    p.rule.mem_pages = 40;
    p.rule.priority = 9;
    p.rule.classes = NOS_CLASS_COREEXEC | NOS_CLASS_IO | NOS_CLASS_IPC | NOS_CLASS_CRYPTO;
    struct module *m = hello_under(&p, (struct change){ 0 });
    assert_int_equal(grant(m), NOS_OK);

    assert_int_equal(cap.classes,
                     NOS_CLASS_COREEXEC | NOS_CLASS_IO | NOS_CLASS_IPC);  // Memory: not the rule's
    assert_int_equal(cap.limits.mem_pages, 40);
    assert_int_equal(cap.space.limit, 40);
    assert_int_equal(cap.limits.priority, 9);
    assert_int_equal(cap.limits.stack_pages, 8);
    assert_int_equal(cap.handles.limit, 32);
    assert_int_equal(cap.restart.when, NOS_RESTART_ON_CRASH);
    assert_int_equal(cap.filter[0], UINT64_MAX);
    assert_true(cap.may_log);
    assert_int_equal(cap.handles.used, 2);
    assert_int_equal(start->n_handles, 2);
    assert_int_equal(start->given, 0);  // by its spawner, who is asked later

    const struct nos_start_handle *h = &start->handle[0];
    assert_int_equal(h->kind, NOS_CAP_ENDPOINT);
    assert_string_equal(h->name, "console");
    assert_int_equal(h->rights, NOS_RIGHT_CALL);
    assert_int_equal(h->a | h->b, 0);
    assert_int_equal(
        handle_get(&cap.handles, h->handle, 1u << NOS_TYPE_ENDPOINT, NOS_RIGHT_CALL, &s), NOS_OK);
    assert_int_equal(s->rights, NOS_RIGHT_CALL);  // RECV was granted but not asked for
    assert_int_equal(s->deadline_ns, 0);
    assert_int_equal(s->origin, NOS_ORIGIN_POLICY);

    h = &start->handle[1];
    assert_int_equal(h->kind, NOS_CAP_PORTS);
    assert_int_equal(h->a, 0x3f8);
    assert_int_equal(h->b, 8);
    assert_int_equal(handle_get(&cap.handles, h->handle, 1u << NOS_TYPE_PORTS, 0, &s), NOS_OK);
    assert_int_equal(s->rights, NOS_RIGHT_READ);
    assert_int_equal(s->deadline_ns, now + 700);
    now += 700;
    assert_int_equal(handle_get(&cap.handles, h->handle, 1u << NOS_TYPE_PORTS, 0, &s), NOS_EXPIRED);

    assert_int_equal(n_told, 3);  // log, endpoint, ports: each told before it was held
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(told[i].kind, NOS_AUDIT_GRANT);
        assert_int_equal(told[i].actor, 12);
        assert_int_equal(told[i].status, NOS_OK);
        assert_memory_equal(told[i].subject, m->id, 32);
        assert_int_equal(told[i].handles, i == 2 ? 1 : 0);
        assert_int_equal(n_causes[i], 1);
        assert_ptr_equal(causes[i][0], i == 0 ? &m->record : &cap.record);
    }
    assert_int_equal(cap.record.at, 3);
    assert_int_equal(told[1].a, (uint64_t)NOS_CAP_ENDPOINT << 32 | NOS_RIGHT_CALL);
    assert_string_equal(told[1].text, "console");
    assert_int_equal(told[2].a, (uint64_t)NOS_CAP_PORTS << 32 | NOS_RIGHT_READ);
    assert_int_equal(told[2].b, (uint64_t)0x3f8 << 32 | 8);
    drop_handles();
}

static void test_not_granted(void **state)
{
    static const struct {
        uint32_t classes;
        struct nos_cap grant;
    } row[] = {
        { NOS_CLASS_ALL,
          { .kind = NOS_CAP_PORTS,
            .rights = NOS_RIGHT_WRITE,
            .a = 0x3f8,
            .b = 8 } },  // no common right
        { NOS_CLASS_ALL,
          { .kind = NOS_CAP_PORTS,
            .rights = NOS_RIGHT_READ,
            .a = 0x3f9,
            .b = 8 } },  // starts later
        { NOS_CLASS_ALL,
          { .kind = NOS_CAP_PORTS,
            .rights = NOS_RIGHT_READ,
            .a = 0x3f8,
            .b = 7 } },  // ends earlier
        { NOS_CLASS_ALL,
          { .kind = NOS_CAP_IRQ, .rights = NOS_RIGHT_WAIT, .a = 4 } },  // not asked for
        { NOS_CLASS_COREEXEC,
          { .kind = NOS_CAP_PORTS,
            .rights = NOS_RIGHT_READ,
            .a = 0x3f8,
            .b = 8 } },  // class withheld
        { NOS_CLASS_COREEXEC | NOS_CLASS_IPC, { .kind = NOS_CAP_LOG } },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct policy_parts p = policy_parts();
        clear(NULL);
        fresh(NULL);
        p.grant[0] = row[i].grant;
        p.n_grants = 1;
        p.rule.classes = row[i].classes;
        assert_int_equal(grant(hello_under(&p, (struct change){ 0 })), NOS_OK);
        assert_int_equal(cap.handles.used, 0);
        assert_int_equal(start->n_handles, 0);
        assert_false(cap.may_log);
        assert_int_equal(n_told, 3);  // each of what it asked for is on record as not given
        for (size_t k = 0; k < 3; k++) {
            bool of_class = (row[i].classes & (k == 1 ? NOS_CLASS_IPC : NOS_CLASS_IO)) != 0;
            assert_int_equal(told[k].kind, NOS_AUDIT_GRANT);
            assert_int_equal(told[k].actor, 12);
            assert_int_equal(told[k].status, of_class ? NOS_GRANT_NO_RULE : NOS_NO_CLASS);
        }
        assert_int_equal(told[0].a, (uint64_t)NOS_CAP_LOG << 32);
        assert_string_equal(told[1].text, "console");
        assert_int_equal(told[2].a, (uint64_t)NOS_CAP_PORTS << 32 | NOS_RIGHT_READ);
        assert_int_equal(told[2].b, (uint64_t)0x3f8 << 32 | 8);
        drop_handles();
    }
}

static void test_policy_never_raises(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    p.rule.mem_pages = 100000;
    p.rule.priority = 30;
    assert_int_equal(grant(hello_under(&p, (struct change){ 0 })), NOS_OK);
    assert_int_equal(cap.limits.mem_pages, 64);
    assert_int_equal(cap.limits.priority, 16);
    drop_handles();
    p.rule.mem_pages = 0;  // as the manifest says
    policy_use(&p);
    assert_int_equal(grant(modules), NOS_OK);
    assert_int_equal(cap.limits.mem_pages, 64);
    drop_handles();
}

static void check_sched(uint32_t budget, uint32_t period, uint8_t percent, uint32_t want_budget,
                        uint32_t want_period)
{
    const uint32_t words[4] = { budget, period, 5, 0 };
    struct policy_parts p = policy_parts();

    clear(NULL);
    fresh(NULL);
    p.rule.cpu_percent = percent;
    struct change c = { .tag = NOS_MAN_SCHED, .value = SPAN_OF(words) };
    assert_int_equal(grant(hello_under(&p, c)), NOS_OK);
    assert_int_equal(cap.sched.budget_us, want_budget);
    assert_int_equal(cap.sched.period_us, want_period);
    assert_int_equal(cap.sched.cpus, 5);
    drop_handles();
}

static void test_cpu_percent(void **state)
{
    (void)state;
    check_sched(2000, 10000, 0, 2000, 10000);
    check_sched(2000, 10000, 20, 2000, 10000);  // never raised
    check_sched(2000, 10000, 100, 2000, 10000);
    check_sched(2000, 10000, 19, 1900, 10000);
    check_sched(1050, 1050, 50, 525, 1050);
    check_sched(1000, 1000, 10, 100, 1000);
    check_sched(1000, 1000, 9, 900, 10000);  // 90 us are no budget
    check_sched(1000000, 1000000, 1, 10000, 1000000);
    check_sched(0, 0, 0, 0, 0);
    check_sched(0, 0, 1, 100, 10000);  // no budget in the manifest
    check_sched(0, 0, 100, 10000, 10000);
}

static void test_children_and_flags(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    assert_int_equal(grant(hello_under(&p, (struct change){ 0 })), NOS_OK);
    assert_int_equal(cap.limits.objects, 300);
    assert_int_equal(cap.children.mem_pages, 1024);
    assert_int_equal(cap.children.capsules, 3);
    assert_false(cap.kill_on_filter || cap.no_debug);
    drop_handles();
    for (unsigned i = 0; i < 2; i++) {
        p.rule.flags = i == 0 ? NOS_RULE_KILL_ON_FILTER : NOS_RULE_NO_DEBUG;
        policy_use(&p);
        assert_int_equal(grant(modules), NOS_OK);
        assert_int_equal(cap.kill_on_filter, i == 0);
        assert_int_equal(cap.no_debug, i == 1);
        drop_handles();
    }
}

static void test_filter_reaches_the_capsule(void **state)
{
    struct policy_parts p = policy_parts();
    uint8_t filter[16] = { 0x0f, [8] = 0xf0 };
    (void)state;
    assert_int_equal(
        grant(hello_under(&p, (struct change){ .tag = NOS_MAN_FILTER, .value = SPAN_OF(filter) })),
        NOS_OK);
    assert_int_equal(cap.filter[0], 0x0f);
    assert_int_equal(cap.filter[1], 0xf0);
    drop_handles();
    spawner.filter[0] = 0x3c;  // what its spawner may not call, it may not either
    spawner.filter[1] = 0x10;
    assert_int_equal(
        grant(hello_under(&p, (struct change){ .tag = NOS_MAN_FILTER, .value = SPAN_OF(filter) })),
        NOS_OK);
    assert_int_equal(cap.filter[0], 0x0c);
    assert_int_equal(cap.filter[1], 0x10);
    drop_handles();
    spawner.filter[0] = spawner.filter[1] = UINT64_MAX;
}

static void test_deadline_does_not_wrap(void **state)
{
    struct policy_parts p = policy_parts();
    struct handle_slot *s;
    (void)state;
    p.grant[0] = ports(NOS_RIGHT_READ, 0x3f8, 8, UINT64_MAX);
    p.n_grants = 1;
    assert_int_equal(grant(hello_under(&p, (struct change){ 0 })), NOS_OK);
    assert_int_equal(handle_get(&cap.handles, start->handle[0].handle, 1u << NOS_TYPE_PORTS, 0, &s),
                     NOS_OK);
    assert_int_equal(s->deadline_ns, UINT64_MAX);
    drop_handles();
}

static void test_absent_devices(void **state)
{
    struct policy_parts p = policy_parts();
    uint8_t caps[3 * 32], classes[4] = { NOS_CLASS_COREEXEC | NOS_CLASS_IO };
    struct nos_cap fb = { .kind = NOS_CAP_FRAMEBUFFER, .rights = NOS_RIGHT_MAP };
    (void)state;
    (void)classes;
    cap_write(&(struct nos_cap){ .kind = NOS_CAP_LOG }, caps);
    p.grant[0] = ports(NOS_RIGHT_READ, 0x3f8, 8, 0);
    p.grant[1] = fb;
    p.grant[2] = (struct nos_cap){ .kind = NOS_CAP_LOG };
    p.n_grants = 3;
    cap_write(&p.grant[0], caps + 32);
    cap_write(&fb, caps + 64);
    struct module *m =
        hello_under(&p, (struct change){ .tag = NOS_MAN_CAPS, .value = SPAN_OF(caps) });
    assert_int_equal(grant(m), NOS_OK);
    assert_int_equal(start->n_handles, 2);
    assert_int_equal(start->handle[1].a, 0xfa);  // the framebuffer's own
    assert_int_equal(start->handle[1].b, 0xfb);
    drop_handles();
    absent[NOS_CAP_FRAMEBUFFER] = NOS_NOT_SUPPORTED;
    absent[NOS_CAP_PORTS] = NOS_DENIED;
    assert_int_equal(grant(m), NOS_OK);
    assert_int_equal(start->n_handles, 0);
    assert_true(cap.may_log);
    assert_int_equal(n_told, 3);
    assert_int_equal(told[1].status, NOS_DENIED);
    assert_int_equal(told[2].status, NOS_NOT_SUPPORTED);
    drop_handles();
    absent[NOS_CAP_PORTS] = NOS_NO_MEMORY;
    assert_int_equal(grant(m), NOS_NO_MEMORY);
    drop_handles();
}

static void test_no_room_for_a_handle(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    p.grant[0] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console");
    p.n_grants = 1;
    struct module *m = hello_under(&p, (struct change){ 0 });
    frames_max = 0;
    assert_int_equal(grant(m), NOS_NO_MEMORY);
    assert_int_equal(start->n_handles, 0);
    assert_int_equal(n_told, 3);  // the log is not given; the endpoint was to be, and is not
    assert_int_equal(told[0].status, NOS_GRANT_NO_RULE);
    assert_int_equal(told[2].status, NOS_NO_MEMORY);
    drop_handles();
}

/* A policy that no longer admits a module that is there: it starts no more. */
static void test_grant_asks_the_policy_again(void **state)
{
    struct policy_parts p = policy_parts();
    struct module *m = hello();
    (void)state;
    p.rule.sec_min = 4;
    policy_use(&p);
    assert_int_equal(grant(m), NOS_SEC_VERSION);
    assert_int_equal(last_told()->kind, NOS_AUDIT_REFUSE);
    assert_int_equal(last_told()->a, STAGE_GRANT);
    assert_int_equal(last_told()->actor, 3);
    drop_handles();
    const struct {
        uint8_t publisher;
        uint32_t flags, sec_min;
        nos_status_t status;
    } rows[] = { { 0x10, 0, 1, NOS_PUB_UNKNOWN },
                 { 0x11, NOS_PUBLISHER_REVOKED, 1, NOS_PUB_REVOKED },
                 { 0x11, 0, 4, NOS_SEC_VERSION },
                 { 0x11, 0, 3, NOS_OK } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        p = policy_parts();
        p.publisher = rows[i].publisher;
        p.pub_flags = rows[i].flags;
        p.pub_sec_min = rows[i].sec_min;
        policy_use(&p);
        assert_int_equal(grant(m), rows[i].status);
        assert_int_equal(cap.handles.used, 0);
        drop_handles();
    }
}

/* The kernel starts the first capsule: nobody's filter narrows its own. */
static void test_the_first_capsule(void **state)
{
    struct policy_parts p = policy_parts();
    uint8_t filter[16] = { 0x0f, [8] = 0xf0 };
    (void)state;
    orphan = true;
    spawner.filter[0] = 0;
    assert_int_equal(
        grant(hello_under(&p, (struct change){ .tag = NOS_MAN_FILTER, .value = SPAN_OF(filter) })),
        NOS_OK);
    orphan = false;
    spawner.filter[0] = UINT64_MAX;
    assert_int_equal(cap.filter[0], 0x0f);
    assert_int_equal(cap.filter[1], 0xf0);
    drop_handles();
}

/* Of two rights one is granted: given, and the other told. The endpoint that a module is controlled
 * by is remembered with its RECV only. */
static void test_a_part_is_granted(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    p.grant[0] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console");
    p.n_grants = 1;
    struct module *m = hello_under(&p, (struct change){ 0 });
    uint8_t *second =
        (uint8_t *)(uintptr_t)m->man.caps.data + CAP_BYTES;  // as if it asked for more
    store_le32(second + 4, NOS_RIGHT_CALL | NOS_RIGHT_RECV);
    memcpy(m->man.control.endpoint, "console", 8);
    for (unsigned all = 0; all < 2; all++) {
        unsigned refused = 0, given = 0;
        assert_int_equal(grant(m), NOS_OK);
        for (size_t i = 0; i < n_told; i++) {
            if (told[i].a >> 32 == NOS_CAP_ENDPOINT) {
                given |= told[i].status == NOS_OK ? (uint32_t)told[i].a : 0;
                refused |= told[i].status == NOS_GRANT_NO_RULE ? (uint32_t)told[i].a : 0;
            }
        }
        assert_int_equal(given, NOS_RIGHT_CALL | (all ? NOS_RIGHT_RECV : 0u));
        assert_int_equal(refused, all ? 0u : (unsigned)NOS_RIGHT_RECV);
        assert_ptr_equal(cap.control, all ? (void *)&things[NOS_TYPE_ENDPOINT] : NULL);
        drop_handles();
        p.grant[0].rights |= NOS_RIGHT_RECV;
        policy_use(&p);
    }
}

/* A start that fails tells of what it had come to, and no further: nothing was decided of the rest.
 */
static void test_told_as_far_as_it_came(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    p.grant[0] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console");
    p.n_grants = 1;
    struct module *m = hello_under(&p, (struct change){ 0 });
    uint8_t *second = (uint8_t *)(uintptr_t)m->man.caps.data + CAP_BYTES;
    store_le32(second + 4, NOS_RIGHT_CALL | NOS_RIGHT_RECV);
    frames_max = 0;
    assert_int_equal(grant(m), NOS_NO_MEMORY);
    assert_int_equal(n_told, 3);
    assert_int_equal(last_told()->status, NOS_NO_MEMORY);
    drop_handles();
}

/* Floors are met by what stands on them; a grant of the table that is not the rule's is nobody's.
 */
static void test_the_edges_of_a_rule(void **state)
{
    struct policy_parts p = policy_parts();
    (void)state;
    p.rule.sec_min = 3;  // the golden one's
    p.grant[0] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "other");
    p.grant[1] = named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console");
    p.n_grants = 2;
    p.no_rules = 1;
    assert_int_equal(grant(hello_under(&p, (struct change){ 0 })), NOS_OK);
    assert_int_equal(cap.handles.used, 0);
    drop_handles();
}

/* The newest refusals, in order, however many there were. */
static void test_many_refusals(void **state)
{
    struct nos_module_info info;
    (void)state;
    for (uint64_t i = 0; i < 5 * MODULE_REFUSALS; i++) {
        struct refusal r = { .status = NOS_HASH_CHUNK, .version = i, .id = { (uint8_t)i, 1 } };
        r.id[2] = (uint8_t)(i >> 8);
        registry_refuse(&r, STAGE_HASHES, 7);
        registry_refuse(&r, STAGE_HASHES, 7);  // is listed
        uint32_t n = i < MODULE_REFUSALS ? (uint32_t)i : MODULE_REFUSALS - 1;
        assert_int_equal(module_info(n + 1, &info), NOS_NOT_FOUND);
        for (uint32_t k = 0; k <= n; k++) {
            assert_int_equal(module_info(k, &info), NOS_OK);
            assert_int_equal(info.version, i - n + k);
        }
        assert_true(n_refusals < 2 * MODULE_REFUSALS);
    }
}

/* What can be worked out ahead of its step, without the lock, comes to the same. */
static void test_ahead_of_its_step(void **state)
{
    struct buf good = golden_module_plain();
    (void)state;
    for (unsigned spoilt = 3;
         spoilt-- > 0;) {  // the good one last: a module that is known is not read
        struct buf f = buf_copy(buf_span(good));
        f.data[spoilt == 1 ? 192 + 40 : f.len - 1] ^= spoilt != 0;  // a signature; the last chunk
        bool done = false;
        unsigned ahead = 0;
        nos_status_t st = NOS_OK;
        module_job_init(&job, place_file(buf_span(f)), pages_of(f.len), f.len, 7);
        while (!done) {
            if (module_job_is_pure(&job)) {
                module_job_ahead(&job);
                ahead++;
            }
            unsigned worked = simd_uses;
            st = module_job_step(&job, &done);
            assert_int_equal(simd_uses, worked);  // once is enough
        }
        assert_int_equal(st, spoilt == 0   ? NOS_OK
                             : spoilt == 1 ? NOS_BAD_SIGNATURE
                                           : NOS_HASH_CHUNK);
        assert_true(spoilt == 1 ? ahead == 1 : ahead > 2);
        buf_free(&f);
    }
    buf_free(&good);
}

static void test_boot_without_a_policy(void **state)
{
    struct buf broken = buf_copy(buf_span(policy_file));
    (void)state;
    broken.data[broken.len - 1] ^= 0xff;
    for (unsigned i = 0; i < 2; i++) {
        struct nos_bootinfo bi = { .policy = { .base = i == 0 ? 0 : ptr_phys(broken.data).v,
                                               .len = broken.len - 40 } };
        jmp_buf here;
        panics = &here;
        if (setjmp(here) == 0) {
            policy_init(&bi);
            fail_msg("no policy, and no panic");
        }
        panics = NULL;
    }
    buf_free(&broken);
}

static void test_boot_with_too_many_files(void **state)
{
    static struct nos_bootinfo bi;
    (void)state;
    bi = (struct nos_bootinfo){ .n_files = NOS_BOOT_FILES_MAX + 1 };
    module_boot(&bi);
    assert_int_equal(n_told, 2 + NOS_BOOT_FILES_MAX);  // no more than there is room for
}

/* What people read is cut between characters; what the supervisor is told is told whole. */
static void test_listing(void **state)
{
    static const char text[] =
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9xyz";
    struct policy_parts p = policy_parts();
    struct nos_module_info info;
    struct nos_supervision sup;
    (void)state;
    assert_int_equal(module_supervision(0, &sup), NOS_NOT_FOUND);
    for (unsigned odd = 0; odd < 2; odd++) {
        span_t about = span_of(text, sizeof text - 1);
        uint8_t moved[sizeof text];
        if (odd) {  // one byte later: the room ends inside a character
            moved[0] = 'a';
            memcpy(moved + 1, text, sizeof text - 1);
            about = SPAN_OF(moved);
        }
        hello_under(&p, (struct change){ .tag = NOS_MAN_ABOUT, .value = about });
        assert_int_equal(module_info(0, &info), NOS_OK);
        size_t n = strnlen(info.about, sizeof info.about);
        assert_int_equal(n, odd ? sizeof info.about - 1 : sizeof info.about);
        assert_memory_equal(info.about, about.data, n);
        clear(NULL);
        fresh(NULL);
    }
    struct module *m = hello();
    m->man.needs = SPAN_LIT("console\0\0\0\0\0\0\0\0\0");
    assert_int_equal(module_supervision(0, &sup), NOS_OK);
    assert_string_equal(sup.name, "hello");
    assert_int_equal(sup.n_needs, 1);
    assert_string_equal((const char *)sup.needs, "console");
    m->man.semver = span_of("1.2\x80", 3);  // what stands behind it does not matter
    assert_int_equal(module_info(0, &info), NOS_OK);
    assert_string_equal(info.semver, "1.2");
    assert_int_equal(module_supervision(1, &sup), NOS_NOT_FOUND);
    assert_int_equal(module_supervision(3, &sup), NOS_NOT_FOUND);
}

/* ---- load ---- */

static void drop_space(void)
{
    struct area gone;
    while (!space_destroy_step(&cap.space, 100, &gone)) {
    }
    memset(&cap, 0, sizeof cap);
    assert_int_equal(n_mapped, 0);
    assert_int_equal(frames_live, 0);
}

static unsigned load_steps;

static nos_status_t load(struct module *m, uint32_t limit)
{
    struct load_job j;
    bool done = false;
    nos_status_t st = NOS_OK;

    cap.id = 12;
    cap.parent = 3;
    assert_int_equal(space_create(&cap.space, limit), NOS_OK);
    module_load_init(&j, m, &cap);
    for (load_steps = 0; !done; load_steps++) {
        uint64_t was = j.at;
        size_t clean = clean_frames;
        done = true;
        st = module_load_step(&j, &done);
        if (j.phase == 2 && j.at > was) {
            assert_true(j.at - was <= MODULE_STEP);
        }
        if (j.phase == 3 && j.at > was) {
            assert_true(j.at - was <= 512);
        }
        assert_true(clean_frames - clean <= 64);
    }
    return st;
}

static unsigned prot_at(uint64_t va)
{
    unsigned prot = 0;
    return arch_query(&cap.space.arch, va, &prot).v == 0 ? 0 : prot;
}

/* Every byte as lib's loader lays it out; every page as its segment says; nothing else mapped. */
static void check_image(const struct module *m)
{
    const struct elf_view *e = &m->elf;
    struct buf want = buf_new(e->mem_len);
    size_t pages = 0;

    assert_int_equal(elf_apply(e, mspan_of(want.data, want.len), cap.image_base), NOS_OK);
    assert_int_equal(cap.image_base % PAGE_SIZE, 0);
    assert_int_equal(cap.entry, cap.image_base + e->entry);
    for (uint32_t i = 0; i < e->n_seg; i++) {
        const struct elf_segment *s = &e->seg[i];
        uint64_t end = (s->off + s->memsz + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
        for (uint64_t off = s->off; off < end; off += PAGE_SIZE, pages++) {
            bool relro = off >= e->relro_off && off < e->relro_off + e->relro_len;
            unsigned prot = PROT_R | ((s->flags & ELF_X) != 0 ? PROT_X : 0) |
                            ((s->flags & ELF_W) != 0 && !relro ? PROT_W : 0);
            assert_int_equal(prot_at(cap.image_base + off), prot);
            assert_memory_equal(space_ptr(&cap.space, cap.image_base + off), want.data + off,
                                PAGE_SIZE);
        }
    }
    assert_int_equal(n_mapped, pages);
    assert_int_equal(prot_at(cap.image_base - PAGE_SIZE), 0);
    assert_int_equal(prot_at(cap.image_base + e->mem_len), 0);
    buf_free(&want);
}

static void test_load(void **state)
{
    uint64_t base = 0;
    (void)state;
    struct module *m = hello();
    for (unsigned i = 0; i < 20; i++) {
        n_told = 0;
        assert_int_equal(load(m, 64), NOS_OK);
        check_image(m);
        assert_int_not_equal(cap.image_base, base);
        base = cap.image_base;
        assert_int_equal(n_told, 0);
        drop_space();
    }
}

/* A module of this image; its limits allow 4,096 pages. */
static struct module *with_image(struct buf image)
{
    uint8_t limits[32] = { 0 };
    struct golden_mod p = golden_parts();

    store_le32(limits, 4096);
    store_le32(limits + 4, 8);
    store_le32(limits + 8, 32);
    store_le32(limits + 12, 4);
    store_le32(limits + 16, 16);
    buf_free(&p.manifest);
    p.manifest =
        golden_manifest((struct change){ .tag = NOS_MAN_LIMITS, .value = SPAN_OF(limits) });
    buf_free(&p.image);
    p.image = image;
    struct module *m = verify_good(&p);
    golden_parts_free(&p);
    return m;
}

static uint8_t *phdr(struct buf image, int n)
{
    return image.data + ELF_PHDR + n * ELF_PHDR_LEN;
}

/* Empty pages, few and many, beside relocation read-only ones. */
static void test_load_bss(void **state)
{
    static const uint64_t memsz[] = { 0x100,  0x101,     0xfff,     0x1000,    0x1001,
                                      0x2000, 64 * 4096, 65 * 4096, 66 * 4096, 400 * 4096 + 1 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(memsz); i++) {
        struct buf image = golden_image();
        store_le64(phdr(image, ELF_DATA) + 40, memsz[i]);
        struct module *m = with_image(image);
        uint64_t empty = (memsz[i] + PAGE_SIZE - 1) / PAGE_SIZE - 1;
        clean_frames = 0;
        assert_int_equal(load(m, 4096), NOS_OK);
        check_image(m);
        assert_int_equal(clean_frames, empty <= 64 ? empty : 0);
        assert_true(empty > 64 || load_steps <= 9);  // they are not zeroed once more
        drop_space();
    }
}

/* The first segment is the writable one, with a hole behind it, and what lies in the file behind a
 * segment's bytes is no part of it: relocations of its two pages, in either order. */
static void test_load_with_a_hole(void **state)
{
    static const uint64_t target[][2] = { { 0x1008, 0x2c0 }, { 0x2c0, 0x1008 } };
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(target); k++) {
        struct buf image = golden_image();
        memset(image.data + 0x300, 0xee, 0xd00);
        store_le32(phdr(image, ELF_TEXT) + 4, ELF_R | ELF_W);
        store_le64(phdr(image, ELF_TEXT) + 40, 0x2000);
        store_le32(phdr(image, ELF_DATA) + 4, ELF_R | ELF_X);
        store_le32(phdr(image, ELF_RELRO), 0);
        for (int n = ELF_DATA; n <= ELF_DYN; n++) {
            store_le64(phdr(image, n) + 16, 0x5000);
            store_le64(phdr(image, n) + 24, 0x5000);
        }
        store_le64(image.data + 24, 0x5000);
        store_le64(image.data + ELF_RELA_AT, target[k][0]);
        store_le64(image.data + ELF_RELA_AT + 24, target[k][1]);
        store_le64(image.data + ELF_RELA_AT + 40, 0x5000);
        struct module *m = with_image(image);
        assert_int_equal(load(m, 4096), NOS_OK);
        check_image(m);
        drop_space();
    }
}

/* As large as its limit is not too large. */
static void test_load_at_its_limit(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct golden_mod p = golden_parts();
        store_le64(phdr(p.image, ELF_DATA) + 40, (63 + more) * (uint64_t)PAGE_SIZE);
        struct buf f = golden_module(&p);
        assert_int_equal(verify(buf_span(f)), more ? NOS_ELF_SIZE : NOS_OK);
        buf_free(&f);
        golden_parts_free(&p);
    }
}

/* More relocations than one step does. */
static void test_load_many_relocations(void **state)
{
    enum { N = 1300 };
    struct buf small = golden_image(), image = buf_new(ELF_IMAGE_LEN + 24 * N);
    (void)state;
    memcpy(image.data, small.data, small.len);
    buf_free(&small);
    for (uint64_t i = 0; i < N; i++) {
        uint8_t *row = image.data + ELF_IMAGE_LEN + 24 * i;
        store_le64(row, 0xa000 + 8 * i);
        store_le64(row + 8, 8);
        store_le64(row + 16, 0x200 + i);
    }
    store_le64(phdr(image, ELF_DATA) + 32, 0x100 + 24 * N);  // they stand in the data segment
    store_le64(phdr(image, ELF_DATA) + 40, 0x10000);
    store_le64(image.data + ELF_DYN_AT + 8, ELF_IMAGE_LEN);
    store_le64(image.data + ELF_DYN_AT + 24, 24 * N);
    struct module *m = with_image(image);
    assert_int_equal(elf_reloc_count(&m->elf), N);
    assert_int_equal(load(m, 4096), NOS_OK);
    check_image(m);
    drop_space();
}

/* Read-only after relocation: the middle of a segment, its end, all of it. */
static void test_load_relro(void **state)
{
    static const struct {
        uint64_t off, len;
    } row[] = { { 0x2000, 0x1000 },
                { 0x1000, 0x2000 },
                { 0x3000, 0x2000 },
                { 0x2000, 0x3000 },
                { 0x1000, 0x4000 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct buf image = golden_image();
        uint8_t *p = phdr(image, ELF_RELRO);
        store_le64(phdr(image, ELF_DATA) + 40, 0x4000);
        store_le64(p + 16, row[i].off);
        store_le64(p + 24, row[i].off);
        store_le64(p + 32, 0);
        store_le64(p + 40, row[i].len);
        struct module *m = with_image(image);
        assert_int_equal(m->elf.relro_off, row[i].off);
        assert_int_equal(m->elf.relro_len, row[i].len);
        assert_int_equal(load(m, 4096), NOS_OK);
        check_image(m);
        drop_space();
    }
}

/* Text of 100 KiB: many pages filled in bounded steps; a relocation that lies across a page border.
 */
static void test_load_large_and_split(void **state)
{
    enum { TEXT = 100 << 10, DATA = 3 * 4096 };
    struct buf small = golden_image(), image = buf_new(TEXT + DATA);
    (void)state;
    memcpy(image.data, small.data, 0x300);
    for (size_t i = 0x300; i < image.len; i++) {
        image.data[i] = (uint8_t)(i * 31 >> 3);
    }
    memcpy(image.data + TEXT, small.data + 0x1000, 0x100);
    buf_free(&small);
    uint8_t *t = phdr(image, ELF_TEXT);
    store_le64(t + 32, TEXT);
    store_le64(t + 40, TEXT);
    for (int n = ELF_DATA; n <= ELF_RELRO; n++) {
        uint8_t *p = phdr(image, n);
        store_le64(p + 8, TEXT);
        store_le64(p + 16, TEXT);
        store_le64(p + 24, TEXT);
    }
    store_le64(phdr(image, ELF_DATA) + 32, DATA);
    store_le64(phdr(image, ELF_DATA) + 40, DATA);
    for (unsigned at = 0; at < 8;
         at++) {  // both relocations around the border between two pages of data
        store_le64(image.data + ELF_RELA_AT, TEXT + 0x1000 + 0xff8 + at);
        store_le64(image.data + ELF_RELA_AT + 24, TEXT + 0x800);
        struct module *m = with_image(buf_copy(buf_span(image)));
        assert_int_equal(load(m, 4096), NOS_OK);
        check_image(m);
        assert_true(load_steps >= TEXT / MODULE_STEP + 3);
        drop_space();
    }
    buf_free(&image);
}

static void test_load_without_memory(void **state)
{
    struct module *m = hello();
    nos_status_t st = NOS_NO_MEMORY;
    (void)state;
    for (frames_max = 0; st != NOS_OK; frames_max++) {
        n_told = 0;
        st = load(m, 64);
        assert_true(st == NOS_OK || st == NOS_NO_MEMORY);
        assert_int_equal(n_told, st != NOS_OK);
        drop_space();
    }
    assert_true(frames_max > m->elf.mem_len / PAGE_SIZE);
    frames_max = SIZE_MAX;
    st = NOS_QUOTA;
    for (uint32_t limit = 1; st != NOS_OK; limit++) {
        st = load(m, limit);
        assert_true(st == NOS_OK || st == NOS_QUOTA);
        drop_space();
    }
}

static void expect_reloc(size_t at, uint64_t value, nos_status_t st)
{
    struct buf image = golden_image();
    clear(NULL);
    fresh(NULL);
    store_le64(image.data + ELF_RELA_AT + at, value);
    struct module *m = with_image(image);
    n_told = 0;
    assert_int_equal(load(m, 4096), st);
    assert_int_equal(n_told, 1);
    assert_int_equal(last_told()->kind, NOS_AUDIT_REFUSE);
    assert_int_equal(last_told()->status, st);
    assert_int_equal(last_told()->a, STAGE_LOAD);
    assert_memory_equal(last_told()->subject, m->id, 32);
    assert_ptr_equal(causes[0][0], &m->record);  // it was verified once
    drop_space();
}

static void test_bad_relocations(void **state)
{
    (void)state;
    expect_reloc(8, 1, NOS_ELF_RELOC_TYPE);
    expect_reloc(0, 0x200, NOS_ELF_RELOC_RANGE);   // text
    expect_reloc(0, 0x3000, NOS_ELF_RELOC_RANGE);  // behind the end
    expect_reloc(0, UINT64_MAX - 3, NOS_ELF_RELOC_RANGE);
    expect_reloc(16, 0x100000000, NOS_ELF_RELOC_RANGE);  // a value outside
}

/* ---- execute ---- */

static void test_execute(void **state)
{
    char arg[NOS_ARG_MAX];
    bool guard;
    (void)state;
    struct module *m = hello();
    assert_int_equal(grant(m), NOS_OK);
    cap.space.limit = 64;
    start->n_handles = 3;
    for (uint32_t i = 0; i < NOS_START_HANDLES; i++) {
        start->handle[i].handle = 100 + i;
    }
    memset(start->arg, 0x77, sizeof start->arg);
    memset(start->seed, 0, sizeof start->seed);
    start->given = 101;
    memset(arg, 'a', sizeof arg);
    assert_int_equal(module_execute(m, &cap, start, span_of(arg, sizeof arg)), NOS_OK);

    const struct nos_start *s = space_ptr(&cap.space, cap.start_va);
    assert_non_null(s);
    assert_int_equal(prot_at(cap.start_va), PROT_R);
    assert_int_equal(prot_at(cap.ipc_va), PROT_R | PROT_W);
    assert_true(span_is_zero(span_of(space_ptr(&cap.space, cap.ipc_va), PAGE_SIZE)));
    assert_int_equal(s->magic, NOS_START_MAGIC);
    assert_int_equal(s->abi, NOS_ABI_VERSION);
    assert_int_equal(s->capsule, 12);
    assert_int_equal(s->tsc_mult, 0x1234);
    assert_int_equal(s->tsc_base, 0x5678);
    assert_int_equal(s->ipc_buffer, cap.ipc_va);
    assert_false(span_is_zero(SPAN_OF(s->seed)));
    assert_string_equal(s->name, "hello");
    assert_memory_equal(s->arg, arg, NOS_ARG_MAX);
    assert_int_equal(s->arg[NOS_ARG_MAX], 0);
    assert_int_equal(s->n_handles, 3);
    assert_int_equal(s->handle[2].handle, 102);
    size_t used = offsetof(struct nos_start, handle) + 3 * sizeof s->handle[0];
    size_t given_at = offsetof(struct nos_start, given), end = given_at + sizeof s->given;
    assert_true(span_is_zero(span_of((const uint8_t *)s + used, given_at - used)));
    assert_true(span_is_zero(span_of((const uint8_t *)s + end, PAGE_SIZE - end)));
    assert_int_equal(s->given, 101);
    assert_int_equal(s->supervisor, 3);

    assert_int_equal(cap.stack_top % 16, 0);
    for (uint32_t i = 1; i <= cap.limits.stack_pages; i++) {
        assert_int_equal(prot_at(cap.stack_top - i * PAGE_SIZE), PROT_R | PROT_W);
        assert_true(
            span_is_zero(span_of(space_ptr(&cap.space, cap.stack_top - i * PAGE_SIZE), PAGE_SIZE)));
    }
    uint64_t below = cap.stack_top - (cap.limits.stack_pages + 1) * (uint64_t)PAGE_SIZE;
    assert_int_equal(prot_at(below), 0);
    const struct area *a = space_find(&cap.space, below, &guard);
    assert_non_null(a);
    assert_true(guard);
    assert_int_equal(a->kind, AREA_STACK);
    free(start);
    start = NULL;
    drop_space();
}

static void test_execute_refuses(void **state)
{
    char arg[NOS_ARG_MAX + 1];
    (void)state;
    struct module *m = hello();
    memset(arg, 'a', sizeof arg);
    assert_int_equal(grant(m), NOS_OK);
    cap.space.limit = 64;
    assert_int_equal(module_execute(m, &cap, start, SPAN_OF(arg)), NOS_TOO_BIG);
    assert_int_equal(n_mapped, 0);
    free(start);
    drop_space();
    nos_status_t st = NOS_QUOTA;
    uint32_t limit = 1;
    for (; st != NOS_OK; limit++) {
        assert_int_equal(grant(m), NOS_OK);
        cap.space.limit = limit;
        st = module_execute(m, &cap, start, span_of(arg, 0));
        assert_true(st == NOS_OK || st == NOS_QUOTA);
        free(start);
        drop_space();
    }
    assert_int_equal(limit - 1, 1 + 8 + 2);  // the top table, the stack, IPC buffer and start page
    start = NULL;
}

/* ---- tokens ---- */

static void test_token(void **state)
{
    struct policy_parts p = policy_parts();
    struct golden_key issuer = golden_key(GOLDEN_ISSUER);
    uint8_t bytes[TOKEN_BYTES], obj[40], want[32], nonce[4];
    struct token_chain chain;
    struct token t;
    struct handle_slot *s;
    (void)state;
    p.grant[0] = ports(NOS_RIGHT_READ, 0x3f8, 8, 1000);
    p.n_grants = 1;
    struct module *m = hello_under(&p, (struct change){ 0 });
    assert_int_equal(grant(m), NOS_OK);
    cap.module = m;
    assert_int_equal(handle_get(&cap.handles, start->handle[0].handle, ~1u, 0, &s), NOS_OK);
    n_told = 0;
    assert_int_equal(token_make(&cap, s, 5, bytes), NOS_OK);
    assert_int_equal(token_verify(SPAN_OF(bytes), issuer.pk, &chain), NOS_OK);
    t = chain.block[0];
    assert_int_equal(t.kind, NOS_TYPE_PORTS);
    assert_memory_equal(t.audience, m->id, 32);
    assert_int_equal(t.classes, cap.classes);
    assert_int_equal(t.rights, NOS_RIGHT_READ);
    assert_int_equal(t.nbf, now);
    assert_int_equal(t.exp, now + 1000);
    assert_int_equal(t.depth, 0);
    memcpy(obj, vault_boot_id(), 32);
    store_le64(obj + 32, s->obj->serial);
    blake3_derive(NOS_CTX_OBJECT, SPAN_OF(obj), want);
    assert_memory_equal(t.obj, want, 32);
    assert_int_equal(n_told, 1);
    assert_int_equal(told[0].kind, NOS_AUDIT_TOKEN);
    assert_int_equal(told[0].actor, 5);
    token_id(SPAN_OF(bytes), want);
    assert_memory_equal(told[0].subject, want, 32);
    assert_int_equal(told[0].b, NOS_RIGHT_READ);
    memcpy(nonce, &t.nonce, 4);
    assert_int_equal(token_make(&cap, s, 5, bytes), NOS_OK);
    assert_int_equal(token_parse(SPAN_OF(bytes), &t), NOS_OK);
    assert_memory_not_equal(nonce, &t.nonce, 4);
    now = s->deadline_ns;
    n_told = 0;
    assert_int_equal(token_make(&cap, s, 5, bytes), NOS_EXPIRED);
    assert_int_equal(n_told, 0);
    s->deadline_ns = 0;
    assert_int_equal(token_make(&cap, s, 5, bytes), NOS_OK);  // without an end
    drop_handles();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, clear)
    const struct CMUnitTest tests[] = {
        TEST(test_good_module),
        TEST(test_a_job_begins_anew),
        TEST(test_refused_by_shape),
        TEST(test_refused_by_signature),
        TEST(test_a_kernel_is_not_a_module),
        TEST(test_refused_by_hash),
        TEST(test_refused_by_manifest),
        TEST(test_the_first_capsule),
        TEST(test_a_part_is_granted),
        TEST(test_ahead_of_its_step),
        TEST(test_boot_without_a_policy),
        TEST(test_boot_with_too_many_files),
        TEST(test_listing),
        TEST(test_refused_by_policy),
        TEST(test_refused_by_image),
        TEST(test_every_byte_counts),
        TEST(test_every_truncation),
        TEST(test_steps_are_bounded),
        TEST(test_known_module_is_not_read_again),
        TEST(test_newest_of_a_name),
        TEST(test_full_registry),
        TEST(test_no_memory_for_a_module),
        TEST(test_dropped_half_way),
        TEST(test_refusals_are_bounded),
        TEST(test_refusals_differ_by_status),
        TEST(test_boot),
        TEST(test_boot_tells_panic_hold),
        TEST(test_grant_is_the_intersection),
        TEST(test_not_granted),
        TEST(test_policy_never_raises),
        TEST(test_cpu_percent),
        TEST(test_children_and_flags),
        TEST(test_filter_reaches_the_capsule),
        TEST(test_deadline_does_not_wrap),
        TEST(test_absent_devices),
        TEST(test_no_room_for_a_handle),
        TEST(test_grant_asks_the_policy_again),
        TEST(test_load),
        TEST(test_told_as_far_as_it_came),
        TEST(test_the_edges_of_a_rule),
        TEST(test_many_refusals),
        TEST(test_load_with_a_hole),
        TEST(test_load_at_its_limit),
        TEST(test_load_bss),
        TEST(test_load_many_relocations),
        TEST(test_load_relro),
        TEST(test_load_large_and_split),
        TEST(test_load_without_memory),
        TEST(test_bad_relocations),
        TEST(test_execute),
        TEST(test_execute_refuses),
        TEST(test_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
