/* cli/program.c, modfile.c, modcheck.c, out.c: from a linked program to a module, and text for
 * terminals. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/modcheck.h"
#include "cli/modfile.h"
#include "cli/out.h"
#include "cli/program.h"
#include "cli/report.h"
#include "lib/elf.h"
#include "lib/symbols.h"
#include "tests/host/test.h"

#define TINY "build/test/tiny.elf"

static struct buf elf;
static int real_stderr;
static char path[] = "/tmp/n0n-elf.XXXXXX";

static int load(span_t bytes, struct program *out)
{
    assert_int_equal(file_write(path, bytes, 0600), DONE);
    return program_load(path, true, out);
}

static void test_tiny(void **state)
{
    (void)state;
    struct program p;
    struct elf_view v;
    struct symbols s;
    span_t name;
    uint64_t off;
    assert_int_equal(program_load(TINY, true, &p), DONE);
    assert_true(p.image.len < elf.len);
    assert_int_equal(elf_parse(buf_span(&p.image), &v), NOS_OK);
    assert_int_equal(symbols_parse(buf_span(&p.symbols), &s), NOS_OK);
    assert_true(symbols_find(&s, v.entry + 1, &name, &off));
    assert_true(span_equal(name, SPAN_LIT("_start")) && off == 1);
    program_free(&p);
    assert_int_equal(program_load(TINY, false, &p), DONE);
    assert_int_equal(p.symbols.len, 0);
    program_free(&p);
}

/** Whatever a linker wrote, or a disk made of it: a program or a refusal, and no byte read outside
 * the file. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < elf.len; n += n < 1100 ? 1 : 61) {
        struct program p;
        if (load(span_of(elf.data, n), &p) == DONE) {
            program_free(&p);
        }
    }
}

static void test_bytes_changed(void **state)
{
    (void)state;
    size_t first = elf.len > 3000 ? elf.len - 3000 : 0;  // section headers, symbols, strings
    for (size_t i = 0; i < elf.len; i += i < 700 || i > first ? 1 : 97) {
        struct program p;
        uint8_t was = elf.data[i];
        elf.data[i] = (uint8_t)~was;
        if (load(buf_span(&elf), &p) == DONE) {
            struct symbols s;
            assert_true(p.symbols.len == 0 || symbols_parse(buf_span(&p.symbols), &s) == NOS_OK);
            program_free(&p);
        }
        elf.data[i] = was;
    }
}

static struct buf make_module(const struct key_secret *key)
{
    static const char source[] =
        "{\"name\":\"tiny\",\"version\":\"1.0.0\",\"sec_version\":1,\"classes\":[\"CoreExec\"],"
        "\"limits\":{\"memory_kib\":64,\"stack_kib\":4,\"handles\":8,\"threads\":1,\"priority\":0}"
        "}";
    struct modfile_maker who = { .n_sig = 1 };
    struct module_source src = { 0 };
    struct module_wishes wish = { 0 };
    struct program p;
    struct buf file = { NULL, 0 };
    assert_int_equal(program_load(TINY, true, &p), DONE);
    wish.symbols = buf_span(&p.symbols);
    assert_int_equal(file_write(path, span_of(source, sizeof(source) - 1), 0600), DONE);
    assert_int_equal(manifestsrc_read(path, &wish, &src), DONE);
    memcpy(who.publisher_id, key->pub.publisher_id, 32);
    modfile_make(&who, &src, &p, &file);
    assert_int_equal(modfile_sign("x", &file, key), DONE);
    buf_free(&src.manifest);
    program_free(&p);
    return file;
}

/** Every stage refuses with its own name; the whole file is covered: no byte can change. */
static void test_stages(void **state)
{
    (void)state;
    struct key_secret key;
    const uint8_t next[32] = { 1 };
    key_generate(KEY_PUBLISHER, next, &key);
    struct buf file = make_module(&key);
    const struct module_judge judge = { .publisher_pk = key.pub.pk,
                                        .publisher_id = key.pub.publisher_id };
    struct module_check c;
    assert_int_equal(module_check(buf_span(&file), &judge, &c), NOS_OK);
    assert_true(c.stage == STAGE_EXECUTE && c.signer_known);
    for (size_t i = 0; i < file.len; i += i < 1200 ? 1 : 41) {
        file.data[i] ^= 0x10;
        assert_int_not_equal(module_check(buf_span(&file), &judge, &c), NOS_OK);
        assert_true(c.stage <= STAGE_HASHES && !(c.stage == STAGE_NONE));
        file.data[i] ^= 0x10;
    }
    buf_free(&file);
    key_wipe(&key);
}

static void check_safe(const char *in, size_t len, const char *want)
{
    char *safe = out_safe(span_of(in, len));
    assert_string_equal(safe, want);
    free(safe);
}

static void test_safe_text(void **state)
{
    (void)state;
    check_safe("plain", 5, "plain");
    check_safe("pad\0\0\0", 6, "pad");
    check_safe("caf\xc3\xa9", 5, "caf\xc3\xa9");
    check_safe("\x1b[31m", 5, "\\x1b[31m");
    check_safe("a\xc3", 2, "a\\xc3");
    check_safe("\xc2\x9b", 2, "\\xc2\\x9b");
    check_safe("", 0, "");
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0 || file_read(TINY, 1 << 20, &elf) != DONE) {
        return -1;
    }
    close(fd);
    real_stderr = dup(2);  // the refusals that are wanted would fill the screen
    return freopen("/dev/null", "w", stderr) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&elf);
    fflush(stderr);
    dup2(real_stderr, 2);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiny),          cmocka_unit_test(test_cut),
        cmocka_unit_test(test_bytes_changed), cmocka_unit_test(test_stages),
        cmocka_unit_test(test_safe_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
