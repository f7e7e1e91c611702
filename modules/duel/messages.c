/* What travels with a message: handles that the sender may not send, rights that it does not have,
 * numbers of the server's, names that it gives itself. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { BITS = 1, BADGE = 7, OTHER_BADGE = 9, ODD_RIGHT = 1 << 4, BRIEF_NS = 1000 };
enum {
    ALL_OF_IT =
        NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT
};

static nos_handle_t note(uint32_t rights)
{
    nos_handle_t all = { 0 }, h = { 0 };
    nos_ignore(nos_sys_notify_create(&all));
    nos_ignore(nos_sys_handle_dup(all, rights, 0, &h));
    nos_ignore(nos_sys_handle_close(all));
    return h;
}

static nos_status_t send_with(nos_handle_t h, uint32_t rights, bool move, enum order what)
{
    fresh_message();
    duel.m.n_words = 1;
    duel.m.word[0] = BITS;
    bool fits = move ? nos_msg_move(&duel.m, h, rights) : nos_msg_copy(&duel.m, h, rights);
    duel.m.pass[0].rights |= rights & ~(uint32_t)NOS_RIGHT_ALL;  // which the SDK would leave out
    return fits ? ask(what) : NOS_TOO_BIG;
}

static void deputy(void)
{
    nos_handle_t theirs = { 0 }, mine = note(ALL_OF_IT);
    struct nos_handle_info h;
    uint64_t got, i = 0, id;

    fresh_message();
    row("ping", NOS_OK, ask(ORDER_PING));
    row("sender-is-stamped", NOS_OK,
        duel.m.word[0] == nos_self()->capsule ? NOS_OK : NOS_BAD_STATE);
    row("keep", NOS_OK, send_with(mine, ALL_OF_IT, false, ORDER_KEEP));
    struct nos_capsule_info c = { 0 };
    nos_ignore(nos_sys_capsule_info(duel.capsule, &c, sizeof(c)));
    id = c.id;
    while (nos_sys_node_info(duel.node, NOS_TOPIC_HANDLES, id << 32 | i++, &h, sizeof(h), &got) ==
           NOS_OK) {
        theirs.v = h.type == NOS_TYPE_NOTIFICATION ? h.handle : theirs.v;
    }
    row("deputy-has-one", NOS_OK, theirs.v != 0 ? NOS_OK : NOS_NOT_FOUND);
    theirs.v |= 0x40;  // a slot of the server's range that is none of ours
    row("deputy/its-number-as-handle", NOS_BAD_HANDLE,
        send_with(theirs, ALL_OF_IT, false, ORDER_USE));
    fresh_message();
    duel.m.n_words = 1;
    duel.m.word[0] = theirs.v;
    row("deputy/its-number-as-word", NOS_BAD_MESSAGE, ask(ORDER_USE));
    row("deputy/right-handle", NOS_OK, send_with(mine, ALL_OF_IT, false, ORDER_USE));
    nos_ignore(nos_sys_handle_close(mine));
}

static void smuggle_rights(void)
{
    nos_handle_t some = note(NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL);
    nos_handle_t no_transfer = note(NOS_RIGHT_DUP | NOS_RIGHT_SIGNAL);
    nos_handle_t no_dup = note(NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL), bare, brief, cut = { 0 };

    row("smuggle/wider-mask", NOS_OK, send_with(some, NOS_RIGHT_ALL, false, ORDER_LOOK));
    row("smuggle/gets-what-it-had", NOS_OK,
        duel.m.word[0] == 1 &&
                duel.m.word[1] == (NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL)
            ? NOS_OK
            : NOS_BAD_STATE);
    row("smuggle/narrower", NOS_OK, send_with(some, NOS_RIGHT_TRANSFER, false, ORDER_LOOK));
    row("smuggle/gets-the-mask", NOS_OK,
        duel.m.word[1] == NOS_RIGHT_TRANSFER ? NOS_OK : NOS_BAD_STATE);
    row("smuggle/no-signal-then", NOS_DENIED,
        send_with(some, NOS_RIGHT_TRANSFER, false, ORDER_USE));
    row("smuggle/no-transfer", NOS_DENIED, send_with(no_transfer, ALL_OF_IT, false, ORDER_LOOK));
    row("smuggle/move-no-transfer", NOS_DENIED,
        send_with(no_transfer, ALL_OF_IT, true, ORDER_LOOK));
    row("smuggle/copy-no-dup", NOS_DENIED, send_with(no_dup, ALL_OF_IT, false, ORDER_LOOK));
    row("smuggle/odd-right", NOS_BAD_MESSAGE, send_with(some, ODD_RIGHT, false, ORDER_LOOK));
    row("smuggle/no-handle", NOS_BAD_HANDLE,
        send_with((nos_handle_t){ 0 }, ALL_OF_IT, false, ORDER_LOOK));
    nos_ignore(nos_sys_handle_dup(some, NOS_RIGHT_TRANSFER | NOS_RIGHT_DUP, BRIEF_NS, &brief));
    nos_ignore(nos_sys_sleep(nos_now_ns() + 2 * BRIEF_NS));
    row("smuggle/expired", NOS_EXPIRED, send_with(brief, ALL_OF_IT, false, ORDER_LOOK));
    nos_ignore(nos_sys_cap_derive(some, NOS_RIGHT_TRANSFER | NOS_RIGHT_DUP | NOS_RIGHT_REVOKE, 0, 0,
                                  0, &cut));
    nos_ignore(nos_sys_cap_revoke(cut));
    row("smuggle/revoked", NOS_REVOKED, send_with(cut, ALL_OF_IT, false, ORDER_LOOK));
    row("smuggle/move", NOS_OK, send_with(no_dup, ALL_OF_IT, true, ORDER_LOOK));
    row("smuggle/moved-is-gone", NOS_BAD_HANDLE, nos_sys_notify_signal(no_dup, BITS));
    nos_handle_t serve = duel.serve;
    nos_ignore(nos_sys_handle_dup(serve, NOS_RIGHT_CALL | NOS_RIGHT_DUP, 0, &bare));
    duel.serve = bare;
    row("smuggle/no-grant", NOS_DENIED, send_with(some, ALL_OF_IT, false, ORDER_LOOK));
    fresh_message();
    row("smuggle/no-grant-no-handle", NOS_OK, ask(ORDER_PING));
    duel.serve = serve;
    nos_ignore(nos_sys_handle_close(bare));
    nos_ignore(nos_sys_handle_close(some));
    nos_ignore(nos_sys_handle_close(no_transfer));
}

static void all_or_nothing(void)
{
    nos_handle_t a = note(ALL_OF_IT), b = note(ALL_OF_IT);

    fresh_message();
    bool fits = nos_msg_move(&duel.m, a, ALL_OF_IT) && nos_msg_copy(&duel.m, b, ALL_OF_IT) &&
                nos_msg_copy(&duel.m, (nos_handle_t){ 0 }, ALL_OF_IT);
    row("all-or-nothing/third-is-none", NOS_BAD_HANDLE, fits ? ask(ORDER_LOOK) : NOS_TOO_BIG);
    row("all-or-nothing/first-is-here", NOS_OK, nos_sys_notify_signal(a, BITS));
    fresh_message();
    fits = nos_msg_move(&duel.m, a, ALL_OF_IT);
    fits = fits && nos_msg_move(&duel.m, a, ALL_OF_IT);
    row("all-or-nothing/moved-twice", NOS_BAD_HANDLE, fits ? ask(ORDER_LOOK) : NOS_TOO_BIG);
    row("all-or-nothing/still-here", NOS_OK, nos_sys_notify_signal(a, BITS));
    fresh_message();
    duel.m.n_words = 1;
    duel.m.word[0] = 1;
    row("accept/one", NOS_OK, ask(ORDER_ACCEPT));
    fresh_message();
    fits = nos_msg_copy(&duel.m, a, ALL_OF_IT) && nos_msg_move(&duel.m, b, ALL_OF_IT);
    row("accept/two-are-refused", NOS_HANDLES_REFUSED, fits ? ask(ORDER_LOOK) : NOS_TOO_BIG);
    row("accept/none-went", NOS_OK, nos_sys_notify_signal(b, BITS));
    fresh_message();
    row("accept/waits-on", NOS_OK, ask(ORDER_PING));
    duel.m.n_words = 1;
    duel.m.word[0] = NOS_MSG_HANDLES;
    row("accept/four", NOS_OK, ask(ORDER_ACCEPT));
    fresh_message();
    row("accept/none-by-default", NOS_OK, ask(ORDER_GIVE));
    row("accept/nothing-came", NOS_OK, duel.m.n_handles == 0 ? NOS_OK : NOS_BAD_STATE);
    fresh_message();
    row("ping", NOS_OK, ask(ORDER_PING));
    row("accept/giver-was-told", NOS_HANDLES_REFUSED,
        (nos_status_t)(int32_t)(uint32_t)duel.m.word[2]);
    nos_ignore(nos_sys_handle_close(a));
    nos_ignore(nos_sys_handle_close(b));
}

static void badges(void)
{
    nos_handle_t badged = { 0 }, other = { 0 }, serve = duel.serve;
    uint32_t rights = NOS_RIGHT_CALL | NOS_RIGHT_DUP;

    row("badge/derive", NOS_OK, nos_sys_cap_derive(serve, rights, 0, BADGE, 1, &badged));
    row("badge/forged-over", NOS_DENIED,
        nos_sys_cap_derive(badged, rights, 0, OTHER_BADGE, 0, &other));
    row("badge/dup", NOS_OK, nos_sys_handle_dup(badged, rights, 0, &other));
    duel.serve = other;
    fresh_message();
    duel.m.badge = OTHER_BADGE;  // what a sender writes there goes nowhere
    row("badge/call", NOS_OK, ask(ORDER_PING));
    row("badge/is-the-handle-s", NOS_OK, duel.m.word[1] == BADGE ? NOS_OK : NOS_BAD_STATE);
    duel.serve = serve;
    fresh_message();
    row("badge/none", NOS_OK, ask(ORDER_PING));
    row("badge/none-seen", NOS_OK, duel.m.word[1] == 0 ? NOS_OK : NOS_BAD_STATE);
    nos_handle_t n = note(ALL_OF_IT);
    row("badge/not-of-an-endpoint", NOS_INVALID,
        nos_sys_cap_derive(n, NOS_RIGHT_SIGNAL, 0, BADGE, 0, &other));
    nos_ignore(nos_sys_handle_close(n));
    nos_ignore(nos_sys_handle_close(badged));
}

/* Its classes decide what the dueler can hold: of class Network it has nothing, of class IO
 * neither.
 */
static void classes(void)
{
    nos_handle_t net = nos_find_handle(NOS_CAP_NETWORK, "loopback");
    nos_handle_t ports = nos_find_handle(NOS_CAP_PORTS, NULL), region = { 0 };

    row("class/network", NOS_NO_CLASS, send_with(net, NOS_RIGHT_ALL, false, ORDER_LOOK));
    row("class/network-moved", NOS_NO_CLASS, send_with(net, NOS_RIGHT_ALL, true, ORDER_LOOK));
    row("class/ports", NOS_NO_CLASS, send_with(ports, NOS_RIGHT_ALL, false, ORDER_LOOK));
    nos_ignore(nos_sys_region_create(1, &region));
    row("class/region", NOS_NO_CLASS, send_with(region, NOS_RIGHT_ALL, true, ORDER_LOOK));
    row("class/region-is-here", NOS_OK, nos_sys_handle_close(region));
    struct nos_handle_info info;
    row("class/network-is-here", NOS_OK, nos_sys_handle_info(net, &info, sizeof(info)));
    fresh_message();
    row("class/serves-on", NOS_OK, ask(ORDER_PING));
}

void attack_messages(void)
{
    deputy();
    smuggle_rights();
    all_or_nothing();
    badges();
    classes();
    fresh_message();
    row("sweep", NOS_OK, ask(ORDER_SWEEP));
}
