/* key new, key show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/hex.h"
#include "cli/keyfile.h"

struct key_args {
    const char *file;
    enum key_type type;
    bool have_type;
};

static error_t parse_new(int key, char *arg, struct argp_state *state)
{
    struct key_args *a = state->input;
    switch (key) {
    case 't':
        a->have_type = key_type_parse(arg, &a->type) && a->type != KEY_NEXT;
        if (!a->have_type) {
            argp_error(state, "--type takes root, publisher, operator or holder");
        }
        return 0;
    case 'o':
    case ARGP_KEY_ARG:
        if (a->file != NULL) {
            argp_error(state, "one file is made at a time");
        }
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->have_type || a->file == NULL) {
            argp_error(state, "--type and a file are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option new_options[] = {
    { "type", 't', "TYPE", 0,
      "root (signs kernels and policies), publisher (signs modules), operator "
      "(commands live nodes) or holder (adds blocks to tokens)",
      0 },
    { "output", 'o', "FILE", 0, "secret key to make; without .key at its end, that is added", 0 },
    { 0 },
};
static const struct argp argp_new = {
    new_options,
    parse_new,
    "[FILE]",
    "Make a key: FILE.key (secret, mode 0600), FILE.pub, and for publishers FILE.kel (inception "
    "event) and "
    "FILE.next.key (the key that may replace it: keep it elsewhere). Nothing is ever overwritten.",
    NULL,
    NULL,
    NULL,
};

/** Path without ".key" at its end. Gives: a string to be freed. */
static char *stem_of(const char *path)
{
    size_t len = strlen(path);
    bool dot_key = len > 4 && strcmp(path + len - 4, ".key") == 0;
    return must_printf("%.*s", (int)(dot_key ? len - 4 : len), path);
}

struct key_files {
    char *secret, *next, *pub, *kel;
};

static struct key_files name_files(const char *stem)
{
    return (struct key_files){ must_printf("%s.key", stem), must_printf("%s.next.key", stem),
                               must_printf("%s.pub", stem), must_printf("%s.kel", stem) };
}

static void free_files(struct key_files *f)
{
    free(f->secret);
    free(f->next);
    free(f->pub);
    free(f->kel);
}

/** Refuse before anything is made, so that a set of files is never half old, half new. */
static int none_there(const struct key_files *f, enum key_type type)
{
    const char *all[] = { f->secret, f->pub, type == KEY_PUBLISHER ? f->next : NULL,
                          type == KEY_PUBLISHER ? f->kel : NULL };
    for (size_t i = 0; i < 4; i++) {
        if (all[i] != NULL && access(all[i], F_OK) == 0) {
            fail(IO_FAILED, "%s exists; keys are never overwritten", all[i]);
            hint("choose another name, or move the old key away first");
            return IO_FAILED;
        }
    }
    return DONE;
}

static int save_public(const struct key_files *f, const struct key_public *k)
{
    struct buf text = key_public_text(k);
    int rc = file_write_new(f->pub, buf_span(&text), 0644);
    buf_free(&text);
    if (rc == DONE && k->type == KEY_PUBLISHER) {
        rc = file_write_new(f->kel, SPAN_OF(k->inception), 0644);
    }
    return rc;
}

static int save_all(const struct key_files *f, const struct key_secret *k,
                    const struct key_secret *next)
{
    bool publisher = k->pub.type == KEY_PUBLISHER;
    int rc = file_parent(f->secret, 0700);
    if (rc == DONE && publisher) {
        rc = key_save_secret(f->next, next);
    }
    if (rc == DONE) {
        rc = save_public(f, &k->pub);
    }
    if (rc == DONE) {
        rc = key_save_secret(f->secret, k);  // last: where the .key file is, the set is whole
    }
    if (rc != DONE) {
        unlink(f->pub);
        if (publisher) {
            unlink(f->next);
            unlink(f->kel);
        }
    }
    return rc;
}

int cmd_key_new(int argc, char **argv)
{
    struct key_args a = { 0 };
    parse_args(&argp_new, argc, argv, &a);

    char *stem = stem_of(a.file);
    struct key_files files = name_files(stem);
    struct key_secret key = { 0 }, next = { 0 };
    int rc = none_there(&files, a.type);
    if (rc == DONE) {
        key_generate(KEY_NEXT, NULL, &next);
        key_generate(a.type, next.pub.pk, &key);
        rc = save_all(&files, &key, &next);
    }
    if (rc == DONE) {
        printf("%s key %s\n", key_type_name(a.type), files.secret);
        printf("  key id       %s\n", hex32(key.pub.key_id).text);
        if (a.type == KEY_PUBLISHER) {
            printf("  publisher id %s\n", hex32(key.pub.publisher_id).text);
            printf("  move %s to a safe place: it is the only key that may follow this one\n",
                   files.next);
        }
        rc = out_flush();
    }
    key_wipe(&key);
    key_wipe(&next);
    free_files(&files);
    free(stem);
    return rc;
}

int cmd_key_show(int argc, char **argv)
{
    struct view_args a = { .what = "key file" };
    struct key_public k;
    parse_view(argc, argv,
               "Show type, public key and ids of a .pub, .kel or .key file; never the secret.", &a);

    int rc = key_load_public(a.file, &k);
    if (rc != DONE) {
        return rc;
    }
    cJSON *row = out_row();
    out_text(row, "type", key_type_name(k.type));
    out_hex(row, "public", k.pk, sizeof(k.pk));
    out_hex(row, "key_id", k.key_id, sizeof(k.key_id));
    if (k.type == KEY_PUBLISHER) {
        out_hex(row, "publisher_id", k.publisher_id, sizeof(k.publisher_id));
    }
    return out_object(row, a.form);
}
