/* Output. cJSON holds numbers as doubles, so 64-bit values are added as raw text. */
#include "cli/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hex.h"
#include "cli/report.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "lib/text.h"

char *out_safe(span_t text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != 0) {
        len++;
    }
    span_t s = span_of(text.data, len);
    if (text_ok(s)) {
        return must_printf("%.*s", (int)len, (const char *)s.data);
    }
    struct fmt f;
    size_t room = 4 * len + 1;  // every byte as \xNN
    char *out = must_alloc(room);
    fmt_init(&f, out, room);
    fmt_safe(&f, s);
    return out;
}

static void add(cJSON *row, const char *key, cJSON *value)
{
    if (row == NULL || value == NULL || !cJSON_AddItemToObject(row, key, value)) {
        exit(fail(IO_FAILED, "out of memory"));
    }
}

cJSON *out_row(void)
{
    cJSON *row = cJSON_CreateObject();
    if (row == NULL) {
        exit(fail(IO_FAILED, "out of memory"));
    }
    return row;
}

void out_text(cJSON *row, const char *key, const char *value)
{
    add(row, key, cJSON_CreateString(value));
}

void out_untrusted(cJSON *row, const char *key, const char *text, size_t max)
{
    char *safe = out_safe(span_of(text, max));
    out_text(row, key, safe);
    free(safe);
}

void out_u64(cJSON *row, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    add(row, key, cJSON_CreateRaw(text));
}

void out_i64(cJSON *row, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    add(row, key, cJSON_CreateRaw(text));
}

void out_bool(cJSON *row, const char *key, bool value)
{
    add(row, key, cJSON_CreateBool(value));
}

void out_hex(cJSON *row, const char *key, const uint8_t *bytes, size_t n)
{
    char *text = must_alloc(2 * n + 1);
    hex_encode(span_of(bytes, n), text);
    out_text(row, key, text);
    free(text);
}

void out_status(cJSON *row, const char *key, int32_t status)
{
    out_text(row, key, status_name(status));
}

/** A value as one cell of text. Gives: a string to be freed. */
static char *cell(const cJSON *v)
{
    if (v == NULL || cJSON_IsNull(v)) {
        return must_printf("-");
    }
    if (cJSON_IsBool(v)) {
        return must_printf("%s", cJSON_IsTrue(v) ? "yes" : "no");
    }
    if (cJSON_IsString(v) || cJSON_IsRaw(v)) {
        return must_printf("%s", v->valuestring[0] == '\0' ? "-" : v->valuestring);
    }
    char *list = must_printf("%s", "");
    const cJSON *item;
    cJSON_ArrayForEach(item, v)
    {
        char *one = cJSON_IsObject(item) ? cJSON_PrintUnformatted(item) : cell(item);
        char *more = must_printf("%s%s%s", list, list[0] == '\0' ? "" : ",", one);
        free(one);
        free(list);
        list = more;
    }
    if (list[0] == '\0') {
        free(list);
        list = must_printf("-");
    }
    return list;
}

/** Columns that a terminal needs for UTF-8 text, near enough: one per code point. */
static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

static void print_padded(const char *s, size_t width, bool last)
{
    fputs(s, stdout);
    for (size_t n = width_of(s); !last && n < width + 2; n++) {
        fputc(' ', stdout);
    }
}

static void print_table(const cJSON *rows, const struct out_column *cols, size_t n_cols)
{
    size_t *width = must_alloc(n_cols * sizeof(*width));
    const cJSON *row;

    for (size_t c = 0; c < n_cols; c++) {
        width[c] = width_of(cols[c].title);
        cJSON_ArrayForEach(row, rows)
        {
            char *text = cell(cJSON_GetObjectItemCaseSensitive(row, cols[c].key));
            size_t w = width_of(text);
            width[c] = w > width[c] ? w : width[c];
            free(text);
        }
        print_padded(cols[c].title, width[c], c + 1 == n_cols);
    }
    fputc('\n', stdout);
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t c = 0; c < n_cols; c++) {
            char *text = cell(cJSON_GetObjectItemCaseSensitive(row, cols[c].key));
            print_padded(text, width[c], c + 1 == n_cols);
            free(text);
        }
        fputc('\n', stdout);
    }
    free(width);
}

static int print_json(cJSON *value)
{
    char *text = cJSON_Print(value);
    if (text == NULL) {
        exit(fail(IO_FAILED, "out of memory"));
    }
    puts(text);
    free(text);
    cJSON_Delete(value);
    return out_flush();
}

int out_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return fail(IO_FAILED, "standard output cannot be written");
    }
    return DONE;
}

int out_table(cJSON *rows, const struct out_column *cols, size_t n_cols, enum out_form form)
{
    if (form == OUT_JSON) {
        return print_json(rows);
    }
    print_table(rows, cols, n_cols);
    cJSON_Delete(rows);
    return out_flush();
}

static bool is_table(const cJSON *v)
{
    return cJSON_IsArray(v) && cJSON_IsObject(cJSON_GetArrayItem(v, 0));
}

static bool has_table(const cJSON *row)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, row)
    {
        if (is_table(v)) {
            return true;
        }
    }
    return false;
}

/** "kind=ports base=1016 rights=read,write" */
static void print_inline(const cJSON *row)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, row)
    {
        char *text = cell(v);
        printf("%s%s=%s", v == row->child ? "" : " ", v->string, text);
        free(text);
    }
    putchar('\n');
}

static void print_lines(const cJSON *row, int indent);

static void print_items(const cJSON *list, int indent)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (has_table(item)) {
            print_lines(item, indent);
            fputs(item->next == NULL ? "" : "\n", stdout);
        } else {
            printf("%*s", indent, "");
            print_inline(item);
        }
    }
}

static void print_lines(const cJSON *row, int indent)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, row)
    {
        if (is_table(v)) {
            printf("%*s%s:\n", indent, "", v->string);
            print_items(v, indent + 2);
            continue;
        }
        char *text = cell(v);
        printf("%*s%-*s %s\n", indent, "", indent < 16 ? 18 - indent : 2, v->string, text);
        free(text);
    }
}

int out_object(cJSON *row, enum out_form form)
{
    if (form == OUT_JSON) {
        return print_json(row);
    }
    print_lines(row, 0);
    cJSON_Delete(row);
    return out_flush();
}

int out_line(cJSON *row)
{
    char *text = cJSON_PrintUnformatted(row);
    puts(text == NULL ? "{}" : text);
    free(text);
    cJSON_Delete(row);
    return out_flush();
}
