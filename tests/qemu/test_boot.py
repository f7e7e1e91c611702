"""Firmware to prompt, on the machines that the first release supports, and not on those it does not."""

import re

from cases import LATER, LOADER, OWN, TWIN, add, need, same, test
from lab import IMAGE, boot, ctl_json
from vm import Config

SYSTEM = {'init', 'console', 'manage', 'shell'}


def image():
    with open(IMAGE, 'rb') as f:
        return f.read()


def up(vm):
    """The prompt answers, the system capsules run, nothing restarted, on every CPU of the machine."""
    vm.ready(120)
    about = vm.ask('about')
    need(re.search(rf'^processors\s+{min(vm.config.smp, 8)}$', about, re.M), f'not all processors run: {about}')
    rows = vm.ask('ps')
    for name in SYSTEM:
        found = re.search(rf'^\s*\d+ {name}\s+running\s', rows, re.M)
        need(found, f'{name} is not running: {rows}')
    need('chain good' in vm.ask('audit'), 'the audit chain does not hold')


def boots(name, once='', later=False, **config):
    def run(_):
        with boot(f'boot-{name}', image=image(), config=Config(**config)) as vm:
            up(vm)
    add(f'boot.{name}', run, once or (OWN if 'smp' in config else ''), later=later)


# Firmware takes five seconds of a CPU each time: what another test of `make test` boots too is left to `make soak`.
boots('released_image_q35', TWIN)   # four_processors
boots('pc', TWIN, later=True, machine='pc')     # ten_processors_of_which_eight_run
boots('64_mib', TWIN, memory=64)
boots('4_gib', TWIN, memory=4096)
boots('framebuffer', TWIN, later=True, vga=True)    # screen.text_is_readable
boots('two_processors', later=True, smp=2)
boots('four_processors', later=True, smp=4)     # each machine of the pass with four
boots('eight_processors', later=True, smp=8)    # ten_processors_of_which_eight_run
boots('eight_processors_pc', later=True, smp=8, machine='pc')   # the same
boots('ten_processors_of_which_eight_run', smp=10, machine='pc')
boots('ten_processors_q35', later=True, smp=10)
boots('no_framebuffer_from_snapshot', TWIN)


def lacks(name, cpu, missing, later=False):
    def run(_):
        with boot(f'cpu-{name}', image=image(), config=Config(cpu=cpu)) as vm:
            vm.com1.expect(r'stopped: BOOT_CPU \(-118\)[^\n]*\n', 120)
            text = vm.com1.text()
            for feature in missing:
                need(feature in text, f'{feature} is not named: {text[-400:]}')
            need('N0N-OS ready' not in text, 'it booted')
    add(f'boot.cpu_{name}', run, LOADER, later=later)


lacks('qemu64_refused', 'qemu64', ['SMEP', 'SMAP', 'UMIP', 'RDRAND'])
# Each alone: tests/host/test_boot_cpu.c.
lacks('without_smap_refused', 'max,-smap', ['SMAP'], later=True)
lacks('without_rdrand_refused', 'max,-rdrand', ['RDRAND'], later=True)


@test(once=LATER)
def memory_used(_):
    """The seed's figure, as a rule: a machine of 64 MiB still has most of it."""
    with boot('memory-used') as vm:
        vm.ready()
        mem = ctl_json(vm, 'mem')
        same(mem['usable_bytes'] - mem['free_bytes'], mem['used_bytes'], 'used')
        need(mem['used_bytes'] < 32 << 20, f'{mem["used_bytes"]} bytes are used')


@test(once=LATER)
def boot_ids_differ(_):
    """Entropy: two boots of one saved machine under different seeds share no identity."""
    seen = set()
    for seed in (11, 12):
        with boot(f'ids-{seed}', config=Config(seed=seed)) as vm:
            vm.ready()
            about = ctl_json(vm, 'about')
            seen |= {about['boot_id'], about['issuer']}
    same(len(seen), 4, 'different ids')
