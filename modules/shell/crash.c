/* crash: what the deaths of capsules left behind. */
#include <string.h>

#include "lib/crash.h"
#include "lib/render.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"

static char page[RENDER_CRASH_MAX];  // one thread, one record: its bytes, then its text
static struct nos_crash_record record;

static nos_status_t next(uint64_t seq)
{
    nos_status_t st = info_get(NOS_TOPIC_CRASH, seq, page, sizeof(record));
    return st == NOS_OK ? crash_parse(span_of(page, sizeof(record)), &record) : st;
}

static void list(void)
{
    struct fmt f;
    nos_status_t st;

    FMT_INIT(&f, page);
    render_crash_head(&f);
    show(&f);
    for (uint64_t seq = 0; (st = next(seq)) == NOS_OK; seq = record.seq + 1) {
        FMT_INIT(&f, page);
        render_crash_row(&f, &record);
        show(&f);
    }
    if (st != NOS_NOT_FOUND) {
        complain("crash", st);
    }
}

void cmd_crash(const struct words *w)
{
    uint64_t seq;
    struct fmt f;

    if (w->n == 1) {
        list();
        return;
    }
    if (!parse_u64(span_of(w->word[1], strlen(w->word[1])), &seq)) {
        fail("crash: '%s' is no number; `crash` lists them", w->word[1]);
        return;
    }
    nos_status_t st = next(seq);
    if (st == NOS_NOT_FOUND || (st == NOS_OK && record.seq != seq)) {
        fail("crash: no record %s; `crash` lists them", w->word[1]);
    } else if (st != NOS_OK) {
        complain("crash", st);
    } else {
        FMT_INIT(&f, page);
        render_crash_page(&f, &record);
        show(&f);
    }
}
