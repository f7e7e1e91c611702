"""In and out of the kernel, in every state: by the `entry` module from ring 3, and by a debugger that stops the released
kernel at each instruction of its entry and exit. Nothing in the kernel knows of this."""

import os
import re

from cases import LATER, OWN, need, same, test
from lab import BUILD, boot, ctl
from vm import Config

_FAR = 'general protection|read of memory it does not have'
FAULTS = {'icebp': 'debug|illegal', 'trap-flag': 'debug', 'trap-flag-call': 'debug', 'trap-flag-ss': 'debug',
          'jump-last-page': 'touched a kernel address|jump to memory', 'jump-kernel': 'touched a kernel address',
          'stack-noncanonical': 'alignment|general protection', 'stack-kernel': 'touched a kernel address',
          # QEMU reads the frames of a far return as the kernel would, and SMAP forbids that.
          'iret-ring0': _FAR, 'iret-interrupts-off': _FAR, 'far-return-ring0': _FAR,
          'sysenter': 'illegal|general protection', 'wrgsbase': 'illegal', 'rdgsbase': 'illegal', 'xgetbv': 'illegal',
          'clac': 'illegal', 'monitor': 'illegal', 'sysret': 'general protection|illegal'}
INT_NUMBERS = (0, 1, 2, 3, 4, 6, 8, 13, 14, 18, 32, 64, 128, 239, 255)


def send(vm, argument):
    """Run the module with an argument."""
    ctl(vm, 'start', 'entry', argument)


def start(vm, argument):
    """Run it again; its capsule's number."""
    return int(re.search(r'entry is capsule (\d+)', vm.ask(f'load entry {argument}')).group(1))


@test(once=LATER)
def round_trips(t):
    """Registers, flags, stack pointers, selectors and FPU state over system calls and interrupts; copies at every edge."""
    with boot('entry', modules=['entry']) as vm:
        vm.ready()
        send(vm, '')
        vm.com1.expect(r'^ENTRY done', 120)
        rows = re.findall(r'^ENTRY (\S+) ([0-9a-f]+) (ok|BAD)$', vm.com1.text(), re.M)
        for name in sorted({r[0] for r in rows}):
            with t.case(name):
                wrong = [r[1] for r in rows if r[0] == name and r[2] != 'ok']
                need(not wrong, f'bits of what changed: {wrong}')
        with t.case('all of it ran'):
            same(len(rows), 54, 'rows')


@test(once=OWN, soak=True)
def from_cpu_to_cpu(t):
    """Two FPU states that are moved while they are used; a server on each CPU, called from each CPU. Not more CPUs than a
    small host has: they would mostly spin for a lock whose holder waits for a processor of the host."""
    for cpus in t.size(smoke=(2,), soak=(1, 2)):
        with boot(f'entry-cpus-{cpus}', config=Config(smp=cpus, single=False), modules=['entry']) as vm:
            vm.ready()
            send(vm, 'cpus')
            # No rule admits it, but it is hashed first, with the registers that the two use.
            done = ctl(vm, 'load', os.path.join(BUILD, 'modules', 'duel.mod'), check=False)
            need('GRANT_NO_RULE' in done.stderr, done.stderr)
            vm.com1.expect(r'^ENTRY done', 240)
            text = vm.com1.text()
            with t.case(f'{cpus} CPUs: every one was used'):
                need(f'ENTRY {cpus} CPUs' in text, text[-500:])
            rows = re.findall(r'^ENTRY (\S+) ([0-9a-f]+) (ok|BAD)$', text, re.M)
            for name in ('moved', 'fpu-first', 'fpu-second', 'called'):
                with t.case(f'{cpus} CPUs: {name}'):
                    same([r[1:] for r in rows if r[0] == name], [('0', 'ok')], 'row')
            with t.case(f'{cpus} CPUs: every call had its own answer'):
                same(re.findall(r'ENTRY (\d+) answers', text), [str(100 * cpus * cpus)], 'answers')


@test(once=OWN)
def vector_registers(t):
    """What the kernel hashed with vector registers leaves nothing in them; a processor without SSE4.1 verifies the same."""
    for cpu in ('max', 'max,-sse4.1'):
        with boot(f'entry-simd-{len(cpu)}', config=Config(cpu=cpu, smp=1)) as vm:
            vm.ready()
            ctl(vm, 'load', os.path.join(BUILD, 'modules', 'pager.mod'))
            with t.case(f'{cpu}: the module was verified'):
                need(re.search(r'^pager\b', vm.ask('modules'), re.M), vm.ask('modules'))
            vm.stop()
            with t.case(f'{cpu}: the registers are empty'):
                held = re.findall(r'XMM\d+=([0-9a-f ]+)', vm.qmp.monitor('info registers'))
                need(len(held) == 16 and not any(int(x.replace(' ', ''), 16) for x in held), f'{held}')


@test(once=LATER)
def deaths(t):
    """Instructions that user mode must not get away with: the capsule dies of the right fault, all others run on."""
    with boot('entry-deaths', modules=['entry']) as vm:
        vm.ready()
        send(vm, 'die ?')
        vm.com1.expect(r'ENTRY way monitor', 20)
        ways = re.findall(r'ENTRY way (\S+)', vm.com1.text(), re.M)
        runs = [(f'die {way}', FAULTS.get(way, 'general protection')) for way in ways]
        runs += [(f'int {n}', 'debug' if n == 3 else 'general protection') for n in INT_NUMBERS]
        for argument, words in runs:
            with t.case(argument):
                number = start(vm, argument)
                text = rf'entry \(capsule {number}\) crashed: [^\n]*(?:{words})'
                if not re.search(text, vm.com1.text()):
                    vm.com1.expect(text, 20)
        with t.case(f'{len(ways)} ways, and the others run on'):
            need(len(ways) > 35 and len(re.findall(r' running', vm.ask('ps'))) >= 4, vm.ask('ps'))
