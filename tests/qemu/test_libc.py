"""Programs with a C library (docs/libc.md): what C and POSIX promise, one by one in a capsule; how they end."""

import os
import re

from cases import need, test
from lab import BUILD, boot, ctl, ctl_json


def send(vm, name, *words):
    ctl(vm, 'load', os.path.join(BUILD, 'modules', f'{name}.mod'), *words)


@test
def programs(t):
    with boot('libc') as vm:
        vm.ready()
        with t.case('hello'):
            send(vm, 'chello')
            vm.ask('load chello reader')
            vm.com1.expect(r'hello, reader\r?\n', 20)
        send(vm, 'ctest')
        with t.case('what C and POSIX promise'):
            vm.ask('load ctest')
            text = vm.com1.expect(r'(.*)ctest: the exit handler ran', 60).group(1)
            hold = re.search(r'ctest: (\d+) hold, 0 do not', text)
            need(hold and int(hold[1]) >= 39, text)
        with t.case('abort leaves a crash record that names it'):
            vm.ask('load ctest abort')
            vm.com1.expect(r'ctest \(capsule \d+\) crashed', 20)
            record = ctl_json(vm, 'crash', 'ls')[-1]
            need('abort' in ctl(vm, 'crash', 'show', str(record['seq'])), 'abort is not in its backtrace')
