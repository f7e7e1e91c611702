"""What is left in RAM when the machine ends: nothing. By poweroff, and by a kernel that cannot go on: an NMI stands for
whatever breaks it, and may come between any two instructions of the kernel or of a capsule."""

import os
import time

from cases import OWN, need, test
from lab import BUILD, boot, policy_from
from vm import Config

MARK = 'mark-7d1c9e52b8'
SYMBOL = 'arch_kernel_space_init\0'     # stands in the symbol lump and nowhere else
CONFIG = Config(memory=64)


def _copies(vm, name, mark=MARK):
    """How often the mark stands in all of RAM."""
    path = os.path.join(BUILD, 'test', f'{name}.ram')
    try:
        vm.qmp.command('pmemsave', val=0, size=64 << 20, filename=path)
        with open(path, 'rb') as f:
            ram = f.read()
    finally:
        if os.path.exists(path):
            os.unlink(path)
    return ram.count(mark.encode())


def _panic(t, name, changes, last, config=CONFIG):
    with boot(name, changes, config=config) as vm:
        vm.ready(120)
        vm.ask(f'load hello {MARK}')
        with t.case('the mark is in RAM before'):
            need(_copies(vm, name) > 0, 'a search that finds nothing proves nothing')
            need(_copies(vm, name, SYMBOL) > 0, "the kernel's symbols are not there")
        vm.qmp.command('inject-nmi')
        with t.case('says what, where and how it came there'):
            vm.com1.expect(r'rip [0-9a-f]{16}', 30)
            vm.com1.expect(r'N0N-OS kernel panic: [^\n]*NMI[^\n]*vector 2[^\n]* at \w+\+0x[0-9a-f]+ \(image\+0x', 30)
            vm.com1.expect(r'called from \w+\+0x[0-9a-f]+ \(image\+0x', 30)
        with t.case(f'ends in: {last}'):
            vm.com1.expect(last, 60)
        return _copies(vm, name), _copies(vm, name, SYMBOL)


@test
def poweroff(t):
    with boot('wipe-off', config=CONFIG, extra=('-no-shutdown',)) as vm:
        vm.ready(120)
        vm.ask(f'load hello {MARK}')
        with t.case('the mark is in RAM before'):
            need(_copies(vm, 'wipe-off') > 0, 'a search that finds nothing proves nothing')
        vm.com1.send('poweroff\r')
        end = time.monotonic() + 30
        while vm.qmp.command('query-status')['status'] != 'shutdown':
            need(time.monotonic() < end, 'the machine did not switch itself off')
            time.sleep(0.1)
        with t.case('no copy of what ran is left in RAM'):
            need(_copies(vm, 'wipe-off') == 0, 'the mark is still there')


@test
def panic(t):
    left, symbols = _panic(t, 'panic', None, 'memory wiped; stopped')
    with t.case('no copy of what ran is left in RAM'):
        need(left == 0, f'{left} copies of the mark are left')
    with t.case("nor of the kernel's symbols"):
        need(symbols == 0, f'{symbols} copies are left')


def _hold(policy):
    policy['panic_hold'] = True


@test
def panic_hold(t):
    left, _ = _panic(t, 'panic-hold', {'BOOT.POL': policy_from(_hold)}, 'keys wiped, memory kept; stopped')
    with t.case('memory is kept for the post-mortem'):
        need(left > 0, 'it was wiped')


@test(once=OWN)
def panic_of_four(t):
    """An NMI at each of four processors: one says so, all stop."""
    left, _ = _panic(t, 'panic-4', None, 'memory wiped; stopped', Config(memory=64, smp=4))
    with t.case('no copy of what ran is left in RAM'):
        need(left == 0, f'{left} copies of the mark are left')
