/* Every call that takes an address, with every kind of address that is not the caller's. */
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/format.h"
#include "sdk/start.h"

enum { RAW_ARGS = 5, LOG_BYTES = 64 };

struct call {
    const char *name;
    uint64_t nr;
    uint64_t arg[RAW_ARGS];
    unsigned at; /* which argument is the address */
    uint64_t len;
    bool reads; /* the kernel only reads there */
};

static void attack(const struct call *c)
{
    struct address bad[ADDRESSES];
    unsigned n = bad_addresses(bad, c->len);
    char name[64];

    for (unsigned i = 0; i < n; i++) {
        uint64_t a[RAW_ARGS];
        if (c->reads && bad[i].readable) {
            continue;
        }
        for (unsigned k = 0; k < RAW_ARGS; k++) {
            a[k] = k == c->at ? bad[i].at : c->arg[k];
        }
        nos_format(name, sizeof(name), "%s/%s", c->name, bad[i].name);
        expect(name, NOS_BAD_ADDRESS, nos_syscall5(c->nr, a[0], a[1], a[2], a[3], a[4], NULL));
    }
}

void attack_pointers(void)
{
    const uint64_t info = sizeof(struct nos_capsule_info), h = sizeof(struct nos_handle_info);
    const struct call calls[] = {
        { "self_info", NOS_SYS_SELF_INFO, { 0, info }, 0, info, false },
        { "handle_info", NOS_SYS_HANDLE_INFO, { target.region.v, 0, h }, 1, h, false },
        { "log_write", NOS_SYS_LOG_WRITE, { 0, LOG_BYTES }, 0, LOG_BYTES, true },
        { "node_info-about",
          NOS_SYS_NODE_INFO,
          { target.node.v, NOS_TOPIC_ABOUT, 0, 0, sizeof(struct nos_about) },
          3,
          sizeof(struct nos_about),
          false },
        { "node_info-capsules",
          NOS_SYS_NODE_INFO,
          { target.node.v, NOS_TOPIC_CAPSULES, 0, 0, info },
          3,
          info,
          false },
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        attack(&calls[i]);
    }
    // a thread may start anywhere in its own half; it is the kernel's half that must be refused
    uint64_t stack = (uint64_t)target.page + 4096, v;
    expect("thread_create/entry-kernel", NOS_BAD_ADDRESS,
           nos_sys_thread_create(0xffffffff80000000, 0, stack, 1, &(nos_handle_t){ 0 }));
    expect("thread_create/entry-null", NOS_BAD_ADDRESS,
           nos_sys_thread_create(0, 0, stack, 1, &(nos_handle_t){ 0 }));
    expect("thread_create/stack-kernel", NOS_BAD_ADDRESS,
           nos_sys_thread_create((uint64_t)&attack_pointers, 0, 0xffffffff80001000, 1,
                                 &(nos_handle_t){ 0 }));
    expect("thread_create/stack-null", NOS_BAD_ADDRESS,
           nos_sys_thread_create((uint64_t)&attack_pointers, 0, 0, 1, &(nos_handle_t){ 0 }));
    expect("region_unmap/null", NOS_NOT_FOUND, nos_syscall1(NOS_SYS_REGION_UNMAP, 0, &v));
    expect("region_unmap/code", NOS_NOT_FOUND,
           nos_syscall1(NOS_SYS_REGION_UNMAP, (uint64_t)&attack_pointers & ~0xfffull, &v));
    expect("region_unmap/middle", NOS_NOT_FOUND,
           nos_syscall1(NOS_SYS_REGION_UNMAP, (uint64_t)target.page + 8, &v));
    expect("region_unmap/kernel", NOS_NOT_FOUND,
           nos_syscall1(NOS_SYS_REGION_UNMAP, 0xffffffff80000000, &v));
}
