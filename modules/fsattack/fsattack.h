#pragma once
/* What the attacks share: the sessions, and a line for each answer. */
#include "sdk/fs.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { RW = NOS_FS_READABLE | NOS_FS_WRITABLE };

extern struct nos_fs own, share, reader;
extern struct nos_fs_answer said;

void row(const char *name, nos_status_t want, nos_status_t got);
nos_status_t ask(struct nos_fs *f, uint32_t op, uint32_t n, uint64_t a, uint64_t b, uint64_t c,
                 uint64_t d);
size_t put(struct nos_fs *f, size_t at, const char *text);
nos_status_t open_(struct nos_fs *f, const char *path, uint64_t flags);

/** Secrets in files; stays until it is killed. */
void plant(void);
void uproot(void); /* the one in the share */
