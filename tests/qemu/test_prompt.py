"""The commands of the prompt, and its line editing."""

import re
import time

from cases import ALONE, need, same, test
from lab import BUILD, CTL, boot, run
from vm import Failure

COMMANDS = 'help ps caps modules mem load kill log audit crash about poweroff'.split()


def row(text, name):
    found = re.search(rf'^\s*(\d+) {name}\s.*$', text, re.M)
    if not found:
        raise Failure(f'no row for {name}: {text}')
    return found


@test
def commands(t):
    with boot('commands') as vm:
        vm.ready()
        with t.case('help lists every command'):
            text = vm.ask('help')
            for name in COMMANDS:
                need(re.search(rf'^\s*{name}\s+\S', text, re.M), f'{name} is missing: {text}')
        with t.case('help of one command'):
            need('kill' in vm.ask('help kill'), 'says nothing about kill')
        with t.case('ps shows capsules with their state'):
            text = vm.ask('ps')
            for name in ('init', 'console', 'manage', 'shell'):
                need('running' in row(text, name).group(0), f'{name} is not running')
        with t.case('caps of one capsule'):
            text = vm.ask('caps console')
            for word in ('ports', '03f8..03ff', 'interrupt', 'line 4', 'endpoint', 'policy'):
                need(word in text, f'{word} is missing: {text}')
            need('power' not in text, 'the console holds the power object')
        with t.case('caps of all capsules'):
            text = vm.ask('caps')
            need('node' in text and 'power' in text, f'incomplete: {text}')
        with t.case('modules shows what was verified'):
            text = vm.ask('modules')
            for name in ('init', 'console', 'manage', 'shell', 'hello', 'crashme'):
                need(re.search(rf'^{name}\s+0\.\d+\.\d+.*[0-9a-f]{{16}}.*verified', text, re.M), f'{name}: {text}')
        with t.case('mem adds up'):
            text = vm.ask('mem')
            for word in ('usable', 'free', 'used', 'kernel image', 'capsules'):
                need(re.search(rf'^\s*{word}\s+\d', text, re.M), f'{word} is missing: {text}')
        with t.case('load starts a module'):
            found = re.search(r'hello is capsule (\d+)', vm.ask('load hello "two words" more'))
            need(found, 'no capsule id')
            number = found.group(1)
            vm.com1.anywhere(rf'hello from capsule {number}.*my argument is "two words more"', 10)
        with t.case('load of an unknown module'):
            need("no verified module 'nosuch'" in vm.ask('load nosuch'), 'not said')
        with t.case('kill ends a capsule'):
            number = re.search(r'crashme is capsule (\d+)', vm.ask('load crashme spin')).group(1)
            need('running' in row(vm.ask('ps'), 'crashme').group(0), 'it does not run')
            vm.ask(f'kill {number}')
            text = vm.ask('ps')
            need(not re.search(rf'^\s*{number} crashme\s+running', text, re.M), f'it still runs: {text}')
        with t.case('kill of an unknown capsule'):
            need('no capsule 99999' in vm.ask('kill 99999'), 'not said')
        with t.case('kill of init is refused'):
            need('supervises' in vm.ask('kill init'), 'not said')
            row(vm.ask('ps'), 'init')
        with t.case('log has the boot'):
            need('N0N-OS kernel' in vm.ask('log'), 'no line of the kernel')
        with t.case('audit re-checks its chain'):
            text = vm.ask('audit')
            for word in ('boot', 'load', 'grant', 'spawn', 'kill', 'exit', 'chain good'):
                need(word in text, f'{word} is missing: {text[-300:]}')
        with t.case('about names what booted'):
            text = vm.ask('about')
            for word in ('N0N-OS', 'policy epoch', 'root set', 'boot, all'):
                need(word in text, f'{word} is missing: {text}')
            need(re.search(r'^kernel\s+[0-9a-f]{64}', text, re.M), 'no kernel id')
        with t.case('uptime'):
            need(re.search(r'up \d', vm.ask('uptime')), 'says nothing')
        with t.case('an unknown command'):
            need("no command 'frobnicate'" in vm.ask('frobnicate now'), 'not said')
        with t.case('a wrong number of words'):
            need('usage: kill' in vm.ask('kill'), 'no usage')
        with t.case('an open quote'):
            need('quote' in vm.ask('load "hello'), 'not said')
        with t.case('an empty line'):
            same(vm.ask('').strip(), '', 'output')


@test(once=ALONE)
def token(t):
    """`caps --export` at the prompt makes what `nonosctl token verify` accepts off the machine."""
    with boot('token') as vm:
        vm.ready()
        issuer = re.search(r'^issuer key\s+([0-9a-f]{64})', vm.ask('about'), re.M).group(1)
        handle = re.search(r'^(\w+)\s+ports', vm.ask('caps console'), re.M).group(1)
        text = vm.ask(f'caps --export console {handle}')
        found = re.search(r'^([0-9a-f]{392})$', text, re.M)
        need(found, f'no token of 196 bytes: {text}')
        path = f'{BUILD}/test/prompt.token'
        for name, flip, good in (('verifies', 0, True), ('changed in one bit it does not', 1, False)):
            with t.case(name):
                data = bytearray(bytes.fromhex(found.group(1)))
                data[40] ^= flip
                with open(path, 'wb') as f:
                    f.write(data)
                done = run(CTL, 'token', 'verify', '--issuer', issuer, path, check=good)
                need(good or b'valid' not in done.split(), done)


@test(once=ALONE)
def editing(t):
    """Keys, as terminals send them. Each case ends with a command whose output shows which line arrived."""
    left, right, home, end, up, down, delete = (f'\x1b[{c}' for c in ('D', 'C', 'H', 'F', 'A', 'B', '3~'))
    table = [
        ('backspace', 'uptimx\x7fe'),
        ('left and insert', f'uptie{left}m'),
        ('home and right', f'ptime{home}u{right}{end}'),
        ('delete', f'uxptime{home}{right}{delete}'),
        ('ctrl-a ctrl-e', 'ptim\x01u\x05e'),
        ('ctrl-k', f'uptime junk{left * 5}\x0b'),
        ('ctrl-u', 'junk\x15uptime'),
        ('ctrl-w', 'uptime junk\x17'),
        ('ctrl-c', 'junk\x03uptime'),
        ('ctrl-b ctrl-f', 'upti\x02\x06me'),
        ('tab completes', 'upt\t'),
        ('a broken escape', '\x1b[99Zuptime'),
    ]
    with boot('editing') as vm:
        vm.ready()
        for name, keys in table:
            with t.case(name):
                vm.com1.send(keys + '\r')
                vm.com1.expect(r'^up \d.*^n0n> ', 15)
        with t.case('history: up, down'):
            vm.ask('uptime')
            vm.ask('help kill')
            vm.com1.send(f'{up}{up}\r')
            vm.com1.expect(r'^up \d.*^n0n> ', 15)
            vm.com1.send(f'{up}{up}{down}\r')
            vm.com1.expect(r'end a capsule.*^n0n> |^up \d.*^n0n> ', 15)
        with t.case('a line longer than the limit'):
            vm.com1.send('x' * 2000)
            time.sleep(2)   # a prompt that cannot keep up may drop what it is sent, but goes on
            vm.com1.send('\x03')
            vm.com1.expect(r'^n0n> ', 20)
            need(re.search(r'up \d', vm.ask('uptime')), 'the prompt is gone')
        with t.case('every byte value'):
            vm.com1.send(bytes(b for b in range(1, 256) if b not in (10, 13)) + b'\x03\x15')
            vm.com1.send('\r')
            vm.com1.expect(r'^n0n> ', 20)
            vm.com1.send('\x15uptime\r')
            vm.com1.expect(r'^up \d.*^n0n> ', 20)


ROWS = 256  # that `caps --tree` shows at the prompt


@test(once=ALONE)
def caps_tree_has_an_end(t):
    """At 256 handles in the machine all are shown; with one more, 256 and a word about the others."""
    with boot('caps-tree', modules=['courier']) as vm:
        vm.ready()

        def tree():
            text = vm.ask('caps --tree', 60)
            return len(re.findall(r'^ +\S+\(\d+\) +[0-9a-f]{8} ', text, re.M)), 'more than 256 handles' in text

        def shows(want):
            """A service may hold a handle more for a moment: looked at again before it counts."""
            for _ in range(4):
                if tree() == want:
                    return
            same(tree(), want, 'rows, and whether there are more')

        def hold(n):
            vm.ask_until(f'load courier hold {n}', rf'COURIER holds {n} OK', 20)

        hold(1)
        hold(1)
        first, more = min(tree() for _ in range(3))
        hold(1)
        second, _ = min(tree() for _ in range(3))
        each = second - first - 1  # that a start takes apart from what is asked for
        with t.case(f'{second} handles, {each} with each start'):
            need(0 < each < 20 and second < 150 and not more, 'unexpected')
        hold((ROWS - second) // 2 - each)
        have, _ = min(tree() for _ in range(3))
        hold(ROWS - have - each)
        with t.case('256 of 256'):
            shows((ROWS, False))
        with t.case('256 of more'):
            hold(1)
            shows((ROWS, True))
        with t.case('the prompt goes on'):
            need('running' in vm.ask('ps'), 'no answer')
