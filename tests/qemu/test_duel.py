"""Attacks that need two capsules: confused deputy, smuggled rights, hijacked answers, forged badges, quota theft, classes,
and a revocation that races with use on another processor."""

import json
import os
import threading

from cases import OWN, need, rows, test
from lab import BUILD, CTL, PUBLISHER_KEY, TOP, boot, ctl, policy_from, run
from vm import Config

ROWS = 100  # there are at least so many


def dueler():
    return {
        'name': 'dueler', 'version': '0.1.0', 'sec_version': 1, 'classes': ['CoreExec', 'IPC'],
        'caps': [{'kind': 'endpoint', 'name': 'duel-serve', 'rights': ['recv']}],
        'limits': {'memory_kib': 256, 'stack_kib': 16, 'handles': 16, 'threads': 1, 'priority': 5},
    }


def counter():
    return {
        'name': 'duelcount', 'version': '0.1.0', 'sec_version': 1, 'classes': ['CoreExec', 'IPC', 'Memory'],
        'caps': [{'kind': 'endpoint', 'name': 'duel-serve', 'rights': ['recv']}],
        'limits': {'memory_kib': 512, 'stack_kib': 16, 'handles': 16, 'threads': 2, 'priority': 5},
    }


def admit(policy):
    with open(os.path.join(TOP, 'modules', 'duel', 'manifest.json'), encoding='utf-8') as f:
        duel = json.load(f)
    for m in (duel, dueler(), counter()):
        policy['rules'].append({'publisher': 'dev', 'module': m['name'], 'classes': m['classes'], 'priority': 5,
                                'grants': m['caps']})


def modules():
    """The driver, and the same code under two other manifests."""
    return ['duel'] + [(m['name'][:8], _module(m)) for m in (dueler(), counter())]


def _module(manifest):
    """In a file of its own, because several tests make it at once."""
    path = os.path.join(BUILD, 'test', f'{manifest["name"]}-{threading.get_ident()}')
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump(manifest, f)
    run(CTL, 'mod', 'build', '--elf', os.path.join(BUILD, 'modules', 'duel.elf'), '--manifest', path + '.json', '--sign',
        PUBLISHER_KEY, '-o', path + '.mod')
    with open(path + '.mod', 'rb') as f:
        return f.read()


def fight(t, smp):
    with boot(f'duel-{smp}', {'BOOT.POL': policy_from(admit)}, Config(smp=smp), modules=modules()) as vm:
        vm.ready()
        rounds = t.size(smoke=3, soak=100)
        ctl(vm, 'start', 'duel', str(rounds))
        vm.com1.expect(r'^DUEL done', 60 + 5 * rounds)
        rows(t, vm.com1.text(), 'DUEL', ROWS)
        with t.case('the system still answers'):
            need('running' in vm.ask('ps'), 'no answer')


@test(once=OWN)
def one_processor(t):
    fight(t, 1)


@test(once=OWN, soak=True)
def four_processors(t):
    fight(t, 4)
