"""Random programs over four capsules and four processors: seeded, eight system calls each, handles passed between the
capsules in messages. The four processors share a thread of the host: with more of them than cores, the kernel's lock, which
is given in the order of asking, would wait for whichever the host does not run. The kernel lives, its own check finds nothing broken, everybody else runs on, no frame is lost."""

import json
import os

from cases import OWN, need, same, test
from lab import BUILD, CTL, PUBLISHER_KEY, TOP, boot, ctl, ctl_json, policy_from, run
from test_attack import lost, mark
from vm import Config

SEED = int(os.environ.get('N0N_FUZZ_SEED', '2026'))
WORKER_CLASSES = ['CoreExec', 'IO', 'IPC', 'Memory', 'Crypto']


def worker_manifest():
    every = ['dup', 'transfer', 'inspect']
    return {
        'name': 'swarmer', 'version': '0.1.0', 'sec_version': 1, 'classes': WORKER_CLASSES,
        'caps': [
            {'kind': 'endpoint', 'name': 'swarm-report', 'rights': ['call']},
            {'kind': 'endpoint', 'name': 'swarm-a', 'rights': ['call', 'recv', 'grant', *every]},
            {'kind': 'endpoint', 'name': 'swarm-b', 'rights': ['call', 'recv', 'grant', *every]},
            {'kind': 'notification', 'name': 'swarm-n', 'rights': ['signal', 'wait', *every]},
            {'kind': 'interrupt', 'line': 5, 'rights': ['wait', *every]},
            {'kind': 'ports', 'base': '0x2e8', 'count': 8, 'rights': ['read', 'write', *every]},
            {'kind': 'node', 'rights': ['token', *every]},
        ],
        'limits': {'memory_kib': 2048, 'stack_kib': 16, 'handles': 128, 'threads': 8, 'priority': 5},
        'children': {'memory_kib': 4096, 'capsules': 4},
    }


def swarm_policy(policy):
    with open(os.path.join(TOP, 'modules', 'swarm', 'manifest.json'), encoding='utf-8') as f:
        driver = json.load(f)
    for m in (driver, worker_manifest()):
        policy['rules'].append({'publisher': 'dev', 'module': m['name'], 'classes': m['classes'], 'priority': 8,
                                'grants': m['caps']})


def worker_module():
    path = os.path.join(BUILD, 'test', 'swarmer')
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump(worker_manifest(), f)
    run(CTL, 'mod', 'build', '--elf', os.path.join(BUILD, 'modules', 'swarm.elf'), '--manifest', path + '.json', '--sign',
        PUBLISHER_KEY, '-o', path + '.mod')
    with open(path + '.mod', 'rb') as f:
        return f.read()


def drive(vm, seed, programs):
    ctl(vm, 'start', 'swarm', f'{seed} {programs}')
    said = vm.com1.expect(r'SWARM ([^\n]*)\nSWARM done', 60 + programs / 200)
    return said.group(1), vm.com1.text()


@test(once=OWN, long=True, soak=True)
def programs(t):
    count = t.size(smoke=5_000, soak=1_000_000)
    config = Config(smp=4, single=not os.environ.get('N0N_FUZZ_PARALLEL'))
    with boot('swarm', {'BOOT.POL': policy_from(swarm_policy)}, config, modules=['swarm', ('SWARMER', worker_module())]) as vm:
        vm.ready()
        drive(vm, 1, 2000)      # what a first run keeps (modules, named endpoints) is there before we count
        before = mark(vm)
        capsules = {(c['name'], c['id']) for c in ctl_json(vm, 'ps') if c['state'] == 'running'}
        with t.case(f'{count} random programs, seed {SEED}'):
            verdict, text = drive(vm, SEED, count)
            need('SWARM ran:' in text, verdict)
        with t.case('the kernel\'s own check finds nothing broken'):
            need('broken' not in text, text[text.find('SWARM broken'):][:200])
            need('all invariants hold' in verdict, verdict)
        with t.case('every frame came back'):
            same(lost(vm, before), 0, 'bytes lost')
        with t.case('all other capsules run on'):
            now = {(c['name'], c['id']) for c in ctl_json(vm, 'ps') if c['state'] == 'running'}
            need(capsules <= now, f'{capsules - now} ended')
        with t.case('the audit chain holds'):
            need(ctl_json(vm, 'audit')['chain_ok'], 'it does not')
