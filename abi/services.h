/* What the system capsules say to each other over named endpoints. Text travels packed in words,
 * first byte in the lowest byte of word 0. Spec: docs/services.md.
 *
 * A reply's label is a nos_status_t, as its two's complement low 32 bits. */
#pragma once

enum { NOS_TEXT_MAX = 512 /* bytes in one message: 64 words */ };

/* Control messages: from a capsule's supervisor to the endpoint that its manifest names. Word 0 is
 * the id of the capsule that is meant, which need not be the one that reads it: two may serve one
 * endpoint. sdk/control.h answers them. Labels are above those of every service. */
#define NOS_CTL_FIRST 0xffff00000000ull
enum nos_ctl_op { /* label = NOS_CTL_FIRST + op. Reply: a status; NOT_FOUND: another is meant */
                  NOS_CTL_HEALTH = 1,  /* Reply: empty, at once */
                  NOS_CTL_STOP = 2,    /* Reply: empty, before it begins to end */
                  NOS_CTL_UPGRADE = 3, /* write the state down and receive no more. Reply: one
                                        * handle, an endpoint: send there, with one handle, where
                                        * the new version can be called */
};

/* What a new version is told on the endpoint that it was given at its start. Reply: a status. */
enum nos_upgrade_op {
    NOS_UPGRADE_HELLO = 1, /* by the supervisor: word 0 = capsule whose place it is to take */
    NOS_UPGRADE_GIVE = 2,  /* by that one: handles */
    NOS_UPGRADE_STATE =
        3, /* by that one: word 0 = bytes, handles: region, and the last of those to
            * be given. Reply, when it is settled: OK = end, anything else = go on */
    NOS_UPGRADE_COMMIT = 4, /* by the supervisor: answer that call */
};
enum { NOS_UPGRADE_REFUSED = 0x52 /* exit code of a new version that does not begin */ };

/* "console" */
enum nos_console_op {
    NOS_CONSOLE_WRITE = 1, /* label = op | bytes << 8; the text. Reply: empty */
    NOS_CONSOLE_READ =
        2, /* label = op | most << 8 (1..512). Reply, once at least one byte was typed: label =
            * status, word 0 = bytes, words 1.. = the bytes, raw: the shell does the line editing */
    NOS_CONSOLE_STREAM =
        3, /* a ring of the caller's own (sdk/ring.h, sdk/stream.h); the caller takes four handles.
            * Reply: word 0 = bytes of the region; enum nos_console_pass says the handles */
};

enum nos_console_pass {                          /* handles of a stream, in this order */
                        NOS_CONSOLE_PASS_REGION, /* map it, read and write */
                        NOS_CONSOLE_PASS_BELL,   /* signal NOS_CONSOLE_RING when the ring says that
                                                    its reader sleeps */
                        NOS_CONSOLE_PASS_ROOM,   /* wait here when the ring is full */
                        NOS_CONSOLE_PASS_LIFELINE, /* an endpoint: keep it. Whoever closes it has
                                                      given the stream back */
                        NOS_CONSOLE_PASSES
};
enum { NOS_CONSOLE_RING = 2 /* bit of the bell */ };

/* "init" */
enum nos_init_op {
    NOS_INIT_START = 1,    /* label = op | bytes of arg << 8; words 0, 1 = module name, words 2.. =
                            * arg. Reply: word 0 = capsule id. Supervised from then on; or, with two
                            * handles (enum nos_init_pass), its starter's: never restarted */
    NOS_INIT_START_ID = 2, /* the same, words 0..3 = module_id, words 4.. = arg */
    NOS_INIT_KILL = 3,     /* word 0 = capsule id; not restarted. Reply: empty */
    NOS_INIT_RESTARTS =
        4, /* word 0 = capsule id. Reply: word 0 = restarts of that supervised module so far */
    NOS_INIT_STOP =
        5, /* word 0 = capsule id, word 1 = 1: after all that need it, 0: only if none does. Reply,
            * when it has ended: word 0 = enum nos_stop_way, word 1 = how many that need it were
            * stopped, word 2 = ms. NEEDED: words = ids of those that need it; nothing is stopped */
    NOS_INIT_SHUTDOWN = 6, /* stop everything but the caller; nothing is started any more. Reply,
                            * when all have ended: as STOP, word 1 = how many */
    NOS_INIT_UPGRADE =
        7,              /* word 0 = capsule id, words 1..4 = module_id. Reply, when it is settled:
                         * word 0 = id of the new capsule, word 1 = ns from the question to the old
                         * one to the answer of the new one; on any error the old one goes on. Who
                         * asks for its own upgrade is answered at once, word 0 = 0: it is under way */
    NOS_INIT_ENDED = 8, /* word 0 = id of a capsule that was started with two handles. Reply: word 0
                         * = enum nos_capsule_state, word 1 = its code (abi/info.h). BUSY: it runs.
                         * NOT_FOUND: it is not among the last 64 of those */
    NOS_INIT_NEED = 9,  /* words 0, 1 = module name: as if who asks needed it. Reply: word 0 = id of
                         * the capsule of that name, which runs, waits for its restart, or has just
                         * been started, with the start list's argument. BUSY: it is being stopped */
};
enum nos_init_pass {
    NOS_INIT_PASS_KIT,  /* an endpoint, rights CALL, DUP, TRANSFER: `given` to the capsule, which
                           asks there for its kit */
    NOS_INIT_PASS_TELL, /* a notification, right SIGNAL: NOS_INIT_TOLD when the capsule has
                           ended */
    NOS_INIT_PASSES
};
enum { NOS_INIT_TOLD = 2 /* bit */ };
#define NOS_SHUTDOWN_NS 120000000000ull /* the caller of SHUTDOWN waits no longer */
enum nos_stop_way {
    NOS_STOP_UNDER_WAY = 0, /* the caller is among those that are stopped: it is told at once */
    NOS_STOP_BY_ITSELF = 1, /* it was asked, and ended */
    NOS_STOP_TOO_LATE = 2,  /* it was asked, and killed when its time was over */
    NOS_STOP_KILLED = 3,    /* it cannot be asked */
};

/*
 * A kit: what a program is given besides its grants, by whoever starts it: arguments, environment,
 * working directory, descriptors. The program asks for it at the endpoint that it was `given` (one
 * without RECV: with it, it is an upgrade's). sdk/kit.h answers, sdk/libc/kit.c asks.
 */
enum nos_kit_op {
    NOS_KIT_TEXT = 1,   /* word 0 = offset. Reply: word 0 = bytes in all, word 1 = arguments, word 2
                         * = variables, words 3.. = the text from there on: arguments, variables
                         * NAME=VALUE, working directory, each ended by a zero */
    NOS_KIT_STREAM = 2, /* word 0 = descriptor. Reply: of the first one from there on: word 0 =
                         * number, word 1 = enum nos_kit_stream, word 2 = detail; a pipe's REGION,
                         * BELL and ROOM (sdk/pipe.h). NOT_FOUND: there are no more */
    NOS_KIT_LIFE = 3,   /* word 0 = descriptor of a pipe. Reply: its LIFE and PEER. Who gives it
                         * keeps it no longer */
};
enum nos_kit_stream {
    NOS_KIT_CONSOLE = 1, /* by the program's own grant */
    NOS_KIT_NULL = 2,    /* nothing to read, what is written is gone */
    NOS_KIT_PIPE = 3,    /* detail: enum nos_kit_pipe */
    NOS_KIT_SAME = 4,    /* as the descriptor `detail`, which is a smaller one */
    NOS_KIT_OPEN = 5,    /* by the program's own grants: words 3.. = path, ended by a zero; detail =
                          * flags of open | mode << 32, as the C library has them */
    NOS_KIT_FILE = 6, /* the giver's own, lent by memfs (NOS_FS_LEND): three handles; detail = flags
                       * of open */
};
enum nos_kit_pipe { NOS_KIT_WRITER = 1, NOS_KIT_TERMINAL = 2 /* somebody types at it */ };
enum {                           /* of one kit */
       NOS_KIT_TEXT_MAX = 32768, /* bytes */
       NOS_KIT_STREAMS = 16,
       NOS_KIT_WORDS_MAX = 1024, /* arguments; and as many variables */
};

/* network "loopback": datagrams between the capsules of this machine. Whoever binds a port sends
 * one handle along: an endpoint that the client serves, right CALL, the lifeline. When nobody
 * serves it any more the client is gone, and so are its ports. */
enum nos_net_op {
    NOS_NET_BIND = 1,  /* word 0 = port, 0 = any free one; the lifeline. Reply: word 0 = port */
    NOS_NET_SEND = 2,  /* label = op | bytes << 8; word 0 = to | from << 16, words 1.. = the data;
                        * from = a port of the sender's, or 0. Reply: empty, once it is queued */
    NOS_NET_RECV = 3,  /* word 0 = port. Reply, once there is one: word 0 = from | bytes << 32, word
                        * 1  = capsule that sent it, words 2.. = the data */
    NOS_NET_CLOSE = 4, /* word 0 = port. Reply: empty */
};
enum { NOS_NET_DATA_MAX = 496 /* bytes in one datagram */ };
