"""The prompt as a place to work (docs/services.md, "shell"): programs in front and behind, what they are given, pipes and
files. The program is modules/piper."""

import json
import re
import time

from cases import need, same, test
from lab import boot, ctl
from test_attack import lost, mark
from test_libc import send, told
from vm import SLOW, TOP


def code(vm, line, want, timeout=20):
    """A line's exit code."""
    text = vm.ask(line, timeout)
    same(vm.ask('echo $?').strip(), str(want), f'exit code of {line}: {text}')
    return text


def says(vm, line, *parts, timeout=30):
    text = vm.ask(line, timeout)
    for part in parts:
        need(re.search(part, text, re.M), f'{line}: {part} is missing: {text}')
    return text



def begin(vm, *modules):
    vm.ready()
    for name in ('memfs', 'piper', *modules):
        send(vm, name)


LINES_20000 = '388890 bytes, sum c064528'


@test(later=True)
def prompt(t):
    with boot('pipes') as vm:
        begin(vm, 'chello')
        with t.case('arguments as they are quoted, variables, the directory'):
            vm.ask("export HOME=/common X='1 2'")
            says(vm, '''piper tell 'a  b' "$HOME" $X '$X' ""''', r'argument 0 <piper>', r'argument 2 <a  b>',
                 r'argument 3 </common>', r'argument 4 <1 2>', r'argument 5 <\$X>', r'argument 6 <>',
                 r'variable <X=1 2>', r'here /common$', r'descriptor 0 device terminal', r'descriptor 2 device terminal',
                 r'descriptor 3 none')
        with t.case('exit codes'):
            need('exit code 3' in code(vm, 'run piper exit 3', 3), 'it is not said')
            same(code(vm, 'piper exit 0', 0).strip(), '', 'something is said')
            need('crashed' in code(vm, 'piper crash', 139), 'its end is not said')
            code(vm, 'frobnicate', 127)
            need('memfs is a service' in code(vm, 'memfs', 126), 'it is started')
        with t.case('what is typed, and its end'):
            vm.com1.send('piper copy\r')
            vm.com1.expect('piper copy')
            vm.com1.send('helxx\x7f\x7flo\r')
            vm.com1.expect(r'^hello\r?\n')
            vm.com1.send('\x04')
            vm.com1.expect(r'^n0n> ')
        with t.case('Ctrl-C ends it'):
            vm.com1.send('piper sleep\r')
            time.sleep(1)
            vm.com1.send('\x03')
            vm.com1.expect(r'\^C.*exit code 130.*^n0n> ')
        with t.case('a pipe of three'):
            says(vm, 'piper lines 20000 | piper copy | piper count', LINES_20000, timeout=60)
        with t.case('the last one reads no more'):
            says(vm, 'piper lines 100000 | piper few', '10 bytes are enough', 'lines: Broken pipe')
        with t.case('the first one is killed'):
            vm.com1.send('piper sleep | piper count\r')
            vm.com1.expect('piper count')
            time.sleep(1)
            ctl(vm, 'kill', re.search(r'"id":\s*(\d+),\s*"name":\s*"piper"', ctl(vm, 'ps', '-o', 'json')).group(1))
            vm.com1.expect(r'^0 bytes, sum 0.*^n0n> ')
        with t.case('files: > and <'):
            vm.ask('piper lines 20000 > big', 60)
            says(vm, 'piper count < big', LINES_20000, timeout=60)
            says(vm, 'piper copy < /common/big | piper count', LINES_20000, timeout=60)
        with t.case('files: >>, 2>, 2>&1'):
            says(vm, 'piper both > o', '^to error')
            vm.ask('piper both >> o 2> e')
            same(vm.ask('piper copy < o').split(), 'to output to output'.split(), 'o')
            same(vm.ask('piper copy < e').split(), 'to error'.split(), 'e')
            vm.ask('piper both > o 2>&1')
            same(sorted(vm.ask('piper copy < o').split()), sorted('to output to error'.split()), 'both')
        with t.case('what cannot be opened is said, and nothing runs'):
            need('no such file' in code(vm, 'piper copy < nothing', 126), 'not said')
            need('no such file' in code(vm, 'piper both > /nowhere/x', 126), 'not said')
            need('directory' in code(vm, 'piper both > /common', 126), 'not said')
        with t.case('in the background'):
            vm.ask('piper sleep 1 &')
            says(vm, 'jobs', r'^\[1\] piper sleep 1, capsule \d+')
            vm.ask_until('upgrade shell', 'its upgrade was rolled back: in use')
            says(vm, 'wait', r'^\[1\] piper sleep 1: exit code 0')
            same(vm.ask('jobs').strip(), '', 'jobs')
        with t.case('brought to the front, and ended'):
            vm.ask('piper sleep &')
            vm.com1.send('fg\r')
            vm.com1.expect('piper sleep')
            time.sleep(0.5)
            vm.com1.send('\x03')
            vm.com1.expect(r'exit code 130.*^n0n> ')
        with t.case('Ctrl-C ends the line, also when the last program of its pipeline has ended'):
            vm.com1.send('piper sleep | piper exit 0; echo never\r')
            vm.com1.expect('echo never')
            time.sleep(1)
            vm.com1.send('\x03')
            need('never' not in vm.com1.expect(r'\^C(.*?)^n0n> ').group(1), 'the line goes on')
        with t.case('`wait`, and no more'):
            vm.ask('piper sleep &')
            vm.com1.send('wait; echo never\r')
            vm.com1.expect('echo never')
            time.sleep(0.5)
            vm.com1.send('\x03')
            need('never' not in vm.com1.expect(r'\^C(.*)^n0n> ').group(1), 'it went on')
            same(vm.ask('echo $?').strip(), '130', 'exit code')
            vm.ask_until('kill piper', 'exit code 137', 20)
            settle(vm)
        with t.case('a program that cannot have a pipe'):
            says(vm, 'chello there', '^hello, there')
            need('class Memory' in vm.ask('chello | piper count'), 'not said')
        with t.case('what the prompt itself says, into a file and a pipe'):
            vm.ask('echo one two > own')
            vm.ask('help >> own')
            says(vm, 'piper copy < own', '^one two', r'^ *poweroff\s')
            says(vm, 'help | piper copy | piper copy', r'^ *poweroff\s')
            says(vm, 'audit | piper few', '10 bytes are enough')
            need('can only begin a line' in code(vm, 'piper both | help', 126), 'not said')
            need('reads nothing' in code(vm, 'help < own', 2), 'not said')
        with t.case('Tab: programs, files, directories'):
            vm.com1.send('cd /co\t\r')
            vm.com1.expect(r'^n0n> ')
            for typed, want in (('pip\tcount < ow\t', 'sum'), ('piper lines 3 | pi\tcount', '36 bytes'),
                                ('piper count </common/ow\t', 'sum'), ('run pi\ttell x', 'argument 2 <x>'),
                                ('echo a;pi\ttell x && echo', 'argument 2 <x>')):
                vm.com1.send(f'{typed}\r')
                vm.com1.expect(rf'{want}.*^n0n> ')
        with t.case('Tab: what is no plain name stays out of the line'):
            vm.ask("echo > 'zz;frobnicate'")
            vm.com1.send('piper count < zz\t\r')
            text = vm.com1.expect(r'no such file(.*)^n0n> ').group(1)
            need('frobnicate' not in text, text)
        with t.case('what is typed ahead, and lines behind a ;'):
            vm.com1.send('piper sleep 2\recho one\rpiper exit 5\recho $?\recho t')
            vm.com1.expect('^one\r?\n.*exit code 5.*^5\r?\n', 30)
            vm.com1.send('wo\r')
            vm.com1.expect(r'^two\r?\n.*^n0n> ')
            same(vm.ask("A=1; piper exit 3; echo $A $?; echo ';' end").split(), 'exit code 3 1 3 ; end'.split(), 'a line')
            vm.com1.send('piper sleep; echo never\r')
            vm.com1.expect('echo never')
            time.sleep(1)
            vm.com1.send('\x03')
            need('never' not in vm.com1.expect(r'exit code 130(.*)^n0n> ').group(1), 'it went on')
        with t.case('&& and ||'):
            for line, want in (('piper exit 0 && echo a || echo b', 'a'), ('piper exit 3 && echo a || echo b', 'exit code 3 b'),
                               ('piper exit 3 || piper exit 0 && echo $?', 'exit code 3 0'), ('echo a || echo b; echo c', 'a c'),
                               ('kill nobody_there && echo never || echo $?', "kill: no capsule 'nobody_there'; `ps` lists them 1"),
                               ('piper exit 3 && echo never; echo $?', 'exit code 3 3'), ('frobnicate x && echo never || echo $?', '.*127'),
                               ('piper exit 0 | piper exit 4 || echo $?', 'exit code 4 4'), ('piper exit 0 > o && piper copy < o && echo $?', '0'),
                               ('echo a &&', 'a a command is missing behind && or ||'), ('echo a && ; echo b', 'a a command is missing behind && or ||'),
                               ('help nothing || echo $?', "help: no command 'nothing'; `help` lists them 1")):
                text = ' '.join(vm.ask(line).split())
                need(text == want or (want[:2] == '.*' and text.endswith(want[2:])), f'{line}: {text}')
            vm.com1.send('piper sleep || echo never\r')
            vm.com1.expect('echo never')
            time.sleep(1)
            vm.com1.send('\x03')
            need('never' not in vm.com1.expect(r'exit code 130(.*)^n0n> ').group(1), 'Ctrl-C does not end the line')
        with t.case('nothing of all that is left'):
            row = re.search(r'^ +\d+ shell +running +(\d+) +(\d+)', vm.ask('ps'), re.M)
            need(int(row[2]) <= 15, f'{row[2]} handles')


@test(later=True)
def in_one_program(t):
    """pipe, poll, posix_spawn, a row each."""
    with boot('pipes-rows') as vm:
        begin(vm)
        with t.case('rows'):
            text = vm.ask('piper rows', 60)
            hold = re.search(r'piper: (\d+) hold, 0 do not', text)
            need(hold and int(hold[1]) >= 116, text)


@test(later=True)
def tools(t):
    """Names that are no module's go to the one that the policy names, with the name as argument 0."""
    policy = json.loads(open(f'{TOP}/modules/policy.json', encoding='utf-8').read())
    need({'module': 'shell', 'arg': 'tools=toybox'} in policy['start'], 'the policy names no module of tools')
    with boot('pipes-tools') as vm:
        vm.ready()
        with t.case('without that module: no such command'):
            need("no command 'ls'" in code(vm, 'ls -l', 127), 'not said')
        send(vm, 'memfs')
        send(vm, 'toybox')
        with t.case('argument 0 is the name'):
            vm.ask('echo some words here > words')
            says(vm, 'ls -l', r'^-rw-r--r-- .* words')
            same(vm.ask('wc < words').split(), ['1', '3', '16'], 'wc')
            same(vm.ask('seq 1 20 | sort -rn | head -n 2').split(), ['20', '19'], 'three tools')
            need('Unknown command' in code(vm, 'frobnicate', 127), 'not said')
        with t.case('all of the set'):
            for line, want in (('mkdir d', ''), ('cp words d/w', ''), ('mv d/w d/x', ''), ('cat d/x', 'some words here'),
                               ('grep -c words d/x', '1'), ('sed s/some/few/ d/x', 'few words here'), ('tail -c 5 d/x', 'here'),
                               ('hexdump -C d/x', '00000000  73 6f 6d 65'), ('rm -r d', ''), ('ls', 'words')):
                text = vm.ask(line)
                need(want in text and ('' != want or not text.strip()), f'{line}: {text}')
        with t.case('names of files: * and ?, of more than one message has'):
            vm.ask('mkdir g && cd g && echo a > b.c && echo b > a.c && echo c > "two words"')
            for line, want in (('echo *', 'a.c b.c two words'), ('cat ?.c', 'b a'), ('wc -l *s | wc -l', '1'), ("echo '*' \\? *.h", '* ? *.h'),
                               ('echo ../g/a* /common/g/?.c', '../g/a.c /common/g/a.c /common/g/b.c'), ('rm *.c; ls -b', 'two\\ words'),
                               ('seq 1 600 > n && split -l 1 n p && echo px?', 'pxa pxb'), ('echo p*', 'the line has too many words'),
                               ('echo never p* && echo never', 'the line has too many words'), ('cd .. && rm -r g && echo g*', 'g*')):
                same(' '.join(vm.ask(line, 60).split()), want, line)


def settle(vm):
    """What came by itself is seen, and the prompt stands."""
    vm.com1.send('echo sett""led\r')
    vm.com1.expect(r'^settled\r?\n.*?^n0n> ', 20)


def rows_of(vm, line, least):
    text = told(vm, r'VANDAL end\r?\n', line)
    found = re.findall(r'VANDAL (\S+) (-?\d+) (-?\d+) (ok|BAD)', text)
    need(len(found) >= least, f'{len(found)} rows: {text}')
    same([row for row in found if row[3] != 'ok'], [], 'not as promised')


def running(vm, name):
    return [c['id'] for c in json.loads(ctl(vm, 'ps', '-o', 'json')) if c['name'] == name and c['state'] == 'running']


@test(later=True)
def attacks(t):
    with boot('pipes-attacks') as vm:
        begin(vm, 'vandal')
        with t.case('init: what a starter may not hand on'):
            vm.ask('piper sleep &')     # there is a kit, of somebody else
            rows_of(vm, 'load vandal rows', 12)
            vm.ask_until('kill piper', 'exit code 137', 20)
            settle(vm)
        with t.case('a kit is for who was started, and a pipe is given once'):
            rows_of(vm, 'vandal rows', 21)
            settle(vm)
        with t.case('a reader that makes the ring impossible'):
            says(vm, 'piper lines 100000 | vandal scribble 0', 'VANDAL done', 'lines: Broken pipe', timeout=60)
        with t.case('a writer that makes the ring impossible'):
            says(vm, 'vandal scribble 1 | piper count', 'VANDAL done', r'^\d+ bytes', timeout=60)
        with t.case('a writer and a reader that change everything all the time'):
            says(vm, 'vandal race 1 | piper count', 'VANDAL done', r'^\d+ bytes', timeout=120)
            says(vm, 'piper lines 100000 | vandal race 0', 'VANDAL done', timeout=120)
        with t.case('the same against the prompt: keys, and a file'):
            says(vm, 'vandal race 0', 'VANDAL done', timeout=120)
            vm.ask('vandal race 1 > spoilt', 120)
            vm.ask('vandal scribble 1 > spoilt', 60)
            vm.ask('echo fine > big')
            vm.ask('vandal race 0 < big', 120)
            says(vm, 'piper copy < big', 'fine')
        with t.case('one that waits for what the prompt is to be told'):
            vm.ask_until('vandal thief < big &', 'VANDAL waits', 20)
            settle(vm)
            for _ in range(5):
                code(vm, 'piper exit 3', 3)
            vm.ask_until('kill vandal', 'exit code 137', 20)
            settle(vm)
        with t.case('a child that asks its starter for ever'):
            need('answered no more' in code(vm, 'piper patient', 5, 60), 'not so')
        with t.case('a starter that ends'):
            told(vm, 'piper is not run: its starter', 'piper orphan')
            settle(vm)
        with t.case('a starter that lies'):
            says(vm, 'piper liar', r'(\d+) of \1 lies end with 126', timeout=120)
        with t.case('the prompt is killed: its program sees the end of what is typed'):
            vm.com1.send('piper copy\r')
            vm.com1.expect('piper copy')
            time.sleep(1)
            ctl(vm, 'kill', str(running(vm, 'shell')[0]))
            for _ in range(50):
                if not running(vm, 'piper'):
                    break
                time.sleep(0.2)
            same(running(vm, 'piper'), [], 'what still runs')
            send(vm, 'shell', '--start')
            vm.com1.expect(r'^n0n> ', 30)
        with t.case('and the prompt works as before'):
            says(vm, 'piper lines 20000 | piper copy | piper count', LINES_20000, timeout=60)
            row = re.search(r'^ +\d+ shell +running +(\d+) +(\d+)', vm.ask('ps'), re.M)
            need(int(row[2]) <= 15, f'{row[2]} handles')


def handles(vm):
    """Of who serves the prompt's programs."""
    text = vm.ask('ps')
    return {name: int(n) for name, n in re.findall(r'^ +\d+ (shell|init|memfs|console) +running +\d+ +(\d+)', text, re.M)}


@test(later=True)
def many(t):
    """300 lines: nothing grows."""
    with boot('pipes-many') as vm:
        begin(vm)

        def lines(rounds):
            for i in range(rounds):
                says(vm, 'piper lines 2000 | piper copy | piper count', 'bytes, sum')
                vm.ask('piper both > o 2> e')
                code(vm, 'piper copy < o', 0)
                code(vm, 'piper exit 3', 3)
                code(vm, 'frobnicate', 127)
                code(vm, 'piper copy < nothing', 126)
                says(vm, 'piper lines 100000 | piper few', '10 bytes are enough')
                vm.ask(f'help | piper count; export X={i}; piper both >> o')
                vm.com1.send('piper sleep | piper copy | piper copy\r')
                vm.com1.expect('copy\r?\n')
                time.sleep(i % 3 / 10)
                vm.com1.send('\x03')
                vm.com1.expect(r'exit code 130.*^n0n> ')
                vm.ask('piper exit 0 &')
                vm.ask('wait')
                vm.com1.send(f"echo ='{i}'=\r")     # its end may have been told by itself, with a prompt behind it
                vm.com1.expect(rf'^={i}=\r?\n.*?^n0n> ')

        with t.case('what is had once'):
            lines(3)    # caches, records up to their bounds
        time.sleep(1)
        before, had = mark(vm), handles(vm)
        with t.case('300 lines'):
            lines(23)
        with t.case('no handle more'):
            need(len(had) == 4, f'{had}')
            end = time.monotonic() + 10 * SLOW      # memfs looks ten times a second who is gone
            while handles(vm) != had and time.monotonic() < end:
                time.sleep(0.2)
            same(handles(vm), had, 'handles')
        with t.case('no page more'):
            vm.ask('piper both > o')
            need(lost(vm, before) <= 8 * 4096, f'{lost(vm, before)} bytes')
