#pragma once
/*
 * The arguments of each verb of abi/manage.h, cut out of bytes that anybody on the line may have
 * written. Pure: what a request means is checked here, whether its sender may ask for it is not.
 * Spec: docs/management.md.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/manage.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct request {  // which fields count depends on the verb; borrows the payload
    uint16_t verb;
    uint64_t topic, index;    // INFO
    uint64_t offset;          // UPLOAD; DEBUG_READ, _WRITE, _BREAK: address
    span_t bytes;             // UPLOAD, DEBUG_SET, DEBUG_WRITE
    uint64_t len;             // LOAD, SHARE: of the staged file; DEBUG_READ
    span_t hash;              // LOAD, SHARE: 32 bytes
    span_t module_id;         // UPGRADE: 32 bytes
    bool start;               // LOAD
    char name[NOS_NAME_MAX];  // START; SHARE: of a share
    span_t arg;               // LOAD, START
    uint32_t id;        // KILL, STOP, TOKEN, DEBUG, UPGRADE; DEBUG_THREADS, _SET, _RUN: a thread's
    uint32_t action;    // POWER; DEBUG_BREAK: on; DEBUG_RUN: how
    uint32_t handle;    // TOKEN
    uint32_t seconds;   // DEBUG
    uint32_t with_all;  // STOP: 0, 1
};

/** Does the verb change something, so that it needs the operator's signature? True for unknown
 * verbs from 16 on. */
MUST_CHECK bool request_is_signed(uint16_t verb);

/**
 * Parse the arguments: the payload of an unsigned request, what mg_verify gave of a signed one.
 * Errors: BAD_MESSAGE (wrong length or field), TOO_BIG (argument or staged file too long),
 * NOT_SUPPORTED (no such verb).
 */
MUST_CHECK nos_status_t request_parse(uint16_t verb, span_t args, struct request *out);
