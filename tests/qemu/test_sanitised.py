"""The sanitised flavour of the kernel, tried on itself: docs/sanitizers.md. A debugger asks for faults of known kinds
(kernel/sanitize/faults.c), and each must be found, by its own checker and no other, in the words that say where."""

import re

import kernel
import lab
from cases import ALONE, need, same, test
from vm import Config

ALL = 0xff
HERE = 'kernel/sanitize/faults.c'
FOUND = {
    'object_after': r'KASAN: read of 1 bytes at 0x\w+: a freed object of a cache, by object_\w+\+',
    'object_above': r'KASAN: read of 1 bytes at 0x\w+: beside an object of a cache, by object_\w+\+',
    'object_below': r'KASAN: read of 1 bytes at 0x\w+: beside an object of a cache, by object_\w+\+',
    'object_twice': r'KASAN: victim: freed, but it is no object that is out: \S+, by object_twice\+',
    'object_copied': r'KASAN: read of 12 bytes at 0x\w+: beside an object of a cache, by object_copied\+',
    'frame_after': r'KASAN: read of 1 bytes at 0x\w+: a free frame, by frame_after\+',
    'frame_twice': r'KASAN: a frame is freed twice: 0x\w+, by frame_twice\+',
    'stack_above': r'KASAN: read of 1 bytes at 0x\w+: beside a variable on the stack, by stack_above\+',
    'stack_below': r'KASAN: read of 1 bytes at 0x\w+: beside a variable on the stack, by stack_below\+',
    'global_above': r'KASAN: read of 1 bytes at 0x\w+: beside a global variable, by global_above\+',
    'shift': rf'UBSan: {HERE}:\d+:\d+: shift out of bounds \(0x1, 0x20\), by shift\+',
    'index': rf'UBSan: {HERE}:\d+:\d+: index out of bounds \(0x4, 0x0\), by array_index\+',
    'overflow': rf'UBSan: {HERE}:\d+:\d+: overflow of a sum \(0x7fffffff, 0x1\), by overflow\+',
    'lock_order': r'LOCK: the kernel lock is asked for while a leaf lock is held, by lock_twice\+',
    'lock_not_held': r'LOCK: the kernel lock is let go by who does not hold it, by lock_not_held\+',
    'lock_kept': r'LOCK: held on the way to user mode: the kernel lock, by syscall_entry\+',
    'refs_unlocked': r'LOCK: used without the kernel lock, by refs_unlocked\+',
    'refs_from_none': r'REFS: object 0: a reference is taken, and it has none, by refs_from_none\+',
    'refs_below_none': r'REFS: object 0: a reference is given back, and it has none, by refs_below_none\+',
    'refs_by_hand': r'REFS: object \d+: it says \d+ references, \d+ were counted, by refs_by_hand\+',
    'refs_missing': r'REFS: object \d+, type \d+: held more often than its 0 references, by ',
}
WILD = r'KASAN: read of 1 bytes at 0x\w+: an address of user mode or none, by user_address\+'
CONFIG = Config(memory=128, smp=1)


def ask_for(vm, number):
    """The kernel reads the word at its next system call."""
    gdb = vm.gdb()
    gdb.write(kernel.base(vm) + kernel.symbols()['san_fault'], number.to_bytes(4, 'little'))
    gdb.close()
    vm.resume()
    vm.com1.send('\r')


def text_of(vm):
    return re.sub(r'^\[ *[\d.]+\] ', '', vm.com1.text(), flags=re.M)


if lab.KASAN:
    @test(once=ALONE)
    def finds(t):
        """One machine, every fault: what is found is told, and the machine goes on."""
        with lab.boot('sanitised-finds', config=CONFIG, gdb=True) as vm:
            vm.ready()
            ask_for(vm, ALL)
            vm.com1.expect(r'LOCK: held on the way to user mode')
            vm.com1.expect(r'^n0n> ')
            text = text_of(vm)
            for name, words in FOUND.items():
                with t.case(name):
                    part = re.search(rf'sanitised: {name}$(.*?)(?:sanitised: (?!{name}:)|LOCK: held.*?$|\Z)', text, re.M | re.S)
                    need(part, 'it was not committed')
                    said = part.group(0) if name == 'lock_kept' else part.group(1)
                    need(re.search(words, said), f'not found: {" ".join(said.split())[:300]}')
            with t.case('and nothing else was'):
                same(sorted(set(re.findall(r'sanitised: (\w+)$', text, re.M))), sorted(FOUND), 'committed')
                need(not re.search(r': 0 found', text.replace('lock_kept: 0 found', '')), 'one was not found')
            with t.case('the machine goes on'):
                need('up ' in vm.ask('uptime'), 'no answer')

    @test(once=ALONE)
    def ends_the_machine(t):
        """What is found otherwise is a panic like another."""
        for number, words in ((1, FOUND['object_after']), (11, FOUND['shift']), (len(FOUND) + 1, WILD)):
            with lab.boot(f'sanitised-ends-{number}', config=CONFIG, gdb=True) as vm:
                vm.ready()
                ask_for(vm, number)
                with t.case(f'fault {number} is a panic, with its callers, and memory is wiped'):
                    vm.com1.expect(r'N0N-OS kernel panic: ' + words)
                    vm.com1.expect(r'called from .*up_syscall')
                    vm.com1.expect(r'memory wiped; stopped')
