"""Programs of system calls, as modules/sysfuzz runs them and as people read them (docs/syscall-fuzzing.md).

A line is a program, `NAME(argument, ...)` a call of it. An argument is a letter of KINDS and a number: n5 the number 5, h3 what
the fuzzer holds under 3, r0 what call 0 gave, g512 byte 512 of a page that can be written, b4 bad address 4, t0 a deadline,
v0 the victim, k0 all rights of the handle before it. Trailing n0 are left out."""

import json
import os
import re
import struct

import covered
from lab import TOP, Module, boot, module_file, policy_from
from vm import Config, Failure, cpu_seconds

KINDS = 'nhrgbtvk'
ARGS, CALLS_MAX, SEEDS_MAX = 6, 16, 96
CALL, PROGRAM_BYTES = struct.Struct('<H6B6Q'), 904
MARK = b'sysfuzz seeds at'
SEEDS = os.path.join(TOP, 'tests', 'qemu', 'sysfuzz.seeds')
_CALL = re.compile(r'(\w+)\(([^()]*)\)')


def _names():
    with open(os.path.join(TOP, 'abi', 'syscall_nr.h'), encoding='utf-8') as f:
        return {int(nr): name.lower() for name, nr in re.findall(r'NOS_SYS_(\w+) = (\d+),', f.read()) if name != 'COUNT'}


NAMES = _names()
NUMBERS = {name: nr for nr, name in NAMES.items()}


def text_of(program):
    """A line for its bytes."""
    n = struct.unpack_from('<I', program)[0]
    calls = []
    for i in range(n):
        nr, *rest = CALL.unpack_from(program, 8 + CALL.size * i)
        args = [f'{KINDS[k]}{v:#x}' if v > 9 else f'{KINDS[k]}{v}' for k, v in zip(rest[:ARGS], rest[ARGS:], strict=True)]
        while args and args[-1] == 'n0':
            args.pop()
        calls.append(f'{NAMES.get(nr, nr)}({", ".join(args)})')
    return ' '.join(calls)


def bytes_of(line):
    """And back, as long as struct program."""
    calls = []
    for name, args in _CALL.findall(line):
        pairs = [(KINDS.index(a[0]), int(a[1:], 0)) for a in re.findall(r'\w+', args)]
        pairs += [(0, 0)] * (ARGS - len(pairs))
        calls.append(CALL.pack(NUMBERS[name] if name in NUMBERS else int(name), *(k for k, _ in pairs), *(v for _, v in pairs)))
    if not calls or len(calls) > CALLS_MAX:
        raise Failure(f'{len(calls)} calls, not 1 to {CALLS_MAX}: {line}')
    return struct.pack('<II', len(calls), 0) + b''.join(calls).ljust(PROGRAM_BYTES - 8, b'\0')


def seeds():
    with open(SEEDS, encoding='utf-8') as f:
        return [line.strip() for line in f if line.strip() and not line.startswith('#')]


def write_seeds(lines):
    """The fewest that matter: the last first, which stand on the others; of these who reaches something when they run in that order."""
    lines = Run('fuzz-calls-seeds', 'replay', lines[-SEEDS_MAX:][::-1]).kept
    with open(SEEDS, encoding='utf-8') as f:
        head = [line for line in f if line.startswith('#')]
    with open(SEEDS, 'w', encoding='utf-8') as f:
        f.writelines(head + [line + '\n' for line in lines])


def module(lines):
    """The fuzzer, signed with these programs to begin with."""
    if len(lines) > SEEDS_MAX:
        raise Failure(f'{len(lines)} programs, more than the {SEEDS_MAX} that have a place')
    made = Module(module_file('sysfuzz'))
    if made.image.count(MARK) != 1:
        raise Failure('the module has no place for seeds')
    at = made.image.index(MARK) + len(MARK)
    data = struct.pack('<Q', len(lines)) + b''.join(map(bytes_of, lines))
    made.image[at:at + len(data)] = data
    return made.bytes()


def _admit(policy):
    with open(os.path.join(TOP, 'modules', 'sysfuzz', 'manifest.json'), encoding='utf-8') as f:
        m = json.load(f)
    policy['rules'].append({'publisher': 'dev', 'module': m['name'], 'classes': m['classes'], 'priority': 8, 'grants': m['caps']})


class Run:
    """A machine with the fuzzer in it, run to its end or to the kernel's."""

    def __init__(self, name, words, lines=(), timeout=60, kernel=covered.KERNEL):
        self.kept, self.broke_in, self.verdict = [], [], ''
        name = f'{name}-{os.getpid()}'      # two runs of a seed at once share no file
        said = os.path.join(TOP, 'build', 'test-logs', f'{name}.covered')
        config = Config(smp=1, single=False)
        with boot(name, {'BOOT.POL': policy_from(_admit)}, config, modules=[('SYSFUZZ', module(list(lines)))], kernel=kernel,
                  extra=covered.arguments(said)) as vm:
            vm.ready()
            vm.com1.send(f'load sysfuzz {words}\r')
            try:
                found = vm.com1.expect(r'SYSFUZZ ([^\n]*)\nSYSFUZZ done|kernel panic', timeout)
                self.verdict = found.group(1) or ''
                if not self.verdict:
                    vm.com1.expect(r'stopped', 30)
            except Failure:
                vm.qmp.command('inject-nmi')    # a kernel that hangs says what it hangs in
                vm.com1.expect(r'stopped', 30)
            self.text = vm.com1.text()
            self.cpu = sum(cpu_seconds(vm.process.pid))
        with open(said, 'rb') as f:
            for tag, data in covered.records(f.read()):
                if tag in (covered.KEPT, covered.BROKE_IN):
                    (self.kept if tag == covered.KEPT else self.broke_in).append(text_of(data))
        os.remove(said)

    def is_bad(self):
        """The kernel broke or stood still, its books are not in order, or the fuzzer could not go on."""
        return not self.verdict.startswith('ran') or 'BROKEN' in self.verdict

    def number(self, what):
        found = re.search(rf'(\d+) {what}', self.verdict)
        if not found:
            raise Failure(f'no {what}: {self.verdict or self.text[-400:]}')
        return int(found.group(1))
