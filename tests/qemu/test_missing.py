"""What a module asks for and is not given is named when it is started: by nonosctl, at the prompt, and on record."""

import os
import re

from cases import need, same, test
from lab import BUILD, TOP, boot, ctl, ctl_json, policy_from
from test_libc import send

BY = r'; the operator of the machine can grant it, in "grants" of the policy\'s rule for burglar \(audit record \d+\)'
LACKS = [f'endpoint {name} \\[recv\\]{BY}' for name in ('broker', 'signer')]
MANIFEST = os.path.join(TOP, 'modules', 'burglar', 'manifest.json')


def line_of(text):
    with open(MANIFEST, encoding='utf-8') as f:
        return next(n for n, line in enumerate(f, 1) if text in line)


@test(later=True)
def named(t):
    with boot('missing') as vm:
        vm.ready()
        with t.case('what is granted whole says nothing'):
            text = vm.ask('load hello')
            need('not granted' not in text, text)
        send(vm, 'burglar')
        with t.case('at the prompt'):
            text = vm.ask('load burglar')
            for lack in LACKS:
                need(re.search('not granted: ' + lack, text), text)
        with t.case('by nonosctl, also of a capsule that has ended'):
            done = ctl(vm, 'start', 'burglar', check=False)
            same(done.returncode, 0, 'exit code')
            for lack in LACKS:
                need(re.search('burglar was not granted: ' + lack, done.stderr), done.stderr)
        with t.case('with the line of the manifest, if it is at hand'):
            done = ctl(vm, 'load', os.path.join(BUILD, 'modules', 'burglar.mod'), '--start', '--manifest', MANIFEST, check=False)
            for lack, name in zip(LACKS, ('broker', 'signer')):
                line = line_of(f'"endpoint", "name": "{name}"')
                where = re.escape(f'{MANIFEST}:{line}: ')
                need(re.search(where + 'burglar was not granted: ' + lack, done.stderr), done.stderr)
        with t.case('on record'):
            rows = [r for r in ctl_json(vm, 'audit')['records'] if r['kind'] == 'grant' and r['status'] == 'GRANT_NO_RULE']
            same([r['text'] for r in rows], ['broker', 'signer'] * 3, 'what is on record')


def withheld(policy):
    for rule in policy['rules']:
        if rule.get('module') == 'hello':
            rule['classes'].remove('IPC')
            rule['grants'] = [g for g in rule['grants'] if g['kind'] != 'log']


@test(later=True)
def classes(t):
    with boot('missing-class', {'BOOT.POL': policy_from(withheld)}) as vm:
        vm.ready()
        with t.case('a class, and what is of it'):
            text = vm.ask('load hello')
            need(re.search(r'not granted: endpoint console \[call\], its class is withheld; .* in "classes" and "grants"', text),
                 text)
        with t.case('a capability without a right'):
            need(re.search(r'not granted: log; .* in "grants" of the policy\'s rule for hello', text), text)
