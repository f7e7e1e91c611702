/* Hot upgrade, docs/upgrade.md: the old version waits in a call that only the new one can answer. The new one may
 * crash, hang or refuse at any step before it has shown that it serves; one that hung may go on at any time until it is
 * killed. Two clients call all the while; of one the old version has taken the call and keeps it for later (held).
 *
 *   one serves     never two, and who serves knows of every call that was answered before (serve)
 *   no call lost   each client's call is answered, once, whatever the new version does (Client, end states)
 *
 * Each -DNO_... takes one step away: tests/spin/run expects that to be found. */

#define CLIENTS 2
#define HELD CLIENTS     /* the one whose call was taken before the upgrade */
#define OLD 0
#define NEW 1

mtype = { GOOD, GONE };

chan queue = [CLIENTS] of { byte };  /* the named endpoint: it lives with the machine */
chan health = [1] of { bool };       /* init's question, through the same endpoint, before all others */
chan ok = [1] of { bool };           /* its answer */
chan state = [1] of { byte };        /* the old version's call, with what it knows */
chan commit = [1] of { bool };
mtype verdict = GOOD;                /* what ended the old version's call */
bool ended_call;                     /* it has been answered, or the kernel woke it */
bool asked;                          /* UPGRADE, to the old version */
bool dead;                           /* the new version has crashed or was killed */
bool quiet = false;                  /* the old version waits in its call */
bool gone;                           /* the old version has ended */
byte worker = OLD;                   /* who may answer the held call */
bool held = true;                    /* it is not answered yet */
byte answered;                       /* calls, in all: what the state is about */
byte knows[2];
byte answers[CLIENTS + 1];

inline serve(who, client)
{
    assert(who == OLD || gone);
    assert(knows[who] == answered);
    answered++;
    knows[who]++;
    answers[client]++
}

/* A crash, a kill: the kernel wakes who waits for an answer of it. */
inline die()
{
    dead = true;
#ifndef NO_WAKE_OLD
    if
    :: quiet && !ended_call -> verdict = GONE; ended_call = true
    :: else
    fi
#endif
}

proctype Client(byte me)
{
    queue ! me;
    answers[me] > 0;
    assert(answers[me] == 1)
}

proctype Old()
{
    byte c;
end:
    do
    :: atomic { queue ? c -> serve(OLD, c) }
    :: atomic { held && worker == OLD -> serve(OLD, HELD); held = false }
    :: atomic { asked && !quiet && !dead ->
        quiet = true;
        state ! knows[OLD] }
#ifndef NO_QUIET
       ended_call;
       if
       :: verdict == GOOD -> atomic { gone = true; quiet = false }; break
       :: verdict == GONE -> quiet = false; asked = false       /* it goes on */
       fi
#else
    :: atomic { ended_call && verdict == GOOD -> gone = true }; break
#endif
    od
}

proctype New()
{
    byte c;
    bool b;

    if
    :: atomic { true -> die() }; goto over                        /* a crash while it sets itself up */
    :: true
    fi;
    if
    :: state ? c
    :: dead -> goto over
    fi;
    if
    :: atomic { !dead -> die() }; goto over                       /* state refused, a crash */
    :: atomic { !dead -> knows[NEW] = c }
    :: dead -> goto over                                          /* it hung, and was killed */
    fi;
#ifdef NO_URGENT
    if                                                            /* a client before init's question */
    :: atomic { !dead && queue ? [c] -> queue ? c; die() }; goto over
    :: true
    fi;
#endif
    if
    :: atomic { !dead -> die() }; goto over                       /* a crash in its loop */
    :: atomic { health ? b -> ok ! true }
    :: dead -> goto over
    fi;
    if
    :: atomic { commit ? b ->
#ifndef NO_LATE
        if
        :: !ended_call -> verdict = GOOD; ended_call = true
        :: else -> goto over                                      /* its answer finds nobody: it ends */
        fi
#endif
       }
    :: dead -> goto over
    fi;
#ifndef NO_WAIT_END
    gone;
#endif
end:
    do
    :: atomic { queue ? c -> serve(NEW, c) }
    :: atomic { held && worker == NEW -> serve(NEW, HELD); held = false }
    od;
over:
    skip
}

proctype Init()
{
    bool b;

    asked = true;
    if
    :: quiet
    :: dead -> goto over
    fi;
    health ! true;
    if
    :: ok ? b
    :: dead -> goto over
    :: atomic { !dead && empty(ok) -> die() }; goto over          /* its patience is over: it hung */
    fi;
#ifndef NO_SUCCEED
    worker = NEW;
#endif
    commit ! true;
over:
    skip
}

init
{
    atomic {
        run Client(0);
        run Client(1);
        run Old();
        run New();
        run Init()
    }
    atomic { !held && answered == CLIENTS + 1 -> assert(answers[HELD] == 1) }
}
