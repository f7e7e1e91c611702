"""Programs with a C library (docs/libc.md): what C and POSIX promise, one by one in a capsule; how they end."""

import os
import re

from cases import ALONE, need, test
from lab import BUILD, boot, ctl, ctl_json, policy_from
from vm import Config


def send(vm, name, *words):
    ctl(vm, 'load', os.path.join(BUILD, 'modules', f'{name}.mod'), *words)


def told(vm, end, *lines):
    """What is said from these lines on up to `end`: some of it may stand before the prompt that follows them."""
    before = vm.com1.seen
    for line in lines:
        vm.ask(line)
    after, vm.com1.seen = vm.com1.seen, before
    text = vm.com1.expect(rf'(.*){end}', 120).group(1)
    vm.com1.seen = max(after, vm.com1.seen)
    return text


def held(vm, line, least):
    """ctest's own rows: none does not hold, and there are not fewer than there were."""
    text = told(vm, 'ctest: the exit handler ran', line)
    hold = re.search(r'ctest: (\d+) hold, 0 do not', text)
    need(hold and int(hold[1]) >= least, text)


def lua(vm, text, want):
    """Run a line of Lua. `load` cuts an argument at blanks: a comment stands for a blank, brackets for quotes."""
    told(vm, want, 'load lua -e \'' + text.replace(' ', '--[[]]') + '\'')


@test(later=True)
def programs(t):
    with boot('libc') as vm:
        vm.ready()
        with t.case('hello'):
            send(vm, 'chello')
            told(vm, 'hello, reader', 'load chello reader')
        send(vm, 'ctest')
        with t.case('what C and POSIX promise'):
            held(vm, 'load ctest', 220)
        with t.case('abort leaves a crash record that names it'):
            told(vm, r'ctest \(capsule \d+\) crashed', 'load ctest abort')
            record = ctl_json(vm, 'crash', 'ls')[-1]
            need('abort' in ctl(vm, 'crash', 'show', str(record['seq'])), 'abort is not in its backtrace')


@test(later=True)
def threads(t):
    """Many at once, on four CPUs."""
    with boot('libc-threads', config=Config(smp=4)) as vm:
        vm.ready()
        send(vm, 'ctest')
        with t.case('locks of four kinds, a queue, threads that come and go'):
            held(vm, 'load ctest stress', 241)


# Instructions; the bars of docs/libc.md.
@test(later=True, once=ALONE)
def starts(t):
    def rule(policy):
        policy['rules'].append({
            'publisher': 'dev', 'module': 'starts', 'classes': ['CoreExec', 'IO', 'IPC', 'Memory'], 'priority': 5,
            'grants': [{'kind': 'log'}, {'kind': 'endpoint', 'name': 'console', 'rights': ['call']},
                       {'kind': 'node', 'rights': ['inspect', 'load']}]})

    with boot('libc-starts', {'BOOT.POL': policy_from(rule)}, config=Config(icount=True, smp=1)) as vm:
        vm.ready()
        send(vm, 'starts')
        text = told(vm, 'start done', 'load starts')
        cost = {name: [int(n) for n in numbers] for name, *numbers in
                re.findall(r'start (\w+) bytes (\d+) load (\d+) cold (\d+)[^$]*?start \1 warm (\d+)', text)}
        need(set(cost) == {'chello', 'lua'}, text)
        size, _, cold, warm = cost['chello']
        with t.case(f'hello: {size} bytes, ended after {cold} instructions, {warm} once it is known'):
            need(size <= 64 << 10 and cold <= 1200000 and warm <= 300000, text)
        size, load, cold, warm = cost['lua']
        with t.case(f"Lua's prompt: {size} bytes, {load} to load, ready after {cold}, {warm} once it is known"):
            need(cold <= 5000000, text)


LUA = [
    ('numbers and strings', r'print(6*7,2^53,([[x]]):rep(3),string.format([[%5.2f]],math.pi))',
     r'42\t9\.007\d*e\+15\txxx\t 3\.14'),
    ('sort', r'math.randomseed(1)t={}for i=1,20000 do t[i]=math.random(10^9)end table.sort(t)'
             r'ok=true for i=2,#t do ok=ok and t[i-1]<=t[i]end print([[sorted]],ok)', r'sorted\ttrue'),
    ('coroutines and closures', r'c=coroutine.wrap(function()for i=1,3 do coroutine.yield(i*i)end end)print(c(),c(),c())',
     r'1\t4\t9'),
    ('errors', r'print(select(2,pcall(function()return nil+1 end)))', r'attempt to perform arithmetic on a nil value'),
    ('a pattern', r'print(([[key=value]]):match([[(%w+)=(%w+)]]))', r'key\tvalue'),
    ('no file is there', r'print(io.open([[/etc/passwd]]))', r'nil\t/etc/passwd: '),
    ('time passes', r'a=os.clock()repeat until os.clock()>a print(os.clock()>a,os.getenv([[HOME]]))', r'true\tnil'),
    ('memory runs out, and is back', r'print(pcall(string.rep,[[x]],1<<26))collectgarbage()print(#([[y]]):rep(1<<20))',
     r'not enough memory.*1048576'),
]


@test(later=True)
def lua_from_its_package(t):
    """Lua 5.4 from its package, not edited."""
    with boot('lua') as vm:
        vm.ready()
        send(vm, 'lua')
        for name, text, want in LUA:
            with t.case(name):
                lua(vm, text, want)
