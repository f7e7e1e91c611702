#pragma once
/*
 * Programs that the prompt has started: those of one line are a job. The prompt gives each its
 * arguments, its variables and its descriptors (sdk/kit.h), has init start it, and is told when it
 * has ended. One job is in front: it gets what is typed.
 * Spec: docs/services.md, "shell".
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/info.h"
#include "modules/shell/line.h"
#include "modules/shell/shell.h"
#include "sdk/ipc.h"

enum {
    JOBS = 8,
    PROGRAMS = 12 /* of all jobs together */,
    JOB_UNREAD = 1536 /* bytes: the most that job_unread gives */
};

/** Once. Errors: those of notify_create and notify_bind. */
MUST_CHECK nos_status_t jobs_init(void);

/** Start what a line says from stage `first` on: none of it is a command of the prompt's own. The
 * first one reads `text`, unless NULL; `gone` is called when that is not needed any more. What goes
 * wrong is said. */
void job_run(const struct line *l, size_t first, const span_t *text, void (*gone)(void));

/** Is there one in front? Then there is no prompt. */
bool job_in_front(void);

/** A byte that was typed for it; then, after some, jobs_echo. */
void job_key(uint8_t byte);
void jobs_echo(void);

/** What was typed for the one in front that has just ended, and was not read by it: it is the
 * prompt's. Once: it is forgotten here. Gives: how many bytes. */
size_t job_unread(char out[JOB_UNREAD]);

/** Is this a question of a program that was started here? Then it was answered. */
bool job_serve(struct nos_msg *m);

/** What came by the notification that it sleeps on. */
void jobs_notified(uint64_t bits);

/** Move bytes, and look who has ended if one has. Gives: when to come again at the latest;
 * NOS_DEADLINE_NEVER. */
uint64_t jobs_step(void);

/** Was something said where the line stands that is typed? Once. */
bool jobs_said(void);

/** How many there are. */
size_t jobs_running(void);

/** A module that takes control messages is a service: it is not for the prompt to wait for its
 * end. */
bool is_service(const struct nos_module_info *m);

/** $? as text. */
const char *job_code(void);
void job_set_code(uint32_t code);
