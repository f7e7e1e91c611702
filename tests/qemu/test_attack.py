"""The probe module attacks the kernel from ring 3: bad pointers, handles, values, and random calls. It is on no boot
volume; nonosctl sends it."""

import os
import time

from cases import LATER, need, rows, same, test
from lab import boot, ctl, ctl_json

SEED = int(os.environ.get('N0N_FUZZ_SEED', '2026'))
# `mem` is asked after all that the probe held is zeroed and freed; the log and audit rings are fixed.
SETTLE = 20


def used(vm):

    last = None
    for _ in range(SETTLE):
        mem = ctl_json(vm, 'mem')
        if mem['reclaim_bytes'] == 0 and mem['used_bytes'] == last:
            break
        last = mem['used_bytes']
        time.sleep(0.2)
    return last


RECORD = 288  # bytes of an audit entry: the ring takes pages as it fills, up to its bound


def lost(vm, before):
    """Bytes in use now that were not before, less what the audit log took."""
    memory, records = before
    grown = (ctl_json(vm, 'audit')['next'] - records) * RECORD
    return max(0, used(vm) - memory - (grown + 8191) // 4096 * 4096)


def mark(vm):
    return used(vm), ctl_json(vm, 'audit')['next']


def send(vm, *arg):
    ctl(vm, 'start', 'probe', *arg)


@test(once=LATER)
def table(t):
    """Each call with each bad argument gives the status that abi/syscalls.tbl promises."""
    with boot('probe', modules=['probe']) as vm:
        vm.ready()
        send(vm)
        vm.com1.expect(r'^PROBE done', 120)
        rows(t, vm.com1.text(), 'PROBE', 100)
        with t.case('the system still answers'):
            need('running' in vm.ask('ps'), 'no answer')


@test
def cut_between_capsules(t):
    """Handles that another capsule got, waits through and maps are cut: it sees REVOKED, and faults where it mapped."""
    with boot('cut', modules=['probe']) as vm:
        vm.ready()
        send(vm, 'giver')
        vm.com1.expect(r'PROBE giver waits', 60)
        send(vm, 'holder')
        vm.com1.expect(r'PROBE holder touches', 60)
        with t.case('the touch is a fault'):
            vm.com1.expect(r'probe \(capsule \d+\) crashed: read of memory it does not have', 20)
        text = vm.com1.text()
        with t.case('it does not read on'):
            need('region/touched' not in dict(rows(t, text, 'PROBE', 14)), 'it read on')


@test(once=LATER)
def mute(t):
    """A capsule that takes every call from itself can still be ended: by its fault."""
    with boot('mute', modules=['probe']) as vm:
        vm.ready()
        send(vm, 'mute')
        with t.case('a fault ends it'):
            vm.com1.expect(r'probe \(capsule \d+\) crashed: (illegal instruction|trapped)', 60)


@test(soak=True)
def random_calls(t):
    """Seeded random calls: the kernel lives, every other capsule runs on, and all frames come back."""
    calls = t.size(smoke=50_000, soak=2_000_000)
    with boot('fuzz', modules=['probe']) as vm:
        vm.ready()
        send(vm, 'fuzz 1 100')        # what a first load keeps (the verified module) is there before we count
        vm.com1.expect(r'FUZZ done', 120)
        before = mark(vm)
        capsules = {(c['name'], c['id']) for c in ctl_json(vm, 'ps') if c['state'] == 'running'}
        send(vm, f'fuzz {SEED} {calls}')
        with t.case(f'{calls} random system calls'):
            said = vm.com1.expect(r'FUZZ (done|stuck[^\n]*)', 120 + calls / 200)
            need(said.group(1) == 'done', said.group(0))
        with t.case('every frame came back'):
            same(lost(vm, before), 0, 'bytes lost')
        with t.case('all other capsules run on'):
            now = {(c['name'], c['id']) for c in ctl_json(vm, 'ps') if c['state'] == 'running'}
            need(capsules <= now, f'{capsules - now} ended')
        with t.case('the audit chain holds'):
            need(ctl_json(vm, 'audit')['chain_ok'], 'it does not')


@test(once=LATER)
def no_frame_lost(t):
    """Start and end a capsule many times: used memory is where it was."""
    with boot('frames') as vm:
        vm.ready()
        vm.ask('load crashme exit 0')
        before = mark(vm)
        for _ in range(60):
            vm.ask('load crashme exit 0')
        with t.case('sixty starts'):
            same(lost(vm, before), 0, 'bytes lost')
