/* A crash record as JSON. */
#include <stdlib.h>

#include "cli/names.h"
#include "cli/noderows.h"
#include "lib/render.h"

static cJSON *trace_rows(const struct nos_crash_record *r)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_trace; i++) {
        cJSON *row = out_row();
        out_u64(row, "ip", r->trace[i].ip);
        out_u64(row, "offset", r->trace[i].ip - r->image_base);
        out_untrusted(row, "symbol", r->trace[i].symbol, sizeof(r->trace[i].symbol));
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

static cJSON *handle_rows(const struct nos_crash_record *r)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->n_handles; i++) {
        const struct nos_crash_handle *h = &r->handle[i];
        cJSON *row = out_row();
        out_u64(row, "handle", h->handle);
        out_text(row, "type", name_of(&type_names, h->type));
        out_text(row, "origin", name_of(&origin_names, h->origin));
        out_untrusted(row, "name", h->name, sizeof(h->name));
        cJSON_AddItemToObject(row, "rights", names_of_mask(&right_names, h->rights));
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

static void add_memory(cJSON *row, const struct nos_crash_record *r)
{
#define X(name) #name,
    static const char *const names[] = { NOS_CR_REGS(X) };
#undef X
    cJSON *regs = cJSON_AddObjectToObject(row, "registers");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        out_u64(regs, names[i], r->regs[i]);
    }
    out_u64(row, "code_at", r->code_at);
    out_hex(row, "code", r->code, r->code_len);
    out_hex(row, "stack", r->stack, r->stack_len);
}

static void add_message(cJSON *row, const struct nos_crash_record *r)
{
    out_u64(row, "client", r->client);
    if ((r->flags & NOS_CR_MEMORY) == 0) {
        return;
    }
    out_u64(row, "label", r->label);
    out_hex(row, "message", (const uint8_t *)r->message, sizeof(r->message));
}

cJSON *row_crash(const struct nos_crash_record *r)
{
    cJSON *row = row_capsule(&r->info);
    char *log = out_safe(span_of(r->log, r->log_len));
    out_u64(row, "seq", r->seq);
    out_u64(row, "killer", r->killer);
    out_text(row, "doing", render_doing(r->doing));
    out_u64(row, "image_base", r->image_base);
    cJSON_AddItemToObject(row, "trace", trace_rows(r));
    if ((r->flags & NOS_CR_MEMORY) != 0) {
        add_memory(row, r);
    }
    if ((r->flags & NOS_CR_MESSAGE) != 0) {
        add_message(row, r);
    }
    cJSON_AddItemToObject(row, "handle_list", handle_rows(r));
    out_text(row, "log", log);
    free(log);
    return row;
}
