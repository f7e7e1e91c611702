/* The IPC state machine of kernel/ipc, as far as order matters: who waits, who is woken, how often.
 * Every system call runs under the kernel lock, so each is one atomic step here; a revocation is
 * several, as in the kernel. Two callers, two threads of one server, a third that answers late and
 * twice; and one each of: deadline, cancel, revocation, signal, a server's thread that ends, the end
 * of the server. Each of these is made by -DWITH_...: tests/spin/run checks them two by two, which
 * keeps a search within seconds.
 *
 *   no lost wake-up  nobody waits while what it waits for is there (INVARIANT), and nobody waits for
 *                    ever (the end states that spin looks for)
 *   no double reply  a thread is woken while it waits and only then, with one result; an answer is
 *                    for the call that it answers (wake, Client)
 *   ends             each end of a wait has its own status (Client); none is left after a revoke
 *   no lost call     whom the server neither answers nor holds is told so when it receives again (recv)
 *   loans            a server's client waits for that server (INVARIANT)
 *
 * Each -DNO_... takes one step of the kernel away: tests/spin/run expects that to be found. */

#define CALLERS 2
#define SERVERS 2
#define CALLS(x) (2 - x)     /* the first caller calls twice, the second once */
#define NOBODY 9

mtype = { RUN, CALL, SEND, REPLY, RECV, DEAD };
mtype = { NONE, OK, TIMED_OUT, CANCELLED, REVOKED, PEER_CLOSED, NO_ANSWER };

mtype st[CALLERS] = RUN;
mtype result[CALLERS] = NONE;   /* what the present call ended with */
byte number[CALLERS];           /* of its last call: the second half of the token */
byte calls[CALLERS];            /* the same, kept by nobody but this model */
byte answers[CALLERS];          /* which call the answer was meant for; 0 = none came */
byte worker[CALLERS] = NOBODY;

mtype sst[SERVERS] = RUN;       /* threads of the server */
byte client[SERVERS] = NOBODY;  /* on whose account it works; ipc_reply_recv answers it */
byte memory[SERVERS];           /* which call it believes to answer */

bool open = true;               /* handles with RECV are left */
bool cut;                       /* the cell of caller 0's handle */
bool bits;                      /* of the notification that is bound */
bool timed, cancelled, lost;    /* it has happened */

chan callers = [CALLERS] of { byte };
chan receivers = [SERVERS] of { byte };
chan kept = [4] of { byte, byte, byte };  /* a token, and the call it was for */

byte s, c;                      /* used within one atomic step */

#define WAITS(x) (st[x] == CALL || st[x] == SEND || st[x] == REPLY)
#define LENT(y) (client[y] == NOBODY || (st[client[y]] == REPLY && worker[client[y]] == y))
#define INVARIANT \
    assert(empty(receivers) || (empty(callers) && !bits)); \
    assert(LENT(0) && LENT(1))

inline wake(x, r)
{
    assert(WAITS(x) && result[x] == NONE);
    if
    :: worker[x] != NOBODY && client[worker[x]] == x ->
#ifndef NO_LOAN_END
        client[worker[x]] = NOBODY
#else
        skip
#endif
    :: else
    fi;
    worker[x] = NOBODY;
    st[x] = RUN;
    result[x] = r
}

/* The message of x is with the server's thread y. */
inline deliver(x, y)
{
    if
    :: st[x] == SEND -> wake(x, OK)
    :: else ->
#ifndef NO_NUMBER
        number[x]++;
#endif
        st[x] = REPLY;
        worker[x] = y;
        client[y] = x;
        memory[y] = calls[x]
    fi
}

inline call(x, how)
{
    calls[x]++;
    if
#ifndef NO_LOOK_AT_CUT
    :: x == 0 && cut -> result[x] = REVOKED
    :: !(x == 0 && cut) && !open -> result[x] = PEER_CLOSED
    :: !(x == 0 && cut) && open ->
#else
    :: !open -> result[x] = PEER_CLOSED
    :: open ->
#endif
        st[x] = how;
        if
        :: nempty(receivers) -> receivers ? s; sst[s] = RUN; deliver(x, s)
        :: empty(receivers) -> callers ! x
        fi
    fi
}

inline recv(y)
{
    if
    :: client[y] != NOBODY ->
#ifndef NO_LEFT_WAKE
        c = client[y];
        wake(c, NO_ANSWER)
#else
        client[y] = NOBODY
#endif
    :: else
    fi;
#ifndef NO_LOOK_AT_BITS
    if
    :: bits -> bits = false
    :: !bits ->
#endif
#ifndef NO_LOOK_AT_QUEUE
        if
        :: nempty(callers) -> callers ? c; deliver(c, y)
        :: empty(callers) ->
#endif
            sst[y] = RECV;
            receivers ! y
#ifndef NO_LOOK_AT_QUEUE
        fi
#endif
#ifndef NO_LOOK_AT_BITS
    fi
#endif
}

inline answer(x, call_of)
{
    answers[x] = call_of;
    wake(x, OK)
}

/* ipc_reply: by token. NOT_FOUND changes nothing. */
inline reply(x, n, call_of)
{
    if
#ifndef NO_STATE_CHECK
    :: st[x] == REPLY && number[x] == n && sst[worker[x]] != DEAD -> answer(x, call_of)
#else
    :: number[x] == n -> answer(x, call_of)
#endif
    :: else
    fi
}

/* Any end of a wait but the good one. */
inline end_wait(x, r)
{
    if
    :: st[x] == CALL || st[x] == SEND ->
#ifndef NO_UNQUEUE
        callers ?? eval(x);
#endif
        wake(x, r)
    :: st[x] == REPLY -> wake(x, r)
#ifdef NO_WAIT_CHECK
    :: else -> wake(x, r)
#else
    :: else
#endif
    fi
}

proctype Client(byte x)
{
    byte n;
    for (n : 1 .. CALLS(x)) {
        atomic {
            result[x] = NONE;
            answers[x] = 0;
            if
            :: call(x, CALL)
            :: call(x, SEND)
            fi;
            INVARIANT
        }
        atomic {
            !WAITS(x) ->
            assert(result[x] != NONE);
            assert(result[x] != TIMED_OUT || timed);
            assert(result[x] != CANCELLED || cancelled);
            assert(result[x] != REVOKED || (x == 0 && cut));
            assert(result[x] != PEER_CLOSED || !open);
            assert(result[x] != NO_ANSWER || lost);
            assert(answers[x] == 0 || (result[x] == OK && answers[x] == n))
        }
    }
}

proctype Server(byte y)
{
    byte x;
end:
    do
    :: atomic {
        sst[y] == RUN ->
        x = client[y];
        if
        :: x != NOBODY -> answer(x, memory[y])  /* ipc_reply_recv */
        :: x != NOBODY ->
            kept ! x, number[x], memory[y];
#ifndef NO_HOLD
            client[y] = NOBODY  /* ipc_hold */
#endif
        :: x != NOBODY && !lost -> lost = true
        :: x == NOBODY
        fi;
        recv(y);
        INVARIANT
       }
    :: sst[y] == DEAD -> break
    od
}

/* Answers by token, late, and a second time. */
proctype Late()
{
    byte x, n, m;
end:
    do
    :: atomic { kept ? x, n, m; if :: open -> reply(x, n, m) :: else fi; INVARIANT }
       atomic { if :: open -> reply(x, n, m) :: else fi; INVARIANT }
    od
}

proctype Deadline()
{
    atomic {
        timed = true;
        if
        :: true -> end_wait(0, TIMED_OUT)
        :: true -> end_wait(1, TIMED_OUT)
        fi;
        INVARIANT
    }
}

proctype Cancel()
{
    atomic {
        cancelled = true;
        if
        :: true -> end_wait(0, CANCELLED)
        :: sst[0] == RECV -> receivers ?? 0; sst[0] = RUN
        :: sst[0] != RECV
        fi;
        INVARIANT
    }
}

/* The flip; then, in steps, whoever waits through the handle. */
proctype Revoke()
{
    atomic { cut = true }
    atomic {
#ifndef NO_REVOKE_WAKE
        end_wait(0, REVOKED);
#endif
        INVARIANT
    }
    assert(!WAITS(0))
}

proctype Signal()
{
    atomic {
        if
        :: nempty(receivers) -> receivers ? s; sst[s] = RUN
        :: empty(receivers) -> bits = true
        fi;
        INVARIANT
    }
}

/* One of the server's threads is off; `heir` may answer its callers from now on. */
inline leave(y, heir)
{
    if
    :: sst[y] == RECV -> receivers ?? eval(y)
    :: sst[y] != RECV
    fi;
    sst[y] = DEAD;
    c = 0;
    do
    :: c < CALLERS ->
        if
        :: st[c] == REPLY && worker[c] == y && heir != NOBODY ->
#ifndef NO_HEIR
            worker[c] = heir;
#endif
            client[y] = NOBODY
        :: st[c] == REPLY && worker[c] == y && heir == NOBODY ->
#ifndef NO_DEATH_WAKE
            wake(c, PEER_CLOSED)
#else
            client[y] = NOBODY
#endif
        :: else
        fi;
        c++
    :: else -> break
    od;
    client[y] = NOBODY
}

/* A thread ends in good order: what it has not answered it hands to another. */
proctype ThreadEnds()
{
    byte x;
    atomic {
        if
        :: open && sst[1] != DEAD ->
            x = client[1];
            if
            :: x != NOBODY -> kept ! x, number[x], memory[1]
            :: x == NOBODY
            fi;
            leave(1, 0)
        :: else
        fi;
        INVARIANT
    }
}

proctype ServerEnds()
{
    atomic {
        open = false;
        leave(0, NOBODY);
        leave(1, NOBODY);
#ifndef NO_CLOSE_WAKE
        do
        :: nempty(callers) -> callers ? c; wake(c, PEER_CLOSED)
        :: empty(callers) -> break
        od;
#endif
        INVARIANT
    }
}

init
{
    atomic {
        run Client(0);
        run Client(1);
        run Server(0);
        run Server(1);
        run Late();
#ifdef WITH_DEADLINE
        run Deadline();
#endif
#ifdef WITH_CANCEL
        run Cancel();
#endif
#ifdef WITH_REVOKE
        run Revoke();
#endif
#ifdef WITH_SIGNAL
        run Signal();
#endif
#ifdef WITH_THREAD_END
        run ThreadEnds();
#endif
#ifdef WITH_SERVER_END
        run ServerEnds();
#endif
    }
}
