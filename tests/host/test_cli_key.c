/* cli/keyfile.c, kel.c, sigslots.c, hex.c, file.c: keys on disk and signature rows. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/hex.h"
#include "cli/kel.h"
#include "cli/keyfile.h"
#include "cli/report.h"
#include "cli/sigslots.h"
#include "lib/sigs.h"
#include "tests/host/test.h"

static char dir[] = "/tmp/n0n-key.XXXXXX";

static int real_stderr;

/** The refusals that are wanted would fill the screen; the end of the run brings stderr back for
 * the summary. */
static void quiet(void)
{
    real_stderr = dup(2);
    assert_non_null(freopen("/dev/null", "w", stderr));
}

static void test_round_trip(void **state)
{
    (void)state;
    for (unsigned type = 0; type < KEY_TYPES; type++) {
        struct key_secret k, back;
        struct key_public pub;
        struct stat st;
        const uint8_t next[32] = { 5 };
        key_generate((enum key_type)type, next, &k);
        assert_int_equal(key_save_secret("a.key", &k), DONE);
        assert_true(stat("a.key", &st) == 0 && (st.st_mode & 0777) == 0600);
        assert_int_equal(key_load_secret("a.key", &back), DONE);
        assert_memory_equal(&k, &back, sizeof(k));
        assert_int_equal(key_save_secret("a.key", &k), IO_FAILED);  // never over an old one
        assert_int_equal(key_load_public("a.key", &pub), DONE);
        assert_memory_equal(&pub, &k.pub, sizeof(pub));
        struct buf text = key_public_text(&k.pub);
        assert_int_equal(file_write("a.pub", buf_span(&text), 0644), DONE);
        buf_free(&text);
        assert_int_equal(key_load_public("a.pub", &pub), DONE);
        assert_memory_equal(&pub, &k.pub, sizeof(pub));
        assert_int_equal(key_load_secret("a.pub", &back), REFUSED);
        key_wipe(&k);
        assert_true(span_is_zero(SPAN_OF(k.seed)) && span_is_zero(SPAN_OF(k.sk)));
        unlink("a.key");
        unlink("a.pub");
    }
}

/** Every byte of every line of a secret file is checked against the rest of it. */
static void test_every_byte(void **state)
{
    (void)state;
    struct key_secret k, back;
    struct buf file;
    const uint8_t next[32] = { 5 };
    key_generate(KEY_PUBLISHER, next, &k);
    assert_int_equal(key_save_secret("b.key", &k), DONE);
    assert_int_equal(file_read("b.key", 4096, &file), DONE);
    for (size_t i = 0; i < file.len; i++) {
        uint8_t was = file.data[i];
        file.data[i] = was == '0' ? '1' : '0';
        assert_int_equal(file_write("c.key", buf_span(&file), 0600), DONE);
        int rc = key_load_secret("c.key", &back);
        // Upper and lower case are one digit; the last newline closes nothing.
        if (rc != REFUSED && !(rc == DONE && i + 1 == file.len)) {
            fail_msg("byte %zu changed, and the key was taken", i);
        }
        file.data[i] = was;
    }
    buf_free(&file);
    unlink("b.key");
    unlink("c.key");
}

static void test_kel(void **state)
{
    (void)state;
    struct key_secret k;
    uint8_t id[32], pk[32], next[32] = { 9 };
    key_generate(KEY_PUBLISHER, next, &k);
    assert_true(kel_check_inception(SPAN_OF(k.pub.inception), id, pk));
    assert_memory_equal(id, k.pub.publisher_id, 32);
    assert_memory_equal(id, k.pub.inception + 16, 32);
    assert_memory_equal(pk, k.pub.pk, 32);
    for (size_t bit = 0; bit < 8 * sizeof(k.pub.inception); bit++) {
        k.pub.inception[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(kel_check_inception(SPAN_OF(k.pub.inception), id, pk));
        k.pub.inception[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < sizeof(k.pub.inception); n++) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, k.pub.inception, n);
        assert_false(kel_check_inception(span_of(cut, n), id, pk));
        free(cut);
    }
}

static void test_sigslots(void **state)
{
    (void)state;
    uint8_t rows[3 * SIG_ROW], id[32], sig[64] = { 1 };
    mspan_t m = MSPAN_OF(rows);
    sigslots_init(m);
    assert_true(sigs_ascending(SPAN_OF(rows)));
    assert_int_equal(sigslots_open(SPAN_OF(rows)), 3);
    const uint8_t order[] = { 0x80, 0x10, 0xf0 };
    for (size_t i = 0; i < 3; i++) {
        memset(id, order[i], 32);
        assert_true(sigslots_put(m, id, sig, false));
        assert_true(sigslots_put(m, id, sig, false));  // the same key takes its own row again
        assert_true(sigs_ascending(SPAN_OF(rows)));
        assert_int_equal(sigslots_open(SPAN_OF(rows)), 2 - i);
    }
    memset(id, 0x20, 32);
    assert_false(sigslots_put(m, id, sig, false));
    assert_true(sigslots_put(m, id, sig, true));
    assert_true(sigs_ascending(SPAN_OF(rows)));
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    hex_encode(SPAN_OF(all), text);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_true(hex_decode(text, 512, MSPAN_OF(back)));
    assert_memory_equal(all, back, 256);
    assert_false(hex_decode(text, 511, MSPAN_OF(back)));
    for (unsigned c = 1; c < 256; c++) {
        char two[2] = { (char)c, '0' };
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_int_equal(hex_decode(two, 2, mspan_of(back, 1)), digit);
    }
}

static void test_files(void **state)
{
    (void)state;
    struct buf b;
    assert_int_equal(file_write("new/folder/f", SPAN_LIT("one"), 0644), DONE);
    assert_int_equal(file_write("new/folder/f", SPAN_LIT("three"), 0644), DONE);
    assert_int_equal(file_read("new/folder/f", 5, &b), DONE);
    assert_true(span_equal(buf_span(&b), SPAN_LIT("three")));
    buf_free(&b);
    assert_int_equal(file_read("new/folder/f", 4, &b), IO_FAILED);  // longer than allowed
    assert_int_equal(file_read("new/folder", 4, &b), IO_FAILED);
    assert_int_equal(file_read("none", 4, &b), IO_FAILED);
    assert_int_equal(file_write_new("new/folder/f", SPAN_LIT("x"), 0600), IO_FAILED);
    assert_int_equal(file_write("new/folder/f/g", SPAN_LIT("x"), 0600), IO_FAILED);
    assert_int_equal(file_write("/dev/null/f", SPAN_LIT("x"), 0600), IO_FAILED);
    assert_int_equal(unlink("new/folder/f"), 0);
    assert_int_equal(rmdir("new/folder"), 0);  // nothing temporary was left in it
    assert_int_equal(rmdir("new"), 0);
    int fd = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(write(fd, dir, 1000 > sizeof(dir) ? sizeof(dir) : 1000), sizeof(dir));
    }
    close(fd);
    assert_int_equal(file_read("big", 1 << 20, &b), DONE);
    assert_int_equal(b.len, 300 * sizeof(dir));
    buf_free(&b);
    unlink("big");
}

static int set_up(void **state)
{
    (void)state;
    quiet();
    return mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fflush(stderr);
    dup2(real_stderr, 2);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_kel),        cmocka_unit_test(test_sigslots),
        cmocka_unit_test(test_hex),        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
