"""A capsule dies in every way there is; it alone dies, its end is told, and its manifest's restart rule is followed."""

import re
import time

from cases import LATER, need, test
from lab import boot, ctl, ctl_json
from test_memory import KERNEL, mappings
from vm import SLOW, Config, tail

KINDS = [
    ('null-read', 'read near address zero'),
    ('null-write', 'write near address zero'),
    ('wild-read', 'read of memory it does not have'),
    ('wild-write', 'write to memory it does not have'),
    ('wild-jump', 'jump to memory that is not code'),
    ('noncanonical', 'general protection fault'),
    ('kernel-read', 'touched a kernel address'),
    ('kernel-write', 'touched a kernel address'),
    ('kernel-jump', 'touched a kernel address'),
    ('stack-overflow', 'stack overflow'),
    ('divide', 'division by zero'),
    ('illegal', r'illegal instruction|trapped undefined behaviour'),
    ('privileged', 'general protection fault'),
    ('port', 'general protection fault'),
    ('breakpoint', 'debug trap or breakpoint'),
    ('exec-data', 'jump to memory that is not code'),
    ('exec-stack', 'jump to memory that is not code'),
    ('exec-heap', 'jump to memory that is not code'),
    ('write-code', 'write to memory it does not have'),
    ('write-rodata', 'write to memory it does not have'),
    ('write-start', 'write to memory it does not have'),
    ('unaligned', 'general protection fault|alignment'),
    ('float', 'floating-point exception'),
    ('trap', 'trapped undefined behaviour'),
]
# On one thread of the host a processor that only computes has it for a tenth of a second at a time.
BUSY = Config(single=False)
SYSTEM = ('init', 'console', 'manage', 'shell')


def others(vm):
    """(name, id) of the running capsules that were not started by the test."""
    return {(c['name'], c['id']) for c in ctl_json(vm, 'ps') if c['state'] == 'running' and c['name'] in SYSTEM}


def told(vm, text):
    """At the prompt; or in the log alone, when the console took init too long (its patience is 50 ms)."""
    end = time.monotonic() + 20 * SLOW
    while not re.search(text, vm.com1.text()) and not re.search(text, vm.ask('log')):
        need(time.monotonic() < end, f'no /{text}/: ' + tail(vm.com1.text()))
        time.sleep(0.5)


def one_by_one(t, vm, kinds):
    before = others(vm)
    for kind, words in kinds:
        with t.case(kind):
            number = re.search(r'crashme is capsule (\d+)', vm.ask(f'load crashme {kind}')).group(1)
            told(vm, rf'crashme \(capsule {number}\) crashed: (?:{words})')
            need(others(vm) == before, f'other capsules changed: {before} {others(vm)}')


@test(once=LATER)
def first_half(t):
    with boot('crash-1') as vm:
        vm.ready()
        one_by_one(t, vm, KINDS[:12])


@test(once=LATER)
def second_half(t):
    with boot('crash-2') as vm:
        vm.ready()
        one_by_one(t, vm, KINDS[12:])


@test(once=LATER)
def kernel_code(t):
    """The kernel's own code, at its address in this boot: capsules cannot read, write or run it."""
    with boot('kernel-code') as vm:
        vm.ready()
        code = [virtual for virtual, _, _, executable, _ in mappings(vm) if virtual >= KERNEL and executable]
        need(code, 'no kernel code is mapped')
        one_by_one(t, vm, [(f'{kind} {code[1]:x}', 'touched a kernel address')
                           for kind in ('kernel-read', 'kernel-write', 'kernel-jump')])


@test(once=LATER)
def restarts(t):
    with boot('restarts') as vm:
        vm.ready()
        with t.case('on-crash: restarted twice with back-off, then given up'):
            vm.ask_until('load crashme null-write', r'given up after \d restarts', 30)
            text = vm.com1.text()
            need(len(re.findall(r'crashed: write near address zero', text)) >= 3, tail(text))
        with t.case('the record names the place'):
            crashed = [c for c in ctl_json(vm, 'ps') if c['state'] == 'crashed']
            said = vm.com1.text()
            need('null_write' in said or any('null_write' in c.get('fault_symbol', '') for c in crashed),
                 'no symbol: ' + tail(said))
        with t.case('an exit by its own will is not restarted'):
            vm.ask('load crashme exit 7')
            vm.com1.send('\r')
            vm.com1.expect(r'^n0n> ', 10)
            need(not any(c['name'] == 'crashme' and c['state'] == 'running' for c in ctl_json(vm, 'ps')), 'it runs')
        with t.case('crashes and exits are audited'):
            audit = ctl_json(vm, 'audit')
            kinds = {r['kind'] for r in audit['records']}
            need({'crash', 'exit'} <= kinds, f'kinds: {kinds}')
            need(audit['chain_ok'], 'the chain does not hold')


@test(once=LATER)
def killed_for_good(t):
    """What an operator kills is not restarted, and can be started anew: also the prompt, also the driver under it."""
    for name in ('shell', 'console'):
        with t.case(name), boot(f'kill-{name}') as vm:
            vm.ready()
            number = next(c['id'] for c in ctl_json(vm, 'ps') if c['name'] == name)
            vm.com1.send(f'kill {name}\r')
            time.sleep(1)
            need(not any(c['id'] == number and c['state'] == 'running' for c in ctl_json(vm, 'ps')), 'it still runs')
            ctl(vm, 'start', name)
            if name == 'shell':
                vm.com1.expect(r'^n0n> ', 20)
            for _ in range(10):
                vm.com1.send('\ruptime\r')
                if re.search(r'^up \d', vm.com1.text(), re.M):
                    break
                time.sleep(1)
            need(re.search(r'^up \d', vm.com1.text(), re.M), 'the prompt does not answer: ' + tail(vm.com1.text()))


@test
def waiting_callers_hear_of_it(_):
    """The prompt waits for a key, in a call that `console` has taken and not answered. It must not wait for ever."""
    with boot('waiting-caller') as vm:
        vm.ready()
        ctl(vm, 'kill', str(next(c['id'] for c in ctl_json(vm, 'ps') if c['name'] == 'console')))
        ctl(vm, 'start', 'console')
        for _ in range(10):
            vm.com1.send('\ruptime\r')
            if re.search(r'^up \d', vm.com1.text(), re.M):
                return
            time.sleep(1)
        need(False, 'the prompt does not answer: ' + tail(vm.com1.text()))


def denials(vm):
    return [r for r in ctl_json(vm, 'audit')['records'] if r['kind'] == 'deny']


def stormed(vm):
    """Does one record count more than a hundred refused calls? Counts are written at checkpoints, at most one a second."""
    for _ in range(8):
        if max((r['b'] for r in denials(vm)), default=0) > 100:
            return True
        time.sleep(1)
    return False


@test
def selfish(t):
    """Loops, hogs and storms cost others nothing but time."""
    with boot('selfish', config=BUSY) as vm:
        vm.ready()
        for kind in ('spin', 'storm'):
            with t.case(kind):
                number = re.search(r'crashme is capsule (\d+)', vm.ask(f'load crashme {kind}')).group(1)
                need('running' in vm.ask('ps'), 'the prompt does not answer')
                if kind == 'storm':
                    need(stormed(vm), 'its refused calls are not counted')
                vm.ask(f'kill {number}')
                need(not re.search(rf'^\s*{number} crashme\s+running', vm.ask('ps'), re.M), 'it could not be killed')
        with t.case('a call that the filter masks'):
            vm.ask('load crashme filtered')
            vm.com1.anywhere(r'crashed: killed by its system-call filter', 10)
            need('sleep answered' not in vm.com1.text(), 'it went on')
        with t.case('hog'):
            vm.ask('load crashme hog')
            vm.com1.anywhere(r'refused after \d+ pages', 30)
        with t.case('refused calls are audited, and counted rather than listed'):
            need(len(denials(vm)) < 200, f'{len(denials(vm))} records')


@test
def succeeded_while_somebody_spins(t):
    """No idle time is left to give back what a dead driver held: its successor has its interrupt and its endpoint at
    once all the same."""
    with boot('crash-busy', config=BUSY) as vm:
        vm.ready()
        for _ in range(vm.config.smp):
            vm.ask('load crashme spin')
        for number in range(3):
            with t.case(f'console comes back, {number + 1}'):
                console = next(c for c in ctl_json(vm, 'ps') if c['name'] == 'console' and c['state'] == 'running')
                ctl(vm, 'kill', str(console['id']))
                ctl(vm, 'start', 'console')
                time.sleep(1)
                last = [c for c in ctl_json(vm, 'ps') if c['name'] == 'console' and c['state'] == 'running']
                need(len(last) == 1 and last[0]['id'] != console['id'], f'{last}')
                need('running' in vm.ask('ps'), 'no answer at the prompt')
