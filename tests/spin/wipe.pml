/* The end of the machine, docs/zero-state.md: whoever ends it (poweroff, or a CPU that breaks; two may break at once,
 * one may break again while it reports) stops the other processors, wipes the keys, then all memory, and says so.
 * kernel/core/panic.c, kernel/arch/x86_64: panic_alone, arch_stop_others, finish, the wiper.
 *
 *   nothing left   when the machine says that memory is wiped no memory, no register and no key has a secret (said)
 *   said once      by one processor; by none whose wipe itself broke
 *   it ends        whatever breaks, the wipe is due: nobody hangs before it (end states)
 *   keys           go also when the policy keeps memory (hold)
 *
 * Each -DNO_... takes one step of the kernel away: tests/spin/run expects that to be found. */

#define CPUS 3
#define NOBODY CPUS

bool ram[CPUS];           /* has a secret; a page for each CPU's thread */
bool regs[CPUS];          /* so have its registers and stacks */
bool key = true;          /* the vault */
bool stop[CPUS];          /* NMI */
bool halted[CPUS];
byte breaker = NOBODY;    /* panic.c: who ends the machine */
bool ending;              /* finish() was entered */
bool hold;                /* panic=hold */
bool wiping;              /* the wiper has been over it */
byte said;

inline halt(me)           /* park, start.S: wipes what is its own */
{
    atomic {
#ifndef NO_OWN
        regs[me] = false;
#endif
        halted[me] = true
    }
}

inline wipe_and_say(me)
{
    byte i;
#ifndef NO_KEYS
    key = false;
#endif
    if
    :: hold -> skip
    :: !hold ->
        for (i : 0 .. CPUS - 1) { ram[i] = false }
        regs[me] = false
    fi;
    atomic {
        said++;
        assert(said == 1);
        assert(!key);
        assert(hold || (!ram[0] && !ram[1] && !ram[2] && !regs[0] && !regs[1] && !regs[2]))
    }
}

proctype Cpu(byte me)
{
    bool first, again;

    do
    :: atomic { !stop[me] -> ram[me] = true; regs[me] = true }     /* a thread computes */
    :: atomic { stop[me] -> skip }; halt(me); goto parked          /* NMI */
    :: break                                                       /* it breaks, or is told to end */
    od;

breaks:
    atomic {
#ifndef NO_ONE
        if
        :: breaker == NOBODY -> breaker = me; first = true
        :: breaker == me -> first = false; again = true
        :: else -> goto second
        fi
#else
        breaker = me;
        first = !again
#endif
    }
    if
    :: first ->
        /* arch_stop_others */
#ifndef NO_STOP
        stop[(me + 1) % CPUS] = true;
        stop[(me + 2) % CPUS] = true;
#ifndef NO_WAIT
        halted[(me + 1) % CPUS] && halted[(me + 2) % CPUS];
#endif
#endif
        regs[me] = true;
        if                                                         /* words, symbols, a backtrace */
        :: again = true;
#ifndef NO_AGAIN
           goto breaks                                             /* broke while it reported */
#else
           goto stuck
#endif
        :: true
        fi
    :: !first
    fi;
    if
    :: ending -> goto second
    :: !ending -> ending = true
    fi;
    wipe_and_say(me);
    goto done;
second:
    halt(me);                                                      /* another CPU was first */
    goto parked;
#ifdef NO_AGAIN
stuck:
    false;
#endif
parked:
    skip;
done:
    skip
}

init
{
    atomic {
        if
        :: hold = true
        :: hold = false
        fi;
        run Cpu(0);
        run Cpu(1);
        run Cpu(2)
    }
    said == 1
}
