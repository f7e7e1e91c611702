/* What is typed for the job in front: a line at a time, with echo; what it leaves is the prompt's
 * again. */
#include <string.h>

#include "lib/secret.h"
#include "modules/shell/job_impl.h"
#include "modules/shell/tty.h"
#include "sdk/print.h"

enum { KEYS_KEPT = JOB_UNREAD - TTY_LINE };

struct front front;
static struct tty tty;
static struct {
    char text[JOB_UNREAD];
    size_t len;
} sent, unread;  // the last of what the one in front was sent; and what it had not read

bool job_in_front(void)
{
    return front.job != NULL || front.waiting;
}

void front_take(struct job *j)
{
    front.job = j;
    tty = (struct tty){ .len = 0 };
    sent.len = 0;
}

/* As a terminal does it: what a program leaves is for the next one; Ctrl-C forgets it. */
void front_leave(struct job *j)
{
    size_t n = j->has_keys && !j->interrupted ? nos_pipe_unread(&j->keys, NULL) : 0;
    span_t line = tty_line(&tty);

    n = n < sent.len ? n : sent.len;
    memcpy(unread.text, sent.text + sent.len - n, n);
    memcpy(unread.text + n, line.data, line.len);
    unread.len = n + line.len;
    sent.len = 0;
    secret_wipe(sent.text, sizeof(sent.text));  // what is typed for a program may be a secret
    secret_wipe(tty.line, sizeof(tty.line));
}

size_t job_unread(char out[JOB_UNREAD])
{
    size_t n = unread.len;

    memcpy(out, unread.text, n);
    unread.len = 0;
    secret_wipe(unread.text, sizeof(unread.text));
    return n;
}

static void send_keys(span_t text)
{
    size_t done = 0;

    // one that does not read what is typed has 4 KiB of it, and no more
    if (front.job != NULL && front.job->has_keys && text.len != 0) {
        nos_ignore(nos_pipe_write(&front.job->keys, text, &done, NULL));
        size_t old = sent.len + done > KEYS_KEPT ? sent.len + done - KEYS_KEPT : 0;
        old = old < sent.len ? old : sent.len;
        memmove(sent.text, sent.text + old, sent.len - old);
        sent.len -= old;
        memcpy(sent.text + sent.len, text.data, done);  // at most a line
        sent.len += done;
    }
}

void job_key(uint8_t byte)
{
    enum tty_event e = tty_feed(&tty, byte);

    if (e == TTY_INTERRUPT) {
        front.waiting = false;
        job_set_code(CODE_INTERRUPTED);  // of `wait`: another's end says its own
        if (front.job != NULL) {
            front.job->interrupted = true;
            job_kill(front.job);
        }
    } else if (e == TTY_ENTER) {
        send_keys(tty_line(&tty));
    } else if (e == TTY_EOF) {
        span_t rest = tty_line(&tty);
        send_keys(rest);
        if (rest.len == 0 && front.job != NULL && front.job->has_keys) {
            nos_pipe_close(&front.job->keys);
            front.job->has_keys = false;
        }
    }
}

void jobs_echo(void)
{
    nos_ignore(nos_console_write(tty_take(&tty)));
}

/* ---- commands ---- */

void cmd_fg(const struct words *w)
{
    uint64_t number = 0;

    for (size_t i = 0; w->n == 1 && i < JOBS; i++) {
        number = jobs[i].used ? i + 1 : number;
    }
    if (w->n == 2 && !parse_u64(span_of(w->word[1], strlen(w->word[1])), &number)) {
        number = 0;
    }
    if (number == 0 || number > JOBS || !jobs[number - 1].used) {
        fail("fg: no such job; `jobs` lists them");
        return;
    }
    front_take(&jobs[number - 1]);
    nos_print("%s\n", front.job->name);
}

void cmd_wait(const struct words *w)
{
    (void)w;
    front_take(NULL);
    front.waiting = jobs_running() != 0;
}