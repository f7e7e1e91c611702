"""The signing service (docs/signer.md): its signatures stand outside the machine; its key stays inside, and then nowhere."""

import os
import re
import subprocess
import tempfile
import time

from cases import ALONE, need, rows, same, test
from lab import BUILD, CTL, TOP, boot, ctl, run
from test_gdb import command
from test_libc import send, told
from test_manage import capsule
from test_wipe import ram_of
from vm import SLOW, Config

PUBLISHER = os.path.join(BUILD, 'keys', 'publisher.pub')
# DER of an Ed25519 key, public and secret, before its 32 bytes (RFC 8410).
PUBLIC, SECRET = bytes.fromhex('302a300506032b6570032100'), bytes.fromhex('302e020100300506032b657004220420')


def openssl(*words, **files):
    """Run it over files of these contents, named so in its arguments."""
    paths = {}
    for name, data in files.items():
        paths[name] = os.path.join(BUILD, 'test', f'signer-{os.getpid()}-{name}')
        with open(paths[name], 'wb') as f:
            f.write(data)
    try:
        return subprocess.run(['openssl', *(paths.get(w, w) for w in words)], capture_output=True, timeout=30, check=False)
    finally:
        for path in paths.values():
            os.unlink(path)


def verifies(key, signature, context, message, module='sign'):
    signed = b'\0'.join(p.encode() for p in ('N0N/signer/v1', module, context, message))
    done = openssl('pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', 'key', '-rawin', '-in', 'signed',
                   '-sigfile', 'signature', key=PUBLIC + key, signed=signed, signature=signature)
    need(done.stdout or done.stderr, 'openssl says nothing')
    return done.returncode == 0


def public_of(seed):
    return openssl('pkey', '-inform', 'DER', '-in', 'seed', '-pubout', '-outform', 'DER', seed=SECRET + seed).stdout[-32:]


def block(page, kind, has):
    """The lines of the fenced block of docs/PAGE.md that begins so and has that."""
    with open(os.path.join(TOP, 'docs', f'{page}.md'), encoding='utf-8') as f:
        found = [b for b in re.findall(rf'^```{kind}\n(.*?)^```', f.read(), re.M | re.S) if has in b]
    same(len(found), 1, f'blocks with {has}')
    return found[0].splitlines()


@test(later=True)
def tutorial(t):
    """docs/signer.md, word for word."""
    with boot('signer-tutorial') as vm, tempfile.TemporaryDirectory() as folder:
        vm.ready()
        for line in block('signer', 'sh', 'nonosctl load'):
            if line.startswith('build/bin/nonosctl '):
                ctl(vm, *line.split()[1:])
        key, signs, log = (line.removeprefix('n0n> ') for line in block('signer', 'n0n', 'n0n> '))
        env = os.environ | {'KEY': said(vm, key, r'public key ([0-9a-f]{64})').hex(),
                            'SIGNATURE': said(vm, signs, r'signature ([0-9a-f]{128})').hex()}
        with t.case('what is typed at the prompt'):
            need(' sign (capsule ' in told(vm, 'sign: that is all', log), 'not in the list')
        with t.case('what is typed elsewhere'):
            done = subprocess.run(['sh', '-euc', '\n'.join(block('signer', 'sh', 'openssl'))], cwd=folder, env=env,
                                  capture_output=True, text=True, timeout=60, check=False)
            need(done.returncode == 0 and 'Verified Successfully' in done.stdout, done.stdout + done.stderr)


@test(later=True)
def service(t):
    with boot('signer') as vm:
        vm.ready()
        for name in ('sign', 'burglar'):
            send(vm, name)
        with t.case('nobody signs before the service runs'):
            told(vm, 'sign: no public key: the deadline passed', 'load sign key')
        send(vm, 'signer', '--start')
        key = said(vm, 'load sign key', r'public key ([0-9a-f]{64})')
        text = 'load sign as release/1.0 N0N-OS 0.1.0'
        signature = said(vm, text, r'as release/1\.0: N0N-OS 0\.1\.0\s+signature ([0-9a-f]{128})')
        with t.case('openssl verifies what was signed'):
            need(verifies(key, signature, 'release/1.0', 'N0N-OS 0.1.0'), 'it does not')
        with t.case('and nothing that differs: purpose, module, text'):
            same([verifies(key, signature, *w) for w in
                  (('release/1.1', 'N0N-OS 0.1.0'), ('release/1.0', 'N0N-OS 0.1.0', 'hello'), ('release/1.0', 'N0N-OS 0.1.1'))],
                 [False] * 3, 'verified')
        with t.case('what it signs as it must not'):
            told(vm, 'sign: not signed: argument out of range', 'load sign as Release! text')
        rows(t, told(vm, 'BREAK done', 'load burglar signer'), 'BREAK', 27)
        with t.case('another capsule of a module that has used up its signatures has none'):
            need('after-a-pause' in told(vm, 'BREAK done', 'load burglar signer'), 'no rows')
        record(t, vm)
        closed(t, vm, 'signer')


def closed(t, vm, name):
    """What an operator himself does not get."""
    with t.case('no debugger'):
        done = subprocess.run(command(vm, str(capsule(vm, name)['id']), '--', '-batch'), capture_output=True, text=True,
                              cwd=TOP, check=False)
        need(done.returncode == 5 and 'DENIED' in done.stderr, done.stderr)
    with t.case('no upgrade: what it keeps would go to another capsule'):
        text = vm.ask(f'upgrade {name}')
        need('UPG_NONE' in text, text)
    with t.case('no crash record of its memory'):
        shown = run(CTL, 'mod', 'inspect', os.path.join(BUILD, 'modules', f'{name}.mod'), '--key', PUBLISHER)
        need(re.search(rb'private +yes', shown), shown)


def said(vm, line, want):
    """What is in the brackets of `want`, of what is said after `line`."""
    before = vm.com1.seen
    vm.ask(line)
    after, vm.com1.seen = vm.com1.seen, before
    got = bytes.fromhex(vm.com1.expect(want, 120).group(1))
    vm.com1.seen = max(after, vm.com1.seen)
    return got


def record(t, vm):
    with t.case('the operator sees what was signed, for whom, what was refused'):
        log = ctl(vm, 'log')
        need(re.search(r'signed 1 for sign \(capsule \d+\) as release/1\.0, 12 bytes, [0-9a-f]{16}', log), log)
        need(re.search(r'refused burglar \(capsule \d+\): ', log), log)
    with t.case('and so does a client'):
        text = told(vm, 'sign: that is all', 'load sign log')
        need(re.search(r' 1 +\S+ s  sign \(capsule \d+\) as release/1\.0, 12 bytes', text), text)


def stopped_ram(vm):
    vm.stop()
    try:
        return ram_of(vm, 'signer')
    finally:
        vm.resume()


def seeds(vm, key):
    """Secret halves of the key in RAM: libsodium keeps them before the public one."""
    ram = stopped_ram(vm)
    found, at = [], ram.find(key)
    while at >= 0:
        if at >= 32 and public_of(ram[at - 32:at]) == key:
            found.append(ram[at - 32:at])
        at = ram.find(key, at + 1)
    return ram, found


def gone(vm, seed, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while True:
        ram = stopped_ram(vm)
        left = [k for k in range(0, 32, 8) if seed[k:k + 8] in ram]
        if not left or time.monotonic() > end:
            return same(left, [], 'parts of the key in RAM')
        time.sleep(0.2)


@test(later=True, once=ALONE)
def wiped(t):
    """The key is once in RAM while the service runs, and not at all when it was stopped, or killed."""
    with boot('signer-wipe', config=Config(memory=64)) as vm:
        vm.ready()
        send(vm, 'sign')
        send(vm, 'signer', '--start')
        for how in ('stop', 'kill'):
            key = said(vm, 'load sign key', r'public key ([0-9a-f]{64})')
            said(vm, 'load sign as a text', r'signature ([0-9a-f]{128})')
            with t.case(f'{how}: one copy of the key while it runs'):
                ram, found = seeds(vm, key)
                same(len(found), 1, 'secret keys')
                same(ram.count(found[0][:8]), 1, 'copies')
            vm.ask(f'{how} signer')
            with t.case(f'{how}: none afterwards'):
                gone(vm, found[0])
            vm.ask('load signer')
