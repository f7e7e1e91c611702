/*
 * caps graph: the handles of a live node as a picture. Left a box for each capsule, a line in it
 * for each handle; right the objects; between them an edge, labelled by the rights on the handle's
 * line. On the left edge of the boxes, arcs from a handle to those that were made from it. What is
 * revoked is dashed. SVG, written by hand: no library, and nothing in it that a browser would run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capsrows.h"
#include "cli/file.h"
#include "cli/names.h"
#include "lib/render.h"

enum {
    ROW = 16,      /* pixels: a handle's line */
    HEAD = 22,     /* a capsule's name */
    GAP = 14,      /* between boxes */
    LEFT = 90,     /* room for arcs */
    BOX = 400,     /* width */
    OBJECTS = 760, /* where their column begins */
    OBJECT_W = 250,
    WIDTH = 1030,
    TOP = 46
};

struct picture {
    struct captree_row *row; /* in the order of the tree */
    uint32_t n;
    int *y;           /* of each handle's line */
    uint32_t *object; /* which object's node */
    int *object_y;
    uint32_t *first; /* a row of the object */
    uint32_t n_objects;
    int height;
};

static void add(struct buf *b, const char *text)
{
    buf_add(b, span_of(text, strlen(text)));
}

#define ADD(b, ...) \
    do { \
        char *text_ = must_printf(__VA_ARGS__); \
        add((b), text_); \
        free(text_); \
    } while (0)

/* Text from a node, as XML. */
static void add_escaped(struct buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            add(b, "&amp;");
            break;
        case '<':
            add(b, "&lt;");
            break;
        case '>':
            add(b, "&gt;");
            break;
        case '"':
            add(b, "&quot;");
            break;
        default:
            buf_add(b, span_of(text, 1));
            break;
        }
    }
}

static void add_text(struct buf *b, int x, int y, const char *style, const char *text)
{
    ADD(b, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style);
    add_escaped(b, text);
    add(b, "</text>\n");
}

/* ---- layout ---- */

static void name_objects(struct picture *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (captree_first(p->row, i)) {
            p->first[p->n_objects++] = i;
        }
        p->object[i] = p->n_objects - 1;
    }
}

/** Boxes from top to bottom by capsule id, each with its handles in the order of the tree. */
static int place_handles(struct picture *p)
{
    int y = TOP;
    uint32_t last = 0, next = UINT32_MAX;
    for (;; last = next, y += GAP) {
        next = UINT32_MAX;
        for (uint32_t i = 0; i < p->n; i++) {
            uint32_t id = p->row[i].capsule;
            next = id > last && id < next ? id : next;
        }
        if (next == UINT32_MAX) {
            return y;
        }
        y += HEAD;
        for (uint32_t i = 0; i < p->n; i++) {
            if (p->row[i].capsule == next) {
                p->y[i] = y + ROW / 2;
                y += ROW;
            }
        }
    }
}

struct wish {
    uint32_t object;
    double y;
};

static int by_wish(const void *a, const void *b)
{
    const struct wish *x = a, *y = b;
    return x->y < y->y ? -1 : x->y > y->y ? 1 : x->object < y->object ? -1 : 1;
}

/** Each object wishes to be at the middle of its handles; they stand in that order, not too close.
 */
static int place_objects(struct picture *p)
{
    struct wish *w = must_alloc((p->n_objects + 1) * sizeof(*w));
    int y = TOP;
    for (uint32_t o = 0; o < p->n_objects; o++) {
        uint32_t n = 0;
        w[o] = (struct wish){ .object = o };
        for (uint32_t i = p->first[o]; i < p->n && p->object[i] == o; i++, n++) {
            w[o].y += p->y[i];
        }
        w[o].y /= n;
    }
    qsort(w, p->n_objects, sizeof(*w), by_wish);
    for (uint32_t k = 0; k < p->n_objects; k++) {
        int at = (int)w[k].y > y ? (int)w[k].y : y;
        p->object_y[w[k].object] = at;
        y = at + ROW + 6;
    }
    free(w);
    return y;
}

/* ---- drawing ---- */

static bool dead(const struct captree_row *r)
{
    return (r->h.flags & NOS_HANDLE_REVOKED) != 0;
}

static void draw_box(struct buf *b, const struct picture *p, uint32_t first)
{
    const struct captree_row *r = &p->row[first];
    int bottom = p->y[first];
    for (uint32_t i = 0; i < p->n; i++) {
        bottom = p->row[i].capsule == r->capsule && p->y[i] > bottom ? p->y[i] : bottom;
    }
    int top = p->y[first];
    for (uint32_t i = 0; i < p->n; i++) {
        top = p->row[i].capsule == r->capsule && p->y[i] < top ? p->y[i] : top;
    }
    top -= ROW / 2 + HEAD;
    ADD(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" class=\"box\"/>\n", LEFT,
        top, BOX, bottom + ROW / 2 + 4 - top);
    char *safe = out_safe(span_of(r->name, sizeof(r->name)));
    char *title = must_printf("%s (%u)", safe, r->capsule);
    add_text(b, LEFT + 8, top + 15, "name", title);
    free(title);
    free(safe);
}

static void draw_boxes(struct buf *b, const struct picture *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        bool drawn = false;
        for (uint32_t k = 0; k < i; k++) {
            drawn = drawn || p->row[k].capsule == p->row[i].capsule;
        }
        if (!drawn) {
            draw_box(b, p, i);
        }
    }
}

static void draw_handle(struct buf *b, const struct picture *p, uint32_t i)
{
    const struct captree_row *r = &p->row[i];
    char text[RENDER_LINE_MAX];
    struct fmt f;
    int from = LEFT + BOX, to = OBJECTS, y = p->y[i], oy = p->object_y[p->object[i]];
    FMT_INIT(&f, text);
    fmt_str(&f, dead(r) ? "revoked: " : "");
    render_rights(&f, r->h.rights);
    add_text(b, LEFT + 16, y + 4, dead(r) ? "rights dead" : "rights", text);
    ADD(b, "<path d=\"M%d %d C%d %d %d %d %d %d\" class=\"edge t%u%s\"/>\n", from, y, from + 100, y,
        to - 100, oy, to, oy, r->h.type, dead(r) ? " cut" : "");
}

static void draw_derivation(struct buf *b, const struct picture *p, uint32_t i)
{
    uint32_t a = p->row[i].above;
    if (a == CAPTREE_TOP) {
        return;
    }
    int far = abs(p->y[i] - p->y[a]) / 3;
    int x = LEFT - 14 - (far > 66 ? 66 : far);
    ADD(b, "<path d=\"M%d %d C%d %d %d %d %d %d\" class=\"made%s\" marker-end=\"url(#tip)\"/>\n",
        LEFT, p->y[a], x, p->y[a], x, p->y[i], LEFT, p->y[i], dead(&p->row[i]) ? " cut" : "");
}

static void draw_object(struct buf *b, const struct picture *p, uint32_t o)
{
    const struct captree_row *r = &p->row[p->first[o]];
    char text[RENDER_LINE_MAX];
    struct fmt f;
    int y = p->object_y[o];
    FMT_INIT(&f, text);
    captree_object(&f, r);
    text[f.len - 1] = '\0';  // its end of line
    ADD(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" class=\"node t%u\"/>\n",
        OBJECTS, y - ROW / 2 - 1, OBJECT_W, ROW + 2, r->h.type);
    add_text(b, OBJECTS + 10, y + 4, "object", text);
}

static const char style[] =
    "<style>text{font:11px ui-monospace,monospace;fill:#222}.name{font-weight:bold;font-size:13px}"
    ".title{font-size:15px;font-weight:bold}.box{fill:#f6f6f2;stroke:#777}.node{fill:#fff;stroke-"
    "width:1.5}"
    ".edge{fill:none;stroke-width:1.2;opacity:.8}.made{fill:none;stroke:#222;stroke-width:1.2}"
    ".cut{stroke-dasharray:4 "
    "3}.dead{fill:#a33}.t1{stroke:#8a6d3b}.t2{stroke:#a0522d}.t3{stroke:#777}"
    ".t4{stroke:#1f5fa8}.t5{stroke:#2a8c55}.t6{stroke:#7b3fa0}.t7,.t8,.t9{stroke:#b3541e}.t10{"
    "stroke:#c22}"
    ".t11{stroke:#444}</style>\n"
    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
    "markerHeight=\"7\" "
    "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#222\"/></marker></defs>\n";

static void draw(struct buf *b, const struct picture *p)
{
    ADD(b,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
        "%d\">\n",
        WIDTH, p->height, WIDTH, p->height);
    add(b, style);
    ADD(b, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, p->height);
    add_text(b, LEFT, 26, "title", "Who may do what: capsules, their handles, the objects");
    for (uint32_t i = 0; i < p->n; i++) {
        draw_derivation(b, p, i);
    }
    draw_boxes(b, p);
    for (uint32_t i = 0; i < p->n; i++) {
        draw_handle(b, p, i);
    }
    for (uint32_t o = 0; o < p->n_objects; o++) {
        draw_object(b, p, o);
    }
    add(b, "</svg>\n");
}

void graph_svg(const struct caps_rows *caps, struct buf *out)
{
    size_t n = caps->n + 1;
    struct picture p = { .row = caps->row, .n = caps->n };
    p.y = must_alloc(n * sizeof(*p.y));
    p.object = must_alloc(n * sizeof(*p.object));
    p.object_y = must_alloc(n * sizeof(*p.object_y));
    p.first = must_alloc(n * sizeof(*p.first));
    name_objects(&p);
    int left = place_handles(&p), right = place_objects(&p);
    p.height = (left > right ? left : right) + GAP;
    draw(out, &p);
    free(p.y);
    free(p.object);
    free(p.object_y);
    free(p.first);
}

/* ---- the verb ---- */

struct graph_args {
    struct node_args node;
    const char *out;
};

static error_t parse_graph(int key, char *arg, struct argp_state *state)
{
    struct graph_args *a = state->input;
    switch (key) {
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case ARGP_KEY_ARG:
        parse_none(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_caps_graph(int argc, char **argv)
{
    static const struct argp_option options[] = {
        { "output", 'o', "FILE.svg", 0, "picture to write; without it, to standard output", 0 },
        { 0 },
    };
    static const struct argp_child children[] = { { &node_reach_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = {
        options,
        parse_graph,
        "",
        "The capabilities of a live node as a picture (SVG): capsules, their "
        "handles, the objects, and what was derived from what.",
        children,
        NULL,
        NULL
    };
    struct graph_args a = { 0 };
    struct node n;
    struct caps_rows caps = { 0 };
    struct buf svg = { NULL, 0 };
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    int rc = node_open(&a.node, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = caps_collect(&n, &caps);
    node_close(&n);
    if (rc == DONE) {
        graph_svg(&caps, &svg);
        rc = a.out != NULL ? file_write(a.out, buf_span(&svg), 0644) : DONE;
        if (a.out == NULL) {
            fwrite(svg.data, 1, svg.len, stdout);
            rc = out_flush();
        }
    }
    caps_rows_free(&caps);
    buf_free(&svg);
    return rc;
}
