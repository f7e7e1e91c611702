"""Boots under the covered kernel (docs/trusted-core.md): its counters, as they are when a machine ends.

With N0N_COVERED=FOLDER every machine boots build/covered/KERNEL.MOD, and adds what it counted to FOLDER/NAME.counts: numbers
of 8 bytes, one for each counter. tools/coverage joins them."""

import os
import subprocess
import threading

from qmp import QmpError

FOLDER = os.environ.get('N0N_COVERED')
BUILT = os.path.join(os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..')), 'build', 'covered')
ELF = os.path.join(BUILT, 'kernel.elf')
KERNEL = os.path.join(BUILT, 'KERNEL.MOD')
HERE, ALL, KEPT, BROKE_IN = b'A', b'C', b'K', b'P'      # kernel/covered
_one_at_a_time = threading.Lock()
_size = []


def size():
    """Bytes of all counters."""
    if not _size:
        text = subprocess.run(['llvm-readelf', '-SW', ELF], capture_output=True, text=True, check=True).stdout
        row = next(line.split(']', 1)[1].split() for line in text.splitlines() if '__llvm_prf_cnts' in line)
        _size.append(int(row[4], 16))
    return _size[0]


def arguments(path):
    """Options of a machine whose kernel says things at its debug port: into that file."""
    return ['-chardev', f'file,id=covered,path={path}', '-device', 'isa-debugcon,iobase=0xe9,chardev=covered']


def records(data):
    """[(tag, bytes)] of what came out of the debug port; a last one that was cut off is left out."""
    found, at = [], 0
    while at < len(data):
        tag, at = data[at:at + 1], at + 1
        if tag in (KEPT, BROKE_IN):
            length, at = int.from_bytes(data[at:at + 4], 'little'), at + 4
        elif tag in (HERE, ALL):
            length = 8 if tag == HERE else size()
        else:
            raise ValueError(f'{tag!r} is not what kernel/covered says')
        if at + length > len(data):
            break
        found.append((tag, data[at:at + length]))
        at += length
    return found


def collect(vm):
    """Before a machine is closed: it may run, stand still or have ended."""
    try:
        with open(vm.path('covered'), 'rb') as f:
            found = [(tag, data) for tag, data in records(f.read()) if tag in (HERE, ALL)]
        sets = [data for tag, data in found if tag == ALL]
        if found and found[-1][0] == HERE and vm.process.poll() is None:    # it has not ended by itself
            vm.qmp.command('stop')
            vm.qmp.command('pmemsave', val=int.from_bytes(found[-1][1], 'little'), size=size(), filename=vm.path('counters'))
            with open(vm.path('counters'), 'rb') as f:
                sets.append(f.read())
    except (OSError, ValueError, QmpError) as why:
        print(f'# {vm.name}: nothing was counted: {why}', flush=True)
        return
    for counters in sets:
        add(vm.name, counters)


def add(name, counters):
    path = os.path.join(FOLDER, f'{name}.counts')
    with _one_at_a_time:
        os.makedirs(FOLDER, exist_ok=True)
        before = bytes(len(counters))
        if os.path.exists(path):
            with open(path, 'rb') as f:
                before = f.read()
        rows = zip(memoryview(before).cast('Q'), memoryview(counters).cast('Q'), strict=True)
        with open(path, 'wb') as f:
            f.write(b''.join((a + b).to_bytes(8, 'little') for a, b in rows))
