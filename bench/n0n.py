"""The figures of N0N-OS: from the released boot volume, from its own prompt, and from the `bench` module, which
`nonosctl` sends to the running machine."""

import json
import os
import re
import subprocess

from fat import read_files
from peer import wall_ms
from snapshot import saved
from vm import TOP, Config, Failure, Machine

IMAGE = os.path.join(TOP, 'build', 'image', 'n0n.img')
KERNEL = os.path.join(TOP, 'build', 'kernel', 'kernel.stripped.elf')
CTL = os.path.join(TOP, 'build', 'bin', 'nonosctl')
KEY = os.path.join(TOP, 'build', 'keys', 'operator.key')
BENCH = os.path.join(TOP, 'build', 'modules', 'bench.mod')

BOOT_LINES = {'boot, all': 'boot_total', 'boot, loader': 'boot_loader', 'boot, firmware': 'boot_firmware',
              'boot, to prompt': 'boot_kernel'}
SECONDS = 240


def machine(config):
    with open(IMAGE, 'rb') as f:
        state = saved(config, f.read())
    return Machine(f'bench-n0n-{"icount" if config.icount else "wall"}', IMAGE, config, state=state, paused=True)


def _boot_figures(text):
    """From `about`: ticks are instructions under icount."""
    out = {}
    for label, name in BOOT_LINES.items():
        found = re.search(rf'^{label}\s.*?(\d+) ticks', text, re.M)
        if found:
            out[name] = int(found.group(1))
    return out


def _ctl(vm, *arguments):
    done = subprocess.run([CTL, *arguments, '--node', vm.com2_path, '--timeout', '120'], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    if done.returncode:
        raise Failure(f'nonosctl {arguments[0]}: {done.stderr.strip() or done.returncode}')
    return done.stdout


def _mem_figures(vm):
    mem = json.loads(_ctl(vm, 'mem', '-o', 'json'))
    capsules = json.loads(_ctl(vm, 'ps', '-o', 'json'))
    return mem, capsules


def count(config):
    """One run under exact counting: {name: value}, and the units that the bench module gave."""
    with machine(config) as vm:
        vm.resume()
        vm.ready(180)
        figures = _boot_figures(vm.ask('about', 60))
        mem, capsules = _mem_figures(vm)
        figures['mem_ready'] = mem['used_bytes']
        figures['mem_usable'] = mem['usable_bytes']
        figures['capsules_ready'] = sum(c['state'] == 'running' for c in capsules)
        figures['capsules_bytes'] = mem['capsules_bytes']
        if os.path.exists(BENCH):
            figures.update(_bench_module(vm))
    return figures


def _bench_module(vm):
    _ctl(vm, 'load', BENCH, '--start', '--operator', KEY)
    vm.com1.expect(r'^bench: done', SECONDS)
    return {name: int(value) for name, value in re.findall(r'^n0n\.(\w+) (\d+) \w+', vm.com1.text(), re.M)}


def wall(config, runs=5):
    """Milliseconds from the loader's first instruction to the prompt, plain TCG, each run."""
    out = []
    for _ in range(runs):
        with machine(config) as vm:
            out.append(wall_ms(vm, r'N0N-OS ready.*n0n> '))
    return out


def sizes():
    with open(IMAGE, 'rb') as f:
        files = read_files(f.read())
    return {'kernel_image': os.path.getsize(KERNEL), 'boot_image': sum(len(d) for d in files.values())}
