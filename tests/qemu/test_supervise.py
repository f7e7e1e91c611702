"""What init does with capsules that hang, obey, refuse to stop, need each other; and that nobody else can do it."""

import contextlib
import json
import os
import re
import subprocess
import threading
import time

from cases import LATER, need, same, test
from lab import BUILD, CTL, PUBLISHER_KEY, TOP, boot, ctl, ctl_json, policy_from, run
from vm import BUSY, SLOW

PUPIL = os.path.join(BUILD, 'modules', 'pupil.mod')
RESTART_AT, RESTARTED, GIVEN_UP, CANNOT_START, UNHEALTHY, STOP_ASKED, STOPPED, STOP_FORCED, DEPENDANTS, SYSTEM = \
    range(1, 11)
WATCHDOG = 'watchdog: no answer to its health check in time'


def load(vm, arg, name='pupil'):
    return int(re.search(rf'{name} is capsule (\d+)', vm.ask(f'load {name} {arg}')).group(1))


def decisions(vm, number):
    """What was put on record about that capsule, in order, each with its detail."""
    return [(r['b'] >> 32, r['b'] & 0xffffffff) for r in ctl_json(vm, 'audit')['records']
            if r['kind'] == 'supervise' and r['a'] == number]


@contextlib.contextmanager
def follow(vm, *arguments):
    """The lines that nonosctl prints while it follows the node, which talks to nobody else meanwhile."""
    with subprocess.Popen([CTL, *arguments, '-o', 'json', '--node', vm.com2_path, '--timeout', '60'], cwd=TOP,
                          stdout=subprocess.PIPE, text=True) as p:
        limit = threading.Timer(60 * SLOW, p.kill)
        limit.start()
        try:
            yield p.stdout
        finally:
            limit.cancel()
            p.kill()


def record_of(vm, number):
    return next(r for r in ctl_json(vm, 'crash', 'ls') if r['id'] == number)


@test(once=LATER)
def one_capsule(t):
    with boot('supervise-one', modules=['pupil']) as vm:
        vm.ready()
        with t.case('a capsule that hangs with the call taken is found and restarted'):
            number = load(vm, 'hung')
            vm.com1.expect(rf'pupil \(capsule {number}\) killed: {WATCHDOG}; restart 1 in 50 ms', 20)
            need(WATCHDOG in ctl(vm, 'crash', 'show', str(record_of(vm, number)['seq'])), 'the crash record')
            same([d for d, _ in decisions(vm, number)], [UNHEALTHY, RESTART_AT], 'decisions')
            need(re.search(rf'kill +capsule {number}: {WATCHDOG}', vm.ask('audit')), 'the audit record')
            vm.com1.anywhere(r'pupil \(capsule \d+\) killed: .*given up after 2 restarts', 30)
        with t.case('who answers is well, however busy a less urgent one keeps the machine'):
            number = load(vm, 'obey')
            busy = load(vm, 'spin', 'crashme')
            time.sleep(3 * BUSY)  # asked every 300 ms, killed after a second of silence
            need(number in numbers(vm).values(), 'it was killed: who asked it was less urgent than the busy one')
            vm.ask(f'kill {busy}')
            vm.ask(f'kill {number}')
        with t.case('one that obeys stops by itself'):
            number = load(vm, 'obey')
            need(re.search(r'stopped by itself after \d+ ms', vm.ask(f'stop {number}')), 'not said')
            need(f'pupil {number}: stopping' in vm.com1.text(), 'what it does before its end')
            same([d for d, _ in decisions(vm, number)], [STOP_ASKED, STOPPED], 'decisions')
        with t.case('one that does not is killed at its deadline'):
            number = load(vm, 'stubborn')
            text = ctl(vm, 'stop', str(number))
            waited = int(re.search(r'did not stop in time and was killed after (\d+) ms', text).group(1))
            need(500 <= waited < 5000, f'{waited} ms')
            same([d for d, _ in decisions(vm, number)], [STOP_ASKED, STOP_FORCED], 'decisions')
            need('told to stop' in ctl(vm, 'crash', 'show', str(record_of(vm, number)['seq'])), 'the crash record')
        with t.case('who supervises nobody has no power'):
            number = load(vm, 'obey')
            load(vm, 'attack')
            vm.com1.expect('PUPIL attack ok', 20)
            running = {c['id'] for c in ctl_json(vm, 'ps') if c['state'] == 'running'}
            need(number in running, 'the attack stopped it')
            same(ctl(vm, 'stop', '1', check=False).returncode, 5, 'stop init')
            same(ctl(vm, 'stop', '4711', check=False).returncode, 5, 'stop nobody')
        with t.case('events tell it as it happens'):
            since = ctl_json(vm, 'audit')['next']
            with follow(vm, 'events', '--since', str(since), '--count', '7') as told:
                number = load(vm, 'obey')
                vm.ask(f'stop {number}')
                rows = [json.loads(line) for line in told]
            what = [r['what'] for r in rows]
            same(what[3], f'pupil (capsule {number}) is started by capsule 1', 'start')
            need(what[4].startswith(f'pupil (capsule {number}): asked to stop within 500 ms'), f'{what}')
            same(what[5], f'pupil (capsule {number}) ended with code 0', 'end')
            need(what[6].startswith(f'pupil (capsule {number}): stopped by itself'), f'{what}')
        with t.case('ps -w tells it as it happens'):
            listed = len(ctl_json(vm, 'ps'))
            with follow(vm, 'ps', '-w', '--count', str(listed + 2)) as told:
                for _ in range(listed):
                    same(json.loads(next(told))['change'], 'new', 'the list to begin with')
                number = load(vm, 'obey')
                rows = [json.loads(next(told))]
                vm.ask(f'stop {number}')
                rows += [json.loads(line) for line in told]
            same([r['id'] for r in rows], [number, number], 'who')
            need(rows[0]['change'] == 'new' and rows[1]['change'] in ('ended', 'gone'), f'{rows}')


def variant(name, **changes):
    """The pupil's code under another manifest: (its .mod file, its manifest)."""
    with open(os.path.join(TOP, 'modules', 'pupil', 'manifest.json'), encoding='utf-8') as f:
        source = json.load(f)
    source['name'] = name
    source['caps'][2]['name'] = source['control']['endpoint'] = name
    source['control']['every_ms'] = source['control']['deadline_ms'] = 60000
    source.update(changes)
    path = os.path.join(BUILD, 'test', name)
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump(source, f)
    run(CTL, 'mod', 'build', '--elf', PUPIL.replace('.mod', '.elf'), '--manifest', path + '.json', '--sign',
        PUBLISHER_KEY, '-o', path + '.mod')
    with open(path + '.mod', 'rb') as f:
        return f.read(), source


ONCE = {'when': 'on-crash', 'backoff_ms': 50, 'max': 1, 'window_s': 60}
VARIANTS = {
    'pupil-a': {},
    'pupil-b': {'needs': ['pupil-a']},
    'pupil-c': {'needs': ['pupil-b', 'console']},
    'pupil-x': {'needs': ['pupil-y']},
    'pupil-y': {'needs': ['pupil-x']},
    'pupil-m': {'needs': ['nobody']},
    'pupil-e': {'restart': {**ONCE, 'escalate': 'dependants'}},
    'pupil-d': {'needs': ['pupil-e']},
    'pupil-s': {'restart': {**ONCE, 'escalate': 'system'}},
}


def numbers(vm):
    """{module: capsule} of what runs."""
    return {c['name']: c['id'] for c in ctl_json(vm, 'ps') if c['state'] == 'running'}


@test
def several(t):
    made = {name: variant(name, **changes) for name, changes in VARIANTS.items()}

    def change(policy):
        for name, (_, source) in made.items():
            policy['rules'].append({'publisher': 'dev', 'module': name, 'classes': source['classes'], 'priority': 8,
                                    'grants': source['caps']})
    modules = [(name, file) for name, (file, _) in made.items()]
    with boot('supervise-several', {'BOOT.POL': policy_from(change)}, modules=modules) as vm:
        vm.ready()
        with t.case('what it needs is started first'):
            load(vm, 'obey', 'pupil-c')
            is_ = numbers(vm)
            need(is_['pupil-a'] < is_['pupil-b'] < is_['pupil-c'], f'{is_}')
            need(is_['console'] < is_['shell'], 'the console twice')
        with t.case('a need that runs is not started again'):
            ctl(vm, 'kill', str(is_['pupil-c']))
            load(vm, '', 'pupil-c')
            same({k: v for k, v in numbers(vm).items() if k in ('pupil-a', 'pupil-b')},
                 {k: is_[k] for k in ('pupil-a', 'pupil-b')}, 'needs')
        with t.case('who is needed is not stopped, and who needs it is named'):
            before = numbers(vm)
            text = vm.ask('stop pupil-a')
            for name in ('pupil-b', 'pupil-c'):
                need(f'capsule {before[name]} {name}' in text, f'{name} is not named: {text}')
            need('capsule' not in text.replace('capsule %d pupil-b' % before['pupil-b'], '')
                 .replace('capsule %d pupil-c' % before['pupil-c'], ''), f'more than these: {text}')
            done = ctl(vm, 'stop', str(before['console']), check=False)
            same(done.returncode, 5, 'exit code')
            need('(NEEDED)' in done.stderr and f'capsule {before["shell"]} shell needs it' in done.stderr, done.stderr)
            need('usage' in vm.ask('stop pupil-a now'), 'another word is taken')
            same(numbers(vm), before, 'capsules')
        with t.case('dependants are stopped first, each when nobody needs it'):
            is_ = numbers(vm)
            text = vm.ask(f'stop {is_["pupil-a"]} --with-dependants')
            need('because they need it: 2' in text, 'how many is not said')
            ended = [r['a'] for r in ctl_json(vm, 'audit')['records'] if r['kind'] == 'exit']
            same(ended[-3:], [is_[n] for n in ('pupil-c', 'pupil-b', 'pupil-a')], 'order')
        with t.case('a need that is not there, a circle: nothing is started'):
            before = numbers(vm)
            need('NEED_MISSING' in vm.ask('load pupil-m'), 'missing')
            need('NEED_CYCLE' in vm.ask('load pupil-x'), 'circle')
            same(numbers(vm), before, 'capsules')
            need('pupil-m needs nobody' in vm.ask('log'), 'the log does not say which')
        with t.case('too many crashes, and dependants are stopped'):
            load(vm, 'later', 'pupil-e')
            dependant = load(vm, 'obey', 'pupil-d')
            vm.com1.expect(r'pupil-e is gone: 1 capsules that need it are stopped', 30)
            vm.com1.expect(rf'pupil {dependant}: stopping', 20)
            need(not {'pupil-d', 'pupil-e'} & numbers(vm).keys(), 'one still runs')
            need([d for d, _ in decisions(vm, dependant)] == [STOP_ASKED, STOPPED], 'decisions')
        with t.case('too many crashes, and the machine goes off'):
            load(vm, 'later', 'pupil-s')
            vm.com1.expect(r'pupil-s is gone, and the system is not to run without it', 30)
            same(vm.wait_end(30), 0, 'exit status of QEMU')
