"""The figures of N0N-OS: of the released boot volume, by its own prompt, and of the `bench` module beside the released
files."""

import json
import os
import re
import subprocess
import tempfile

import lab
from fat import Volume, read_files, store
from peer import wall_ms
from snapshot import keep, saved
from vm import TOP, Config, Failure, Machine

IMAGE = os.path.join(TOP, 'build', 'image', 'n0n.img')
KERNEL = os.path.join(TOP, 'build', 'kernel', 'kernel.stripped.elf')
KERNEL_ELF = os.path.join(TOP, 'build', 'kernel', 'kernel.elf')
CTL = os.path.join(TOP, 'build', 'bin', 'nonosctl')
UNTRAPPED = os.path.join(TOP, 'build', 'untrapped')     # the kernel without its traps
BENCH = os.path.join(TOP, 'build', 'modules', 'bench.mod')

BOOT_LINES = {'boot, all': 'boot_total', 'boot, firmware': 'boot_firmware', 'boot, to prompt': 'boot_kernel'}
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
    idle = re.search(r'^idle by then\s+(\d+) ns', text, re.M)
    if idle:
        out['idle_ns'] = int(idle.group(1))
    if 'boot_total' in out and 'boot_kernel' in out:
        out['boot_loader'] = out['boot_total'] - out['boot_kernel']
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


def count_boot(config):
    """The boot of the released volume, under exact counting."""
    with machine(config) as vm:
        vm.resume()
        vm.ready(180)
        figures = _boot_figures(vm.ask('about', 60))
        mem, capsules = _mem_figures(vm)
        figures['mem_ready'] = mem['used_bytes']
        figures['longest_step'] = mem['longest_step_insn']
        figures['mem_usable'] = mem['usable_bytes']
        figures['capsules_ready'] = sum(c['state'] == 'running' for c in capsules)
        figures['capsules_bytes'] = mem['capsules_bytes']
    return figures


def bench_volume(arg='', kernel=None):
    """The released files, and a policy that also starts the bench module: nothing is typed or sent while it measures,
    so that it measures the same each time. `kernel`: another KERNEL.MOD."""
    os.makedirs(os.path.join(TOP, 'build', 'test'), exist_ok=True)
    files = {path.split('/')[1]: data for path, data in lab.released().items() if path.startswith('N0N/')}
    with open(BENCH, 'rb') as f:
        files['BENCH.MOD'] = f.read()
    if kernel:
        with open(kernel, 'rb') as f:
            files['KERNEL.MOD'] = f.read()

    def start(policy):
        policy['boot'].append('BENCH.MOD')
        policy['start'].append({'module': 'bench', 'arg': arg})

    files['BOOT.POL'] = lab.policy_from(start)
    return Volume(lab.released()[lab.LOADER], files)


def past_the_disk(config, volume, image, state):
    """Save the machine once more where the loader has read its files: into the file `state`. A run from the loader's
    start differs a little from the next, because how long firmware polls a disk is the host's doing, and what the
    clock then says goes into the entropy pool. From here on nothing outside has a say."""
    start = saved(config, volume.bytes(), volume.shared_bytes())
    store(image, volume.bytes())
    subprocess.run(['cp', '--sparse=always', start + '.ram', state + '.ram'], check=True)
    with Machine('bench-read', image, config, state=start, ram=state + '.ram') as vm:
        vm.com1.expect(r'^verified: ', 120)
        vm.stop()
        if 'N0N-OS ready' in vm.com1.text():
            raise Failure('the machine was too fast to be stopped before it was ready')
        keep(vm, state)


def count_module(config, image, state):
    """The figures of the bench module: it prints them."""
    with Machine('bench-module', image, config, state=state) as vm:
        vm.com1.expect(r'bench: done', SECONDS)
        return {name: int(value) for name, value in re.findall(r'n0n\.(\w+) (\d+) \w+', vm.com1.text())}


def count_crowd(config):
    """What operations cost beside 10, 100 and 1,000 other capsules."""
    volume = bench_volume('crowd 1000')
    state = saved(config, volume.bytes(), volume.shared_bytes())
    with tempfile.NamedTemporaryFile(suffix='.img') as image:
        store(image.name, volume.bytes())
        with Machine('bench-crowd', image.name, config, state=state) as vm:
            vm.com1.expect(r'CROWD done', SECONDS)
            return {name: int(value) for name, value in re.findall(r'n0n\.(\w+_at_\d+) (\d+) \w+', vm.com1.text())}


def wall(config, runs=5):
    """Milliseconds from the loader's first instruction to the prompt, plain TCG, each run."""
    out = []
    for _ in range(runs):
        with machine(config) as vm:
            out.append(wall_ms(vm, r'N0N-OS ready.*n0n> '))
    return out


def text_size(elf):
    """Bytes of code in a linked kernel."""
    rows = subprocess.run(['llvm-size', '-A', elf], capture_output=True, text=True, check=True).stdout
    return int(re.search(r'^\.text\s+(\d+)', rows, re.M).group(1))


def sizes():
    with open(IMAGE, 'rb') as f:
        files = read_files(f.read())
    return {'kernel_image': os.path.getsize(KERNEL), 'boot_image': sum(len(d) for d in files.values())}
