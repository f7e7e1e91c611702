/* boot/main.c: the order of the stages, that none runs after one that refused, and what a person
 * reads then. */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/insn.h"
#include "tests/host/test.h"

static _Noreturn void stopped(void);
#define halt_for_ever stopped
#include "boot/main.c"
#undef halt_for_ever

static char order[32];
static unsigned n;
static char fails;
static nos_status_t with;
static const char *subject;
static bool gone;
static jmp_buf end;
static struct boot *seen;
static uint8_t pages[sizeof(struct nos_bootinfo) + 64];

static _Noreturn void stopped(void)
{
    longjmp(end, 1);
}

static const char *advised;

#include "tests/host/loader_console_host.h"

void console_start(struct uefi_system_table *system)
{
    assert_non_null(system);
    order[n++] = 'c';
}

void say(const char *words)
{
    if (advised == NULL) {
        assert_string_equal(words, "N0N-OS loader");
    }
    advised = words;
}

static nos_status_t stage(struct boot *b, char name)
{
    order[n++] = name;
    seen = b;
    b->subject = subject;
    b->firmware_gone = gone && name == fails;
    return name == fails ? with : NOS_OK;
}

nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out)
{
    assert_int_equal(bytes, sizeof(struct nos_bootinfo));
    nos_status_t st = stage(b, 'i');
    *out = st == NOS_OK ? pages : NULL;
    return st;
}

nos_status_t stage_cpu(struct boot *b)
{
    return stage(b, '1');
}

nos_status_t stage_trust(struct boot *b)
{
    return stage(b, '2');
}

nos_status_t stage_files(struct boot *b)
{
    return stage(b, '3');
}

nos_status_t stage_modules(struct boot *b)
{
    return stage(b, '4');
}

void stage_entropy(struct boot *b)
{
    (void)stage(b, '5');
}

void stage_machine(struct boot *b)
{
    (void)stage(b, '6');
}

nos_status_t stage_dma_off(struct boot *b)
{
    return stage(b, '7');
}

nos_status_t stage_verify(struct boot *b)
{
    return stage(b, '8');
}

nos_status_t stage_kernel(struct boot *b)
{
    return stage(b, '9');
}

nos_status_t stage_leave(struct boot *b)
{
    return stage(b, 'L');
}

void dma_on_again(struct boot *b)
{
    assert_ptr_equal(b, seen);
    order[n++] = 'D';
}

static uefi_status_t UEFI_CALL watchdog(uint64_t seconds, uint64_t code, uint64_t size,
                                        const uint16_t *data)
{
    assert_int_equal(seconds | code | size, 0);
    assert_null(data);
    order[n++] = 'w';
    return UEFI_INVALID_PARAMETER;
}

static struct uefi_boot_services bs = { .set_watchdog_timer = watchdog };
static struct uefi_system_table table = { .boot = &bs };
static int the_image;

static void run(char at, nos_status_t st, const char *about)
{
    n = 0;
    memset(order, 0, sizeof order);
    memset(pages, 0xa5, sizeof pages);
    fails = at;
    with = st;
    subject = about;
    advised = NULL;
    printed = 0;
    if (setjmp(end) == 0) {
        boot_main(&the_image, &table, 0x7ec);
    }
    assert_int_equal(printed, 1);  // the one message, on its line
}

static void in_their_order(void **state)
{
    static const char all[] = "cwi123456789L";
    (void)state;
    for (size_t i = 2; i < sizeof all - 1; i++) {
        char want[32] = { 0 };
        memcpy(want, all, i + 1);
        strcat(want, "D");
        if (all[i] == '5' || all[i] == '6') {
            continue;  // these cannot refuse
        }
        run(all[i], NOS_NO_MEMORY, "what");
        assert_string_equal(order, want);
        assert_string_equal(text, "N0N-OS loader: stopped: NO_MEMORY (-12): the machine is out of "
                                  "memory [what]");
    }
    gone = true;  // no service of the firmware's any more
    run('L', NOS_BOOT_FIRMWARE, NULL);
    assert_string_equal(order, all);
    assert_null(strchr(text, '['));
    gone = false;
    run('1', NOS_NO_MEMORY, "");
    assert_null(strchr(text, '['));
}

static void what_the_kernel_finds(void **state)
{
    (void)state;
    run('1', NOS_BOOT_CPU, NULL);
    const struct nos_bootinfo *info = (const void *)pages;
    assert_ptr_equal(seen->info, info);
    assert_ptr_equal(seen->image, &the_image);
    assert_ptr_equal(seen->system, &table);
    assert_ptr_equal(seen->bs, &bs);
    assert_memory_equal(info->magic, NOS_BOOTINFO_MAGIC, sizeof info->magic);
    assert_int_equal(info->size, sizeof *info);
    assert_int_equal(info->efi_system_table, (uint64_t)&table);
    assert_int_equal(info->tsc_start, 0x7ec);
    assert_int_equal(info->n_mem, 0);
    assert_int_equal(info->kernel_base, 0);
    assert_int_equal(pages[sizeof *info], 0xa5);
}

static void what_to_do_about_it(void **state)
{
    static const struct {
        nos_status_t st;
        const char *words;
    } rows[] = {
        { NOS_BOOT_CPU, "-cpu max" },
        { NOS_TRUST_EMPTY, "nonosctl image make" },
        { NOS_TRUST_FORMAT, "nonosctl image make" },
        { NOS_BOOT_NO_FILE, "on the volume" },
        { NOS_BOOT_VOLUME, "on the volume" },
        { NOS_NO_MEMORY, "more memory" },
        { NOS_BOOT_FIRMWARE, "Update the firmware" },
        { NOS_POL_EPOCH, "Older than" },
        { NOS_SEC_VERSION, "Older than" },
        { NOS_BAD_SIGNATURE, "Not what the root keys signed" },
        { NOS_ELF_WX, "Not what the root keys signed" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        run('3', rows[i].st, "x");
        assert_non_null(strstr(advised, rows[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_their_order),
        cmocka_unit_test(what_the_kernel_finds),
        cmocka_unit_test(what_to_do_about_it),
    };
    return cmocka_run_group_tests_name("boot_main", tests, NULL, NULL);
}
