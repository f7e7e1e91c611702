"""The released kernel as a debugger sees it: its symbols, its instructions, where it lies in this boot."""

import functools
import os
import re
import subprocess

import covered
from vm import TOP, Failure

ELF = covered.ELF if covered.FOLDER else os.path.join(TOP, 'build', 'kasan' if os.environ.get('KASAN') == '1' else 'kernel',
                                                      'kernel.elf')
LINK_BASE = 0xffffffff80000000
_MAPPED = re.compile(r'^(ffffffff[89a-f][0-9a-f]{7}): ', re.M)


@functools.cache
def symbols():
    """{name: offset in the image}; of several with one name the last."""
    text = subprocess.run(['llvm-nm', ELF], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in text.splitlines())
    return {row[2]: int(row[0], 16) - LINK_BASE for row in rows if len(row) == 3}


@functools.cache
def instructions(name, end):
    """[(offset, words)] of the instructions from symbol `name` up to symbol `end`, without padding."""
    at, stop = symbols()[name], symbols()[end]
    text = subprocess.run(['llvm-objdump', '-d', '--no-show-raw-insn', f'--start-address={LINK_BASE + at:#x}',
                           f'--stop-address={LINK_BASE + stop:#x}', ELF],
                          capture_output=True, text=True, check=True).stdout
    rows = re.findall(r'^\s*([0-9a-f]+):\s+(.*)$', text, re.M)
    return [(int(a, 16) - LINK_BASE, words.replace('\t', ' ').strip()) for a, words in rows
            if not words.lstrip().startswith(('int3', 'nop', 'data16', 'cs'))]


def base(vm):
    """Where the image begins: the lowest page that is mapped in the top 2 GiB."""
    found = _MAPPED.search(vm.qmp.monitor('info tlb').replace('\r', ''))
    if not found:
        raise Failure('the kernel is not mapped')
    return int(found.group(1), 16)
