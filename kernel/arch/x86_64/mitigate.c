/*
 * Only what is set once and then costs nothing here: predictions of user mode's kept from the
 * kernel (enhanced or automatic IBRS), from the other hyperthread (STIBP), from branch history
 * (BHI_DIS_S) and from the return stack's substitute (RRSBA_DIS_S); loads kept behind older stores
 * (SSBD). A processor whose VERW clears its buffers, and that needs it, leaves the kernel by iret
 * alone, where the VERW is: the way of sysret stays as it is for all others.
 *
 * Spec: Intel, "Speculative Execution Side Channel Mitigations", 2018-2024; AMD APM 2, 3.2.9.
 */
#include "kernel/arch/x86_64/mitigate.h"

enum {
    LEAF7_MD_CLEAR = 1 << 10,
    LEAF7_STIBP = 1 << 27,
    LEAF7_2_RRSBA = 1 << 2,
    LEAF7_2_BHI = 1 << 4,
    EXT8_IBRS = 1 << 14,
    EXT8_STIBP = 1 << 15,
    EXT8_IBRS_ALWAYS = 1 << 16,
    EXT8_SSBD = 1 << 24,
    EXT21_AUTO_IBRS = 1 << 8,
    CAPS_RDCL_NO = 1 << 0,
    CAPS_IBRS_ALL = 1 << 1,
    CAPS_MDS_NO = 1 << 5,
    CAPS_FB_CLEAR = 1 << 17,
    CAPS_RFDS_CLEAR = 1 << 28,
    CTRL_IBRS = 1 << 0,
    CTRL_STIBP = 1 << 1,
    CTRL_SSBD = 1 << 2,
    CTRL_RRSBA_DIS_S = 1 << 6,
    CTRL_BHI_DIS_S = 1 << 10,
    EFER_AUTO_IBRS = 1 << 21,
};
static const uint32_t leaf7_ssbd = 1u << 31;

static bool ibrs_stays(const struct cpu_report *r)
{
    const uint32_t amd = EXT8_IBRS | EXT8_IBRS_ALWAYS;
    return (r->arch_caps & CAPS_IBRS_ALL) != 0 || (r->ext8_b & amd) == amd;
}

struct mitigation mitigate(const struct cpu_report *r)
{
    bool stibp = (r->leaf7_d & LEAF7_STIBP) != 0 || (r->ext8_b & EXT8_STIBP) != 0;
    bool ssbd = (r->leaf7_d & leaf7_ssbd) != 0 || (r->ext8_b & EXT8_SSBD) != 0;
    bool mds = (r->leaf7_d & LEAF7_MD_CLEAR) != 0 && (r->arch_caps & CAPS_MDS_NO) == 0;

    return (struct mitigation){
        .spec_ctrl = (ibrs_stays(r) ? CTRL_IBRS : 0u) | (stibp ? CTRL_STIBP : 0u) |
                     (ssbd ? CTRL_SSBD : 0u) |
                     ((r->leaf7_2_d & LEAF7_2_RRSBA) != 0 ? CTRL_RRSBA_DIS_S : 0u) |
                     ((r->leaf7_2_d & LEAF7_2_BHI) != 0 ? CTRL_BHI_DIS_S : 0u),
        .efer = (r->ext21_a & EXT21_AUTO_IBRS) != 0 ? EFER_AUTO_IBRS : 0u,
        .clear_buffers = mds || (r->arch_caps & (CAPS_FB_CLEAR | CAPS_RFDS_CLEAR)) != 0,
        .meltdown = r->intel && (r->arch_caps & CAPS_RDCL_NO) == 0,
    };
}
