"""A module straight out of a wad (docs/wad.md), on a live node."""

import json
import os
import subprocess
import tempfile

from cases import ALONE, need, test
from lab import BUILD, boot, ctl, ctl_json


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
            vm.ask('load lua -e print(6*7)')
            vm.com1.expect(r'42\r?\n', 20)
