/* The shell's line editor, seen as a terminal would show it: a small screen interprets what it
 * sends. */
#include "modules/shell/edit.h"
#include "tests/host/test.h"

enum { COLUMNS = 80 };

static struct edit e;
static char row[COLUMNS + 1];
static size_t column;

/* One row of a terminal: \r, ESC [ K, ESC [ n C and printable bytes. */
static void show(span_t bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];
        if (c == '\r') {
            column = 0;
        } else if (c == '\n') {
            column = 0;
            memset(row, ' ', COLUMNS);
        } else if (c == 0x1b) {
            size_t n = 0;
            for (i += 2; bytes.data[i] >= '0' && bytes.data[i] <= '9'; i++) {
                n = n * 10 + (size_t)(bytes.data[i] - '0');
            }
            if (bytes.data[i] == 'K') {
                memset(row + column, ' ', COLUMNS - column);
            } else {
                assert_int_equal(bytes.data[i], 'C');
                column += n;
            }
        } else {
            assert_true(column < COLUMNS);
            row[column++] = (char)c;
        }
    }
}

static enum edit_event type(const char *keys)
{
    enum edit_event event = EDIT_NONE;
    for (; *keys != '\0'; keys++) {
        event = edit_feed(&e, (uint8_t)*keys);
        show(edit_take(&e));
    }
    return event;
}

static int begin(void **state)
{
    (void)state;
    memset(row, ' ', COLUMNS);
    row[COLUMNS] = '\0';
    column = 0;
    edit_init(&e, "n0n> ");
    edit_start(&e);
    show(edit_take(&e));
    return 0;
}

static void assert_screen(const char *want, size_t at)
{
    char line[COLUMNS + 1];
    snprintf(line, sizeof(line), "%-*s", COLUMNS, want);
    assert_string_equal(row, line);
    assert_int_equal(column, at);
}

static void test_typing(void **state)
{
    (void)state;
    assert_int_equal(type("ps -a"), EDIT_NONE);
    assert_screen("n0n> ps -a", 10);
    assert_int_equal(type("\r"), EDIT_ENTER);
    assert_string_equal(e.line, "ps -a");
}

static void test_moving(void **state)
{
    (void)state;
    type("hello\x1b[D\x1b[DX");
    assert_screen("n0n> helXlo", 9);
    type("\x01Y");
    assert_screen("n0n> YhelXlo", 6);
    type("\x05Z");
    assert_screen("n0n> YhelXloZ", 13);
    type("\x1b[H\x1b[C\x1b[3~");
    assert_string_equal(e.line, "YelXloZ");
    type("\x1b[F\x7f\b");
    assert_screen("n0n> YelXl", 10);
    type("\x1bOH\x1bOFend\x1b[1~\x1b[4~");
    assert_screen("n0n> YelXlend", 13);
}

static void test_erasing(void **state)
{
    (void)state;
    type("one two  three");
    type("\x17");
    assert_string_equal(e.line, "one two  ");
    type("\x17");
    assert_string_equal(e.line, "one ");
    type("abc\x02\x02\x0b");
    assert_string_equal(e.line, "one a");
    type("\x02\x15");
    assert_screen("n0n> a", 5);
    type("\x04");
    assert_screen("n0n>", 5);
    assert_int_equal(type("\x04"), EDIT_EOF);
    assert_int_equal(type("\b\x7f\x1b[3~\x1b[D\x1b[C\x17"), EDIT_NONE);
    assert_string_equal(e.line, "");
}

static void test_history(void **state)
{
    (void)state;
    edit_remember(&e, "first");
    edit_remember(&e, "second");
    edit_remember(&e, "second");
    edit_remember(&e, "");
    type("dra\x1b[A");
    assert_screen("n0n> second", 11);
    type("\x1b[A\x1b[A\x1b[A");
    assert_screen("n0n> first", 10);
    type("\x1b[B\x1b[B\x1b[B");
    assert_screen("n0n> dra", 8);
    for (int i = 0; i < 100; i++) {
        char line[24];
        snprintf(line, sizeof(line), "line %d", i);
        edit_remember(&e, line);
    }
    for (int i = 0; i < 200; i++) {
        type("\x10");
    }
    assert_string_equal(e.line, "line 68");  // the oldest of 32
}

static void test_long_line(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * EDIT_LINE; i++) {
        char key[2] = { (char)('a' + i % 26), '\0' };
        type(key);
        assert_true(column <= EDIT_WIDTH);
    }
    assert_int_equal(e.len, EDIT_LINE - 1);
    assert_int_equal(strlen(e.line), EDIT_LINE - 1);
    type("\x01");
    assert_int_equal(column, 5);
    assert_memory_equal(row, "n0n> abcdef", 11);
}

static void test_events(void **state)
{
    (void)state;
    assert_int_equal(type("x\t"), EDIT_COMPLETE);
    assert_int_equal(type("\x03"), EDIT_INTERRUPT);
    assert_int_equal(type("\f"), EDIT_CLEAR);
    assert_int_equal(type("\r"), EDIT_ENTER);
    edit_start(&e);
    assert_int_equal(type("\n"), EDIT_NONE);  // of the \r before
    assert_int_equal(type("\n"), EDIT_ENTER);
    assert_int_equal(type("\x80\xff\x1b[99999999999~\x1bx\x1b[1;5Cok"), EDIT_NONE);
    assert_string_equal(e.line, "ok");
}

/* Any bytes at all: the line stays inside its buffer and the output inside its own. */
static void test_noise(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        enum edit_event event = edit_feed(&e, (uint8_t)(seed >> 24));
        span_t out = edit_take(&e);
        assert_true(out.len <= EDIT_OUT && e.len < EDIT_LINE && e.at <= e.len);
        assert_int_equal(e.line[e.len], 0);
        if (event == EDIT_ENTER) {
            edit_remember(&e, e.line);
            edit_start(&e);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_typing, begin),    cmocka_unit_test_setup(test_moving, begin),
        cmocka_unit_test_setup(test_erasing, begin),   cmocka_unit_test_setup(test_history, begin),
        cmocka_unit_test_setup(test_long_line, begin), cmocka_unit_test_setup(test_events, begin),
        cmocka_unit_test_setup(test_noise, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
