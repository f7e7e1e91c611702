/* token derive: one more block, signed with the key that the last block names. */
#include <string.h>
#include <sys/random.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/hex.h"
#include "cli/keyfile.h"
#include "cli/names.h"
#include "lib/status.h"
#include "lib/token.h"

struct derive_args {
    const char *file, *key, *out, *next_key;
    struct token t; /* the new block; what is not said stays as it was */
    bool rights, classes, nbf, exp, audience, depth;
};

enum {
    OPT_KEY = 256,
    OPT_RIGHTS,
    OPT_CLASSES,
    OPT_NBF,
    OPT_EXP,
    OPT_AUDIENCE,
    OPT_NEXT_KEY,
    OPT_DEPTH
};

/** "call,inspect" as a mask. */
static uint32_t parse_names(const char *arg, struct argp_state *state, const struct name_list *list)
{
    char word[32];
    uint32_t mask = 0, bit = 0;
    for (size_t len; *arg != '\0'; arg += len + (arg[len] == ',')) {
        len = strcspn(arg, ",");
        if (len >= sizeof(word)) {
            argp_error(state, "no %s has such a long name", list->what);
        }
        memcpy(word, arg, len);
        word[len] = '\0';
        if (!name_find(list, word, &bit)) {
            char *all = names_all(list);
            argp_error(state, "\"%s\" is no %s; allowed: %s", word, list->what, all);
        }
        mask |= bit;
    }
    return mask;
}

static error_t parse_block(int key, char *arg, struct argp_state *state, struct derive_args *a)
{
    switch (key) {
    case OPT_RIGHTS:
        a->rights = true;
        a->t.rights = parse_names(arg, state, &right_names);
        return 0;
    case OPT_CLASSES:
        a->classes = true;
        a->t.classes = parse_names(arg, state, &class_names);
        return 0;
    case OPT_NBF:
        a->nbf = true;
        a->t.nbf = parse_number(arg, state, "--nbf", 0, UINT64_MAX);
        return 0;
    case OPT_EXP:
        a->exp = true;
        a->t.exp = parse_number(arg, state, "--exp", 0, UINT64_MAX);
        return 0;
    case OPT_DEPTH:
        a->depth = true;
        a->t.depth = (uint8_t)parse_number(arg, state, "--depth", 1, TOKEN_DEPTH_MAX);
        return 0;
    case OPT_AUDIENCE:
        parse_hex32(arg, state, "--audience", ", a module_id", a->t.audience);
        a->audience = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_derive(int key, char *arg, struct argp_state *state)
{
    struct derive_args *a = state->input;
    switch (key) {
    case OPT_KEY:
        a->key = arg;
        return 0;
    case OPT_NEXT_KEY:
        a->next_key = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "token", &a->file);
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL || a->key == NULL || a->out == NULL) {
            argp_error(state, "a token, --key and -o are needed");
        }
        if (a->depth && a->next_key == NULL) {
            argp_error(state, "--depth goes with --next-key, whose owner may add the next block");
        }
        return 0;
    default:
        return parse_block(key, arg, state, a);
    }
}

static const struct argp_option options[] = {
    { "key", OPT_KEY, "FILE.key", 0, "holder key that the token's last block names", 0 },
    { "rights", OPT_RIGHTS, "LIST", 0, "rights of the new block, with commas; default: as before",
      0 },
    { "classes", OPT_CLASSES, "LIST", 0, "classes of the new block; default: as before", 0 },
    { "nbf", OPT_NBF, "NS", 0, "not before: ns since the issuing boot; default: as before", 0 },
    { "exp", OPT_EXP, "NS", 0, "expires, 0 = never; default: as before", 0 },
    { "audience", OPT_AUDIENCE, "HEX", 0,
      "module_id that may import; another one only if the token has the right transfer", 0 },
    { "next-key", OPT_NEXT_KEY, "FILE.pub", 0,
      "whose owner may add the next block, or 64 hexadecimal digits; without it nobody may", 0 },
    { "depth", OPT_DEPTH, "N", 0, "further blocks; default: one less than the token allows", 0 },
    { "output", 'o', "FILE", 0, "token to write", 0 },
    { 0 },
};
static const struct argp argp_derive = {
    options,
    parse_derive,
    "FILE --key FILE.key -o FILE",
    "Add a block to a token: what it grants can only become less. No machine is asked. "
    "Signatures of the blocks that are there are not looked at; the machine that imports the token "
    "does.",
    NULL,
    NULL,
    NULL,
};

static int refuse(const struct derive_args *a, nos_status_t st)
{
    return fail(REFUSED, "%s: %s (%s)", a->file, status_text(st), status_name(st));
}

static int read_next_key(struct derive_args *a, const struct token *parent)
{
    struct key_public next;
    if (a->next_key == NULL) {
        return DONE;
    }
    if (parent->depth == 1) {
        return refuse(a, NOS_TOKEN_DEPTH);
    }
    a->t.depth = a->depth ? a->t.depth : (uint8_t)(parent->depth - 1);
    if (hex_decode(a->next_key, strlen(a->next_key), MSPAN_OF(a->t.next_pk))) {
        return DONE;
    }
    int rc = key_load_public_as(a->next_key, KEY_HOLDER, &next);
    if (rc == DONE) {
        memcpy(a->t.next_pk, next.pk, sizeof(a->t.next_pk));
    }
    return rc;
}

/** What was not said on the command line comes from the block before. */
static int fill(struct derive_args *a, const struct token *parent)
{
    struct token *t = &a->t;
    t->kind = parent->kind;
    memcpy(t->obj, parent->obj, sizeof(t->obj));
    t->rights = a->rights ? t->rights : parent->rights;
    t->classes = a->classes ? t->classes : parent->classes;
    t->nbf = a->nbf ? t->nbf : parent->nbf;
    t->exp = a->exp ? t->exp : parent->exp;
    if (!a->audience) {
        memcpy(t->audience, parent->audience, sizeof(t->audience));
    }
    if (getrandom(&t->nonce, sizeof(t->nonce), 0) != sizeof(t->nonce)) {
        return fail(IO_FAILED, "the host gives no random bytes (getrandom failed)");
    }
    return read_next_key(a, parent);
}

/** The block behind those of `c`, judged as the importer will. */
static int add_block(const struct derive_args *a, const struct token_chain *c,
                     const struct key_secret *key, struct buf *token)
{
    uint8_t block[TOKEN_BYTES], msg[TOKEN_SIGNED_BYTES];
    struct token_chain made;

    token_write(&a->t, block);
    token_signed_bytes(c->bytes.data + c->bytes.len - TOKEN_BYTES, block, msg);
    ed25519_sign(block + TOKEN_BODY, SPAN_OF(msg), key->sk);
    buf_add(token, c->bytes);
    buf_add(token, SPAN_OF(block));
    nos_status_t st = token_chain_parse(buf_span(token), &made);
    if (st == NOS_OK) {
        st = token_chain_links(&made);
    }
    return st == NOS_OK ? DONE : refuse(a, st);
}

static int derive(struct derive_args *a, span_t file, const struct key_secret *key,
                  struct buf *token)
{
    struct token_chain c;
    nos_status_t st = token_chain_parse(file, &c);
    if (st == NOS_OK && (c.n == NOS_TOKEN_BLOCKS_MAX || token_last(&c)->depth == 0)) {
        st = NOS_TOKEN_DEPTH;
    }
    if (st != NOS_OK) {
        return refuse(a, st);
    }
    if (key->pub.type != KEY_HOLDER ||
        memcmp(key->pub.pk, token_last(&c)->next_pk, sizeof(key->pub.pk)) != 0) {
        return fail(REFUSED, "%s is not the holder key that the last block of %s names", a->key,
                    a->file);
    }
    int rc = fill(a, token_last(&c));
    return rc == DONE ? add_block(a, &c, key, token) : rc;
}

int cmd_token_derive(int argc, char **argv)
{
    struct derive_args a = { 0 };
    struct key_secret key = { 0 };
    struct buf file = { NULL, 0 }, token = { NULL, 0 };
    parse_args(&argp_derive, argc, argv, &a);

    int rc = key_load_secret(a.key, &key);
    if (rc == DONE) {
        rc = file_read(a.file, 4096, &file);
    }
    if (rc == DONE) {
        rc = derive(&a, buf_span(&file), &key, &token);
    }
    if (rc == DONE) {
        rc = file_write(a.out, buf_span(&token), 0644);
    }
    key_wipe(&key);
    buf_free(&file);
    buf_free(&token);
    return rc;
}
