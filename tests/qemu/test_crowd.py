"""Capsules by the thousand, one after the other and at once: every frame comes back, the kernel's books agree. What an
operation costs in the crowd is `make bench`'s business."""

import re

from cases import LATER, need, same, test
from lab import boot
from test_attack import lost, mark
from vm import Config


def run(vm, what, count):
    """What the bench module says of it; the books are in order."""
    said = vm.ask_until(f'load bench {what} {count}', rf'CROWD {what} {count}: ([^\n]*)\nCROWD done', 120 + count / 2).group(1)
    same(said, 'success', what)


def comes_back(t, vm, what, count):
    vm.ready()
    run(vm, what, min(count, 20))      # what a first run keeps (modules, slots of caches) is there before we count
    before = mark(vm)
    with t.case(f'{what}: {count}, and the kernel\'s own check finds nothing broken'):
        run(vm, what, count)
    with t.case('every frame came back'):
        same(lost(vm, before), 0, 'bytes lost')


@test(soak=True)
def cycles(t):
    with boot('cycles', modules=['bench']) as vm:
        comes_back(t, vm, 'cycles', t.size(smoke=40, soak=10_000))


@test(once=LATER, soak=True)
def crashes(t):
    with boot('crashes', modules=['bench']) as vm:
        comes_back(t, vm, 'crashes', t.size(smoke=40, soak=10_000))


@test(once=LATER, soak=True, long=True)
def crowd(t):
    """All at once, in a machine of 128 MiB."""
    count = t.size(smoke=60, soak=1000)
    with boot('crowd', modules=['bench'], config=Config(memory=128)) as vm:
        comes_back(t, vm, 'crowd', count)
        taken = int(re.findall(rf'mem_per_capsule_at_{count} (\d+) bytes', vm.com1.text())[-1])
        with t.case(f'one more takes {taken} bytes'):
            need(taken <= 64 << 10, taken)
