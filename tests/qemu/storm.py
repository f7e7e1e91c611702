"""Fault storms from a saved machine: what `nonosctl storm` does, less the firmware."""

import json
import os
import re
import time

import fat
import lab
import snapshot
from vm import SLOW, Config, Failure, Machine

STORM = os.path.join(lab.BUILD, 'storm')
LOGS = os.path.join(lab.BUILD, 'test-logs')


def _file(name):
    with open(os.path.join(STORM, name), 'rb') as f:
        return f.read()


def policy(seed, count, stop=0, leak=0):
    """The released policy with that of the storm over it; the plan of all faults is in it, and so on the volume."""
    over = json.loads(_file('policy.json'))

    def change(source):
        replaced = {r['module'] for r in over['rules']}
        source['rules'] = [r for r in source['rules'] if r.get('module') not in replaced] + over['rules']
        source['boot'], source['start'] = over['boot'], over['start']
        source['start'][-1]['arg'] = f'{seed:020} {count:010} {stop:010} {leak:010}'
    return lab.policy_from(change)


def volume(signed):
    files = {'KERNEL.MOD': _file('KERNEL.MOD'), 'BOOT.POL': signed}
    for name in json.loads(_file('policy.json'))['boot']:
        files[name] = _file(name[:-4].lower() + '.mod')
    return fat.Volume(lab.released()[lab.LOADER], files, slack=0)


class Said:
    """What came out of the debug port."""

    def __init__(self, text):
        self.text = text
        self.broken = re.findall(r'^storm BROKEN (.*)$', text, re.M)
        self.digests = re.findall(r'^storm says at (\d+) digest ([0-9a-f]{64})$', text, re.M)
        self.done = re.search(r'^storm says done seed (\d+) faults (\d+) broken (\d+)$', text, re.M)

    def number(self, name):
        found = re.search(rf'^storm says (?!kind )(?:.* )?{name} (\d+)', self.text, re.M)
        if not found:
            raise Failure(f'the storm says no {name}: {self.text[-300:]}')
        return int(found.group(1))


def _go_on(vm, said, stop, timeout):
    """The machine stands still right before fault `stop`: see that, then let it go on."""
    end = time.monotonic() + timeout * SLOW
    while vm.qmp.command('query-status')['status'] != 'guest-panicked':
        if time.monotonic() > end or vm.process.poll() is not None:
            raise Failure('it does not stop')
        time.sleep(0.1)
    with open(said, encoding='utf-8') as f:
        last = [line for line in f.read().split('\n') if line.startswith('storm says')][-1]
    if not re.match(rf'storm says {stop} \w+ \w+ after ', last):
        raise Failure(f'it stops behind: {last}')
    vm.resume()


def run(name, seed, count, stop=0, leak=0, timeout=60):
    """One storm to its end."""
    built = volume(policy(seed, count, stop, leak))
    config = Config(smp=1, icount=True, single=False)
    state = snapshot.saved(config, built.bytes(), built.shared_bytes())
    os.makedirs(LOGS, exist_ok=True)
    image, said = os.path.join(lab.BUILD, 'test', f'{name}.img'), os.path.join(LOGS, f'{name}.said')
    fat.store(image, built.bytes())
    try:
        with Machine(name, image, config, state=state,
                     extra=['-chardev', f'file,id=storm,path={said}', '-device', 'isa-debugcon,iobase=0xe9,chardev=storm',
                            '-device', 'pvpanic', '-device', 'isa-debug-exit,iobase=0xf4', '-action', 'panic=pause']) as vm:
            if stop:
                _go_on(vm, said, stop, timeout)
            vm.wait_end(timeout)
    finally:
        os.unlink(image)
    with open(said, encoding='utf-8', errors='replace') as f:
        return Said(f.read())
