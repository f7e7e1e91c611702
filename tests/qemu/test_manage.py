"""nonosctl against a live node, over the second serial port."""

import os
import random
import re
import socket
import struct

from cases import LATER, need, same, test
from lab import BUILD, CTL, KEYS, blake3, boot, ctl, ctl_json, key, run
from vm import SLOW

HELLO = os.path.join(BUILD, 'modules', 'hello.mod')


def capsule(vm, name, state='running'):
    return next((c for c in ctl_json(vm, 'ps') if c['name'] == name and c['state'] == state), None)


@test(once=LATER)
def listings(t):
    with boot('manage') as vm:
        vm.ready()
        with t.case('ps'):
            rows = ctl_json(vm, 'ps')
            same({c['name'] for c in rows if c['state'] == 'running'}, {'init', 'console', 'manage', 'shell'}, 'running')
            for c in rows:
                need(c['mem_bytes'] > 0 and c['threads'] > 0 and len(c['module_id']) == 64, f'incomplete: {c}')
        with t.case('modules'):
            rows = ctl_json(vm, 'modules')
            need(len(rows) >= 6 and all(m['verified'] for m in rows), f'{rows}')
        with t.case('caps of all, and of one'):
            rows = ctl_json(vm, 'caps')
            holder = {c['id']: c['name'] for c in ctl_json(vm, 'ps')}
            need({'power', 'node', 'ports', 'endpoint'} <= {h['type'] for h in rows}, 'types are missing')
            for h in rows:
                if h['type'] == 'power':
                    need(holder[h['capsule']] in ('init', 'manage', 'shell'), f'{holder[h["capsule"]]} may power off')
            one = ctl_json(vm, 'caps', 'console')
            need(one and len({h['capsule'] for h in one}) == 1, f'{one}')
        with t.case('mem'):
            mem = ctl_json(vm, 'mem')
            need(0 < mem['free_bytes'] < mem['usable_bytes'] <= 512 << 20, f'{mem}')
        with t.case('about agrees with the prompt'):
            about = ctl_json(vm, 'about')
            need(about['kernel_id'] in vm.ask('about'), 'another kernel')
            need(about['tsc_loader'] < about['tsc_kernel'] < about['tsc_now'], 'times out of order')
        with t.case('log'):
            need('N0N-OS kernel' in ctl(vm, 'log'), ctl(vm, 'log'))
        with t.case('audit: the log is checked here'):
            audit = ctl_json(vm, 'audit')
            need(audit['chain_ok'] and audit['records'][0]['kind'] == 'boot', f'{audit["chain_status"]}')
            same([r['seq'] for r in audit['records']], list(range(audit['first'], audit['next'])), 'numbers')
            same(audit['boot_id'], ctl_json(vm, 'about')['boot_id'], 'boot id')
            need(audit['records'][1]['subject'] == audit['key'], 'the first checkpoint key')
        with t.case('text forms are tables'):
            for verb in ('ps', 'modules', 'caps', 'mem', 'about', 'audit'):
                need(len(ctl(vm, verb).splitlines()) > 2, verb)


@test
def commands(t):
    with boot('manage-commands') as vm:
        vm.ready()
        with t.case('load verifies and starts a module'):
            text = ctl(vm, 'load', HELLO, '--start', 'sent by nonosctl')
            need(re.search(r'verified [0-9a-f]{64}', text) and 'started as capsule' in text, text)
            vm.com1.expect('sent by nonosctl', 10)
        with t.case('a module in no boot volume'):
            text = ctl(vm, 'load', os.path.join(BUILD, 'modules', 'nil.mod'))
            module_id = re.search(r'verified ([0-9a-f]{64})', text).group(1)
            need(any(m['module_id'] == module_id for m in ctl_json(vm, 'modules') if m['verified']), 'not listed')
        with t.case('start by name, and kill'):
            ctl(vm, 'start', 'crashme', 'spin')
            spinning = capsule(vm, 'crashme')
            need(spinning, 'it does not run')
            ctl(vm, 'kill', str(spinning['id']))
            need(not capsule(vm, 'crashme'), 'it still runs')
        with t.case('kill of nobody'):
            done = ctl(vm, 'kill', '99999', check=False)
            need(done.returncode != 0 and 'NOT_FOUND' in done.stderr, done.stderr)
        with t.case('start of an unknown module'):
            done = ctl(vm, 'start', 'nosuch', check=False)
            need(done.returncode != 0 and 'NOT_FOUND' in done.stderr, done.stderr)
        with t.case('an exported token verifies elsewhere'):
            handle = next(h for h in ctl_json(vm, 'caps', 'console') if h['type'] == 'ports')
            out = os.path.join(BUILD, 'test', 'manage.token')
            ctl(vm, 'token', 'export', str(handle['capsule']), str(handle['handle']), '-o', out)
            run(CTL, 'token', 'verify', '--issuer', ctl_json(vm, 'about')['issuer'], out)


@test(once=LATER)
def strangers(t):
    """Only the operator's key commands; reading needs none."""
    other = key('operator', 'other-operator')
    with boot('manage-strangers') as vm:
        vm.ready()
        shell = capsule(vm, 'shell')
        for name, words in (('kill', ['kill', str(shell['id'])]), ('poweroff', ['poweroff']),
                            ('load', ['load', HELLO, '--start']), ('start', ['start', 'hello'])):
            with t.case(f'{name} with another key'):
                done = ctl(vm, *words, '--operator', other, check=False)
                need(done.returncode != 0, 'it was done')
        with t.case('signed wrongly on the wire'):
            forged(vm)
        with t.case('nothing happened'):
            same(capsule(vm, 'shell')['id'], shell['id'], 'shell')
            need(re.search(r'up \d', vm.ask('uptime')), 'no prompt')


def frame(verb, seq, payload):
    head = struct.pack('<4sBBHIIiI', b'N0NM', 1, 1, verb, seq, len(payload), 0, 0)
    return head[:24] + blake3(head[:24] + payload)[:8] + payload


def wire(vm):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(vm.com2_path)
    sock.settimeout(5 * SLOW)
    return sock


def payload_of(sock, seq):
    """Status and payload of the answer with that number."""
    data = b''
    while True:
        data += sock.recv(65536)
        at = data.find(b'N0NM')
        while at >= 0 and len(data) >= at + 32:
            _, _, _, _, number, length, status, _ = struct.unpack_from('<4sBBHIIiI', data, at)
            if number == seq and len(data) >= at + 32 + length:
                return status, data[at + 32:at + 32 + length]
            at = data.find(b'N0NM', at + 4)


def answer(sock, seq):
    """Status of the answer with that number."""
    return payload_of(sock, seq)[0]


def forged(vm):
    """A kill frame, well-formed but for its signature."""
    sock = wire(vm)
    try:
        sock.sendall(frame(18, 77, struct.pack('<IQ', 3, 1 << 40) + b'\x5a' * 64))
        need(answer(sock, 77) < 0, 'accepted')
    finally:
        sock.close()


@test(once=LATER)
def noise(t):
    """Garbage on the channel: the reader finds the next good frame, and nothing else happens."""
    rng = random.Random(35)
    with boot('manage-noise') as vm:
        vm.ready()
        good = frame(1, 5, b'')
        table = [
            ('random bytes', rng.randbytes(6000)),
            ('half a frame', good[:20]),
            ('a wrong check', good[:24] + bytes(8)),
            ('a length beyond the limit', struct.pack('<4sBBHIIiI', b'N0NM', 1, 1, 1, 6, 1 << 30, 0, 0) + bytes(8)),
            ('an unknown verb', frame(999, 7, b'')),
            ('an unknown version', b'N0NM\x09' + good[5:]),
            ('a hello with arguments', frame(1, 8, b'zzz')),
            ('magic after magic', b'N0NM' * 300),
        ]
        for name, data in table:
            with t.case(name):
                sock = wire(vm)
                try:
                    sock.sendall(data)
                finally:
                    sock.close()
                need(ctl_json(vm, 'about')['release'].startswith('N0N-OS'), 'no answer')
        with t.case('uploads: what is left out is no error, what goes back is one, and what is beyond the end'):
            sock = wire(vm)
            try:
                asked = [(0, b'N0N', 0), (2, b'x', -1), (100, b'x', 0), (100, b'x', -1), (101, b'x', 0),
                         ((1 << 24) - 1, b'x', 0), (1 << 24, b'x', -11), (2 ** 64 - 1, b'x', -11), (0, b'N0N', 0)]
                got = []
                for seq, (offset, data, _) in enumerate(asked, 50):
                    sock.sendall(frame(3, seq, struct.pack('<Q', offset) + data))
                    got.append(answer(sock, seq))
            finally:
                sock.close()
            same(got, [want for _, _, want in asked], 'answers')
        with t.case('manage was not restarted'):
            same(capsule(vm, 'manage')['restarts'], 0, 'restarts')


@test(once=LATER)
def no_key_no_command(t):
    with boot('manage-no-key') as vm:
        vm.ready()
        done = ctl(vm, 'kill', '2', '--operator', os.path.join(KEYS, 'nosuch.key'), check=False)
        need(done.returncode != 0 and done.stderr.strip(), 'no complaint')
