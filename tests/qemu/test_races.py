"""Two processors in an order that they seldom take by themselves: under a debugger one is held where it stands, and the
others run. Who kills what runs there, or takes memory that it has loaded, must not come back before it has answered."""

import os
import re
import subprocess
import time

import kernel
from cases import OWN, need, same, test
from lab import BUILD, CTL, boot, ctl, policy_from
from test_attack import lost, mark
from test_breaks import APIC, MSI_NMI, Lab
from test_duel import admit, modules
from test_sched import crashme_with, spinner
from vm import BUSY, SLOW, Config

CPUS, HELD = 4, 2
FOUR = Config(memory=64, smp=CPUS, single=True)
LOOK = 1        # seconds that the others have
USER = 1 << 47


def cpu_register(vm, name, cpu):
    return int(re.search(rf'\b{name}=([0-9a-f]+)', vm.qmp.monitor('info registers', cpu)).group(1), 16)


def inside(lab, cpu, *functions):
    at = cpu_register(lab.vm, 'RIP', cpu) - lab.base
    starts = sorted(set(kernel.symbols().values()))
    return any(kernel.symbols()[f] <= at < min(s for s in starts if s > kernel.symbols()[f]) for f in functions)


def parks(lab, cpu, page):
    """In the wiper's page, at its physical address, and waiting for nothing: it is, or has a few instructions to go, which
    nobody waits for."""
    for _ in range(50):
        text = lab.vm.qmp.monitor('info registers', cpu)
        at = re.search(r'\bEIP=([0-9a-f]+)', text)
        if at and 'HLT=1' in text and int(at.group(1), 16) >> 12 == page >> 12:
            return True
        lab.gdb.go([cpu])
        time.sleep(0.02 * BUSY)
        lab.gdb.stop()
    return False


def wiper_page(lab):
    """Asked of the processor that is there: one that has parked has no such addresses."""
    return int.from_bytes(lab.gdb.read(lab.base + kernel.symbols()['wiper_at'], 8), 'little')


def hold(lab, cpu):
    """Everybody but that one runs for a while."""
    lab.gdb.go([n for n in range(CPUS) if n != cpu])
    time.sleep(LOOK * BUSY)
    lab.gdb.stop()


def before_the_lock(lab):
    for _ in range(200):
        lab.reach(kernel.symbols()['general'])
        if lab.gdb.cpu == HELD:
            return
    need(False, 'it makes no call')


def in_user_mode(lab):
    for _ in range(200):
        if cpu_register(lab.vm, 'RIP', HELD) < USER:
            return
        lab.gdb.go()
        time.sleep(0.01)
        lab.gdb.stop()
    need(False, 'it does not run')


def pinned():
    return {'CRASHME.MOD': crashme_with(0, 0, 1 << HELD)}


@test(once=OWN)
def kill_waits(t):
    """In user mode, and in a call that has not yet asked for the lock: an entry that gets it at once looks at nothing."""
    for what, stop_it in (('storm', before_the_lock), ('spin', in_user_mode)):
        where = stop_it.__name__.replace('_', ' ')
        with t.case(f'killed {where}'), boot(f'race-{what}', pinned(), FOUR, gdb=True) as vm:
            vm.ready(120)
            number = spinner(vm, what)
            lab = Lab(vm)
            stop_it(lab)
            said = len(vm.com1.text())
            vm.com1.send(f'kill {number}\r')
            hold(lab, HELD)
            need(any(inside(lab, n, 'arch_catch') for n in range(CPUS)), 'nobody waits for it')
            need('n0n>' not in vm.com1.text()[said:], 'the call came back')
            lab.gdb.go()
            vm.com1.expect(r'^n0n> ', 20)
            need(not re.search(rf'^\s*{number} crashme\s', vm.ask('ps'), re.M), 'it still runs')


# What it does; where it is held, before the lock; what of the kernel it must not come to when it goes on.
WAYS = {'a fault': ('null-write', 'up_fault', 'capsule_crash'),
        'a first use of the FPU': ('float', 'up_fpu_first_use', 'fpu_load')}


@test(once=OWN)
def killed_on_its_way(t):
    """It has left user mode by itself when it is killed: what it came for is not done any more."""
    for name, (argument, where, never) in WAYS.items():
        with t.case(name), boot(f'race-{argument}', pinned(), FOUR, gdb=True) as vm:
            vm.ready(120)
            lab = Lab(vm)
            vm.com1.send(f'load crashme {argument}\r')
            lab.reach(kernel.symbols()[where], 20)
            same(lab.gdb.cpu, HELD, 'the processor that is there')
            lab.gdb.go([n for n in range(CPUS) if n != HELD])
            number = vm.com1.expect(r'crashme is capsule (\d+).*^n0n> ', 20).group(1)
            vm.com1.send(f'kill {number}\r')
            time.sleep(LOOK * BUSY)
            lab.gdb.stop()
            need(any(inside(lab, n, 'arch_catch') for n in range(CPUS)), 'nobody waits for it')
            need(not lab.gdb.run_to(lab.base + kernel.symbols()[never], LOOK * BUSY), f'it came to {never}')
            lab.gdb.go()
            vm.com1.expect(r'^n0n> ', 20)
            need(not re.search(rf'^\s*{number} crashme\s', vm.ask('ps'), re.M), 'it still runs')


def killed_while_it_verifies(vm, lab):
    """`manage` works on a file that it was sent, without the lock; the prompt kills it."""
    sender = subprocess.Popen([CTL, 'load', os.path.join(BUILD, 'modules', 'pager.mod'), '--node', vm.com2_path],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.reach(kernel.symbols()['module_job_ahead'], 20 * SLOW)
        same(lab.gdb.cpu, HELD, 'the processor that is there')
        vm.com1.send('kill manage\r')
        lab.gdb.go([n for n in range(CPUS) if n != HELD])
        time.sleep(LOOK * BUSY)
        lab.gdb.stop()
        need(any(inside(lab, n, 'arch_catch') for n in range(CPUS)), 'nobody waits for it')
        lab.gdb.go()
        vm.com1.expect(r'^n0n> ', 20)
    finally:
        sender.kill()
        sender.wait()
    need('manage is capsule' in vm.ask('load manage'), 'it does not come back')


@test(once=OWN)
def killed_in_a_step(t):
    """The step that it is in goes on to its end; what it worked on is given back then, once."""
    with boot('race-step', {'MANAGE.MOD': crashme_with(0, 0, 1 << HELD, 'manage')}, FOUR, gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        killed_while_it_verifies(vm, lab)
        before = mark(vm)
        lab.gdb.stop()
        killed_while_it_verifies(vm, lab)
        with t.case('every frame came back'):
            same(lost(vm, before), 0, 'bytes lost')


@test(once=OWN)
def line_waits(t):
    """A driver is about to open its line again; an interrupt of that line, at another processor, waits for it."""
    with boot('race-line', {'CONSOLE.MOD': crashme_with(0, 0, 1 << HELD, 'console')}, FOUR, gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        code = kernel.instructions('arch_irq_unmask', 'irq_take')
        behind = 2 + next(i for i, (_, words) in enumerate(code) if words == 'pause')   # and the jump back
        vm.com1.send('u')
        lab.reach(code[behind][0], 10)
        same(lab.gdb.cpu, HELD, 'the processor that is there')
        vm.com1.send('ptime\r')
        hold(lab, HELD)
        with t.case('it waits'):
            need(inside(lab, 0, 'irq_take'), f'processor 0 is at {cpu_register(vm, "RIP", 0) - lab.base:#x}')
        with t.case('no key is lost'):
            lab.gdb.go()
            vm.com1.expect(r'^up \d.*^n0n> ', 20)


@test(once=OWN)
def flush_waits(t):
    """A capsule's memory is revoked while it writes there: the mapping may still be in its processor."""
    with boot('race-flush', {'BOOT.POL': policy_from(admit)}, FOUR, modules=modules(), gdb=True) as vm:
        vm.ready(120)
        ctl(vm, 'start', 'duel', '25')
        vm.com1.expect(r'^DUEL cpus/module', 120)
        lab = Lab(vm)
        for _ in range(200):
            lab.reach(kernel.symbols()['arch_flush'], 20)
            space, asker = lab.gdb.registers()['rdi'], lab.gdb.cpu
            root = int.from_bytes(lab.gdb.read(space, 8), 'little')
            on = [n for n in range(CPUS) if n != asker and cpu_register(vm, 'CR3', n) == root]
            if on:
                break
        with t.case('somebody else has it loaded'):
            same(len(on), 1, 'processors')
        with t.case('who flushes waits for it'):
            hold(lab, on[0])
            need(inside(lab, asker, 'arch_flush', 'ask_all'), 'it went on')
        with t.case('and goes on when it has answered'):
            lab.reach(kernel.symbols()['arch_flush'], 20)


@test(once=OWN)
def panic_stops_all(t):
    """One processor breaks while another computes: nobody runs any more when memory is wiped."""
    with boot('race-panic', pinned(), FOUR, gdb=True) as vm:
        vm.ready(120)
        spinner(vm)
        lab = Lab(vm)
        in_user_mode(lab)
        lab.gdb.write_physical(APIC, MSI_NMI.to_bytes(4, 'little'))
        lab.reach(kernel.symbols()['machine_wipe'], 20)
        with t.case('the one that broke ends the machine'):
            same(lab.gdb.cpu, 0, 'the processor that is there')
        with t.case('all others have stopped'):
            page = wiper_page(lab)
            on = [n for n in range(1, CPUS) if not parks(lab, n, page)]
            need(not on, f'not {on}')


@test(once=OWN)
def one_panic(t):
    """Two break at once; the one that comes second to it stops where it is, and says nothing."""
    with boot('race-panics', config=FOUR, gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        for cpu in (0, HELD):
            lab.gdb.write_physical(APIC | cpu << 12, MSI_NMI.to_bytes(4, 'little'))
        lab.reach(kernel.symbols()['panic_alone'], 20)
        late = lab.gdb.cpu
        first = HELD - late
        lab.gdb.go([first])
        time.sleep(LOOK * BUSY)
        lab.gdb.stop()
        need(inside(lab, first, 'arch_stop_others'), 'it does not wait for the others')
        lab.reach(kernel.symbols()['machine_wipe'], 60)
        with t.case('the first ends the machine'):
            same(lab.gdb.cpu, first, 'the processor that is there')
        with t.case('the second has stopped'):
            need(parks(lab, late, wiper_page(lab)), 'it goes on')
