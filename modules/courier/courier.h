#pragma once
/* What the roles of `courier` share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/token.h"
#include "sdk/ipc.h"
#include "sdk/token.h"

enum { LABEL_PUT = 1, LABEL_GO = 2, LABEL_WAIT = 3, BIT_HELLO = 1, BIT_REVOKE = 2 };

extern nos_handle_t courier_endpoint;

/** A handle with a cell of its own to notification `note`, of `depth`; and a token for it that is
 * good for `audience`. */
MUST_CHECK nos_status_t derive_note(nos_handle_t note, uint64_t depth, nos_handle_t *out);
MUST_CHECK nos_status_t issue(nos_handle_t h, const struct nos_token_request *req,
                              uint8_t out[TOKEN_BYTES]);
/** 0 in `*h` when it was refused. */
nos_status_t import(const void *token, size_t len, nos_handle_t *h);
void own_id(uint8_t id[32]);

int attack(void);
int hoard(void);
int child(void);
int issuer(const char *next_pk_hex);
int importer(void);
int put(const char *at, const char *hex);
int go(const char *len);
