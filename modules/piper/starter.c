/* A starter that does not do what it should: it ends, or answers what is no kit. What it starts
 * must end by itself, with 126, and touch nothing. */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "abi/info.h"
#include "modules/piper/piper.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { LOOK_NS = 20000000, CODE = 126 };

static struct nos_msg m;

static nos_status_t begin(nos_handle_t endpoint, nos_handle_t *capsule)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL), module, given;
    struct nos_capsule_info self;

    nos_status_t st = nos_sys_self_info(&self, sizeof self);
    st = st == NOS_OK ? nos_sys_module_open(node, self.module_id, 32, &module) : st;
    st = st == NOS_OK
             ? nos_sys_handle_dup(endpoint, NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER, 0,
                                  &given)
             : st;
    st = st == NOS_OK
             ? nos_sys_capsule_spawn(module, "tell", 4, (nos_handle_t){ 0 }, 0, given, capsule)
             : st;
    return st;
}

int orphan(void)
{
    nos_handle_t endpoint, capsule;

    nos_status_t st = nos_sys_endpoint_create(&endpoint);
    st = st == NOS_OK ? begin(endpoint, &capsule) : st;
    return st == NOS_OK ? 0 : 1;
}

enum lie {
    NOT_OK,
    NO_WORDS,
    HUGE_TEXT,
    NO_ARGUMENTS,
    TOO_MANY,
    NOT_SO_MANY,
    NO_END,
    GROWS,
    LIES_OF_TEXT,
    BAD_KIND = LIES_OF_TEXT,
    BAD_NUMBER,
    SAME_AS_ITSELF,
    PIPE_OF_NOTHING,
    PIPE_OF_NOTES,
    OPEN_NO_END,
    LIES
};

static void say_text(enum lie lie)
{
    static const char good[] = "piper\0tell\0"
                               "A=b\0"; /* two arguments, a variable, no directory */

    m.word[0] = sizeof good;
    m.word[1] = 2;
    m.word[2] = 1;
    m.n_words = 3;
    bool fits = nos_msg_put(&m, 3, good, sizeof good);
    if (lie == NOT_OK || !fits) {
        nos_msg_answer(&m, NOS_NO_MEMORY);
    } else if (lie == NO_WORDS) {
        m.n_words = 0;
    } else if (lie == HUGE_TEXT) {
        m.word[0] = 1ull << 40;
    } else if (lie == NO_ARGUMENTS) {
        m.word[1] = 0;
        m.word[2] = 3;
    } else if (lie == TOO_MANY) {
        m.word[1] = 1ull << 60;
    } else if (lie == NOT_SO_MANY) {
        m.word[1] = 7;
    } else if (lie == NO_END) {
        ((char *)&m.word[3])[sizeof good - 1] = 'x';
    } else if (lie == GROWS) {
        static uint64_t bytes = 600;
        m.word[0] = bytes++;
    }
}

static void say_stream(enum lie lie, nos_handle_t note)
{
    m.word[1] = NOS_KIT_CONSOLE;
    m.word[2] = 0;
    m.n_words = 3;
    if (lie == BAD_KIND) {
        m.word[1] = 99;
    } else if (lie == BAD_NUMBER) {
        m.word[0] = 1000;
    } else if (lie == SAME_AS_ITSELF) {
        m.word[1] = NOS_KIT_SAME;
    } else if (lie == OPEN_NO_END) {
        m.word[1] = NOS_KIT_OPEN;
        memset(&m.word[3], 'x', 16);
        m.n_words = 5;
    } else {
        m.word[1] = NOS_KIT_PIPE;
        for (int i = 0; lie == PIPE_OF_NOTES && i < 3; i++) {
            nos_ignore(nos_msg_copy(&m, note, NOS_RIGHT_ALL) ? NOS_OK : NOS_TOO_BIG);
        }
    }
}

static int lie_to_one(enum lie lie)
{
    nos_handle_t endpoint, note, capsule = { 0 };
    struct nos_capsule_info info = { .state = NOS_CAPSULE_RUNNING };

    nos_status_t st = nos_sys_endpoint_create(&endpoint);
    st = st == NOS_OK ? nos_sys_notify_create(&note) : st;
    st = st == NOS_OK ? begin(endpoint, &capsule) : st;
    uint64_t end = nos_now_ns() + 10000000000ull;
    while (st == NOS_OK && info.state == NOS_CAPSULE_RUNNING && nos_now_ns() < end) {
        if (nos_recv(endpoint, &m, nos_now_ns() + LOOK_NS) == NOS_OK) {
            uint64_t label = m.label, word = m.word[0];
            nos_msg_answer(&m, NOS_OK);
            m.word[0] = word;
            if (label == NOS_KIT_TEXT) {
                say_text(lie);
            } else if (label == NOS_KIT_STREAM) {
                say_stream(lie, note);
            }
            nos_ignore(nos_reply(&m));
        }
        st = nos_sys_capsule_info(capsule, &info, sizeof info);
    }
    int good = st == NOS_OK && info.state == NOS_CAPSULE_EXITED && info.exit_code == CODE;
    if (!good) {
        printf("piper: lie %d: status %d, state %u, code %llu\n", (int)lie, (int)st, info.state,
               (unsigned long long)info.exit_code);
    }
    nos_ignore(nos_sys_handle_close(endpoint));
    nos_ignore(nos_sys_handle_close(note));
    nos_ignore(nos_sys_handle_close(capsule));
    return good;
}

int liar(void)
{
    int good = 0;

    for (int i = 0; i < LIES; i++) {
        good += lie_to_one((enum lie)i);
    }
    printf("piper: %d of %d lies end with 126\n", good, LIES);
    return good != LIES;
}

/* Its child asks for its kit for ever: that holds nobody up for ever. */
int patient(void)
{
    char *const argv[] = { "vandal", "endless", NULL };
    int status = 0;
    pid_t pid;

    if (posix_spawn(&pid, "vandal", NULL, NULL, argv, NULL) != 0) {
        return 1;
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
