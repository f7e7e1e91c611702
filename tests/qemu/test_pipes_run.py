"""Programs out of files (docs/services.md, "shell"): `run FILE.mod`, `run FILE.wad:MODULE`. The files come by `nonosctl share`."""

import json
import os
import re
import struct
import tempfile
import time

from cases import need, same, test
from lab import CTL, KEYS, PUBLISHER_KEY, TOP, Module, boot, ctl, ctl_json, key, module_file, policy_from
from lab import run as command
from test_attack import lost, mark
from test_libc import send
from test_pipes import LINES_20000, code, handles, says
from test_wad import PUBLISHER, asset_wad, flipped
from vm import SLOW


def module_wad(folder, name, *modules):
    source = {'name': name, 'version': '1.0.0', 'licence': 'ISC', 'licences': ['LICENSE'],
              'modules': [os.path.join(TOP, 'build', 'modules', f'{module}.mod') for module in modules]}
    for file, text in (('LICENSE', 'ISC'), ('wad.json', json.dumps(source))):
        with open(os.path.join(folder, file), 'w', encoding='utf-8') as f:
            f.write(text)
    path = os.path.join(folder, f'{name}.wad')
    command(CTL, 'wad', 'build', os.path.join(folder, 'wad.json'), '-o', path)
    with open(path, 'rb') as f:
        return f.read()


def unruled(folder):
    """Signed by the publisher, and in no rule of the policy."""
    with open(os.path.join(TOP, 'modules', 'chello', 'manifest.json'), encoding='utf-8') as f:
        manifest = {**json.load(f), 'name': 'nobody'}
    path, out = os.path.join(folder, 'nobody.json'), os.path.join(folder, 'nobody.mod')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(manifest, f)
    command(CTL, 'mod', 'build', '--elf', os.path.join(TOP, 'build', 'modules', 'chello.elf'), '--manifest', path, '--sign', PUBLISHER_KEY,
            '-o', out)
    with open(out, 'rb') as f:
        return f.read()


def row(wad, i):
    """Offset and length of a lump."""
    return struct.unpack_from('<QQ', wad, 16 + 88 * i + 8)


def files(folder):
    piper, chello, two, one = (module_file('piper'), module_file('chello'), module_wad(folder, 'two', 'hello', 'piper'),
                               module_wad(folder, 'one', 'piper'))
    tree, lump = row(one, 0)[0], row(one, 1)[0]
    return {
        'piper.mod': piper, 'chello.mod': chello, 'two.wad': two, 'one.wad': one, 'loopback.mod': module_file('loopback'),
        'detached.wad': one + bytes(-len(one) % 4096) + b'\1\x80\0\0\2\0\0\0pr',
        'text.mod': b'#!/bin/sh\n' * 900, 'empty.mod': b'', 'short.mod': b'N0NMOD\0\1' + bytes(20),
        # what the kernel has not seen before: a header that it knows is answered with what it knows
        'cut.mod': module_file('sqlite3')[:300000], 'bit.mod': flipped(module_file('lua'), 300001), 'head.mod': flipped(piper, 40),
        'unsigned.mod': piper[:192 + 32] + bytes(64) + piper[192 + 96:], 'version.mod': b'N0NMOD\0\2' + piper[8:],
        'stranger.mod': stranger(folder), 'other.mod': other_key(piper), 'nobody.mod': unruled(folder),
        'cut.wad': one[:lump + 5000], 'cut2.wad': one[:tree + 10], 'cut3.wad': one[:60], 'lump.wad': flipped(one, lump + 77777),
        'tree.wad': flipped(one, tree + 20), 'index.wad': flipped(one, 16 + 88 + 2), 'hash.wad': flipped(one, 16 + 88 + 24),
        'sha.wad': flipped(one, 16 + 88 + 56), 'long.wad': one[:32] + struct.pack('<Q', 1 << 62) + one[40:],
        'version.wad': b'N0NWAD\0\2' + one[8:],
    }


def stranger(folder):
    """By a publisher whom the policy does not know, as he would do it."""
    out = os.path.join(folder, 'stranger.mod')
    command(CTL, 'mod', 'build', '--elf', os.path.join(TOP, 'build', 'modules', 'chello.elf'), '--manifest',
            os.path.join(TOP, 'modules', 'chello', 'manifest.json'), '--sign', key('publisher', 'stranger'), '-o', out)
    with open(out, 'rb') as f:
        return f.read()


def other_key(file):
    """That says it is the publisher's, and is signed by another."""
    return Module(file, key('publisher', 'stranger')).bytes()


REFUSED = [     # a word after `run`, exit code, what is said
    ('none.mod', 127, r'none\.mod: there is no such file'), ('none.wad:piper', 127, r'none\.wad: there is no such file'),
    ('/nowhere/x.mod', 127, 'there is no such file'), ('.', 126, r'\.: a directory'), ('text.mod', 126, 'neither a module nor a wad'),
    ('empty.mod', 126, 'neither a module nor a wad'), ('short.mod', 126, 'MOD_TRUNCATED'), ('cut.mod', 126, 'MOD_TRUNCATED'),
    ('bit.mod', 126, 'HASH_CHUNK'), ('head.mod', 126, 'BAD_SIGNATURE'), ('unsigned.mod', 126, 'BAD_SIGNATURE'),
    ('version.mod', 126, 'MOD_VERSION'), ('stranger.mod', 126, 'PUB_UNKNOWN'), ('other.mod', 126, 'KEY_UNKNOWN'), ('nobody.mod', 126, 'GRANT_NO_RULE'),
    ('chello.mod:hello', 126, 'it is no wad'), ('loopback.mod', 126, 'is a service: `load loopback` starts it'),
    ('two.wad', 126, r'several modules in it; say FILE:MODULE, one of\s+modules/hello\.mod\s+modules/piper\.mod'),
    ('two.wad:nobody', 127, 'no modules called nobody'), ('two.wad:', 127, 'no modules called'), ('cut.wad', 126, 'WAD_TRUNCATED'),
    ('cut2.wad', 126, 'WAD_TRUNCATED'), ('cut3.wad', 126, 'WAD_TRUNCATED'), ('lump.wad', 126, 'WAD_BLAKE3'), ('tree.wad', 126, 'WAD_BLAKE3'),
    ('index.wad', 126, 'WAD_RESERVED'), ('hash.wad', 126, 'WAD_BLAKE3'), ('sha.wad', 126, 'WAD_SHA256'), ('long.wad', 126, 'WAD_OVERSIZE'),
    ('version.wad', 126, 'WAD_VERSION'),
]


@test(later=True)
def files_run(t):
    with tempfile.TemporaryDirectory() as folder, boot('run') as vm:
        made = files(folder)
        vm.ready()
        share(vm, folder, 'box', made)
        vm.ask('cd /wad')
        for name, want, why in REFUSED:     # first of all: what runs later the kernel knows by then
            with t.case(f'not run: {name}'):
                text = code(vm, f'run {name} some words', want)
                need(re.search(why, text), f'{why} is missing: {text}')
        with t.case('each that the kernel refused is on record'):
            listing = vm.ask('modules')
            for status in ('MOD_TRUNCATED', 'HASH_CHUNK', 'BAD_SIGNATURE', 'KEY_UNKNOWN', 'PUB_UNKNOWN', 'GRANT_NO_RULE'):
                need(f'refused: {status}' in listing, f'{status}: {listing}')
            need('chain good' in vm.ask('audit', 60), 'the audit chain does not hold')
        with t.case('nothing of all that is left'):
            row_of = re.search(r'^ +\d+ shell +running +(\d+) +(\d+)', vm.ask('ps'), re.M)
            need(int(row_of[2]) <= 18, f'{row_of[2]} handles')
            need('piper' not in vm.ask('ps'), 'one runs')
        with t.case('a module: by `run`, and by its path'):
            says(vm, 'run chello.mod reader', r'^hello, reader')
            says(vm, '/wad/chello.mod again', r'^hello, again')
            says(vm, './piper.mod tell "a  b"', r'argument 0 <piper>', r'argument 2 <a  b>', 'descriptor 0 device terminal')
            code(vm, 'run ../wad/piper.mod exit 3', 3)
        with t.case('it is then verified as any other'):
            need(any(m['name'] == 'piper' and m['status'] == 'OK' for m in ctl_json(vm, 'modules')), 'it is not listed')
            code(vm, 'piper exit 5', 5)
        with t.case('out of a wad: the only one, one of several'):
            code(vm, 'run one.wad exit 4', 4)
            code(vm, 'run detached.wad exit 6', 6)
            code(vm, './two.wad:piper exit 7', 7)
            says(vm, 'run two.wad:hello out of a wad', 'out of a wad')
            code(vm, 'run two.wad:modules/piper.mod exit 8', 8)
            code(vm, 'run /wad/two.wad:piper.mod exit 9', 9)
        with t.case('pipes and redirection'):
            says(vm, 'run piper.mod lines 20000 | ./one.wad copy | run two.wad:piper count', LINES_20000, timeout=90)
            vm.ask('run piper.mod both > /common/o 2> /common/e')
            same(vm.ask('run piper.mod copy < /common/o').split(), 'to output'.split(), 'o')
            same(vm.ask('run one.wad copy < /common/e').split(), 'to error'.split(), 'e')
        with t.case('in the background'):
            vm.ask('run one.wad sleep 1 &')
            says(vm, 'jobs', r'^\[1\] one.wad sleep 1, capsule \d+')
            says(vm, 'wait', r'^\[1\] one.wad sleep 1: exit code 0')
        with t.case('Ctrl-C ends it'):
            vm.com1.send('run piper.mod sleep\r')
            vm.com1.expect('piper.mod sleep')
            time.sleep(1)
            vm.com1.send('\x03')
            vm.com1.expect(r'\^C.*exit code 130.*^n0n> ')
        with t.case('Tab: files after `run`, and as a command with a slash'):
            for typed, want in (('run pip\t.mo\texit 9', 9), ('./tw\t\b:piper exit 10', 10), ('/wad/pi\texit 11', 11)):
                vm.com1.send(f'{typed}\r')
                vm.com1.expect(rf'exit code {want}\r?\n.*^n0n> ')
        with t.case('a copy in memory, which somebody changes'):
            vm.ask('piper copy < one.wad > /common/one.wad; cd /common', 60)
            code(vm, 'run one.wad exit 12', 12)
            vm.ask('piper copy < /wad/lump.wad > one.wad', 60)
            need('WAD_BLAKE3' in code(vm, 'run one.wad exit 12', 126), 'it is run as it was')
            vm.ask('piper lines 10 >> one.wad', 60)
            need('WAD_BLAKE3' in code(vm, 'run one.wad exit 12', 126), 'it is run as it was')
        with t.case('a hundred of them leave nothing'):
            def some():
                for word, want in (('/wad/piper.mod', 3), ('/wad/two.wad:piper', 3), ('/wad/lump.wad', 126), ('/wad/head.mod', 126), ('none.mod', 127)):
                    code(vm, f'run {word} exit 3', want)
            some()
            before, had = mark(vm), handles(vm)
            for _ in range(20):
                some()
            end = time.monotonic() + 10 * SLOW
            while handles(vm) != had and time.monotonic() < end:
                time.sleep(0.2)
            same(handles(vm), had, 'handles')
            need(lost(vm, before) <= 8 * 4096, f'{lost(vm, before)} bytes')


def share(vm, folder, name, made):
    """As /wad."""
    send(vm, 'memfs', '--start')
    wad = asset_wad(folder, name, **made)
    vm.ask('cd /wad')   # memfs serves by then
    ctl(vm, 'share', wad, 'wad', '--key', PUBLISHER)


def shell_rule(change):
    def apply(policy):
        change(next(rule for rule in policy['rules'] if rule['module'] == 'shell'))
    return policy_from(apply)


def small(policy):
    for rule in policy['rules']:
        if rule['module'] == 'shell':
            rule['memory_kib'] = 1024
        if rule['module'] == 'vandal':
            rule['grants'].append({'kind': 'endpoint', 'name': 'memfs-wads', 'rights': ['call', 'grant']})


def no_load(rule):
    for grant in rule['grants']:
        if grant['kind'] == 'node':
            grant['rights'].remove('load')


@test(later=True)
def policy_decides(t):
    with boot('run-no-load', {'BOOT.POL': shell_rule(no_load)}) as vm:
        vm.ready()
        with t.case('without node: load nothing is run out of a file'):
            need('(node: load)' in code(vm, 'run x.mod', 126), 'not said')
            need('capsule' in vm.ask('load hello as ever'), 'and nothing else either')
    with tempfile.TemporaryDirectory() as folder, boot('run-small', {'BOOT.POL': policy_from(small)}) as vm:
        vm.ready()
        share(vm, folder, 'big', {'big.mod': module_file('sqlite3'), 'piper.mod': module_file('piper')})
        with t.case('what does not fit into what the prompt may have'):
            need(re.search(r'no room for the \d+ KiB.*\(QUOTA\)', code(vm, 'run /wad/big.mod', 126)), 'not said')
            code(vm, 'run /wad/piper.mod exit 3', 3)
        with t.case('what is sent to memfs with no answer awaited leaves no handle there'):
            send(vm, 'vandal')
            before = handles(vm)['memfs']
            says(vm, 'vandal litter', 'VANDAL littered 0')
            need(handles(vm)['memfs'] <= before, f"{before}, then {handles(vm)['memfs']} handles")


def crashing_memfs(folder):
    """Of that name, and ends as its argument says; its restart is far away."""
    with open(os.path.join(TOP, 'modules', 'crashme', 'manifest.json'), encoding='utf-8') as f:
        manifest = {**json.load(f), 'name': 'memfs', 'restart': {'when': 'on-crash', 'backoff_ms': 30000, 'max': 9, 'window_s': 600}}
    path, out = os.path.join(folder, 'memfs.json'), os.path.join(folder, 'memfs.mod')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(manifest, f)
    command(CTL, 'mod', 'build', '--elf', os.path.join(TOP, 'build', 'modules', 'crashme.elf'), '--manifest', path, '--sign', PUBLISHER_KEY,
            '-o', out)
    return out


@test(later=True)
def restarts(t):
    with tempfile.TemporaryDirectory() as folder, boot('run-need') as vm:
        vm.ready()
        with t.case('a redirection while memfs waits for its restart: no second one'):
            ctl(vm, 'load', crashing_memfs(folder), '--start', 'null-write')
            vm.com1.expect(r'memfs \(capsule \d+\) crashed.*restart 1 in 30000 ms', 30)
            vm.ask('')
            text = vm.ask('echo words > f', 30)
            need('memfs does not answer' in text, text)
            same(vm.ask('log', 60).count('init: started memfs'), 1, 'how often it was started')
            same(vm.ask('modules > /common/f; echo $?', 30).split()[-1], '1', 'exit code')
