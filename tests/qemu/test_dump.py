"""A machine that broke under panic=hold, looked at afterwards: `nonosctl VERB --dump` on all of its RAM says what the
verb said while it lived. And one that breaks a second time while it writes that down."""

import json
import os
import re
import subprocess

import kernel
from cases import LATER, need, same, test
from lab import BUILD, CTL, boot, ctl_json, policy_from
from vm import SLOW, Config

RAM = 64 << 20
CONFIG = Config(memory=64)
KEPT = r'records are kept for nonosctl --dump'
STOPPED = r'panic=hold: keys wiped, memory kept; stopped'


def _hold(policy):
    policy['panic_hold'] = True


def _ram(vm, name):
    path = os.path.join(BUILD, 'test', f'{name}.ram')
    vm.qmp.command('pmemsave', val=0, size=RAM, filename=path)
    return path


def _ask(path, *verb):
    done = subprocess.run([CTL, *verb, '--dump', path], capture_output=True, text=True, timeout=60 * SLOW, check=False)
    return done.returncode, done.stdout, done.stderr


def _json(path, *verb):
    code, out, err = _ask(path, *verb, '-o', 'json')
    need(code == 0 and not err, f'{verb[0]}: exit {code}: {err}')
    return json.loads(out)


def _names(rows):
    return [(row['id'], row['name'], row['state']) for row in rows]


def _refusals(t, path):
    copy = path + '.bad'
    try:
        with t.case('a dump without such records is refused'):
            with open(copy, 'wb') as f:
                f.write(b'\0' * 8192)
            code, out, err = _ask(copy, 'ps')
            need(code and not out and 'no kernel left its records here' in err, err)
        with t.case('one with a bit changed is refused'):
            with open(path, 'rb') as f:
                ram = bytearray(f.read())
            heads = [m.start() for m in re.finditer(re.escape(b'N0N-OS LAST\1\2\3\4\0'), ram)]  # the image's constant is one
            for at in {ram.find(b'crashme', head) for head in heads} - {-1}:
                ram[at] ^= 1
            with open(copy, 'wb') as f:
                f.write(ram)
            code, out, err = _ask(copy, 'log')
            need(code and not out and 'not the bytes that the kernel left' in err, err)
        with t.case('following one is refused'):
            code, _, err = _ask(path, 'log', '-f')
            need(code and 'does not grow' in err, err)
    finally:
        os.unlink(copy)


@test
def looked_at(t):
    with boot('dump', {'BOOT.POL': policy_from(_hold)}, config=CONFIG) as vm:
        vm.ready(120)
        vm.ask('load hello')
        vm.ask('load crashme null-read')
        vm.com1.anywhere('crashme .*given up after')  # or it dies between two looks
        alive = {verb: ctl_json(vm, verb) for verb in ('ps', 'caps', 'modules', 'about')}
        deaths = ctl_json(vm, 'crash', 'ls')
        records = ctl_json(vm, 'audit')
        vm.qmp.command('inject-nmi')
        vm.com1.expect(KEPT, 60)
        vm.com1.expect(STOPPED, 60)
        path = _ram(vm, 'dump')
    try:
        with t.case('ps: the same capsules'):
            same(_names(_json(path, 'ps')), _names(alive['ps']), 'capsules')
        with t.case('caps, modules: the same'):
            same(_json(path, 'caps'), alive['caps'], 'handles')
            same(_json(path, 'modules'), alive['modules'], 'modules')
        with t.case('about: the same boot'):
            same(_json(path, 'about')['boot_id'], alive['about']['boot_id'], 'boot id')
        with t.case('crash: the same list, and a record in full'):
            same(_json(path, 'crash', 'ls'), deaths, 'deaths')
            number = next(row['seq'] for row in deaths if row['name'] == 'crashme')
            code, out, err = _ask(path, 'crash', 'show', str(number))
            need(code == 0 and 'read near address zero' in out and 'crashme' in out, out + err)
        with t.case('audit: the chain holds, and is longer than it was'):
            left = _json(path, 'audit')
            need(left['chain_ok'], left['chain_status'])
            known = {r['seq']: r for r in left['records']}
            need(all(known.get(r['seq'], r) == r for r in records['records']), 'records differ')
            need(left['next'] >= records['next'], 'records are gone')
        with t.case('mem adds up'):
            mem = _json(path, 'mem')
            same(mem['free_bytes'] + mem['used_bytes'], mem['usable_bytes'], 'bytes')
        with t.case('log: up to the last words'):
            code, out, err = _ask(path, 'log')
            need(code == 0 and 'capsule' in out and 'kernel panic: ' in out, out[-300:] + err)
        _refusals(t, path)
    finally:
        os.unlink(path)


@test(once=LATER)
def broke_again(t):
    """Where it would write the audit log's head it is sent nowhere: the wipe of the keys, and the end, are as
    ever, and what was not written is told."""
    with boot('dump-broke', {'BOOT.POL': policy_from(_hold)}, config=CONFIG, gdb=True) as vm:
        vm.ready(120)
        gdb, at = vm.gdb(), kernel.base(vm) + kernel.symbols()['audit_head']
        vm.qmp.command('inject-nmi')
        need(gdb.run_to(at, 20), 'it does not write its records')
        gdb.set('rip', 0)
        gdb.go()
        with t.case('it says so, and ends as it would have'):
            vm.com1.expect('it broke again; ' + STOPPED, 30)
        path = _ram(vm, 'dump-broke')
    try:
        with t.case('what was written before is there, and said to be a part'):
            code, out, err = _ask(path, 'ps')
            need(code == 0 and 'shell' in out and 'broke again' in err, out + err)
        with t.case('what was not is missed'):
            code, out, err = _ask(path, 'audit')
            need(code and 'does not' in err, out[:200] + err)
    finally:
        os.unlink(path)
