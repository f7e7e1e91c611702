"""The released kernel as a debugger sees it: its symbols, its instructions, where it lies in this boot."""

import functools
import os
import re
import subprocess

from vm import TOP, Failure

ELF = os.path.join(TOP, 'build', 'kernel', 'kernel.elf')
LINK_BASE = 0xffffffff80000000
_MAPPED = re.compile(r'^(ffffffff[89a-f][0-9a-f]{7}): ', re.M)


@functools.cache
def symbols():
    """{name: offset in the image}; of several with one name the last."""
    text = subprocess.run(['llvm-nm', ELF], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in text.splitlines())
    return {row[2]: int(row[0], 16) - LINK_BASE for row in rows if len(row) == 3}


@functools.cache
def instructions(name, end=None):
    """Offsets of the instructions from symbol `name` up to symbol `end`, or to the end of the function."""
    at = symbols()[name]
    stop = symbols()[end] if end else at + 4096
    text = subprocess.run(['llvm-objdump', '-d', '--no-show-raw-insn', f'--start-address={LINK_BASE + at:#x}',
                           f'--stop-address={LINK_BASE + stop:#x}', ELF],
                          capture_output=True, text=True, check=True).stdout
    if not end:  # objdump starts a new paragraph at the next symbol
        text = text.split('\n\n')[2]
    rows = re.findall(r'^\s*([0-9a-f]+):\s+(.*)$', text, re.M)
    return [(int(a, 16) - LINK_BASE, words.split('#')[0].strip()) for a, words in rows if 'int3' not in words]


def base(vm):
    """Where the image begins: the lowest page that is mapped in the top 2 GiB."""
    found = _MAPPED.search(vm.qmp.monitor('info tlb').replace('\r', ''))
    if not found:
        raise Failure('the kernel is not mapped')
    return int(found.group(1), 16)
