/* See line.h. One pass: characters go into the word that is open, and what ends a word decides what
 * the word is: an argument, or where a descriptor leads. */
#include "modules/shell/glob.h"

enum target { TO_WORDS, TO_IN, TO_OUT, TO_ERR };

struct parser {
    struct line *l;
    const char *at;
    const struct line_world *world;
    bool open;    // a word has begun
    bool quoted;  // some of it was quoted, or is a variable's
    char *word;   // where it began
    enum target target;
    bool append;
};

static nos_status_t wrong(struct line *l, const char *what)
{
    l->wrong = what;
    return NOS_INVALID;
}

nos_status_t line_add(struct line *l, char *word)
{
    if (l->n_words == LINE_WORDS) {
        l->wrong = "the line has too many words";
        return NOS_TOO_BIG;
    }
    l->word[l->n_words++] = word;
    return NOS_OK;
}

static nos_status_t put_any(struct parser *p, char c)
{
    struct line *l = p->l;

    if (!p->open) {
        p->open = true;
        p->quoted = false;
        p->word = l->text + l->len;
    }
    if (l->len + 1 >= LINE_TEXT) {
        l->wrong = "the line is too long";
        return NOS_TOO_BIG;
    }
    if (c != '\0') {
        l->text[l->len++] = c;
    }
    return NOS_OK;
}

static nos_status_t put(struct parser *p, char c)
{
    return glob_is_mark(c) ? wrong(p->l, "a control character is in the line") : put_any(p, c);
}

static nos_status_t end_argument(struct parser *p)
{
    struct line *l = p->l;
    struct line_stage *s = &l->stage[l->n - 1];
    size_t first = l->n_words;

    nos_status_t st = s->words.n == 0 ? NOS_OK : glob(l, p->word, p->world);
    if (st == NOS_OK && l->n_words == first) {
        glob_unmark(p->word);
        st = line_add(l, p->word);
    }
    s->words.n += l->n_words - first;
    return st;
}

static nos_status_t end_word(struct parser *p)
{
    struct line *l = p->l;
    struct line_stage *s = &l->stage[l->n - 1];

    if (!p->open) {
        return NOS_OK;
    }
    p->open = false;
    l->text[l->len++] = '\0';
    if (p->target == TO_WORDS) {
        return end_argument(p);
    }
    glob_unmark(p->word);
    struct line_file *f = p->target == TO_IN ? &s->in : p->target == TO_OUT ? &s->out : &s->err;
    *f = (struct line_file){ p->word, p->append };
    p->target = TO_WORDS;
    return NOS_OK;
}

static bool is_one_of(const char *set, char c)
{
    while (*set != '\0' && *set != c) {
        set++;
    }
    return *set != '\0';
}

bool line_is_plain(span_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (c <= ' ' || c > '~' || is_one_of("|&;<>'\"\\$`*?", c)) {
            return false;
        }
    }
    return true;
}

static bool is_name(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* What would be taken literally, and is not meant so by who types it. */
static const char no_language[] =
    "` and $( are no part of a line here; quote them if they are meant as they are";

/* At a `$`. */
static nos_status_t variable(struct parser *p)
{
    const char *name = p->at + 1;
    bool brace = *name == '{';
    size_t len = 0;
    nos_status_t st = NOS_OK;

    name += brace;
    while (is_name(name[len], len == 0)) {
        len++;
    }
    len = len == 0 && name[0] == '?' ? 1 : len;
    if (name[0] == '(') {
        return wrong(p->l, no_language);
    }
    if (len == 0 && !brace) {
        p->at++;
        return put(p, '$');  // an ordinary character
    }
    if (len == 0 || (brace && name[len] != '}')) {
        return wrong(p->l, "${NAME} is not closed");
    }
    const char *value = p->world->lookup(name, len);
    for (; st == NOS_OK && value != NULL && *value != '\0'; value++) {
        st = put(p, *value);
    }
    p->quoted = true;  // it is an argument, also if it is a 2 before a >
    p->at = name + len + brace;
    return st;
}

/* At a quote: to behind its end. */
static nos_status_t quotation(struct parser *p)
{
    char quote = *p->at++;
    nos_status_t st = put(p, '\0');

    p->quoted = true;
    while (st == NOS_OK && *p->at != quote) {
        if (*p->at == '\0') {
            return wrong(p->l, "a quote is not closed");
        }
        if (quote == '"' && *p->at == '$') {
            st = variable(p);
            continue;
        }
        if (quote == '"' && *p->at == '\\' && p->at[1] != '\0' && is_one_of("\"\\$", p->at[1])) {
            p->at++;
        }
        st = put(p, *p->at++);
    }
    p->at++;
    return st;
}

static nos_status_t next_stage(struct parser *p)
{
    struct line *l = p->l;

    if (p->target != TO_WORDS) {
        return wrong(l, "a file's name is missing behind < or >");
    }
    if (l->stage[l->n - 1].words.n == 0) {
        return wrong(l, "a command is missing before |");
    }
    if (l->n == LINE_STAGES) {
        l->wrong = "too many commands are joined by |";
        return NOS_TOO_BIG;
    }
    l->stage[l->n++] = (struct line_stage){ .words = { 0, l->word + l->n_words } };
    return NOS_OK;
}

/* At < or >; before it perhaps the word 2, which is no word then. */
static nos_status_t redirection(struct parser *p)
{
    struct line *l = p->l;
    bool out = *p->at++ == '>';
    bool two = out && p->open && !p->quoted && l->text + l->len == p->word + 1 && *p->word == '2';

    if (two) {
        l->len--;
        p->open = false;
    }
    nos_status_t st = end_word(p);
    if (st == NOS_OK && p->target != TO_WORDS) {
        return wrong(l, "a file's name is missing behind < or >");
    }
    p->append = out && *p->at == '>';
    p->at += p->append;
    if (two && !p->append && p->at[0] == '&' && p->at[1] == '1') {
        p->at += 2;
        l->stage[l->n - 1].err_to_out = true;
        return st;
    }
    p->target = !out ? TO_IN : two ? TO_ERR : TO_OUT;
    return st;
}

static nos_status_t operator(struct parser *p)
{
    nos_status_t st = NOS_OK;

    if (*p->at == '<' || *p->at == '>') {
        return redirection(p);
    }
    st = end_word(p);
    if (st == NOS_OK && *p->at == '|') {
        st = next_stage(p);
    } else if (st == NOS_OK && *p->at == '&') {
        p->l->background = true;
    }
    p->at++;
    return st;
}

static nos_status_t step(struct parser *p)
{
    char c = *p->at;

    if (p->l->background && c != ' ' && c != '\t') {
        return wrong(p->l, "& is not at the end");
    }
    if (c == ' ' || c == '\t') {
        p->at++;
        return end_word(p);
    }
    if (c == '\'' || c == '"') {
        return quotation(p);
    }
    if (c == '$') {
        return variable(p);
    }
    if (is_one_of("|&<>", c)) {
        return operator(p);
    }
    if (c == '`') {
        return wrong(p->l, no_language);
    }
    bool escaped = c == '\\' && p->at[1] != '\0';
    p->at += escaped;
    c = *p->at++;
    nos_status_t st = escaped || !is_one_of("*?", c) ? put(p, c) : put_any(p, glob_mark(c));
    p->quoted |= escaped;
    return st;
}

/* Where the line ends that is not the text's end: how much of it is that. */
static size_t joint_at(const struct parser *p, enum line_joint *joint)
{
    bool two = p->at[0] == p->at[1];

    *joint = LINE_THEN;
    if (p->at[0] == ';') {
        return 1;
    }
    if (p->l->background || !two || (p->at[0] != '&' && p->at[0] != '|')) {
        return 0;
    }
    *joint = p->at[0] == '&' ? LINE_AND : LINE_OR;
    return 2;
}

/* Each word ends in a zero, and the last vector in a NULL; stages' vectors lie behind each other.
 */
nos_status_t line_parse(struct line *l, const char *text, const struct line_world *world)
{
    struct parser p = { .l = l, .at = text, .world = world };
    nos_status_t st = NOS_OK;
    size_t joint = 0;

    *l = (struct line){ .n = 1, .stage[0].words = { 0, l->word } };
    while (st == NOS_OK && *p.at != '\0' && (joint = joint_at(&p, &l->joint)) == 0) {
        st = step(&p);
    }
    l->rest = joint != 0 ? p.at + joint : NULL;
    st = st == NOS_OK ? end_word(&p) : st;
    if (st == NOS_OK && p.target != TO_WORDS) {
        st = wrong(l, "a file's name is missing behind < or >");
    }
    const struct line_stage *last = &l->stage[l->n - 1];
    if (st == NOS_OK && last->words.n == 0) {
        bool bare = l->n == 1 && !l->background && last->in.path == NULL &&
                    last->out.path == NULL && last->err.path == NULL && l->joint == LINE_THEN;
        l->n = bare ? 0 : l->n;
        st = bare ? NOS_OK : wrong(l, "a command is missing");
    }
    return st;
}
