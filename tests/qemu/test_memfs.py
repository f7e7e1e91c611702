"""Files in memory (docs/memfs.md): what C and POSIX promise of them, shares, clients that die."""

import re
import time

from cases import ALONE, need, rows, same, test
from lab import boot, splitmix64
from test_libc import held, lua, send, told
from test_wipe import ram_of
from vm import SLOW, Config


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
            held(vm, 'load ctest files', 549)
        with t.case('what memfs must not be started with'):
            vm.ask('load memfs share_kib=many')
            need('share_kib=many is no limit' in vm.ask('log'), 'it does not say what is wrong')
        with t.case('who may only read the share reads it'):
            lua(vm, 'print(io.open([[/common/note]]):read([[a]]))', 'for all to read')
            lua(vm, 'print(io.open([[/common/note]],[[w]]))', 'Read-only file system')
            lua(vm, 'print(os.remove([[/common/note]]))', 'Read-only file system')
        with t.case('a private tree is gone with its capsule, and is nobody else\'s'):
            lua(vm, 'io.open([[mine]],[[w]]):write([[secret]])print([[kept]])', 'kept')
            lua(vm, 'print(io.open([[mine]]))', 'No such file')


@test(later=True)
def attacks(t):
    with boot('fsattack') as vm:
        vm.ready()
        send(vm, 'memfs', '--start')
        send(vm, 'fsattack')
        # first, so that the numbers of both would begin alike
        rows(t, told(vm, 'FS waiting', 'load fsattack stale'), 'FS', 2)
        rows(t, told(vm, 'FS done', 'kill memfs', 'load memfs share_nodes=500 share_kib=16384'), 'FS', 3)
        rows(t, told(vm, 'FS done', 'load fsattack'), 'FS', 76)
        rows(t, told(vm, 'FS held', 'load fsattack hold'), 'FS', 5)
        rows(t, told(vm, 'FS done', 'kill fsattack', 'load fsattack after'), 'FS', 5)


def secret(which):
    """As modules/fsattack/plant.c has it."""
    def word(n):
        return (splitmix64(0, n) | 0x8080808080808080).to_bytes(8, 'little')
    return b''.join(word(4 * which + k) for k in range(4))


STAY, SHARED, LOST = range(4), 4, range(5, 9)


def found(vm):
    """Of which secrets eight bytes are in RAM."""
    vm.stop()
    ram = ram_of(vm, 'memfs-wipe')
    vm.resume()
    return [n for n in range(9) if any(secret(n)[k:k + 8] in ram for k in range(0, 32, 8))]


def until(vm, want, seconds=5):
    end = time.monotonic() + seconds * SLOW
    got = found(vm)
    while got != want and time.monotonic() < end:
        time.sleep(0.2)
        got = found(vm)
    same(got, want, 'secrets in RAM')


@test(later=True)
def wiped(t):
    """In data, blocks, names and symlinks: gone with the file, the name, the cut; the others with the capsule."""
    with boot('memfs-wipe', config=Config(memory=64)) as vm:
        vm.ready()
        send(vm, 'memfs', '--start')
        send(vm, 'fsattack')
        rows(t, told(vm, 'FS planted', 'load fsattack plant'), 'FS', 15)
        with t.case('what was deleted, cut, replaced and renamed is gone; what stays is there'):
            until(vm, [*STAY, SHARED])
        vm.ask('kill fsattack')
        with t.case('its private tree goes with a capsule; the share stays'):
            until(vm, [SHARED])
        told(vm, 'FS done', 'load fsattack uproot')
        with t.case('until the file is deleted'):
            until(vm, [])


# Instructions; the bars of docs/memfs.md.
@test(later=True, once=ALONE)
def costs(t):
    with boot('memfs-costs', config=Config(icount=True, smp=1)) as vm:
        vm.ready()
        send(vm, 'memfs', '--start')
        send(vm, 'ctest')
        text = told(vm, 'ctest: the exit handler ran', 'load ctest costs')
        cost = {name: int(n) for name, n in re.findall(r'cost (\w+) (\d+)', text)}
        with t.case(f'a mapping, at most 10,000: {cost}'):
            need(cost['map_1m'] <= 10000, text)
        with t.case('1 MiB read, at most 1.3 times a memcpy'):
            need(cost['read_1m'] <= 1.3 * cost['memcpy_1m'], text)
            need(cost['read_1m_first'] <= 1.3 * cost['memcpy_1m'], text)
