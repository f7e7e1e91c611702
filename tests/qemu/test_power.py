"""poweroff really ends the machine, and nothing was written to the boot volume meanwhile."""

import hashlib
import os

from cases import LATER, need, same, test
from fat import store
from lab import IMAGE, boot, ctl, volume
from vm import Config


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def _prompt(vm):
    vm.ready(120)
    vm.com1.send('poweroff\r')
    same(vm.wait_end(30), 0, 'exit status of QEMU')


@test
def at_the_prompt(_):
    with boot('poweroff') as vm:
        _prompt(vm)


@test(once=LATER)
def at_the_prompt_pc(_):
    with open(IMAGE, 'rb') as f:
        with boot('poweroff-pc', image=f.read(), config=Config(machine='pc')) as vm:
            _prompt(vm)


@test(once=LATER)
def by_nonosctl(_):
    with boot('poweroff-ctl') as vm:
        vm.ready()
        ctl(vm, 'poweroff', check=False)
        same(vm.wait_end(30), 0, 'exit status of QEMU')


@test
def reboot(_):
    """QEMU runs with -no-reboot: a reset ends it as well."""
    with boot('reboot') as vm:
        vm.ready()
        vm.com1.send('reboot\r')
        same(vm.wait_end(30), 0, 'exit status of QEMU')


@test(once=LATER)
def zero_state(t):
    """The volume is attached writable here, so that nothing but the system itself keeps it as it is."""
    path = os.path.join(os.path.dirname(IMAGE), '..', 'test', 'writable.img')
    store(path, volume().bytes())
    before = digest(path)
    try:
        with boot('zero-state', cold=True, writable=path) as vm:
            vm.ready(120)
            for line in ('load hello', 'load crashme null-write', 'log', 'audit'):
                vm.ask(line)
            vm.com1.send('poweroff\r')
            vm.wait_end(30)
        need(digest(path) == before, 'the boot volume was changed')
    finally:
        os.unlink(path)
