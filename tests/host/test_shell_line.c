/* Lines at the prompt: words, quotes, variables, where descriptors lead; what is typed for a
 * program.
 */
#include "abi/status.h"
#include "modules/shell/line.h"
#include "modules/shell/tty.h"
#include "modules/shell/vars.h"
#include "tests/host/test.h"

static struct line l;

static const char *lookup(const char *name, size_t len)
{
    return len == 1 && *name == '?' ? "7" : vars_get(name, len);
}

static size_t many;  // names in "many/"

static void list(const char *path, void (*each)(void *arg, span_t name, bool dir), void *arg)
{
    static const char *const here[] = { "sea", "a.c",   "b.c",   "abc",  ".hid", "two words",
                                        "*x",  "bad\n", "$A;|b", "a[b]", "",     "d" };
    static const char *const dir[] = { "z1", "z2", ".z3", "z10" };

    for (size_t i = 0; strcmp(path, ".") == 0 && i < sizeof here / sizeof here[0]; i++) {
        each(arg, span_of(here[i], strlen(here[i])), strcmp(here[i], "d") == 0);
    }
    bool known = strcmp(path, "d/") == 0 || strcmp(path, "/") == 0 ||
                 strcmp(path, "d/../d/") == 0 ||
                 strcmp(path, "\1/") == 0;  // no pattern leads there
    for (size_t i = 0; known && i < sizeof dir / sizeof dir[0]; i++) {
        each(arg, span_of(dir[i], strlen(dir[i])), false);
    }
    for (size_t i = 0; strcmp(path, "many/") == 0 && i < many; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%03zu", many - i);
        each(arg, span_of(name, 4), false);
    }
}

static const struct line_world world = { lookup, list };

/* The line as text: words in <>, stages by |, what is redirected behind. */
static const char *seen(const char *text)
{
    static char out[8192];
    size_t at = 0;

    if (line_parse(&l, text, &world) != NOS_OK) {
        return l.wrong;
    }
    out[0] = '\0';
    for (size_t i = 0; i < l.n; i++) {
        const struct line_stage *s = &l.stage[i];
        const struct line_file *f[] = { &s->in, &s->out, &s->err };
        at += (size_t)snprintf(out + at, sizeof out - at, i == 0 ? "" : "|");
        for (size_t k = 0; k < s->words.n; k++) {
            at += (size_t)snprintf(out + at, sizeof out - at, "<%s>", s->words.word[k]);
        }
        for (int k = 0; k < 3; k++) {
            if (f[k]->path != NULL) {
                at += (size_t)snprintf(out + at, sizeof out - at, " %d%s%s", k,
                                       f[k]->append ? "+" : "=", f[k]->path);
            }
        }
        at += (size_t)snprintf(out + at, sizeof out - at, s->err_to_out ? " 2=1" : "");
    }
    at += (size_t)snprintf(out + at, sizeof out - at, l.background ? " &" : "");
    static const char *const joint[] = { " ;", " &&", " ||" };
    (void)snprintf(out + at, sizeof out - at, "%s%s", l.rest != NULL ? joint[l.joint] : "",
                   l.rest != NULL ? l.rest : "");
    return out;
}

static void test_words(void **state)
{
    static const struct {
        const char *text, *want;
    } row[] = {
        { "", "" },
        { "  \t ", "" },
        { "  load  hello \"two words\" x", "<load><hello><two words><x>" },
        { "a'b c'd \"\" ''", "<ab cd><><>" },
        { "a\\ b \\$X '\\' \"\\\"\\\\\\$\\n\"", "<a b><$X><\\><\"\\$\\n>" },
        { "$A ${A}b \"$A\" '$A' $", "<one two><one twob><one two><$A><$>" },
        { "$NONE x$NONE \"$NONE\" $?", "<x><><7>" },
        { "$9 a$", "<$9><a$>" },
        { "a|b | c", "<a>|<b>|<c>" },
        { "a '|' \"&\" \\> b", "<a><|><&><>><b>" },
        { "a <in >out 2>err", "<a> 0=in 1=out 2=err" },
        { "a > 'o p' b", "<a><b> 1=o p" },
        { "a >>o 2>> e", "<a> 1+o 2+e" },
        { "a 2>&1 >o", "<a> 1=o 2=1" },
        { "a x2>o 22>p", "<a><x2><22> 1=p" },
        { "a '2'>o", "<a><2> 1=o" },
        { "a $TWO>o", "<a><2> 1=o" },
        { "a \\2>o", "<a><2> 1=o" },
        { "a 2$NONE>o $NONE 2>p", "<a><2> 1=o 2=p" },
        { "a <i | b 2>e | c >o &", "<a> 0=i|<b> 2=e|<c> 1=o &" },
        { "a &", "<a> &" },
        { "a b; c | d", "<a><b> ; c | d" },
        { "a ';' \\; b ;", "<a><;><;><b> ;" },
        { ";", " ;" },
        { "a |; b", "a command is missing" },
        { "a > ; b", "a file's name is missing behind < or >" },
        { "a 'b", "a quote is not closed" },
        { "a \"b", "a quote is not closed" },
        { "${A", "${NAME} is not closed" },
        { "${}", "${NAME} is not closed" },
        { "a |", "a command is missing" },
        { "| a", "a command is missing before |" },
        { "a && b || c", "<a> && b || c" },
        { "a||b && c", "<a> ||b && c" },
        { "a>o&&b", "<a> 1=o &&b" },
        { "a | b 2>&1 && c", "<a>|<b> 2=1 && c" },
        { "a '&&' \\&\\& \"||\"; b && c", "<a><&&><&&><||> ; b && c" },
        { "a & ; b", "<a> & ; b" },
        { "a &&", "<a> &&" },
        { "&& a", "a command is missing" },
        { " || a", "a command is missing" },
        { "a &&& b", "<a> &&& b" },
        { "a > && b", "a file's name is missing behind < or >" },
        { "a | && b", "a command is missing" },
        { "a & && b", "& is not at the end" },
        { "a & || b", "& is not at the end" },
        { "a ||| b", "<a> ||| b" },
        { "a | | b", "a command is missing before |" },
        { "&", "a command is missing" },
        { "> x", "a command is missing" },
        { "a & b", "& is not at the end" },
        { "a >", "a file's name is missing behind < or >" },
        { "a > | b", "a file's name is missing behind < or >" },
        { "a < > b", "a file's name is missing behind < or >" },
        { "a `b`",
          "` and $( are no part of a line here; quote them if they are meant as they are" },
        { "\"$(b)\"",
          "` and $( are no part of a line here; quote them if they are meant as they are" },
        { "';`' \\; '$(' \\$(", "<;`><;><$(><$(>" },
        { "1|2|3|4|5|6", "<1>|<2>|<3>|<4>|<5>|<6>" },
        { "1|2|3|4|5|6|7", "too many commands are joined by |" },
    };
    (void)state;

    assert_int_equal(vars_set("A=one two"), NOS_OK);
    assert_int_equal(vars_set("TWO=2"), NOS_OK);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_string_equal(seen(row[i].text), row[i].want);
    }
    vars_unset("TWO");
}

static void test_names(void **state)
{
    static const struct {
        const char *text, *want;
    } row[] = {
        { "a *.c x", "<a><a.c><b.c><x>" },
        { "a ?.c", "<a><a.c><b.c>" },
        { "a a*c", "<a><a.c><abc>" },
        { "a *b*", "<a><$A;|b><a[b]><abc><b.c>" },
        { "a ?bc ??c ", "<a><abc><a.c><abc><b.c>" },
        { "a *", "<a><$A;|b><*x><a.c><a[b]><abc><b.c><d><sea><two words>" },
        { "a t*s", "<a><two words>" },
        { "a ab*bc ab*c a*b*c", "<a><ab*bc><abc><abc>" },
        { "a .*", "<a><.hid>" },
        { "a .h?d ?hid *hid", "<a><.hid><?hid><*hid>" },
        { "a '*'* \\*x \"*\"x", "<a><*x><*x><*x>" },
        { "a '*.c' \\*.c \\?.c", "<a><*.c><*.c><?.c>" },
        { "a no* *no ?????x", "<a><no*><*no><?????x>" },
        { "a d/* d/z? d/../d/z1*", "<a><d/z1><d/z10><d/z2><d/z1><d/z2><d/../d/z1><d/../d/z10>" },
        { "a /z*", "<a></z1></z10></z2>" },
        { "a */z1 d*/ x/*", "<a><*/z1><d*/><x/*>" },
        { "a **.c ***", "<a><a.c><b.c><$A;|b><*x><a.c><a[b]><abc><b.c><d><sea><two words>" },
        { "a $GLOB \"$GLOB\" $GLOB.c", "<a><*><*><*.c>" },
        { "*.c", "<*.c>" },
        { "x | *.c *.c", "<x>|<*.c><a.c><b.c>" },
        { "a <*.c >?.c", "<a> 0=*.c 1=?.c" },
        { "a b*; c", "<a><b.c> ; c" },
        { "a \1", "a control character is in the line" },
        { "a '\2'", "a control character is in the line" },
        { "a many/*", "the line has too many words" },
    };
    (void)state;

    many = LINE_WORDS;
    assert_int_equal(vars_set("GLOB=*"), NOS_OK);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_string_equal(seen(row[i].text), row[i].want);
    }
    vars_unset("GLOB");
    many = LINE_WORDS - 1;
    assert_int_equal(line_parse(&l, "a many/*", &world), NOS_OK);
    assert_int_equal(l.stage[0].words.n, LINE_WORDS);
    assert_string_equal(l.stage[0].words.word[1], "many/n001");
    assert_string_equal(l.stage[0].words.word[many], "many/n063");
    // patterns that a matcher which tries all would not come back from
    char text[256] = "a ";
    for (size_t i = 0; i < 60; i++) {
        strcat(text, "*?");
    }
    assert_int_equal(line_parse(&l, text, &world), NOS_OK);
    assert_int_equal(l.stage[0].words.n, 2);
}

/* What is no more than the text has room for: names of a pattern count with it. */
static void test_names_room(void **state)
{
    char text[LINE_TEXT + 8];
    (void)state;

    many = 10;  // 10 bytes each with the zero, beside the pattern's 7 and the word's 2
    for (size_t fill = LINE_TEXT - 160; fill < LINE_TEXT - 16; fill++) {
        memset(text, 'b', sizeof text);
        memcpy(text, "a ", 2);
        memcpy(text + 2 + fill, " many/*", 8);
        bool room = 2 + fill + 1 + 7 + 100 <= LINE_TEXT;
        assert_int_equal(line_parse(&l, text, &world), room ? NOS_OK : NOS_TOO_BIG);
    }
}

static void test_plain(void **state)
{
    static const char *const not_plain[] = { "a b", "a;b", "a|b",     "a&",   "<a",   ">",
                                             "'",   "\"",  "\\",      "$A",   "`",    "a\n",
                                             "a*",  "?",   "\x1b[2J", "\x9b", "\x7f", "\t" };
    (void)state;

    assert_true(line_is_plain(SPAN_LIT("Some-file_1.txt~")));
    for (size_t i = 0; i < sizeof not_plain / sizeof not_plain[0]; i++) {
        assert_false(line_is_plain(span_of(not_plain[i], strlen(not_plain[i]))));
    }
}

static void test_bounds(void **state)
{
    static char text[LINE_TEXT + 8];
    (void)state;

    memset(text, 'a', LINE_TEXT - 2);
    text[LINE_TEXT - 2] = '\0';
    assert_int_equal(line_parse(&l, text, &world), NOS_OK);
    memset(text, 'a', LINE_TEXT - 1);
    text[LINE_TEXT - 1] = '\0';
    assert_int_equal(line_parse(&l, text, &world), NOS_OK);
    text[LINE_TEXT - 1] = 'a';
    text[LINE_TEXT] = '\0';
    assert_int_equal(line_parse(&l, text, &world), NOS_TOO_BIG);
    // full of short words; and of a variable again and again
    for (size_t i = 0; i + 1 < LINE_TEXT; i++) {
        text[i] = i % 2 == 0 ? 'a' : ' ';
    }
    text[LINE_TEXT - 1] = '\0';
    assert_int_equal(line_parse(&l, text, &world), NOS_TOO_BIG);
    text[2 * LINE_WORDS] = '\0';
    assert_int_equal(line_parse(&l, text, &world), NOS_OK);
    assert_int_equal(l.stage[0].words.n, LINE_WORDS);
    static char big[1500] = "B=";
    memset(big + 2, 'b', sizeof big - 3);
    assert_int_equal(vars_set(big), NOS_OK);
    assert_int_equal(line_parse(&l, "$B", &world), NOS_OK);
    assert_int_equal(line_parse(&l, "$B$B", &world), NOS_TOO_BIG);
    assert_int_equal(line_parse(&l, "\"$B$B\"", &world), NOS_TOO_BIG);
    vars_unset("B");
}

static void test_join(void **state)
{
    char joined[16];
    (void)state;

    assert_int_equal(line_parse(&l, "load hello \"two words\" x", &world), NOS_OK);
    assert_int_equal(words_join(&l.stage[0].words, 2, joined, sizeof joined), 11);
    assert_string_equal(joined, "two words x");
    assert_int_equal(words_join(&l.stage[0].words, 0, joined, sizeof joined), 15);
    assert_string_equal(joined, "load hello two ");
}

static void test_vars(void **state)
{
    size_t len, n;
    static char big[VARS_TEXT + 8];
    (void)state;

    vars_unset("A");
    assert_int_equal(vars_set("X=1"), NOS_OK);
    assert_int_equal(vars_set("XY=2"), NOS_OK);
    assert_int_equal(vars_set("X=345"), NOS_OK);
    assert_string_equal(vars_get("X", 1), "345");
    assert_string_equal(vars_get("XY", 2), "2");
    assert_null(vars_get("Y", 1));
    assert_int_equal(vars_set("=1"), NOS_INVALID);
    assert_int_equal(vars_set("1X=1"), NOS_INVALID);
    assert_int_equal(vars_set("X"), NOS_INVALID);
    const char *all = vars_all(&len, &n);
    assert_int_equal(n, 2);
    assert_memory_equal(all, "XY=2\0X=345", len);
    memset(big, 'b', sizeof big);
    memcpy(big, "X=", 2);
    big[VARS_TEXT - 6] = '\0';  // its zero and XY=2 with its own: all that there is room for
    big[VARS_TEXT - 5] = '\0';
    assert_int_equal(vars_set(big), NOS_OK);
    big[VARS_TEXT - 6] = 'b';
    assert_int_equal(vars_set(big), NOS_TOO_BIG);
    assert_int_equal(strlen(vars_get("X", 1)), VARS_TEXT - 8);
    vars_unset("X");
    vars_unset("X");
    vars_unset("XY");
    vars_all(&len, &n);
    assert_int_equal(n + len, 0);
}

/* What a program gets, and what the terminal shows. */
static void test_keys(void **state)
{
    static struct tty t;
    const char *keys = "abx\x7f\rjunk\x15two words\x17lines\n\rq";
    char got[64] = { 0 };
    size_t n = 0;
    (void)state;

    for (; *keys != '\0'; keys++) {
        if (tty_feed(&t, (uint8_t)*keys) == TTY_ENTER) {
            span_t line = tty_line(&t);
            memcpy(got + n, line.data, line.len);
            n += line.len;
        }
    }
    assert_string_equal(got, "ab\ntwo lines\n\n");
    assert_int_equal(tty_feed(&t, 4), TTY_EOF);
    assert_int_equal(tty_line(&t).len, 1);
    assert_int_equal(tty_feed(&t, 4), TTY_EOF);
    assert_int_equal(tty_line(&t).len, 0);
    assert_int_equal(tty_feed(&t, 'x'), TTY_NONE);
    assert_int_equal(tty_feed(&t, 3), TTY_INTERRUPT);
    assert_true(tty_take(&t).len > 0);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(tty_feed(&t, (uint8_t)(i % 3 == 0 ? 0xc3 : 'x')), TTY_NONE);
        assert_true(tty_take(&t).len <= TTY_OUT);
    }
    assert_int_equal(tty_feed(&t, '\r'), TTY_ENTER);
    assert_int_equal(tty_line(&t).len, TTY_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_room), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_bounds),     cmocka_unit_test(test_join),
        cmocka_unit_test(test_vars),       cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
