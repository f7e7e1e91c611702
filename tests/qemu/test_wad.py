"""A module straight out of a wad (docs/wad.md), on a live node."""

import json
import os
import struct
import subprocess
import tempfile

from cases import ALONE, need, same, test
from lab import BUILD, KEYS, blake3, boot, ctl, ctl_json, key, signature
from test_libc import held, lua, send
from test_manage import frame, payload_of, wire


def tool(*words):
    subprocess.run([os.path.join(BUILD, 'bin', 'nonosctl'), *words], check=True, capture_output=True)


def make_wad(folder):
    source = {'name': 'two', 'version': '1.0.0', 'licence': 'ISC', 'licences': ['LICENSE'],
              'modules': [os.path.join(BUILD, 'modules', f'{name}.mod') for name in ('hello', 'echo')]}
    for name, text in (('LICENSE', 'ISC'), ('wad.json', json.dumps(source))):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
            f.write(text)
    wad = os.path.join(folder, 'two.wad')
    tool('wad', 'build', os.path.join(folder, 'wad.json'), '-o', wad)
    return wad


@test(once=ALONE)
def wad(t):
    with tempfile.TemporaryDirectory() as folder, boot('wad') as vm:
        path = make_wad(folder)
        tool('wad', 'verify', path, '--key', os.path.join(BUILD, 'keys', 'publisher.pub'))
        vm.ready()
        with t.case('starts from the wad'):
            ctl(vm, 'load', path, '--module', 'hello', '--start', 'from a wad')
            vm.com1.expect(r'from a wad', 20)
        with t.case('the node knows it by the id it has in the wad'):
            tool('wad', 'unpack', path, os.path.join(folder, 'out'))
            with open(os.path.join(folder, 'out', 'modules', 'hello.mod'), 'rb') as a, \
                    open(os.path.join(BUILD, 'modules', 'hello.mod'), 'rb') as b:
                need(a.read() == b.read(), 'unpacked bytes differ')
            need(any(m['name'] == 'hello' for m in ctl_json(vm, 'modules')), 'hello is not among the modules')
        with t.case('a wad with one bit changed is not sent'):
            with open(path, 'r+b') as f:
                f.seek(-1, os.SEEK_END)
                last = f.read(1)[0]
                f.seek(-1, os.SEEK_END)
                f.write(bytes([last ^ 1]))
            done = ctl(vm, 'load', path, '--module', 'hello', check=False)
            need(done.returncode == 1 and 'WAD_BLAKE3' in done.stderr, done.stderr)


@test(later=True)
def port(t):
    """A program of others, from its package to its first line, through a wad."""
    path = os.path.join(BUILD, 'wads', 'lua.wad')
    with boot('wad-port') as vm:
        vm.ready()
        with t.case('lua.wad is believed'):
            tool('wad', 'verify', path, '--key', os.path.join(BUILD, 'keys', 'publisher.pub'))
        with t.case('Lua runs from it'):
            ctl(vm, 'load', path)
            vm.ask_until('load lua -e print(6*7)', r'42\r?\n', 20)


# ---- its assets as a share (docs/memfs.md) ----

PUBLISHER = os.path.join(BUILD, 'keys', 'publisher.pub')
BIG = bytes(range(251)) * 160


def asset_wad(folder, name='assets', signer=os.path.join(KEYS, 'publisher.key'), **files):
    top = os.path.join(folder, name)
    os.makedirs(os.path.join(top, 'tree', 'deep'))
    files = {'greet.lua': b'return function(who) return "hello, " .. who end', 'deep/er.lua': b'return 42', 'big.bin': BIG,
             **files}
    for path, data in files.items():
        with open(os.path.join(top, 'tree', path), 'wb') as f:
            f.write(data)
    source = {'name': name, 'version': '1.0.0', 'licence': 'ISC', 'licences': ['LICENSE'], 'assets': 'tree'}
    for path, text in (('LICENSE', 'ISC'), ('wad.json', json.dumps(source))):
        with open(os.path.join(top, path), 'w', encoding='utf-8') as f:
            f.write(text)
    wad = os.path.join(folder, f'{name}.wad')
    tool('wad', 'build', os.path.join(top, 'wad.json'), '-o', wad, *(['--sign', signer] if signer else []))
    return wad


def share_raw(vm, data, name):
    """What an operator could send who does not use nonosctl: the node's answer to it."""
    sock = wire(vm)
    try:
        sock.sendall(frame(1, 1, b''))
        _, hello = payload_of(sock, 1)
        nonce, counter = hello[8:40], struct.unpack_from('<Q', hello, 40)[0]
        for n, at in enumerate(range(0, len(data), 4088)):
            sock.sendall(frame(3, 100 + n, struct.pack('<Q', at) + data[at:at + 4088]))
            same(payload_of(sock, 100 + n)[0], 0, 'the upload')
        args = struct.pack('<Q', len(data)) + blake3(data) + name.encode().ljust(16, b'\0')
        signed = b'N0N/manage/v1\0' + nonce + struct.pack('<QH', counter, 23) + blake3(args)
        sig = signature(os.path.join(KEYS, 'operator.key'), signed)[32:]
        sock.sendall(frame(23, 2, args + struct.pack('<Q', counter) + sig))
        return payload_of(sock, 2)[0]
    finally:
        sock.close()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@test(later=True)
def shared(t):
    """A tree from a wad: read by who may, written by nobody; and what is none is not there."""
    with tempfile.TemporaryDirectory() as folder, boot('wad-share') as vm:
        wad = asset_wad(folder)
        with open(wad, 'rb') as f:
            good = f.read()
        vm.ready()
        with t.case('without memfs nobody takes it'):
            done = ctl(vm, 'share', wad, 'wad', '--key', PUBLISHER, check=False)
            need(done.returncode != 0 and 'NOT_FOUND' in done.stderr, done.stderr)
        send(vm, 'memfs', '--start')
        send(vm, 'lua')
        send(vm, 'ctest')
        refused = [
            ('one that nobody signed', ['share', asset_wad(folder, 'bare', None), 'wad', '--key', PUBLISHER], 'not believed'),
            ('one that somebody else signed', ['share', asset_wad(folder, 'other', key('publisher', 'stranger')), 'wad', '--key',
                                               PUBLISHER], 'not believed'),
            ('without a word whom to believe', ['share', wad, 'wad'], 'whose wads are believed'),
            ('to a share that some may write to', ['share', wad, 'common', '--key', PUBLISHER], 'DENIED'),
            ('to a share that there is none of', ['share', wad, 'nowhere', '--key', PUBLISHER], 'NOT_FOUND'),
            ('to what is no name', ['share', wad, '../wad', '--key', PUBLISHER], "no share's name"),
            ('by another key than the operator\'s', ['share', wad, 'wad', '--key', PUBLISHER, '--operator',
                                                     key('operator', 'stranger')], ''),
        ]
        for name, words, why in refused:
            with t.case(name):
                done = ctl(vm, *words, check=False)
                need(done.returncode != 0 and why in done.stderr, f'{done.returncode} {done.stderr}')
        first = struct.unpack_from('<Q', good, 16 + 8)[0]
        second = struct.unpack_from('<Q', good, 16 + 88 + 8)[0]
        raw = [('no wad', b'N0NWAX\0\1' + good[8:]), ('an asset\'s bit flipped', flipped(good, second)),
               ('a name\'s bit flipped', flipped(good, first + 30)), ('a hash flipped', flipped(good, 16 + 88 + 30)),
               ('a reserved byte of the index', flipped(good, 16 + 88 + 2)), ('cut', good[:-5000]), ('longer', good + b'more')]
        for name, data in raw:
            with t.case(f'memfs refuses, past nonosctl: {name}'):
                st = share_raw(vm, data, 'wad')
                need(-197 <= st <= -184, f'{st}: no status of a wad')
        with t.case('nothing of all that is there'):
            lua(vm, 'print([[there]],io.open([[/wad/greet.lua]]))', r'there\tnil\t/wad/greet.lua: No such file')
        with t.case('the assets of one that holds'):
            text = ctl(vm, 'share', wad, 'wad', '--key', PUBLISHER)
            need('3 files' in text, text)
        with t.case('Lua requires a module from it'):
            lua(vm, 'package.path=[[/wad/?.lua]]print(require([[greet]])([[wad]]),require([[deep.er]]))', r'hello, wad\t42')
        with t.case('files as C and POSIX have them, read-only, mapped'):
            held(vm, 'load ctest wad', 236)
        with t.case('a second one does not take its place'):
            done = ctl(vm, 'share', asset_wad(folder, 'second', **{'greet.lua': b'return 1'}), 'wad', '--key', PUBLISHER,
                       check=False)
            need(done.returncode != 0 and 'BUSY' in done.stderr, done.stderr)
            lua(vm, 'package.path=[[/wad/?.lua]]print(require([[greet]])([[first]]))', r'hello, first')
