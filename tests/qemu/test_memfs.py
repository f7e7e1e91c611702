"""Files in memory (docs/memfs.md): what C and POSIX promise of them, shares, clients that die."""

import os
import re

from cases import need, test
from lab import BUILD, boot, ctl


def send(vm, name, *words):
    ctl(vm, 'load', os.path.join(BUILD, 'modules', f'{name}.mod'), *words)


def lua(vm, text, want):
    """Run a line of Lua. The prompt cuts an argument at blanks and knows quotes: see test_libc."""
    vm.ask('load lua -e ' + text.replace(' ', '--[[]]'))
    return vm.com1.expect(want, 30)


@test(later=True)
def files(t):
    with boot('memfs') as vm:
        vm.ready()
        send(vm, 'lua')
        send(vm, 'ctest')
        with t.case('without memfs nobody answers, and nothing is there'):
            lua(vm, 'print(io.open([[/x]],[[w]]))', r'nil\t/x: ')
        send(vm, 'memfs', '--start')
        with t.case('files and directories, one by one'):
            vm.ask('load ctest files')
            text = vm.com1.expect(r'(.*)ctest: the exit handler ran', 120).group(1)
            hold = re.search(r'ctest: (\d+) hold, 0 do not', text)
            need(hold and int(hold[1]) >= 128, text)
        with t.case('who may only read the share reads it'):
            lua(vm, 'print(io.open([[/common/note]]):read([[a]]))', 'for all to read')
            lua(vm, 'print(io.open([[/common/note]],[[w]]))', 'Read-only file system')
            lua(vm, 'print(os.remove([[/common/note]]))', 'Read-only file system')
        with t.case('a private tree is gone with its capsule, and is nobody else\'s'):
            lua(vm, 'io.open([[mine]],[[w]]):write([[secret]])print([[kept]])', 'kept')
            lua(vm, 'print(io.open([[mine]]))', 'No such file')
