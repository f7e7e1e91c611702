"""Entry and exit of the released kernel, instruction by instruction, under a debugger: an NMI before each, a stack that
runs over, an address to return to that user mode cannot have, every interrupt vector; and faults of the kernel's own.
The machine is saved once at a good moment and taken back for each trial."""

import contextlib
import re
import time

import kernel
from cases import ALONE, LATER, add, need, same, test
from lab import boot
from qmp import GPRS
from test_entry import send
from vm import BUSY, Config, Failure

CONFIG = Config(memory=64)
PATTERN = 0x123456789abcdf00    # rbx of a thread of `entry calls`
HITS = 500                      # of others before one of that thread
APIC = 0xfee00000               # a write there is an interrupt message, from a device: processor << 12 in the address,
MSI_NMI = 0x400                 # the vector or this in the data
RECORD = re.compile(r'N0N-OS kernel panic: ([^\n]*)\n(.*?)stopped\n', re.S)
SHOWN = {**{name: name for name in GPRS}, 'rip': 'rip', 'eflags': 'rflags'}


class Lab:
    """A machine under a debugger, with saved moments."""

    def __init__(self, vm):
        self.vm, self.gdb, self.base = vm, vm.gdb(), kernel.base(vm)

    def save(self, moment):
        said = self.vm.qmp.monitor(f'savevm {moment}').strip()
        need(not said, said)

    def back(self, moment):
        said = self.vm.qmp.monitor(f'loadvm {moment}').strip()
        need(not said, said)

    def reach(self, offset, timeout=5):
        need(self.gdb.run_to(self.base + offset, timeout), f'image+{offset:#x} was not reached')

    def panic(self):
        """Go on until the machine has said why it stops: the text, and all of it with the registers before."""
        before = len(self.vm.com1.text())
        self.gdb.go()
        found = self.vm.com1.expect(RECORD.pattern, 20)
        self.gdb.stop()
        return found.group(1), self.vm.com1.text()[before:]


def each(t, points):
    """What is tried at each instruction is tried at every third in `make test`."""
    return points[::t.size(smoke=3, soak=1)]


def per_instruction(lab, moment, points, trial, prepare=None):
    """`trial(offset)` with the processor before each of the instructions. One case for all of them."""
    wrong = []
    for offset, words in points:
        lab.back(moment)
        if prepare:
            prepare()
        try:
            lab.reach(offset)
            trial(offset)
        except Failure as why:
            wrong.append(f'image+{offset:#x} {words}: {why}')
    need(points and not wrong, f'{len(wrong)} of {len(points)}: {wrong[:3]}')


def nmi_here(lab):
    """At the processor that stopped alone: with several, QEMU's own `inject-nmi` is for all, and any may be first."""
    def trial(offset):
        regs = lab.gdb.registers()
        lab.gdb.write_physical(APIC | lab.gdb.cpu << 12, MSI_NMI.to_bytes(4, 'little'))
        text, record = lab.panic()
        need('NMI (vector 2' in text and text.endswith(f'(image+{offset:#x})'), text)
        shown = dict(re.findall(r'(\w+) ([0-9a-f]{16})', record))
        bad = [name for name, label in SHOWN.items() if int(shown[label], 16) != regs[name]]
        need(not bad, f'not as they were: {bad}')
        need('memory wiped' in record, 'memory was not wiped')
    return trial


@contextlib.contextmanager
def busy(name, what='calls', **config):
    """A lab whose machine makes null calls, or yields, without end: the moment `busy`."""
    with boot(name, config=Config(memory=64, **config), modules=['entry'], gdb=True) as vm:
        vm.ready(120)
        send(vm, what)
        lab = Lab(vm)
        for _ in range(300):  # started, but it may not have come to its calls
            if lab.gdb.registers()['rbx'] == PATTERN:
                break
            lab.gdb.go()
            time.sleep(0.05)
            lab.gdb.stop()
        same(lab.gdb.registers()['rbx'], PATTERN, 'rbx of who is busy')
        lab.save('busy')
        yield lab


@test(once=ALONE, soak=True)
def nmi_in_system_calls(t):
    """An NMI before each instruction of the way in and out: the machine says so, names the place, has the right
    registers, wipes and stops."""
    with busy('nmi-calls') as lab:
        points = each(t, kernel.instructions('syscall_entry', 'exit_full'))
        with t.case(f'{len(points)} instructions of syscall and sysret'):
            per_instruction(lab, 'busy', points, nmi_here(lab))


@test(once=ALONE, soak=True)
def nmi_in_interrupts(t):
    """The same for an interrupt of user mode, and the way back."""
    with busy('nmi-interrupts') as lab:
        key = lambda: lab.vm.com1.send('x')
        for first, last in (('interrupt', 'from_kernel'), ('exit_full', 'exit_bad_ip')):
            points = each(t, kernel.instructions(first, last))
            with t.case(f'{len(points)} instructions from {first}'):
                per_instruction(lab, 'busy', points, nmi_here(lab), key)


@test(once=ALONE, soak=True)
def nmi_in_the_idle_kernel(t):
    """The same for an interrupt of the kernel's own idling, and the way back."""
    with boot('nmi-idle', config=CONFIG, gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        lab.save('idle')
        points = each(t, kernel.instructions('from_kernel', 'own_stack'))
        with t.case(f'{len(points)} instructions from from_kernel'):
            per_instruction(lab, 'idle', points, nmi_here(lab), lambda: vm.com1.send('x'))


@test(once=ALONE)
def flags_inside(t):
    """User mode sets every flag it can; the kernel's C code sees none of those that would change what it does."""
    with busy('flags') as lab:
        for name, prepare in (('up_syscall', None), ('trap_user', lambda: lab.vm.com1.send('x'))):
            lab.back('busy')
            if prepare:
                prepare()
            for _ in range(HITS):  # also of others, and at any moment
                lab.reach(kernel.symbols()[name])
                saved = int.from_bytes(lab.gdb.read(lab.gdb.registers()['rdi'] + CTX_FLAGS, 8), 'little')
                if saved & 0x40400 == 0x40400:
                    break
            same(saved & 0x40400, 0x40400, 'AC and DF of user mode')
            with t.case(f'{name}: no AC, NT, DF, IF, TF'):
                same(lab.gdb.registers()['eflags'] & 0x44700, 0, 'of these')
        with t.case('no AC behind a copy of user memory'):
            lab.back('busy')
            lab.vm.com1.send('ps\r')
            lab.reach(kernel.symbols()['copy_end'])
            lab.reach(kernel.symbols()['exit_user'])
            same(lab.gdb.registers()['eflags'] & 0x40000, 0, 'AC')


RETURNS = {'the end of user space': 0x7ffffffff000, 'the last canonical one below': 0x7fffffffffff,
           'the first that is not': 0x800000000000, 'the last that is not': 0xffff7fffffffffff,
           'the direct map': 0xffff800000100000, 'the kernel': None, 'all ones': 0xffffffffffffffff}
CTX_IP, CTX_FLAGS, CTX_FAST, CTX_RBX = 120, 128, 144, 88


@test(once=ALONE)
def bad_returns(t):
    """A thread's address becomes one that user mode cannot have, at the last moment, on the way of sysret and of iret:
    the thread dies, the kernel does not fault."""
    with busy('returns') as lab:
        for name, value in RETURNS.items():
            value = lab.base if value is None else value
            for way in ('sysret', 'iret'):
                with t.case(f'{name}, by {way}'):
                    lab.back('busy')
                    said = len(lab.vm.com1.text())
                    for _ in range(HITS):
                        lab.reach(kernel.symbols()['exit_user'])
                        ctx = lab.gdb.registers()['rax']
                        if int.from_bytes(lab.gdb.read(ctx + CTX_RBX, 8), 'little') == PATTERN:
                            break
                    same(int.from_bytes(lab.gdb.read(ctx + CTX_RBX, 8), 'little'), PATTERN, 'rbx of whose address is changed')
                    lab.gdb.write(ctx + CTX_IP, value.to_bytes(8, 'little'))
                    if way == 'iret':
                        lab.gdb.write(ctx + CTX_FAST, bytes(8))
                    lab.gdb.go()
                    lab.vm.com1.expect(r'entry \(capsule \d+\) crashed: general protection', 20)
                    need('running' in lab.vm.ask('ps'), 'no answer')
                    need('panic' not in lab.vm.com1.text()[said:], 'the kernel stopped')
                    lab.gdb.stop()


KSTACK, CTX = 8, 24     # in the record of a CPU
KSTACK_BYTES = 20480


def cpu_word(lab, offset):
    """A word of this CPU's record, with gs the kernel's."""
    found = re.search(r'^GS =\w+ ([0-9a-f]+)', lab.vm.qmp.monitor('info registers', lab.gdb.cpu), re.M)
    return int.from_bytes(lab.gdb.read(int(found.group(1), 16) + offset, 8), 'little')


def overrun(lab):
    """The stack ends here: the next thing that is stored on it is a double fault."""
    def trial(offset):
        lab.gdb.set('rsp', cpu_word(lab, KSTACK) - KSTACK_BYTES)
        text, record = lab.panic()
        need('double fault (vector 8' in text, text)
        need('memory wiped' in record, 'memory was not wiped')
        at = int(re.search(r'image\+0x([0-9a-f]+)\)$', text).group(1), 16)
        need(offset <= at < offset + 64, f'at image+{at:#x}')
    return trial


@test(once=LATER, soak=True)
def overruns_in_entry(t):
    """The kernel stack is at its end at each instruction that stands on it: a double fault, on its own stack, named."""
    with busy('overruns') as lab:
        key = lambda: lab.vm.com1.send('x')
        for first, last, how in (('syscall_entry', 'exit_user', None), ('from_user', 'from_kernel', key),
                                 ('exit_full', 'exit_bad_ip', key)):
            points = kernel.instructions(first, last)
            stands = next(i for i, p in enumerate(points) if re.fullmatch(r'movq %gs:8, %rsp', p[1])) + 1
            uses = [i for i, p in enumerate(points) if i >= stands and p[1].startswith(('push', 'call'))]
            points = each(t, points[stands:uses[-1] + 1])
            with t.case(f'{len(points)} instructions from {first}'):
                per_instruction(lab, 'busy', points, overrun(lab), how)


@test(once=LATER)
def every_vector(t):
    """A device sends each interrupt vector there is, while a capsule runs and while the kernel idles: nothing changes."""
    with boot('vectors', config=CONFIG, modules=['entry'], gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        stubs = kernel.symbols()['interrupt_stubs']
        for state in ('idle', 'capsule'):
            if state == 'capsule':
                send(vm, 'spin')
                lab.gdb.stop()
            missed = []
            for vector in range(32, 256):
                lab.gdb.write_physical(APIC, vector.to_bytes(4, 'little'))
                if not lab.gdb.run_to(lab.base + stubs + 8 * (vector - 32), 5):
                    missed.append(vector)
            lab.gdb.go()
            with t.case(f'{state}: all 224 came in'):
                need(not missed, missed)
            with t.case(f'{state}: the prompt answers'):
                need('running' in vm.ask('ps'), 'no answer')
        with t.case('registers of the capsule are as they were'):
            vm.com1.expect(r'ENTRY spin 0 ok', 60)
            need('BAD' not in vm.com1.text(), 'they are not')
        with t.case('keys still come'):
            need('kernel address' in vm.ask('about'), 'no answer')


# Name: machine code, put into the handler of `yield` where its frame is made; what the record must say of it.
FAULTS = {
    'read of address zero': ('488b042500000000', r'page fault \(vector 14, code 0x0\), address 0x0,'),
    'write to its own code': ('c605f9ffffff00', r'page fault \(vector 14, code 0x3\), address 0xffffffff'),
    'read of user memory': ('488b01', r'page fault \(vector 14, code 0x1\), address 0x'),
    'jump to user memory': ('ffe1', r'page fault \(vector 14, code 0x11\), address 0x'),
    'jump to its stack': ('ffe4', r'page fault \(vector 14, code 0x11\), address 0xffff'),
    'division by zero': ('31c9f7f1', r'divide error \(vector 0,'),
    'breakpoint': ('cc', r'breakpoint \(vector 3,'),
    'UBSan, index': ('670fb94012', r'UBSan: index out of bounds \(vector 6,'),
    'UBSan, shift': ('670fb94014', r'UBSan: shift out of bounds \(vector 6,'),
    'UBSan, overflow': ('670fb900', r'UBSan: signed addition overflow \(vector 6,'),
    'interrupts on': ('fbebfe', r'interrupt \(vector 32,'),
}
ELSEWHERE = ('jump to user memory', 'jump to its stack')


def kernel_faults(machine, once):
    def run(t):
        with busy(f'kernel-faults-{machine}', 'yields', machine=machine) as lab:
            handler = kernel.instructions('sys_yield', _next_symbol('sys_yield'))
            point = handler[[words for _, words in handler].index('movq %rsp, %rbp') + 1][0]
            for name, (code, words) in FAULTS.items():
                with t.case(name):
                    lab.back('busy')
                    lab.reach(point)
                    lab.gdb.write(lab.base + point, bytes.fromhex(code))
                    user_ip = lab.gdb.read(cpu_word(lab, CTX) + CTX_IP, 8)
                    lab.gdb.set('rcx', int.from_bytes(user_ip, 'little'))
                    if name == 'interrupts on':     # for this processor: keys go to the first, and the lock is held here
                        lab.gdb.write_physical(APIC | lab.gdb.cpu << 12, (0x50).to_bytes(4, 'little'))
                    text, record = lab.panic()
                    need(re.search(words, text), text)
                    need(name in ELSEWHERE or ' at sys_yield+0x' in text, text)
                    need(re.search(r'^ *\[[^\]]*\]   called from syscall_entry\+0x[0-9a-f]+ \(image\+0x', record, re.M),
                         record[-300:])
                    need('memory wiped' in record, 'memory was not wiped')
    add(f'breaks.kernel_faults_{machine}', run, once)


def _next_symbol(name):
    at = kernel.symbols()[name]
    return min((v, k) for k, v in kernel.symbols().items() if v > at)[1]


kernel_faults('q35', '')
kernel_faults('pc', LATER)


@test(once=ALONE)
def every_exit_by_iret(t):
    """As on a processor whose buffers are cleared at each exit: no way out is sysret's, and nothing else changes. What
    rcx and r11 hold after a call is then the thread's own from before."""
    with boot('iret-only', config=CONFIG, modules=['entry'], gdb=True) as vm:
        vm.ready(120)
        lab = Lab(vm)
        lab.gdb.write(lab.base + kernel.symbols()['exit_fast'], bytes(8))
        lab.gdb.go()
        send(vm, '')
        vm.com1.expect(r'^ENTRY done', 120)
        rows = re.findall(r'^ENTRY (\S+) ([0-9a-f]+) (?:ok|BAD)$', vm.com1.text(), re.M)
        with t.case(f'{len(rows)} round trips'):
            wrong = [r for r in rows if int(r[1], 16) & ~(0x6000 if 'call' in r[0] else 0)]
            need(len(rows) == 54 and not wrong, wrong)
        send(vm, 'calls')
        lab.gdb.stop()
        sysret = next(p for p in kernel.instructions('exit_user', 'exit_full') if p[1].startswith('sysret'))
        with t.case('no exit by sysret of a thread that began after that'):
            for _ in range(5):
                need(not lab.gdb.run_to(lab.base + sysret[0], 0.2 * BUSY) or lab.gdb.registers()['rbx'] != PATTERN,
                     'there was one')
