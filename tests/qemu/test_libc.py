"""Programs with a C library (docs/libc.md): what C and POSIX promise, one by one in a capsule; how they end."""

import os
import re

from cases import need, test
from lab import BUILD, boot, ctl, ctl_json


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
    """Run a line of Lua. The prompt cuts an argument at blanks and knows quotes: a comment stands for a blank, brackets for
    quotes."""
    told(vm, want, 'load lua -e ' + text.replace(' ', '--[[]]'))


@test(later=True)
def programs(t):
    with boot('libc') as vm:
        vm.ready()
        with t.case('hello'):
            send(vm, 'chello')
            told(vm, 'hello, reader', 'load chello reader')
        send(vm, 'ctest')
        with t.case('what C and POSIX promise'):
            held(vm, 'load ctest', 134)
        with t.case('abort leaves a crash record that names it'):
            told(vm, r'ctest \(capsule \d+\) crashed', 'load ctest abort')
            record = ctl_json(vm, 'crash', 'ls')[-1]
            need('abort' in ctl(vm, 'crash', 'show', str(record['seq'])), 'abort is not in its backtrace')


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
