"""Machines saved at the first instruction of \\EFI\\BOOT\\BOOTX64.EFI.

Firmware takes seconds to get there and does the same each time, so it runs once per machine and volume. To stop at
exactly the first instruction, the volume of that one boot has `jmp .` in its place; once the processor is found
there, the two true bytes are put back into memory and the machine is saved. What runs afterwards is the released
file. Saved state holds the whole machine except the boot volume, which is read-only and outside it.
"""

import dataclasses
import fcntl
import functools
import glob
import hashlib
import os
import subprocess
import shutil
import tempfile
import time

from fat import pe_entry_offset, read_files, store
from vm import CODE, SLOW, TOP, Failure, Machine

STORE = os.path.join(TOP, 'build', 'test-snapshots')
KEEP = 16
SPIN = b'\xeb\xfe'
CONTEXT = 24  # bytes after the entry that tell the loader's spin from any other


def _key(config, shared):
    h = hashlib.sha256()
    for part in (*_below(), repr(config.arguments()).encode(), shared):
        h.update(len(part).to_bytes(8, 'little') + part)
    return h.hexdigest()[:24]


@functools.cache
def _below():
    """What runs below the loader: QEMU and firmware."""
    with open(CODE, 'rb') as f:
        firmware = hashlib.sha256(f.read()).digest()
    return subprocess.run(['qemu-system-x86_64', '--version'], capture_output=True, check=True).stdout, firmware


def saved(config, image, shared=None, wake=None, program='EFI/BOOT/BOOTX64.EFI'):
    """Path of a saved machine for `image` (bytes): its state; beside it .ram, its memory, and .vars, the firmware's variables. `shared` is the part of it that firmware reads; by default all.
    `config.icount`, `single` and `seed` do not matter: firmware runs the same way for all. `wake(machine)` may type at
    the firmware."""
    config = dataclasses.replace(config, icount=False, single=True, seed=1)
    os.makedirs(STORE, exist_ok=True)
    path = os.path.join(STORE, _key(config, shared if shared is not None else image) + '.state')
    with open(path + '.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests that want the same one: the second finds it
        if os.path.exists(path):
            os.utime(path)
        else:
            _make(config, image, path, wake, program)
            _forget_old()
    return path


def _forget_old():
    for old in sorted(glob.glob(STORE + '/*.state'), key=os.path.getmtime, reverse=True)[KEEP:]:
        for part in ('', '.ram', '.vars', '.lock'):
            os.unlink(old + part)


def _make(config, image, path, wake, program):
    pe = read_files(image)[program]
    entry = pe_entry_offset(pe)
    code = pe[entry:entry + CONTEXT]
    at = image.find(pe[:CONTEXT * 100])
    if at < 0 or image.count(code) != 1 or image[at + entry:at + entry + CONTEXT] != code:
        at = image.find(code) - entry
    spin = bytearray(image)
    spin[at + entry:at + entry + 2] = SPIN
    with tempfile.NamedTemporaryFile(suffix='.img') as volume:
        store(volume.name, spin)
        with Machine('snapshot', volume.name, config, gdb=True, ram=path + '.ram') as vm:
            if wake:
                wake(vm)
            where = _stop_there(vm, code)
            gdb = vm.gdb()
            gdb.write(where, code[:2])
            gdb.close()
            if vm.memory(where, CONTEXT) != code or vm.register('RIP') != where:
                raise Failure('snapshot: the first instruction could not be put back')
            keep(vm, path)


def keep(vm, path):
    """Save a stopped machine whose memory is in PATH.ram, and end it. PATH is there when all of it is."""
    vm.save(path + '.new')
    vm.qmp.command('quit')
    vm.process.wait(60)
    shutil.copyfile(vm.path('vars.qcow2'), path + '.vars')
    os.replace(path + '.new', path)


def _stop_there(vm, code):
    """Stop the machine when it spins at the patched instruction; its address."""
    end = time.monotonic() + 180 * SLOW
    while time.monotonic() < end:
        time.sleep(0.25)
        vm.stop()
        where = vm.register('RIP')
        if vm.memory(where, CONTEXT) == SPIN + code[2:]:
            return where
        vm.resume()
    raise Failure('firmware did not start the loader within 180 s')
