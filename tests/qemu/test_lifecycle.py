"""What a death leaves behind: a record with the right cause and place, the same on the prompt, over the management
channel and in a saved file; for nobody who lacks the right; of a capsule that was killed or went by itself no bytes."""

import os
import re

from cases import LATER, need, same, test
from lab import BUILD, boot, ctl, ctl_json
from vm import Config

# way to die, cause in words, function that the place lies in
CRASHES = [
    ('null-write', 'write near address zero', 'store|null_write'),
    ('illegal', 'illegal instruction|trapped undefined behaviour', 'illegal'),
    ('trap', 'trapped undefined behaviour', 'trapped_ub'),
    ('stack-overflow', 'stack overflow', 'deeper'),
    ('wild-read', 'read of memory it does not have', 'load|wild_read'),
]


def load(vm, kind):
    return int(re.search(r'crashme is capsule (\d+)', vm.ask(f'load crashme {kind}')).group(1))


def record_of(vm, number):
    """The record of capsule `number`, once it is there."""
    for _ in range(20):
        found = [r for r in ctl_json(vm, 'crash', 'ls') if r['id'] == number]
        if found:
            same(len(found), 1, 'records of one death')
            return found[0]
    need(False, f'no record of capsule {number}')
    return None


def function(symbol):
    return symbol.split('+')[0]


@test(once=LATER)
def crashes(t):
    with boot('lifecycle-crashes') as vm:
        vm.ready()
        for kind, words, where in CRASHES:
            with t.case(kind):
                r = record_of(vm, load(vm, kind))
                text = ctl(vm, 'crash', 'show', str(r['seq']))
                need(re.search(rf'^cause +crashed: (?:{words})', text, re.M), f'cause: {text}')
                same(r['registers']['rip'], r['fault_ip'], 'ip')
                same(r['trace'][0]['ip'], r['fault_ip'], 'first place')
                need(re.fullmatch(where, function(r['trace'][0]['symbol'])), f'symbol: {r["trace"]}')
                same(r['trace'][0]['symbol'], r['fault_symbol'], 'the two symbols')
                if kind != 'stack-overflow':
                    need(any(function(f['symbol']) == 'nos_main' for f in r['trace']), f'no main: {r["trace"]}')
                    same(len(r['stack']), 2 * 192, 'stack')
                else:
                    same({function(f['symbol']) for f in r['trace']}, {'deeper'}, 'places of an endless recursion')
                same(len(r['code']), 2 * 64, 'code')
                need(any(h['name'] == 'console' for h in r['handle_list']), f'handles: {r["handle_list"]}')
                need('crashed' in r['log'], f'log: {r["log"]}')
                same(r['doing'], 'running', 'doing')
        with t.case('the code is that of the module'):
            r = record_of(vm, load(vm, 'illegal'))
            with open(os.path.join(BUILD, 'modules', 'crashme.mod'), 'rb') as f:
                need(bytes.fromhex(r['code']) in f.read(), 'these bytes are not in the file')
            need(bytes.fromhex(r['code'])[16:18] == b'\x0f\x0b', 'not ud2 where it stopped')


@test
def other_ends(t):
    # One CPU: of a capsule that runs on another, the place is that of its last way into the kernel.
    with boot('lifecycle-ends', config=Config(smp=1)) as vm:
        vm.ready()
        with t.case('killed'):
            number = load(vm, 'spin')
            for _ in range(50):
                if next(c['cpu_ns'] for c in ctl_json(vm, 'ps') if c['id'] == number) > 5000000:
                    break  # it is where it stays
            vm.ask(f'kill {number}')
            r = record_of(vm, number)
            init = next(c['id'] for c in ctl_json(vm, 'ps') if c['name'] == 'init')
            same((r['state'], r['killer']), ('killed', init), 'how')
            same(function(r['trace'][0]['symbol']), 'spin', 'where')
            need('registers' not in r and 'stack' not in r and 'code' not in r, 'bytes of a killed capsule')
        with t.case('exited'):
            number = load(vm, 'exit 7')
            r = record_of(vm, number)
            same((r['state'], r['exit_code']), ('exited', 7), 'how')
            need(r['trace'] and r['trace'][0]['symbol'], f'where: {r["trace"]}')
            need('registers' not in r and 'stack' not in r, 'bytes of a capsule that went by itself')
        with t.case('killed by its filter'):
            r = record_of(vm, load(vm, 'filtered'))
            same(r['state'], 'crashed', 'how')
            need('killed by its system-call filter' in ctl(vm, 'crash', 'show', str(r['seq'])), 'not said')
        with t.case('the prompt shows the same'):
            vm.com1.expect(r'given up after \d restarts', 30)  # it is started anew until then, and that is told
            want, got = (' '.join(text.split()) for text in (ctl(vm, 'crash', 'show', str(r['seq'])),
                                                             vm.ask(f'crash {r["seq"]}')))
            need(want in got, f'{want}\nis not in\n{got}')
            need(re.search(rf'^ *{r["seq"]} .*filter', vm.ask('crash'), re.M), 'not in the list')
            need('no record 4711' in vm.ask('crash 4711'), 'a number too high')
            need('is no number' in vm.ask('crash x'), 'no number')
        with t.case('save, then show of the file'):
            path = os.path.join(BUILD, 'test', 'lifecycle.crash')
            ctl(vm, 'crash', 'save', str(r['seq']), path)
            same(os.stat(path).st_mode & 0o777, 0o600, 'who may read it')
            same(ctl(vm, 'crash', 'show', path), ctl(vm, 'crash', 'show', str(r['seq'])), 'text')
            same(ctl_json(vm, 'crash', 'show', path), ctl_json(vm, 'crash', 'show', str(r['seq'])), 'JSON')
        with t.case('a changed file is refused'):
            with open(path, 'r+b') as f:
                f.seek(1000)
                byte = f.read(1)
                f.seek(1000)
                f.write(bytes([byte[0] ^ 1]))
            done = ctl(vm, 'crash', 'show', path, check=False)
            same(done.returncode, 1, 'exit code')
            need('not the bytes that were saved' in done.stderr, done.stderr)
            os.unlink(path)


@test(once=LATER)
def bounded(t):
    """Ten crashes and six other ends are kept; neither kind pushes out the other."""
    with boot('lifecycle-bounded') as vm:
        vm.ready()
        crash = record_of(vm, load(vm, 'wild-jump'))['seq']
        with t.case('ends push out ends only'):
            for _ in range(7):
                load(vm, 'exit 3')
            vm.ask('ps')
            kept = ctl_json(vm, 'crash', 'ls')
            same(len([r for r in kept if r['state'] == 'exited']), 6, 'ends kept')
            need(any(r['seq'] == crash for r in kept), 'the crash is gone')
            numbers = [r['seq'] for r in kept]
            same(numbers, sorted(set(numbers)), 'order')
            same(ctl(vm, 'crash', 'show', '4711', check=False).returncode, 5, 'a number too high')
