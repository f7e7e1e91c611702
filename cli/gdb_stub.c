#include "cli/gdb_stub.h"

#include <string.h>

#include "cli/gdb_regs.h"
#include "lib/text.h"

enum {
    SIG_INT = 2,
    SIG_ILL = 4,
    SIG_TRAP = 5,
    SIG_FPE = 8,
    SIG_BUS = 10,
    SIG_SEGV = 11,
    ACTIONS = 16,
    READ_MOST = RSP_MAX / 2,
    XML_MAX = 8192,
    EACH = 0 /* as a thread's id: all */
};

void stub_init(struct stub *s, struct gdb_target *t)
{
    memset(s, 0, sizeof(*s));
    s->target = t;
    FMT_INIT(&s->reply, s->text);
}

static void say(struct stub *s, const char *text)
{
    fmt_str(&s->reply, text);
}

static void say_error(struct stub *s, nos_status_t st)
{
    FMT_INIT(&s->reply, s->text);
    say(s, "E");
    fmt_hex(&s->reply, (uint64_t)(uint32_t)-st & 0xff, 2);
    s->over = s->over || st == NOS_IO_ERROR;
}

static void say_status(struct stub *s, nos_status_t st)
{
    if (st == NOS_OK) {
        say(s, "OK");
    } else {
        say_error(s, st);
    }
}

/* ---- threads and stops ---- */

static nos_status_t current(struct stub *s, struct nos_debug_thread *out)
{
    uint32_t id = s->thread != 0 ? s->thread : s->stopped;
    nos_status_t st = target_thread(s->target, id, out);
    if (st == NOS_OK && id != 0 && out->id != id) {
        st = NOS_NOT_FOUND;
    }
    return st;
}

static int signal_of(uint32_t why)
{
    switch (why) {
    case NOS_CRASH_DEBUG:
        return SIG_TRAP;
    case NOS_CRASH_DIVIDE:
    case NOS_CRASH_FPU:
        return SIG_FPE;
    case NOS_CRASH_ILLEGAL:
    case NOS_CRASH_TRAP_UB:
        return SIG_ILL;
    case NOS_CRASH_ALIGNMENT:
        return SIG_BUS;
    default:
        return SIG_SEGV;
    }
}

/* Its place; that of an empty one with 0. NOS_DEBUG_BREAKS: there is none. */
static size_t find_break(const struct stub *s, uint64_t at)
{
    size_t i = 0;
    while (i < NOS_DEBUG_BREAKS && s->breaks[i].at != at) {
        i++;
    }
    return i;
}

static bool has_break(const struct stub *s, uint64_t at)
{
    return at != 0 && find_break(s, at) < NOS_DEBUG_BREAKS;
}

/* The thread that something happened to; else the one that was looked at before; else the first. */
static nos_status_t who_stopped(struct stub *s, struct nos_debug_thread *out)
{
    struct nos_debug_thread t;
    bool found = false;
    nos_status_t st = NOS_OK;
    for (uint32_t from = 0; st == NOS_OK; from = t.id + 1) {
        st = target_thread(s->target, from, &t);
        if (st == NOS_OK && (!found || t.why != 0 || (t.id == s->stopped && out->why == 0))) {
            *out = t;
            found = true;
        }
        if (st == NOS_OK && t.why != 0) {
            return NOS_OK;
        }
    }
    return found && st == NOS_NOT_FOUND ? NOS_OK : st;
}

static void say_stop(struct stub *s)
{
    struct nos_debug_thread t = { 0 };
    nos_status_t st = who_stopped(s, &t);
    if (st != NOS_OK) {
        say_error(s, st);
        return;
    }
    int sig = t.why != 0 ? signal_of(t.why) : s->interrupted ? SIG_INT : SIG_TRAP;
    s->stopped = t.id;
    s->thread = 0;
    s->interrupted = false;
    say(s, "T");
    fmt_hex(&s->reply, (uint64_t)sig, 2);
    say(s, "thread:");
    fmt_hex(&s->reply, t.id, 1);
    say(s, ";");
    if (t.why == NOS_CRASH_DEBUG && has_break(s, t.regs[NOS_REG_rip])) {
        say(s, "swbreak:;");
    }
}

static void say_end(struct stub *s)
{
    char end[8];
    target_end(s->target, end);
    say(s, end);
    s->over = true;
}

/* As text for gdb's user, who waits for a stop that will not come. */
static void say_over(struct stub *s)
{
    say(s, "O");
    fmt_bytes(&s->reply, SPAN_LIT("The grant is over: the capsule runs on.\n"));
    s->over = true;
}

bool stub_poll(struct stub *s)
{
    enum nos_mg_debugged state;
    FMT_INIT(&s->reply, s->text);
    nos_status_t st = target_state(s->target, &state);
    if (st != NOS_OK) {
        say_error(s, st);
        s->over = true;
    } else if (state == NOS_MG_STOPPED) {
        say_stop(s);
    } else if (state == NOS_MG_ENDED) {
        say_end(s);
    } else if (state != NOS_MG_RUNS) {
        say_over(s);
    } else {
        return false;
    }
    s->running = false;
    return true;
}

void stub_interrupt(struct stub *s)
{
    if (s->running) {
        s->interrupted = target_run(s->target, EACH, NOS_DEBUG_STOP) == NOS_OK;
    }
}

static void list_threads(struct stub *s)
{
    struct nos_debug_thread t;
    char sep = 'm';
    for (uint32_t from = 0; target_thread(s->target, from, &t) == NOS_OK; from = t.id + 1) {
        fmt_char(&s->reply, sep);
        fmt_hex(&s->reply, t.id, 1);
        sep = ',';
    }
    if (sep == 'm') {
        say(s, "l");
    }
}

/* A thread's id: -1 and 0 are any. */
static bool take_thread(span_t *p, uint32_t *out)
{
    uint64_t id = 0;
    bool ok = rsp_take(p, '-') ? rsp_take(p, '1') : rsp_take_hex(p, &id);
    *out = (uint32_t)id;
    return ok && id <= INT32_MAX;
}

static void choose_thread(struct stub *s, span_t p)
{
    uint32_t id;
    bool for_registers = rsp_take(&p, 'g');
    if ((!for_registers && !rsp_take(&p, 'c')) || !take_thread(&p, &id) || p.len != 0) {
        say_error(s, NOS_BAD_MESSAGE);
        return;
    }
    s->thread = for_registers ? id : s->thread;
    say(s, "OK");
}

static bool find_thread(struct stub *s, span_t p, struct nos_debug_thread *t)
{
    uint32_t id;
    return take_thread(&p, &id) && p.len == 0 && target_thread(s->target, id, t) == NOS_OK &&
           t->id == id;
}

static void is_alive(struct stub *s, span_t p)
{
    struct nos_debug_thread t;
    say_status(s, find_thread(s, p, &t) ? NOS_OK : NOS_NOT_FOUND);
}

static void describe_thread(struct stub *s, span_t p)
{
#define X(name, value, text) [value] = (text),
    static const char *const words[NOS_DOING_COUNT] = { NOS_DOING_LIST(X) };
#undef X
    struct nos_debug_thread t;
    if (!find_thread(s, p, &t) || t.doing >= NOS_DOING_COUNT) {
        say_error(s, NOS_NOT_FOUND);
        return;
    }
    fmt_bytes(&s->reply, span_of(words[t.doing], strlen(words[t.doing])));
}

/* ---- registers ---- */

static void say_register(struct stub *s, const struct nos_debug_thread *t, size_t i)
{
    uint8_t value[GDB_REG_MAX];
    if (gdb_reg_get(t, i, value)) {
        fmt_bytes(&s->reply, span_of(value, gdb_reg_size(i)));
        return;
    }
    for (size_t n = 0; n < gdb_reg_size(i); n++) {
        say(s, "xx");
    }
}

static void read_registers(struct stub *s)
{
    struct nos_debug_thread t;
    nos_status_t st = current(s, &t);
    if (st != NOS_OK) {
        say_error(s, st);
        return;
    }
    for (size_t i = 0; i < gdb_n_regs; i++) {
        say_register(s, &t, i);
    }
}

static void read_register(struct stub *s, span_t p)
{
    struct nos_debug_thread t;
    uint64_t i;
    bool ok = rsp_take_hex(&p, &i) && p.len == 0 && i < gdb_n_regs;
    nos_status_t st = ok ? current(s, &t) : NOS_BAD_MESSAGE;
    if (st != NOS_OK) {
        say_error(s, st);
    } else {
        say_register(s, &t, i);
    }
}

/* Take register `i` and put it into `t`. One that cannot be set must be as it is, or left out. */
static nos_status_t put_register(struct nos_debug_thread *t, size_t i, span_t *p)
{
    uint8_t value[GDB_REG_MAX] = { 0 }, is[GDB_REG_MAX];
    size_t word, size = gdb_reg_size(i);
    span_t digits;
    if (span_cut(*p, 0, 2 * size, &digits) && digits.data[0] == 'x') {
        return span_take(p, 2 * size, &digits) ? NOS_OK : NOS_BAD_MESSAGE;
    }
    if (!rsp_take_bytes(p, value, size)) {
        return NOS_BAD_MESSAGE;
    }
    if (gdb_reg_word(i, &word)) {
        t->regs[word] = load_le64(value);
        return NOS_OK;
    }
    return gdb_reg_get(t, i, is) && memcmp(is, value, size) == 0 ? NOS_OK : NOS_NOT_SUPPORTED;
}

static void write_registers(struct stub *s, span_t p)
{
    struct nos_debug_thread t;
    nos_status_t st = current(s, &t);
    for (size_t i = 0; st == NOS_OK && i < gdb_n_regs; i++) {
        st = put_register(&t, i, &p);
    }
    if (st == NOS_OK) {
        st = p.len == 0 ? target_set(s->target, t.id, t.regs) : NOS_BAD_MESSAGE;
    }
    say_status(s, st);
}

static void write_register(struct stub *s, span_t p)
{
    struct nos_debug_thread t;
    uint64_t i;
    bool ok = rsp_take_hex(&p, &i) && rsp_take(&p, '=') && i < gdb_n_regs;
    nos_status_t st = ok ? current(s, &t) : NOS_BAD_MESSAGE;
    if (st == NOS_OK) {
        st = put_register(&t, i, &p);
    }
    if (st == NOS_OK) {
        st = p.len == 0 ? target_set(s->target, t.id, t.regs) : NOS_BAD_MESSAGE;
    }
    say_status(s, st);
}

/* ---- memory ---- */

static bool take_range(span_t *p, uint64_t *at, uint64_t *len)
{
    return rsp_take_hex(p, at) && rsp_take(p, ',') && rsp_take_hex(p, len);
}

static void read_memory(struct stub *s, span_t p)
{
    uint8_t bytes[READ_MOST];
    uint64_t at, len;
    if (!take_range(&p, &at, &len) || p.len != 0) {
        say_error(s, NOS_BAD_MESSAGE);
        return;
    }
    len = len < sizeof(bytes) ? len : sizeof(bytes);
    nos_status_t st = len == 0 ? NOS_OK : target_read(s->target, at, bytes, len);
    if (st == NOS_OK) {
        fmt_bytes(&s->reply, span_of(bytes, len));
    } else {
        say_error(s, st);
    }
}

static void write_memory(struct stub *s, span_t p, bool binary)
{
    uint8_t bytes[RSP_MAX];
    uint64_t at, len;
    bool ok = take_range(&p, &at, &len) && rsp_take(&p, ':') && len <= sizeof(bytes);
    if (ok && binary) {
        ok = p.len == len;
    } else if (ok) {
        ok = rsp_take_bytes(&p, bytes, len) && p.len == 0;
        p = span_of(bytes, len);
    }
    if (!ok) {
        say_error(s, NOS_BAD_MESSAGE);
        return;
    }
    say_status(s, len == 0 ? NOS_OK : target_write(s->target, at, p));
}

static nos_status_t drop_unwanted(struct stub *s)
{
    nos_status_t st = NOS_OK;
    for (size_t i = 0; st == NOS_OK && i < NOS_DEBUG_BREAKS; i++) {
        if (s->breaks[i].at != 0 && !s->breaks[i].wanted) {
            st = target_break(s->target, s->breaks[i].at, false);
            s->breaks[i].at = st == NOS_OK ? 0 : s->breaks[i].at;
        }
    }
    return st;
}

static nos_status_t add_break(struct stub *s, uint64_t at)
{
    nos_status_t st = find_break(s, 0) < NOS_DEBUG_BREAKS ? NOS_OK : drop_unwanted(s);
    size_t i = find_break(s, 0);
    if (st == NOS_OK) {
        st = i < NOS_DEBUG_BREAKS ? target_break(s->target, at, true) : NOS_QUOTA;
    }
    if (st == NOS_OK) {
        s->breaks[i].at = at;
        s->breaks[i].wanted = true;
    }
    return st;
}

static void set_break(struct stub *s, span_t p, bool on)
{
    uint64_t at, kind;
    nos_status_t st = NOS_OK;
    if (!rsp_take_word(&p, "0,")) {
        return;  // hardware, watchpoints: an empty answer says there are none
    }
    if (!take_range(&p, &at, &kind)) {
        say_error(s, NOS_BAD_MESSAGE);
        return;
    }
    if (has_break(s, at)) {
        s->breaks[find_break(s, at)].wanted = on;
    } else if (on) {
        st = at == 0 ? NOS_BAD_ADDRESS : add_break(s, at);
    }
    say_status(s, st);
}

/* ---- running ---- */

struct action {
    enum nos_debug_how how;
    uint32_t id; /* 0 = every other thread */
};

/* `c`, `s`, `C11`, `S11`, `t`. A signal is passed on: the crash that it stands for is the end. */
static bool take_action(span_t *p, enum nos_debug_how *how)
{
    uint64_t sig = SIG_TRAP;
    if (rsp_take(p, 'c')) {
        *how = NOS_DEBUG_GO;
    } else if (rsp_take(p, 's')) {
        *how = NOS_DEBUG_STEP;
    } else if (rsp_take(p, 't')) {
        *how = NOS_DEBUG_STOP;
    } else if (rsp_take(p, 'C') && rsp_take_hex(p, &sig)) {
        *how = sig == SIG_TRAP || sig == SIG_INT || sig == 0 ? NOS_DEBUG_GO : NOS_DEBUG_PASS;
    } else if (rsp_take(p, 'S') && rsp_take_hex(p, &sig)) {
        *how = NOS_DEBUG_STEP;
    } else {
        return false;
    }
    return true;
}

static const struct action *action_for(const struct action *a, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i].id == 0 || a[i].id == id) {
            return &a[i];
        }
    }
    return NULL;
}

/* False: it could not, and the reply says so. */
static bool resume(struct stub *s, const struct action *a, size_t n)
{
    struct nos_debug_thread t;
    nos_status_t st = drop_unwanted(s);
    if (st == NOS_OK && n == 1 && a[0].id == 0 && a[0].how != NOS_DEBUG_STEP) {
        st = target_run(s->target, EACH, a[0].how);
    } else {
        for (uint32_t from = 0; st == NOS_OK; from = t.id + 1) {
            st = target_thread(s->target, from, &t);
            const struct action *x = st == NOS_OK ? action_for(a, n, t.id) : NULL;
            if (x != NULL && x->how != NOS_DEBUG_STOP) {
                st = target_run(s->target, t.id, x->how);
            }
        }
        st = st == NOS_NOT_FOUND ? NOS_OK : st;  // that was the last
    }
    if (st != NOS_OK) {
        say_error(s, st);
        return false;
    }
    s->running = true;
    return true;
}

static bool continue_all(struct stub *s, span_t p)
{
    struct action a[ACTIONS];
    size_t n = 0;
    while (n < ACTIONS && rsp_take(&p, ';') && take_action(&p, &a[n].how)) {
        a[n].id = 0;
        if (rsp_take(&p, ':') && !take_thread(&p, &a[n].id)) {
            break;
        }
        n++;
    }
    if (n == 0 || p.len != 0) {
        say_error(s, NOS_BAD_MESSAGE);
        return false;
    }
    return resume(s, a, n);
}

/* c, s, C, S: what gdb says to stubs that know no vCont. */
static bool continue_old(struct stub *s, span_t p)
{
    struct action a = { NOS_DEBUG_GO, 0 };
    if (!take_action(&p, &a.how) || p.len != 0) {
        say_error(s, NOS_BAD_MESSAGE);
        return false;
    }
    if (a.how == NOS_DEBUG_STEP) {
        a.id = s->thread != 0 ? s->thread : s->stopped;
    }
    return resume(s, &a, 1);
}

/* ---- questions ---- */

static void say_part(struct stub *s, span_t all, span_t p)
{
    uint64_t off, len;
    span_t part;
    if (!take_range(&p, &off, &len) || p.len != 0 || off > all.len) {
        say_error(s, NOS_BAD_MESSAGE);
        return;
    }
    uint64_t most = RSP_MAX - 1, rest = all.len - off;
    len = len < most ? len : most;
    say(s, len < rest ? "m" : "l");
    if (span_cut(all, off, len < rest ? len : rest, &part)) {
        fmt_span(&s->reply, part);
    }
}

static void say_features(struct stub *s, span_t p)
{
    static char xml[XML_MAX];
    struct fmt f;
    FMT_INIT(&f, xml);
    gdb_target_xml(&f);
    say_part(s, fmt_text(&f), p);
}

/* Where the image lies: it was linked for address 0. */
static void say_offsets(struct stub *s)
{
    static const char *const names[] = { "Text=", ";Data=", ";Bss=" };
    struct nos_debug_thread t;
    nos_status_t st = target_thread(s->target, 0, &t);
    for (size_t i = 0; st == NOS_OK && i < ARRAY_LEN(names); i++) {
        say(s, names[i]);
        fmt_hex(&s->reply, t.image_base, 1);
    }
    if (st != NOS_OK) {
        say_error(s, st);
    }
}

static void question(struct stub *s, span_t p)
{
    if (rsp_take_word(&p, "Supported")) {
        say(s, "PacketSize=");
        fmt_hex(&s->reply, RSP_MAX, 1);
        say(s, ";QStartNoAckMode+;qXfer:features:read+;swbreak+;vContSupported+");
    } else if (rsp_take_word(&p, "Xfer:features:read:target.xml:")) {
        say_features(s, p);
    } else if (rsp_take_word(&p, "ThreadExtraInfo,")) {
        describe_thread(s, p);
    } else if (span_equal(p, SPAN_LIT("fThreadInfo"))) {
        list_threads(s);
    } else if (span_equal(p, SPAN_LIT("sThreadInfo"))) {
        say(s, "l");
    } else if (span_equal(p, SPAN_LIT("Offsets"))) {
        say_offsets(s);
    } else if (span_equal(p, SPAN_LIT("C"))) {
        say(s, "QC");
        fmt_hex(&s->reply, s->stopped, 1);
    } else if (rsp_take_word(&p, "Attached")) {
        say(s, "1");
    } else if (rsp_take_word(&p, "Symbol:")) {
        say(s, "OK");
    }
}

static bool leave(struct stub *s, bool kill)
{
    nos_status_t st = kill ? target_kill(s->target) : NOS_OK;
    say_status(s, st);
    s->over = true;
    return !kill;  // `k` has no answer
}

static bool verbose(struct stub *s, span_t p)
{
    if (span_equal(p, SPAN_LIT("Cont?"))) {
        say(s, "vCont;c;C;s;S;t");
    } else if (rsp_take_word(&p, "Cont")) {
        return !continue_all(s, p);
    }
    return true;  // also what is not known here: with nothing
}

bool stub_packet(struct stub *s, span_t packet)
{
    span_t p = packet, first;
    FMT_INIT(&s->reply, s->text);
    s->text[0] = 0;
    if (!span_take(&p, 1, &first)) {
        return true;
    }
    switch (first.data[0]) {
    case '?':
        say_stop(s);
        break;
    case 'g':
        read_registers(s);
        break;
    case 'G':
        write_registers(s, p);
        break;
    case 'p':
        read_register(s, p);
        break;
    case 'P':
        write_register(s, p);
        break;
    case 'm':
        read_memory(s, p);
        break;
    case 'M':
    case 'X':
        write_memory(s, p, first.data[0] == 'X');
        break;
    case 'Z':
    case 'z':
        set_break(s, p, first.data[0] == 'Z');
        break;
    case 'H':
        choose_thread(s, p);
        break;
    case 'T':
        is_alive(s, p);
        break;
    case 'q':
        question(s, p);
        break;
    case 'Q':
        s->no_ack = s->no_ack || span_equal(p, SPAN_LIT("StartNoAckMode"));
        say(s, span_equal(p, SPAN_LIT("StartNoAckMode")) ? "OK" : "");
        break;
    case 'v':
        return verbose(s, p);
    case 'c':
    case 's':
    case 'C':
    case 'S':
        return !continue_old(s, packet);
    case 'D':
    case 'k':
        return leave(s, first.data[0] == 'k');
    default:
        break;
    }
    return true;
}
