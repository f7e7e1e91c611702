/* The console's terminal: what is on the grid, and that drawing shows exactly that and nothing
 * twice. */
#include "modules/console/term.h"
#include "tests/host/test.h"

enum { COLS = 20, ROWS = 4 };

static struct term t;
static struct term_cell seen[ROWS][COLS];
static uint8_t *room;

static size_t draw(void)
{
    struct term_draw d;
    size_t n = 0;
    while (term_next(&t, &d)) {
        assert_true(d.x < COLS && d.y < ROWS);
        seen[d.y][d.x] = d.cell;
        n++;
    }
    return n;
}

static size_t put(const char *text)
{
    term_write(&t, span_of(text, strlen(text)));
    return draw();
}

static void assert_row(unsigned y, const char *want)
{
    char got[COLS + 1], padded[COLS + 1];
    for (unsigned x = 0; x < COLS; x++) {
        got[x] = (char)seen[y][x].code;
    }
    got[COLS] = '\0';
    snprintf(padded, sizeof(padded), "%-*s", COLS, want);
    assert_string_equal(got, padded);
}

static int begin(void **state)
{
    (void)state;
    size_t len = term_room(COLS, ROWS);
    room = malloc(len);
    assert_true(term_init(&t, COLS, ROWS, mspan_of(room, len)));
    assert_int_equal(draw(), COLS * ROWS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(room);
    return 0;
}

static void test_limits(void **state)
{
    struct term other;
    uint8_t few[16];
    (void)state;
    assert_false(term_init(&other, 0, 4, MSPAN_OF(few)));
    assert_false(term_init(&other, TERM_COLS_MAX + 1, 4, mspan_of(few, 1u << 30)));
    assert_false(term_init(&other, 4, 4, MSPAN_OF(few)));
}

static void test_text(void **state)
{
    (void)state;
    assert_int_equal(put("hello"), 6);  // and the cell that the cursor stands on
    assert_row(0, "hello");
    assert_int_equal(put(""), 0);
    put("\r\nworld\tx\b!");
    assert_row(1, "world   !");
    put("\rW");
    assert_row(1, "World   !");
}

static void test_wrap_and_scroll(void **state)
{
    (void)state;
    put("12345678901234567890");
    assert_int_equal(t.y, 0);  // the wrap waits for the next character
    put("A\r\n");
    assert_row(1, "A");
    put("B\r\nC\r\nD");
    assert_row(0, "A");
    assert_row(2, "C");
    assert_row(3, "D");
}

static void test_scroll_draws_differences(void **state)
{
    (void)state;
    put("same\r\nsame\r\nsame\r\nsame");
    // only cursor cells and the new, empty last row change
    assert_true(put("\r\n") <= 4 + 2);
}

static void test_erase_and_move(void **state)
{
    (void)state;
    put("abcdef\x1b[3D\x1b[K");
    assert_row(0, "abc");
    put("\x1b[2;5Hxy\x1b[1;1Hq");
    assert_row(0, "qbc");
    assert_row(1, "    xy");
    put("\x1b[2J");
    assert_row(0, "");
    assert_row(1, "");
    put("\x1b[99;99H#");
    assert_int_equal(seen[ROWS - 1][COLS - 1].code, '#');
}

static void test_colour(void **state)
{
    (void)state;
    put("\x1b[31ma\x1b[1;44mb\x1b[0mc\x1b[7md\x1b[m ");
    assert_int_equal(seen[0][0].colour, 0x01);
    assert_int_equal(seen[0][1].colour, 0x49);
    assert_int_equal(seen[0][2].colour, 0x07);
    assert_int_equal(seen[0][3].colour, 0x70);
}

static void test_utf8(void **state)
{
    (void)state;
    put("\xc3\xa9\xe2\x82\xac\xff-\xc3(");
    assert_int_equal(seen[0][0].code, 0xe9);
    assert_int_equal(seen[0][1].code, '?');
    assert_int_equal(seen[0][2].code, '?');
    assert_int_equal(seen[0][3].code, '-');
    assert_int_equal(seen[0][4].code, '(');
}

static void test_unknown_sequences(void **state)
{
    (void)state;
    put("\x1b[?25l\x1b[5;1;2;3;4;5;6zok\x1b[999999999999999C");
    assert_row(0, "ok");
}

/* Random bytes: memory stays whole (ASan looks), and drawing always ends with nothing left to draw.
 */
static void test_noise(void **state)
{
    const char *parts[] = { "\x1b[", "\x1b", ";",  "5",    "H",    "J",    "K", "m", "\n",
                            "\r",    "\b",   "\t", "text", "\xc3", "\xa9", "A", "31" };
    uint32_t seed = 7;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525u + 1013904223u;
        const char *part = parts[(seed >> 16) % (sizeof(parts) / sizeof(parts[0]))];
        uint8_t byte = (uint8_t)(seed >> 24);
        term_write(&t, span_of(part, strlen(part)));
        term_write(&t, span_of(&byte, 1));
        if (i % 50 == 0) {
            draw();
            assert_int_equal(draw(), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limits, begin, end),
        cmocka_unit_test_setup_teardown(test_text, begin, end),
        cmocka_unit_test_setup_teardown(test_wrap_and_scroll, begin, end),
        cmocka_unit_test_setup_teardown(test_scroll_draws_differences, begin, end),
        cmocka_unit_test_setup_teardown(test_erase_and_move, begin, end),
        cmocka_unit_test_setup_teardown(test_colour, begin, end),
        cmocka_unit_test_setup_teardown(test_utf8, begin, end),
        cmocka_unit_test_setup_teardown(test_unknown_sequences, begin, end),
        cmocka_unit_test_setup_teardown(test_noise, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
