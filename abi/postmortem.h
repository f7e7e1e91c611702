/* What a kernel that breaks under panic=hold leaves in RAM for `nonosctl --dump`: one block of
 * physical memory, found by its magic, with the records of abi/info.h that a live node would have
 * given. Little-endian. Spec: docs/lifecycle.md, "The machine's end". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NOS_PM_MAGIC "N0N-OS LAST\1\2\3\4"
enum {
    NOS_PM_VERSION = 1,
    NOS_PM_ORDER = 8, /* of the block: 1 MiB, page-aligned */
    NOS_PM_BYTES = 4096 << NOS_PM_ORDER
};

enum nos_pm_end {
    NOS_PM_BROKE = 0,    /* the kernel broke again while it wrote: what follows is a part */
    NOS_PM_COMPLETE = 1, /* all that it had */
    NOS_PM_FULL = 2,     /* all that found room */
};

struct nos_pm_head { /* 128 bytes, then `len` bytes of records */
    uint8_t magic[16];
    uint8_t check[32]; /* NOS_CTX_POSTMORTEM over what follows, records and all; 0 while BROKE */
    uint32_t version;
    uint32_t end;     /* enum nos_pm_end */
    uint64_t len;     /* grows with each record that is whole */
    uint64_t records; /* so many */
    uint8_t boot_id[32];
    uint8_t rsv[24]; /* 0 */
};
_Static_assert(sizeof(struct nos_pm_head) == 128, "ABI");
enum { NOS_PM_CHECKED = 48 }; /* the check is over all from here on */
_Static_assert(offsetof(struct nos_pm_head, version) == NOS_PM_CHECKED, "ABI");

struct nos_pm_record { /* then `len` bytes, and zeroes up to a multiple of 8 */
    uint32_t topic;    /* enum nos_topic */
    uint32_t len;
    uint64_t index; /* of node_info; of LOG, AUDIT and CRASH: the one that it has */
};
_Static_assert(sizeof(struct nos_pm_record) == 16, "ABI");

/* Mode of BLAKE3's derive_key. */
#define NOS_CTX_POSTMORTEM "N0N-OS 2026 postmortem v1"
