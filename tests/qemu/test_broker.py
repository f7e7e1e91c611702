"""The secret broker (docs/broker.md): who is given what, who is not, and what is left in RAM."""

import re
import time

from cases import ALONE, need, rows, same, test
from lab import boot, ctl, splitmix64
from test_libc import send, told
from test_signer import block, closed, stopped_ram
from vm import SLOW, Config

NONE = 'secret: not given (\\S+): no such thing'


@test(later=True)
def tutorial(t):
    """docs/broker.md, word for word."""
    with boot('broker-tutorial') as vm:
        vm.ready()
        for line in block('broker', 'sh', 'nonosctl load'):
            if line.startswith('build/bin/nonosctl '):
                ctl(vm, *line.split()[1:])
        want = ('kept secret/db, 7 bytes, for 60 s', 'secret/db is hunter2', 'kept secret/key, 32 bytes', NONE,
                'db  7 bytes, .*given 1 times, for secret web.*secret: that is all', 'deleted secret/db')
        lines = [line.removeprefix('n0n> ') for line in block('broker', 'n0n', 'n0n> ')]
        for line, says in zip(lines, want):
            with t.case(line):
                told(vm, says, line)
        with t.case('the log has what was done, and refused'):
            same(lines[-1], 'log', 'last command')
            log = ctl(vm, 'log')
            for says in ('keeps secret/db, asked by secret', 'gave secret/db, asked by secret',
                         'refused to give secret/key, asked by secret', 'deleted secret/db, asked by secret'):
                need(says in log, f'{says}: not in the log')
        with t.case('and no secret'):
            need('hunter2' not in log, 'it is in the log')
        closed(t, vm, 'broker')


@test(later=True)
def attacks(t):
    with boot('broker') as vm:
        vm.ready()
        for name in ('secret', 'burglar'):
            send(vm, name)
        with t.case('nobody keeps anything before the service runs'):
            told(vm, 'secret: cannot keep x: the deadline passed', 'load secret put x 5 web y')
        send(vm, 'broker', '--start')
        told(vm, 'kept secret/theirs', 'load secret put theirs 300 secret mine')
        told(vm, 'kept secret/shared', 'load secret put shared 300 secret,burglar cheap')
        rows(t, told(vm, 'BREAK done', 'load burglar broker'), 'BREAK', 46)
        with t.case('the operator sees each secret that was given, and refusals'):
            log = ctl(vm, 'log')
            need(re.search(r'gave secret/shared, asked by burglar \(capsule \d+\)', log), log)
            need(re.search(r'refused to give secret/theirs, asked by burglar \(capsule \d+\): .*; \d+ before it', log), log)
        with t.case('a capsule of the module, started again, is given what is its own'):
            told(vm, 'secret/theirs is mine', 'load secret get secret theirs')
        with t.case('a restarted service has forgotten everything'):
            vm.ask('kill broker')
            vm.ask('load broker')
            told(vm, NONE, 'load secret get secret theirs')


def secret(which):
    """As modules/burglar/broker.c has it."""
    return [splitmix64(0, 8 * which + k).to_bytes(8, 'little') for k in range(8)]


def until(vm, want, seconds=10):
    """Of which secrets eight bytes are in RAM."""
    end = time.monotonic() + seconds * SLOW
    while True:
        ram = stopped_ram(vm)
        got = [n for n in range(5) if any(part in ram for part in secret(n))]
        if got == want or time.monotonic() > end:
            return same(got, want, 'secrets in RAM')
        time.sleep(0.2)


STAYS, BRIEF = 0, 1


@test(later=True, once=ALONE)
def wiped(t):
    """Deleted, replaced, given once: gone at once. Expired: gone though nobody asks. Stopped: all are."""
    with boot('broker-wipe', config=Config(memory=64)) as vm:
        vm.ready()
        send(vm, 'broker', '--start')
        send(vm, 'burglar')
        begun = time.monotonic()
        rows(t, told(vm, 'BREAK planted', 'load burglar plant'), 'BREAK', 8)
        with t.case('what was deleted, replaced, given once is gone; what is kept is there'):
            until(vm, [STAYS, BRIEF])
            need(time.monotonic() - begun < 20, 'too slow to tell')
        with t.case('what has expired is gone, with nobody asking'):
            until(vm, [STAYS], 30)
        vm.ask('stop broker')
        with t.case('stopped: nothing is left'):
            until(vm, [])
