/* Revocation against calls that are under way on other processors. A call looks its handle up under the kernel lock
 * and is done under it; one that blocks is kept and woken; a long one (the import of a token) is a row of steps between
 * which the lock is free, of which the last one does something and looks again. cap_revoke, under the lock: the flip
 * and the epoch; then, a bounded step each, whoever waits through the cell is woken; then what is mapped through it is
 * unmapped and flushed on every processor.
 *
 *   dead at once   after cap_revoke returned nothing is done through the handle: no call begins, none that was under
 *                  way gets there, no processor writes through a mapping (acts)
 *   nobody waits   whoever waited through the handle has been woken (Revoker)
 *   no deadlock    a processor that waits for the lock answers the one that holds it (end states)
 *
 * Each -DNO_... takes one step of the kernel away: tests/spin/run expects that to be found. */

#define CPUS 2
#define NOBODY 0
#define REVOKER 9

byte lock = NOBODY;
bool cut;             /* the handle's cell */
byte epoch = 1;       /* cell_epoch */
byte slot_epoch;      /* of the slot, when it was last found alive; 0 = look */
bool returned;        /* cap_revoke has */
bool waiting[CPUS];   /* a thread of that CPU waits through the handle */
bool mapped = true;   /* what the page tables say */
bool cached[CPUS];    /* what that CPU's TLB says */
bool asked[CPUS];     /* to flush */

inline take(who) { atomic { lock == NOBODY -> lock = who } }
inline give() { lock = NOBODY }
inline acts() { assert(!returned) }

/* handle_get, with the lock held. */
inline lookup(ok)
{
    atomic {
        if
#ifndef NO_EPOCH
        :: slot_epoch == epoch -> ok = true
        :: slot_epoch != epoch ->
#else
        :: slot_epoch != 0 -> ok = true
        :: slot_epoch == 0 ->
#endif
            ok = !cut;
            if
            :: ok -> slot_epoch = epoch
            :: else
            fi
        fi
    }
}

/* The kernel of one CPU, for whatever thread is on it. */
proctype Caller(byte me)
{
    bool ok;

end:
    do
    :: !returned || !cut ->
       take(me + 1);
       lookup(ok);
       if
       :: ok -> acts()                          /* a short call */
       :: ok -> waiting[me] = true              /* one that blocks */
       :: ok ->                                 /* a long one: its last step */
          give();
          take(me + 1);
#ifndef NO_LOOK_AGAIN
          lookup(ok);
#endif
          if
          :: ok -> acts()
          :: !ok
          fi
       :: !ok
       fi;
       give();
       !waiting[me]
    :: returned ->                              /* once more, when it is over */
       take(me + 1);
       lookup(ok);
       if
       :: ok -> acts()
       :: !ok
       fi;
       give();
       break
    od
}

/* The same CPU's user mode, page-table walker and interrupts: it answers also while it waits for the lock. */
proctype Machine(byte me)
{
end:
    do
    :: atomic { mapped -> cached[me] = true }
    :: atomic { cached[me] -> acts() }
#ifndef NO_ANSWER
    :: atomic { asked[me] -> cached[me] = false; asked[me] = false }
#else
    :: atomic { asked[me] && lock == NOBODY -> cached[me] = false; asked[me] = false }
#endif
    od
}

inline flush_all()
{
    asked[0] = true;
    asked[1] = true;
#ifndef NO_SHOOTDOWN
    !asked[0] && !asked[1]
#endif
}

proctype Revoker()
{
    byte i;

    take(REVOKER);
    cut = true;
#ifndef NO_RAISE
    epoch++;
#endif
    give();
    for (i : 0 .. CPUS - 1) {
        take(REVOKER);
#ifndef NO_WAKE
        waiting[i] = false;
#endif
        give()
    }
    take(REVOKER);
#ifdef NO_ORDER
    flush_all();
#endif
#ifndef NO_UNMAP
    mapped = false;
#endif
#ifndef NO_ORDER
    flush_all();
#endif
    give();
    atomic {
        assert(!waiting[0] && !waiting[1]);
        returned = true
    }
}

init
{
    atomic {
        run Caller(0);
        run Caller(1);
        run Machine(0);
        run Machine(1);
        run Revoker()
    }
}
