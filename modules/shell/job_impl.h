#pragma once
/* What a job is, for the files that make one: job.c has its life, job_give.c what its programs are
 * given, job_start.c how each is found and started, job_front.c what is typed for it. */
#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/vars.h"
#include "sdk/kit.h"

enum {
    JOB_TEXT = LINE_TEXT + VARS_TEXT + PLACE_PATH + NOS_NAME_MAX + 1, /* the last for argument 0 */
    JOB_LENT = 3 * LINE_STAGES,
    JOB_NAME = 80,
};
enum { /* exit codes, as POSIX shells have them */
       CODE_CANNOT = 126,
       CODE_NOT_FOUND = 127,
       CODE_INTERRUPTED = 130,
       CODE_KILLED = 137,
       CODE_CRASHED = 139,
};

struct program {
    bool used, ended;
    uint32_t capsule;  // 0: not started
    uint32_t code;
    struct nos_kit kit;
    char text[JOB_TEXT];
};

struct job {
    bool used, interrupted;
    bool memory;  // its first program has class Memory
    size_t n;
    struct program *program[LINE_STAGES];
    nos_handle_t lent[JOB_LENT];  // memory of its pipes: taken back when it has ended
    size_t n_lent;
    struct nos_pipe keys;  // to its first program
    bool has_keys;
    char name[JOB_NAME];
};

struct job_input {
    const span_t *text; /* what the first program reads, until somebody has it; NULL */
    void (*gone)(void);
};

extern struct job jobs[JOBS];
extern struct front {
    struct job *job; /* what is typed is for it; NULL */
    bool waiting;    /* for all jobs: `wait` */
} front;

struct found { /* what a command's name means */
    struct nos_module_info module;
    nos_handle_t held; /* it is out of a file: kept until it has been started; 0 */
};

/** All that a line gives its programs. Errors: NO_ANSWER: it was said; those of pipes. */
MUST_CHECK nos_status_t job_give(struct job *j, const struct line *l, const struct found *found,
                                 struct job_input *input);

/** The module that a command's name means. Gives: f->held is the caller's to close, also on an
 * error. Errors: NO_ANSWER: it was said, with the code. */
MUST_CHECK nos_status_t program_find(const char *name, struct found *f);

/** Errors: those of init's START. */
MUST_CHECK nos_status_t program_start(struct program *p, const struct nos_module_info *module,
                                      const struct words *w);

/** End all of its programs at once. */
void job_kill(struct job *j);

/** From now on what is typed is for it. */
void front_take(struct job *j);

/** It ends: what it was sent and has not read is kept for job_unread. */
void front_leave(struct job *j);
