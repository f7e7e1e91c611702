"""The gate module: for each call of abi/syscalls.tbl the class, the filter bit, each right and each handle type that it
needs, missing alone; each handle argument forged, stale, foreign, expired and revoked; each address argument with each
kind of bad address. What must be there is counted here, from the table itself: a call without its attack fails."""

import importlib.machinery
import importlib.util
import json
import os
import re
import time

from cases import LATER, need, same, test
from lab import BUILD, CTL, PUBLISHER_KEY, TOP, boot, ctl, policy_from, run
from vm import Config, Failure

ELF = os.path.join(BUILD, 'modules', 'gate.elf')
CLASSES = ['CoreExec', 'IO', 'Network', 'IPC', 'Memory', 'Crypto']
SHORT = {'IO': 'gate-io', 'Network': 'gate-network', 'IPC': 'gate-ipc', 'Memory': 'gate-memory', 'Crypto': 'gate-crypto'}
# What a machine cannot give the gate: nothing to hold, so nothing to narrow or to mistake.
FORGERIES = ['zero', 'all-ones', 'stale', 'next-tag', 'beyond-table', 'above-32-bits', 'foreign', 'expired', 'revoked']
NUMBERS = FORGERIES[:6]
WRITE = ['null', 'near-null', 'unmapped', 'last-user-page', 'straddling', 'read-only', 'code', 'kernel-image',
         'kernel-direct', 'non-canonical', 'deep-non-canonical', 'wrapping']
READ = [n for n in WRITE if n not in ('read-only', 'code')]
ROW = re.compile(r'GATE ((?:\S+ )+?)([A-Z_]+) ([A-Z_]+) (ok|BAD)$', re.M)


def generator():
    path = os.path.join(TOP, 'tools', 'gen-syscalls')
    loader = importlib.machinery.SourceFileLoader('gen_syscalls', path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader('gen_syscalls', loader))
    loader.exec_module(module)
    return module


GEN = generator()
TABLE = GEN.parse_table()
TYPES = [t for t in GEN.TYPES if t != 'none']


def handles_of(row):
    """(name, types, rights) of each handle argument that the table describes."""
    out = []
    for i, (kind, name) in enumerate(row['args']):
        if kind == 'handle' and i == 0 and row['types']:
            out.append((name, row['types'], row['rights']))
        elif kind == 'handle' and name in row['seconds']:
            out.append((name, *row['seconds'][name]))
    return out


def expected(row):
    """The attacks that this row of the table asks for."""
    call, want = row['name'], set()
    for name, types, rights in handles_of(row):
        any_type = len(types) == len(TYPES)
        for right in rights:
            want |= {f'{call} right {name} {right} {t}' for t in (['endpoint'] if any_type else types)}
        want |= {f'{call} type {name} {t}' for t in TYPES if t not in types}
        optional = call == 'capsule_spawn' and name in ('n', 'give')
        want |= {f'{call} handle {name} {f}' for f in FORGERIES if not (optional and f == 'zero')}
    described = {name for name, _, _ in handles_of(row)}
    for kind, name in row['args']:
        if kind == 'handle' and name not in described:
            want |= {f'{call} handle {name} {f}' for f in NUMBERS}
        if kind == 'uaddr':
            direction = GEN.arg_kind(kind, name)
            want |= {f'{call} address {name} {a}' for a in {'OUT': WRITE, 'IN': READ}.get(direction, ['kernel-image'])}
    types = ['none'] if not row['types'] else ['endpoint'] if len(row['types']) == len(TYPES) else row['types']
    want |= {f'{call} present {t}' for t in types}
    return want | {f'{call} filter', f'{call} filter-for-good'}


def manifest(name, classes):
    with open(os.path.join(TOP, 'modules', 'gate', 'manifest.json'), encoding='utf-8') as f:
        source = json.load(f)
    source['name'], source['classes'] = name, classes
    class_of = {'log': 'IO', 'node': 'CoreExec', 'endpoint': 'IPC'}
    source['caps'] = [c for c in source['caps'] if class_of.get(c['kind'], 'IO') in classes]
    return source


def module(source):
    """The gate's code under another manifest."""
    path = os.path.join(BUILD, 'test', source['name'])
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump(source, f)
    run(CTL, 'mod', 'build', '--elf', ELF, '--manifest', path + '.json', '--sign', PUBLISHER_KEY, '-o', path + '.mod')
    with open(path + '.mod', 'rb') as f:
        return f.read()


def admit(*sources):
    """A policy that gives each of these what it asks for, and lets the publisher have every class."""
    def change(policy):
        policy['publishers'][0]['classes'] = CLASSES
        for s in sources:
            policy['rules'].append({'publisher': 'dev', 'module': s['name'], 'classes': CLASSES, 'priority': 5,
                                    'grants': manifest(s['name'], CLASSES)['caps']})
    return {'BOOT.POL': policy_from(change)}


def unmarked(log):
    """The kernel log without what stands before a capsule's own words."""
    return re.sub(r'^.*?(?=GATE )', '', log, flags=re.M)


def rows_of(text):
    return {m.group(1).strip(): m.groups()[1:] for m in ROW.finditer(text)}


def judge(t, rows):
    for name, (want, got, verdict) in sorted(rows.items()):
        if verdict != 'ok':
            t.fail(name, f'{got}, not {want}')


@test(once=LATER)
def everything(t):
    """One thing missing at a time: each is refused with its own status; with nothing missing, nothing is refused."""
    source = manifest('gate', CLASSES)
    with boot('gate', admit(source), Config(vga=True), modules=[('GATE', module(source))]) as vm:
        vm.ready()
        ctl(vm, 'start', 'gate')
        vm.com1.expect(r'^GATE done', 240)
        rows = rows_of(vm.com1.text() + unmarked(ctl(vm, 'log')))  # without ipc_call a child has only the log
        judge(t, rows)
        for row in TABLE:
            with t.case(f'{row["number"]} {row["name"]}: every attack of its row was made'):
                missing = sorted(expected(row) - rows.keys())
                need(not missing, f'{len(missing)} missing: {"; ".join(missing[:6])}')
        with t.case(f'{len(rows)} attacks, every answer is the promised one'):
            bad = [n for n, r in rows.items() if r[2] != 'ok']
            need(not bad, f'{len(bad)} are not')
        with t.case('the system still answers'):
            need('running' in vm.ask('ps'), 'no answer')


@test(once=LATER)
def classes(t):
    """Each class missing alone: every call of the class is refused, and nothing of the class is granted. A capsule without
    CoreExec could not even end, so no such module is admitted; tests/host/test_dispatch.c looks at those calls."""
    sources = {c: manifest(SHORT[c], [k for k in CLASSES if k != c]) for c in CLASSES[1:]}
    files = [(missing, module(source)) for missing, source in sources.items()]
    with boot('gate-classes', admit(*sources.values()), modules=files) as vm:
        vm.ready()
        for missing, source in sources.items():
            start = len(vm.com1.text())
            ctl(vm, 'start', source['name'], 'class')
            want = {f'{r["name"]} class {missing}' for r in TABLE if r['cls'] == missing}
            rows = finished(vm, source['name'], start)
            judge(t, rows)
            with t.case(f'{missing}: {len(want)} calls are refused'):
                same(sorted(want - rows.keys()), [], 'not attacked')
                need(all(rows[w][2] == 'ok' for w in want), 'another answer than NO_CLASS')
        with t.case('CoreExec: no such module is admitted'):
            source = manifest('gate-coreexec', CLASSES[1:])
            source['caps'] = []
            need(run_fails(source), 'nonosctl builds it')


def run_fails(source):
    """Is the manifest refused by the parser that the kernel shares with nonosctl?"""
    try:
        module(source)
    except Exception as why:
        return 'CoreExec' in str(why)
    return False


def finished(vm, name, start):
    """The rows of one capsule. Without IPC it has no console and writes to the kernel log."""
    for _ in range(100):
        text = vm.com1.text()[start:] if 'ipc' not in name else ctl(vm, 'log')
        if 'GATE done' in text:
            return rows_of(unmarked(text))
        time.sleep(0.2)
    raise Failure(f'{name} does not finish')
