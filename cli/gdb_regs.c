/* In the order of gdb's features org.gnu.gdb.i386.core and .sse, for 64 bits. */
#include "cli/gdb_regs.h"

#include <string.h>

enum where { WORD, FLAGS, NOWHERE, FPU, TAGS };

static const struct reg {
    const char *name, *type;
    uint16_t bits;
    uint8_t where;
    uint16_t at;    /* WORD, FLAGS: enum nos_crash_reg; FPU: offset in what FXSAVE stores */
    uint8_t stored; /* FPU: bytes there */
} table[] = {
#define GENERAL(name) \
    { \
#name, "int64", 64, WORD, NOS_REG_##name, 0 \
    }
#define SEGMENT(name) \
    { \
#name, "int32", 32, NOWHERE, 0, 0 \
    }
#define STACK(n) \
    { \
        "st" #n, "i387_ext", 80, FPU, 32 + 16 * (n), 10 \
    }
#define XMM(n) \
    { \
        "xmm" #n, "uint128", 128, FPU, 160 + 16 * (n), 16 \
    }
    GENERAL(rax),
    GENERAL(rbx),
    GENERAL(rcx),
    GENERAL(rdx),
    GENERAL(rsi),
    GENERAL(rdi),
    { "rbp", "data_ptr", 64, WORD, NOS_REG_rbp, 0 },
    { "rsp", "data_ptr", 64, WORD, NOS_REG_rsp, 0 },
    GENERAL(r8),
    GENERAL(r9),
    GENERAL(r10),
    GENERAL(r11),
    GENERAL(r12),
    GENERAL(r13),
    GENERAL(r14),
    GENERAL(r15),
    { "rip", "code_ptr", 64, WORD, NOS_REG_rip, 0 },
    { "eflags", "i386_eflags", 32, FLAGS, NOS_REG_rflags, 0 },
    SEGMENT(cs),
    SEGMENT(ss),
    SEGMENT(ds),
    SEGMENT(es),
    SEGMENT(fs),
    SEGMENT(gs),
    STACK(0),
    STACK(1),
    STACK(2),
    STACK(3),
    STACK(4),
    STACK(5),
    STACK(6),
    STACK(7),
    { "fctrl", "int", 32, FPU, 0, 2 },
    { "fstat", "int", 32, FPU, 2, 2 },
    { "ftag", "int", 32, TAGS, 4, 1 },
    { "fiseg", "int", 32, FPU, 12, 2 },
    { "fioff", "int", 32, FPU, 8, 4 },
    { "foseg", "int", 32, FPU, 20, 2 },
    { "fooff", "int", 32, FPU, 16, 4 },
    { "fop", "int", 32, FPU, 6, 2 },
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    XMM(8),
    XMM(9),
    XMM(10),
    XMM(11),
    XMM(12),
    XMM(13),
    XMM(14),
    XMM(15),
    { "mxcsr", "int", 32, FPU, 24, 4 },
};
const size_t gdb_n_regs = ARRAY_LEN(table);
enum { FIRST_SSE = 40 };

size_t gdb_reg_size(size_t i)
{
    return table[i].bits / 8;
}

/* Two bits a register, 3 = empty; what is stored has one bit, 1 = full. */
static uint32_t wide_tags(uint8_t full)
{
    uint32_t tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        tags |= (full >> i & 1) != 0 ? 0 : 3u << 2 * i;
    }
    return tags;
}

/* A thread that has not used the FPU finds it like this. */
static const uint8_t *fpu_of(const struct nos_debug_thread *t)
{
    static uint8_t initial[NOS_DEBUG_FPU] = { 0x7f, 0x03, [24] = 0x80, 0x1f };
    return (t->flags & NOS_DEBUG_HAS_FPU) != 0 ? t->fpu : initial;
}

bool gdb_reg_get(const struct nos_debug_thread *t, size_t i, uint8_t out[GDB_REG_MAX])
{
    const struct reg *r = &table[i];
    memset(out, 0, GDB_REG_MAX);
    switch ((enum where)r->where) {
    case WORD:
    case FLAGS:
        store_le64(out, t->regs[r->at]);
        return true;
    case FPU:
        memcpy(out, fpu_of(t) + r->at, r->stored);
        return true;
    case TAGS:
        store_le32(out, wide_tags(fpu_of(t)[r->at]));
        return true;
    case NOWHERE:
        break;
    }
    return false;
}

bool gdb_reg_word(size_t i, size_t *out)
{
    bool word = i < gdb_n_regs && (table[i].where == WORD || table[i].where == FLAGS);
    if (word) {
        *out = table[i].at;
    }
    return word;
}

static void flags_xml(struct fmt *f)
{
    static const struct {
        const char *name;
        unsigned bit;
    } flags[] = { { "CF", 0 }, { "PF", 2 },  { "AF", 4 },  { "ZF", 6 },  { "SF", 7 },
                  { "IF", 9 }, { "DF", 10 }, { "OF", 11 }, { "AC", 18 }, { "ID", 21 } };
    fmt_str(f, "<flags id=\"i386_eflags\" size=\"4\">");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        fmt_str(f, "<field name=\"");
        fmt_str(f, flags[i].name);
        fmt_str(f, "\" start=\"");
        fmt_u64(f, flags[i].bit);
        fmt_str(f, "\" end=\"");
        fmt_u64(f, flags[i].bit);
        fmt_str(f, "\"/>");
    }
    fmt_str(f, "</flags>\n");
}

static void reg_xml(struct fmt *f, const struct reg *r)
{
    fmt_str(f, "<reg name=\"");
    fmt_str(f, r->name);
    fmt_str(f, "\" bitsize=\"");
    fmt_u64(f, r->bits);
    fmt_str(f, "\" type=\"");
    fmt_str(f, r->type);
    fmt_str(f, "\"/>\n");
}

void gdb_target_xml(struct fmt *f)
{
    fmt_str(f, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
               "<target version=\"1.0\">\n<architecture>i386:x86-64</architecture>\n"
               "<osabi>none</osabi>\n<feature name=\"org.gnu.gdb.i386.core\">\n");
    flags_xml(f);
    for (size_t i = 0; i < gdb_n_regs; i++) {
        if (i == FIRST_SSE) {
            fmt_str(f, "</feature>\n<feature name=\"org.gnu.gdb.i386.sse\">\n");
        }
        reg_xml(f, &table[i]);
    }
    fmt_str(f, "</feature>\n</target>\n");
}
