#pragma once
/* Ends of pipes in a program, and what its starter gave it. */
#include "abi/fs.h"
#include "sdk/kit.h"
#include "sdk/libc/personality.h"
#include "sdk/pipe.h"

enum { LIBC_PIPES = 32 };

struct libc_pipe;

/** An end to read or write. Takes: `e`, also on an error. Errors: NO_SLOT, nos_pipe_open's. */
MUST_CHECK nos_status_t libc_pipe_open(const struct nos_pipe_end *e, struct libc_pipe **out);
void libc_pipe_close(struct libc_pipe *p);

/** Gives: bytes, 0 at the end, or -errno: EPIPE, EBADF (it is the other end), EAGAIN. */
long libc_pipe_read(struct libc_pipe *p, mspan_t to, bool may_wait);
long libc_pipe_write(struct libc_pipe *p, span_t bytes, bool may_wait);

/** POLLIN, POLLOUT, POLLHUP, POLLERR. */
int libc_pipe_events(struct libc_pipe *p);

/** Sleep until that may be others. Errors: TIMED_OUT, CANCELLED. */
MUST_CHECK nos_status_t libc_pipe_doze(struct libc_pipe *p, uint64_t deadline_ns);

/** Another end for the same side, for another capsule; from now on they share their place. */
MUST_CHECK nos_status_t libc_pipe_share(struct libc_pipe *p, struct nos_pipe_end *out);

/** The program ends: whoever has the other ends is told. */
void libc_pipes_leave(void);

struct libc_stream {  // what a descriptor is to begin with
    enum nos_kit_stream kind;
    bool terminal, writer;
    struct libc_pipe *pipe;
    long same;
};

/** Begin with no descriptors; then with those that the starter gave. In files/ and without.c. */
void libc_begin_without(void);
void libc_begin_with(long fd, const struct libc_stream *s);

/** The descriptor is a file of the program's own trees. Gives: 0 or -errno. */
long libc_begin_open(long fd, const char *path, uint64_t detail);

/** The descriptor is a file that the starter lends, by three handles. Takes: those, also on an
 * error. Gives: 0 or -errno. */
long libc_begin_file(long fd, const nos_handle_t h[NOS_FS_PASSES], uint64_t flags);

struct libc_kit {
    char *text; /* arguments, variables, working directory: each ended by a zero */
    size_t len;
    uint64_t n_args, n_env;
};

/** Was this program given a kit? */
bool libc_has_kit(void);

/** Fetch it, and begin with its descriptors. Ends the program when its starter is gone, or gives
 * what cannot be taken: it would read and write elsewhere than it is meant to. */
void libc_take_kit(struct libc_kit *k);
