/* Key files: "name value" lines under a first line that says what the file is. Loading re-derives
 * everything that can be derived (public key from seed, ids from keys, publisher id from the
 * inception event, whose signature must verify) and refuses a file whose stored values differ: a
 * key file edited by hand is noticed here. */
#include "cli/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/hex.h"
#include "cli/kel.h"
#include "cli/report.h"
#include "lib/crypto/scrub.h"
#include "lib/secret.h"
#include "lib/sigs.h"

#define SECRET_LINE "n0n-secret-key v1\n"
#define PUBLIC_LINE "n0n-public-key v1\n"
enum { KEY_FILE_MAX = 4096 };

static const char *const type_names[KEY_TYPES] = { "root", "publisher", "operator", "holder",
                                                   "next" };

const char *key_type_name(enum key_type type)
{
    return type_names[type];
}

bool key_type_parse(const char *name, enum key_type *out)
{
    for (unsigned i = 0; i < KEY_TYPES; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *out = (enum key_type)i;
            return true;
        }
    }
    return false;
}

static void random_bytes(uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got <= 0) {
            exit(fail(IO_FAILED, "the host gives no random bytes (getrandom failed)"));
        }
        out += got;
        n -= (size_t)got;
    }
}

static void fill_public(struct key_secret *k, enum key_type type)
{
    ed25519_keypair_from_seed(k->pub.pk, k->sk, k->seed);
    k->pub.type = type;
    key_id_of(k->pub.pk, k->pub.key_id);
}

void key_generate(enum key_type type, const uint8_t next_pk[ED25519_PK_LEN], struct key_secret *out)
{
    *out = (struct key_secret){ 0 };
    random_bytes(out->seed, sizeof(out->seed));
    fill_public(out, type);
    if (type == KEY_PUBLISHER) {
        kel_inception(out->sk, out->pub.pk, next_pk, out->pub.inception);
        kel_id(out->pub.inception, out->pub.publisher_id);
    }
}

void key_wipe(struct key_secret *k)
{
    secret_wipe(k, sizeof(*k));
    secret_scrub_deep();
}

static void add_text(struct buf *b, const char *text)
{
    buf_add(b, span_of(text, strlen(text)));
}

static void add_hex(struct buf *b, const char *name, span_t bytes)
{
    char line[2 * KEL_EVENT_LEN + 1];
    add_text(b, name);
    add_text(b, " ");
    hex_encode(bytes, line);
    buf_add(b, span_of(line, 2 * bytes.len));
    add_text(b, "\n");
    secret_wipe(line, sizeof(line));
}

static void add_common(struct buf *b, const struct key_public *k)
{
    add_text(b, "type ");
    add_text(b, type_names[k->type]);
    add_text(b, "\n");
    add_hex(b, "public", SPAN_OF(k->pk));
    add_hex(b, "key-id", SPAN_OF(k->key_id));
    if (k->type == KEY_PUBLISHER) {
        add_hex(b, "publisher-id", SPAN_OF(k->publisher_id));
        add_hex(b, "inception", SPAN_OF(k->inception));
    }
}

struct buf key_public_text(const struct key_public *k)
{
    struct buf b = { NULL, 0 };
    add_text(&b, PUBLIC_LINE);
    add_common(&b, k);
    return b;
}

int key_save_secret(const char *path, const struct key_secret *k)
{
    struct buf b = { NULL, 0 };
    add_text(&b, SECRET_LINE);
    add_common(&b, &k->pub);
    add_hex(&b, "seed", SPAN_OF(k->seed));
    int rc = file_write_new(path, buf_span(&b), 0600);
    buf_wipe(&b);
    return rc;
}

/** The value of the line "NAME value"; names are unique, so the first line that fits is it. */
static bool line_value(span_t file, const char *name, span_t *out)
{
    size_t name_len = strlen(name);
    while (file.len > 0) {
        const uint8_t *end = memchr(file.data, '\n', file.len);
        size_t len = end == NULL ? file.len : (size_t)(end - file.data);
        if (len > name_len && memcmp(file.data, name, name_len) == 0 &&
            file.data[name_len] == ' ') {
            *out = span_of(file.data + name_len + 1, len - name_len - 1);
            return true;
        }
        size_t step = end == NULL ? len : len + 1;
        file = span_of(file.data + step, file.len - step);
    }
    return false;
}

static bool line_hex(span_t file, const char *name, mspan_t out)
{
    span_t v;
    return line_value(file, name, &v) && hex_decode((const char *)v.data, v.len, out);
}

static bool line_type(span_t file, enum key_type *out)
{
    char name[16] = { 0 };
    span_t v;
    if (!line_value(file, "type", &v) || v.len >= sizeof(name)) {
        return false;
    }
    memcpy(name, v.data, v.len);
    return key_type_parse(name, out);
}

static bool starts_with(span_t file, const char *text)
{
    return file.len >= strlen(text) && memcmp(file.data, text, strlen(text)) == 0;
}

/** What both kinds of text file say about the public key, checked against itself. */
static bool parse_public(span_t file, struct key_public *out)
{
    struct key_public k = { 0 };
    uint8_t key_id[32], publisher_id[32];

    if (!line_type(file, &k.type) || !line_hex(file, "public", MSPAN_OF(k.pk)) ||
        !line_hex(file, "key-id", MSPAN_OF(key_id))) {
        return false;
    }
    key_id_of(k.pk, k.key_id);
    if (memcmp(key_id, k.key_id, sizeof(key_id)) != 0) {
        return false;
    }
    if (k.type == KEY_PUBLISHER) {
        uint8_t pk[ED25519_PK_LEN];
        if (!line_hex(file, "publisher-id", MSPAN_OF(publisher_id)) ||
            !line_hex(file, "inception", MSPAN_OF(k.inception)) ||
            !kel_check_inception(SPAN_OF(k.inception), k.publisher_id, pk) ||
            memcmp(pk, k.pk, sizeof(pk)) != 0 ||
            memcmp(publisher_id, k.publisher_id, sizeof(publisher_id)) != 0) {
            return false;
        }
    }
    *out = k;
    return true;
}

static bool parse_kel(span_t file, struct key_public *out)
{
    struct key_public k = { .type = KEY_PUBLISHER };
    if (!kel_check_inception(file, k.publisher_id, k.pk)) {
        return false;
    }
    memcpy(k.inception, file.data, KEL_EVENT_LEN);
    key_id_of(k.pk, k.key_id);
    *out = k;
    return true;
}

static bool parse_secret(span_t file, struct key_secret *out)
{
    struct key_secret k = { 0 };
    struct key_public said;
    bool good = starts_with(file, SECRET_LINE) && parse_public(file, &said) &&
                line_hex(file, "seed", MSPAN_OF(k.seed));
    if (good) {
        fill_public(&k, said.type);
        good = memcmp(k.pub.pk, said.pk, sizeof(said.pk)) == 0;
        k.pub = said;
    }
    if (good) {
        *out = k;
    }
    key_wipe(&k);
    return good;
}

static int check_private(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
        fail(REFUSED, "%s: others may read this secret key (mode %04o)", path, st.st_mode & 07777);
        hint("run: chmod 600 %s; if others may have read it, make a new key", path);
        return REFUSED;
    }
    return DONE;
}

int key_load_secret(const char *path, struct key_secret *out)
{
    struct buf file;
    int rc = check_private(path);
    if (rc == DONE) {
        rc = file_read(path, KEY_FILE_MAX, &file);
    }
    if (rc != DONE) {
        return rc;
    }
    if (!parse_secret(buf_span(&file), out)) {
        rc = fail(REFUSED, "%s: not a secret key, or its lines contradict each other", path);
        if (starts_with(buf_span(&file), PUBLIC_LINE)) {
            hint("this is a public key; the secret is in the .key file beside it");
        }
    }
    buf_wipe(&file);
    return rc;
}

int key_load_public(const char *path, struct key_public *out)
{
    struct buf file;
    int rc = file_read(path, KEY_FILE_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    span_t s = buf_span(&file);
    bool text = starts_with(s, PUBLIC_LINE) || starts_with(s, SECRET_LINE);
    if (!(text ? parse_public(s, out) : parse_kel(s, out))) {
        rc = fail(REFUSED, "%s: not a key file, or its parts contradict each other", path);
        hint("expected a .pub file, or a publisher's .kel file, made by `nonosctl key new`");
    }
    buf_wipe(&file);
    return rc;
}

int key_load_public_as(const char *path, enum key_type want, struct key_public *out)
{
    struct key_public k;
    int rc = key_load_public(path, &k);
    if (rc == DONE && k.type != want) {
        rc = fail(REFUSED, "%s is of type %s; one of type %s is needed here", path,
                  key_type_name(k.type), key_type_name(want));
    }
    if (rc == DONE) {
        *out = k;
    }
    return rc;
}
