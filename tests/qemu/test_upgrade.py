"""A service that is replaced under load: nothing lost, twice or out of order; bad versions are rolled back."""

import functools
import json
import os
import re
import shutil
import struct
import time

from cases import LATER, OWN, need, same, test
from lab import BUILD, CRAFT, KEYS, Module, boot, ctl, ctl_json, key, module_file, policy_from, run
from test_attack import lost, mark
from test_supervise import follow
from vm import SLOW, Config

COUNTED = Config(icount=True, smp=1)    # so a deadline is a number of instructions, however busy the host is
MARK, SEMVER, CONTROL = b'counter is bad: 0', 0x0010, 0x800a
START, REFUSES, LOAD, LOOP, CRASH, SAVE, OLDER, OTHER = range(1, 9)
WORST_PAUSE = 2_000_000     # instructions
UPGRADED = 11   # enum nos_decision


def patched(bad, base='counter2', patient_ms=20):
    """That build, bad in that way, as version 0.2.`bad`."""
    m = Module(module_file(base))
    at = m.image.find(MARK)
    need(at >= 0 and m.image.find(MARK, at + 1) < 0, 'the mark of a counter')
    m.image[at + len(MARK) - 1] = ord('0') + bad if bad <= SAVE else ord('0')
    struct.pack_into('<Q', m.header, 16, 2 << 16 | bad)
    out = []
    for tag, value in m.records():
        value = bytearray(value)
        if tag == CONTROL:
            struct.pack_into('<I', value, 20, patient_ms)
        out.append((tag, f'0.2.{bad}'.encode() if tag == SEMVER else bytes(value)))
    return m.set_records(out)


@functools.cache
def builds():
    """{how it is bad: Module}; 0: good."""
    out = {0: Module(module_file('counter2'))}
    for bad in range(START, OTHER + 1):
        out[bad] = m = patched(bad)
        if bad == OLDER:
            struct.pack_into('<I', m.header, 24, 1)
        if bad == OTHER:
            m.key = key('publisher', 'second')
            m.header[64:96] = run(CRAFT, 'id', m.key)[:32]
    return out


def file(bad):
    path = os.path.join(BUILD, 'test', f'counter-{bad}.mod')
    with open(path, 'wb') as f:
        f.write(builds()[bad].bytes())
    return path


def admit(policy):
    path = key('publisher', 'second')
    shutil.copyfile(path.replace('.key', '.pub'), os.path.join(KEYS, 'qemu-test-second.pub'))
    policy['publishers'].append({**policy['publishers'][0], 'name': 'second', 'key': 'qemu-test-second.pub'})
    rule = next(r for r in policy['rules'] if r['module'] == 'counter')
    policy['rules'].append({**rule, 'publisher': 'second'})
    policy['rules'].append({
        'publisher': 'dev', 'module': 'tally', 'classes': ['CoreExec', 'IO', 'IPC'], 'priority': 8, 'grants': [
            {'kind': 'log'}, {'kind': 'node', 'rights': ['inspect']},
            {'kind': 'endpoint', 'name': 'console', 'rights': ['call']},
            {'kind': 'endpoint', 'name': 'counter', 'rights': ['call']},
            {'kind': 'endpoint', 'name': 'init', 'rights': ['call']}]})


def capsule(vm, name):
    """The one that runs. While it is being replaced there are two."""
    end = time.monotonic() + 10 * SLOW
    while True:
        found = [c['id'] for c in ctl_json(vm, 'ps') if c['name'] == name and c['state'] == 'running']
        if len(found) == 1:
            return found[0]
        need(time.monotonic() < end, f'running {name}s: {found}')


def tally(vm, good, bad):
    """(answers, worst pause in ns); nothing may have been wrong."""
    found = vm.ask_until(f'load tally {good} {bad}', r'TALLY asked (\d+) wrong (\d+) failed (\d+) surprises (\d+) pause (\d+) late \d+',
                           60 + 2 * (good + bad))
    asked, wrong, failed, surprises, pause = (int(n) for n in found.groups())
    same((wrong, failed, surprises), (0, 0, 0), 'wrong, failed, surprises')
    for _ in range(50):
        if not any(c['name'] == 'tally' for c in ctl_json(vm, 'ps')):
            break  # it is gone, memory and all
    return asked, pause


@test(once=OWN, soak=True)
def under_load(t):
    good, bad = t.size(smoke=4, soak=1000), t.size(smoke=7, soak=200)
    modules = ['tally'] + [(f'COUNTER{how}', builds()[how].bytes()) for how in builds() if how != SAVE]
    with boot('upgrade', {'BOOT.POL': policy_from(admit)}, COUNTED, modules=modules) as vm:
        vm.ready()
        ctl(vm, 'load', os.path.join(BUILD, 'modules', 'counter.mod'), '--start')
        tally(vm, 2, 0)
        before = mark(vm)
        with t.case(f'{good} upgrades and {bad} bad ones under load'):
            asked, pause = tally(vm, good, bad)
            need(asked > 20 * good, f'only {asked} answers')
        with t.case('nobody waited longer than may be'):
            need(0 < pause <= WORST_PAUSE, f'{pause} instructions')
        with t.case('no frame is lost'):
            same(lost(vm, before), 0, 'bytes lost')
        print(f'# upgrade: {asked} answers, worst pause of {good} upgrades {pause} instructions')


def refusal(vm, *arguments):
    done = ctl(vm, 'upgrade', *arguments, check=False)
    same(done.returncode, 5, f'exit code of upgrade {arguments}')
    return re.search(r'\((\w+)\)', done.stderr).group(1)


@test(once=LATER)
def by_the_operator(t):
    again = os.path.join(BUILD, 'modules', 'counter.mod')
    there = [0, START, REFUSES, SAVE]
    with boot('upgrade-operator', config=COUNTED, modules=[(f'COUNTER{b}', builds()[b].bytes()) for b in there]) as vm:
        vm.ready()
        ctl(vm, 'load', again, '--start')
        with t.case('what is refused says why, and changes nothing'):
            was = capsule(vm, 'counter')
            number = str(was)
            known = {m['semver']: m['module_id'] for m in ctl_json(vm, 'modules')}
            same(refusal(vm, number, file(OLDER)), 'UPG_OLDER', 'an older security version')
            same(refusal(vm, number, file(OTHER)), 'PUB_UNKNOWN', 'a publisher that is not known')
            same(refusal(vm, number, '--id', known[f'0.2.{START}']), 'UPG_ENDED', 'one that crashes at its start')
            same(refusal(vm, number, '--id', known[f'0.2.{REFUSES}']), 'UPG_STATE', 'one that refuses the state')
            same(refusal(vm, number, os.path.join(BUILD, 'modules', 'nil.mod')), 'UPG_OTHER', 'another module')
            same(refusal(vm, '4711', '--id', known['0.1.0']), 'NOT_FOUND', 'nobody')
            vm.ask('load crashme spin')
            number_of_crashme = str(capsule(vm, 'crashme'))
            same(refusal(vm, number_of_crashme, '--id', known['0.1.0']), 'UPG_NONE', 'one that takes no control messages')
            vm.ask('kill crashme')
            same(capsule(vm, 'counter'), was, 'the counter')
            need('its upgrade was rolled back: upgrade: the new version refused the state' in vm.com1.text(), 'not told')
        with t.case('done, and on record'):
            text = ctl(vm, 'upgrade', number, '--id', known[f'0.2.{SAVE}'])
            now = capsule(vm, 'counter')
            need(f'capsule {now} took the place of capsule {was}' in text and now != was, text)
            records = [(r['b'] >> 32, r['b'] & 0xffffffff) for r in ctl_json(vm, 'audit')['records']
                       if r['kind'] == 'supervise' and r['a'] == now]
            need((UPGRADED, was) in records, f'audit: {records}')
        with t.case('one that cannot now says so and goes on'):
            same(refusal(vm, str(now), '--id', known['0.2.0']), 'BUSY', 'its own word')
            same(capsule(vm, 'counter'), now, 'the counter')
        with t.case('at the prompt: a build by its id, refusals in the same words'):
            wanted = next(x['module_id'] for x in ctl_json(vm, 'modules') if x['semver'] == '0.1.0' and
                          x['name'] == 'counter')
            need('UPG_OTHER' in vm.ask('upgrade counter shell'), 'another module')
            need("no capsule 'nosuch'" in vm.ask('upgrade nosuch'), 'nobody')
            need("no verified module 'nosuch'" in vm.ask('upgrade counter nosuch'), 'no module')
            need('usage: upgrade' in vm.ask('upgrade'), 'no usage')
            need('BUSY' in vm.ask(f'upgrade counter {wanted[:16]}'), 'its own word')
            same(capsule(vm, 'counter'), now, 'the counter')


@test
def at_the_prompt(t):
    with boot('upgrade-prompt', modules=['counter2']) as vm:
        vm.ready()
        ctl(vm, 'load', os.path.join(BUILD, 'modules', 'counter.mod'), '--start')
        ids = {x['semver']: x['module_id'] for x in ctl_json(vm, 'modules') if x['name'] == 'counter'}

        def upgrade(line, want):
            was = capsule(vm, 'counter')
            text = vm.ask(line.format(was))
            now = capsule(vm, 'counter')
            need(re.search(rf'^capsule {now} took the place of capsule {was}; callers waited \d+ us', text, re.M), text)
            same(next(c['module_id'] for c in ctl_json(vm, 'ps') if c['id'] == now), ids[want], 'module')

        with t.case('the newest of its name'):
            upgrade('upgrade counter', '0.2.0')
        with t.case('one by the digits that `modules` shows'):
            need(ids['0.1.0'][:16] in vm.ask('modules'), 'they are not shown')
            upgrade('upgrade {} ' + ids['0.1.0'][:16], '0.1.0')
        with t.case('the newest of a name, with its name typed by Tab'):
            upgrade('upg\tcou\tcounter', '0.2.0')
        with t.case('the prompt itself, from the prompt: what was typed before is remembered'):
            was = capsule(vm, 'shell')
            vm.ask('uptime')
            need(f'capsule {was} is being upgraded, and it is who asked' in vm.ask('upgrade shell'), 'not said')
            end = time.monotonic() + 20 * SLOW
            while capsule(vm, 'shell') == was:
                need(time.monotonic() < end, 'it was not')
            vm.com1.send('\x1b[A\x1b[A\r')
            vm.com1.expect(r'^up \d.*^n0n> ', 20)
        with t.case('and from outside, in the middle of a line'):
            shell = next(m['module_id'] for m in ctl_json(vm, 'modules') if m['name'] == 'shell')
            for _ in range(3):
                vm.com1.send('upt')
                ctl(vm, 'upgrade', str(capsule(vm, 'shell')), '--id', shell)
                vm.com1.send('ime\r')
                vm.com1.expect(r'^up \d.*^n0n> ', 20)
        with t.case('who carries the request is upgraded, from the prompt and by its own line'):
            manage = next(m['module_id'] for m in ctl_json(vm, 'modules') if m['name'] == 'manage')
            was = capsule(vm, 'manage')
            need('took the place' in vm.ask('upgrade manage'), 'not done')
            first = capsule(vm, 'manage')
            need(first != was, 'the same capsule')
            with follow(vm, 'ps', '-w', '--count', '999') as told:  # a client's session goes on
                next(told)
                need('took the place' in vm.ask('upgrade manage'), 'not done')
                need(any(json.loads(next(told))['id'] > first for _ in range(40)), 'it is not told')
            now = capsule(vm, 'manage')
            need('is being upgraded, and it is who asked' in ctl(vm, 'upgrade', str(now), '--id', manage), 'not said')
            end = time.monotonic() + 20 * SLOW
            while capsule(vm, 'manage') == now:
                need(time.monotonic() < end, 'it was not')
        with t.case('asked to stop, it does'):
            need('stopped by itself' in ctl(vm, 'stop', str(capsule(vm, 'shell'))), 'it did not')


@test(once=LATER)
def the_console(t):
    m = Module(module_file('console'))
    struct.pack_into('<Q', m.header, 16, 9 << 16)
    path = os.path.join(BUILD, 'test', 'upgrade-console.mod')
    with open(path, 'wb') as f:
        f.write(m.set_records([(tag, b'0.9.0' if tag == SEMVER else v) for tag, v in m.records()]).bytes())
    with boot('upgrade-console', config=Config(vga=True)) as vm:
        vm.ready()
        first = ctl_json(vm, 'modules')
        old = next(x['module_id'] for x in first if x['name'] == 'console')
        for turn, arguments in enumerate([(path,), ('--id', old)]):
            with t.case(['the console is replaced while a line is typed', 'and back'][turn]):
                vm.com1.send(b'p')
                was = capsule(vm, 'console')
                ctl(vm, 'upgrade', str(was), *arguments)
                need(capsule(vm, 'console') != was, 'the same capsule')
                vm.com1.send(b's\r')
                vm.com1.expect(r'console +running|running.*console', 20)
                need('loopback' not in vm.ask('ps'), 'no answer')
