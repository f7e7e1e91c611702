"""Tokens between capsules, and out of the machine and back."""

import json
import os
import re

from cases import ALONE, need, rows, same, test
from lab import BUILD, CTL, KEYS, boot, ctl, ctl_json, key, run

COURIER = os.path.join(BUILD, 'modules', 'courier.mod')
PIECE = 100  # bytes of a token that fit an argument as hexadecimal text


def public(path):
    return json.loads(run(CTL, 'key', 'show', path, '-o', 'json'))['public']


def module_id():
    text = run(CTL, 'mod', 'inspect', COURIER, '--key', os.path.join(KEYS, 'publisher.pub'), '-o', 'json')
    return json.loads(text)[0]['module_id']


def hoard(t, vm):
    """Nine capsules with all the tokens that each may have issued: what comes after must not notice."""
    with t.case('nine hoarders'):
        for _ in range(9):
            start = len(vm.com1.text())
            ctl(vm, 'start', 'courier', 'hoard')
            vm.com1.expect(r'COURIER hoards \d+ \w+', 60)
            need('COURIER hoards 64 QUOTA' in vm.com1.text()[start:], 'not 64 each')


@test(once=ALONE)
def attacks(t):
    """Forged, foreign, widened, stale and cut tokens, and too many: each has its own refusal."""
    with boot('token-attacks', modules=['courier']) as vm:
        vm.ready()
        hoard(t, vm)
        ctl(vm, 'start', 'courier', 'attack')
        vm.com1.expect(r'^COURIER done', 120)
        rows(t, vm.com1.text(), 'COURIER', 64)
        with t.case('issue, import and refusals are in the audit log'):
            audit = ctl_json(vm, 'audit')
            kinds = {r['kind'] for r in audit['records']}
            need({'token', 'import', 'deny'} <= kinds and audit['chain_ok'], str(kinds))


def issued(vm, text_from):
    lines = re.findall(r'COURIER token ([0-9a-f]+)', vm.com1.text()[text_from:])
    return bytes.fromhex(''.join(lines))


def give(vm, token):
    for at in range(0, len(token), PIECE):
        piece = token[at:at + PIECE]
        ctl(vm, 'start', 'courier', f'put {at} {piece.hex()}')
        vm.com1.expect(rf'COURIER has {at + len(piece)}\b', 20)


def go(vm, token, want):
    ctl(vm, 'start', 'courier', f'go {len(token)}')
    vm.com1.expect(rf'COURIER import {want}\b', 20)


def both(vm, one, other):
    """Two capsules speak: which one is first nobody says."""
    vm.com1.expect(rf'COURIER {one}[\s\S]*COURIER {other}|COURIER {other}[\s\S]*COURIER {one}', 20)


@test(once=ALONE)
def journey(t):
    """Issued in one capsule, extended off the machine, imported in another, used, cut."""
    holder = key('holder', 'token-holder')
    with boot('token-journey', modules=['courier']) as vm:
        vm.ready()
        start = len(vm.com1.text())
        ctl(vm, 'start', 'courier', 'issue ' + public(holder.replace('.key', '.pub')))
        vm.com1.expect(r'COURIER issue OK', 20)
        vm.com1.expect(r'(COURIER token [0-9a-f]{98}\s+){4}', 20)
        path, longer = (os.path.join(BUILD, 'test', f'{n}.token') for n in ('issued', 'longer'))
        with open(path, 'wb') as f:
            f.write(issued(vm, start))
        issuer = ctl_json(vm, 'about')['issuer']
        with t.case('what the capsule printed verifies off the machine'):
            run(CTL, 'token', 'verify', path, '--issuer', issuer)
        run(CTL, 'token', 'derive', path, '--key', holder, '--rights', 'signal', '--audience', module_id(),
            '-o', longer)
        with t.case('so does the longer chain'):
            run(CTL, 'token', 'verify', longer, '--issuer', issuer, '--audience', module_id())
        with open(longer, 'rb') as f:
            token = f.read()
        same(len(token), 392, 'bytes of two blocks')
        ctl(vm, 'start', 'courier', 'import')
        give(vm, token)
        with t.case('the first block alone is made out to nobody'):
            go(vm, token[:196], 'TOKEN_AUDIENCE')
        with t.case('imported and used'):
            go(vm, token, 'OK')
            both(vm, 'hello OK', 'signalled')
        with t.case('the handle says where it comes from'):
            need(any(h['origin'] == 'token' and h['rights'] == ['signal'] for h in ctl_json(vm, 'caps', 'courier')),
                 'no such handle')
        with t.case('cut by the issuer: the handle is dead'):
            go(vm, token, 'OK')
            both(vm, 'revoke OK', 'use REVOKED')
        with t.case('and the token too'):
            go(vm, token, 'REVOKED')
        with t.case('when the issuer has ended nothing is known of it'):
            for c in ctl_json(vm, 'ps'):
                if c['name'] == 'courier' and c['state'] == 'running':
                    first = c['id']
                    break
            ctl(vm, 'kill', str(first))
            go(vm, token, 'NOT_FOUND')
            vm.com1.expect(r'COURIER use REVOKED', 20)
    another_boot(t, token)


def another_boot(t, token):
    """A token of one boot is none in the next: the vault has another key."""
    with boot('token-other-boot', cold=True, modules=['courier']) as vm:
        vm.ready()
        ctl(vm, 'start', 'courier', 'import')
        give(vm, token)
        with t.case('in another boot nobody has issued it'):
            go(vm, token, 'TOKEN_ISSUER')
