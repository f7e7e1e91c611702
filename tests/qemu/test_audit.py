"""The audit log in a file: checked by nonosctl and, from the documents, a second time here; proofs of it; what changed it is
noticed and named. Causes lead from what happened back to record 0."""

import base64
import hashlib
import json
import os
import struct
import subprocess
import tempfile
import time

from cases import LATER, need, same, test
from lab import CRAFT, CTL, TOP, blake3, boot, ctl
from vm import SLOW

POINT, ENTRY, CHECK = 176, 288, 32
FILE_CONTEXT = 'N0N-OS 2026 audit file v1'
NODE_CONTEXT = 'N0N-OS 2026 zkkids node v1'


class Log:
    """docs/formats.md, "Audit files", read once more."""

    def __init__(self, data):
        self.data = data
        self.magic, n_points, n_old = struct.unpack_from('<8sII', data)
        self.boot_id = data[16:48]
        self.next, self.first, self.dropped, self.made, self.first_point = struct.unpack_from('<5Q', data, 48)
        self.head, self.prefix, self.key0 = data[88:120], data[120:152], data[152:184]
        self.tree_at, = struct.unpack_from('<Q', data, 184)
        self.at = 16 + 1456
        self.points = [data[self.at + i * POINT:][:POINT] for i in range(n_points)]
        self.old_at = self.at + n_points * POINT
        self.run_at = self.old_at + n_old * ENTRY
        self.run = [data[self.run_at + i * ENTRY:][:ENTRY] for i in range(self.next - self.first)]


def mth(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return hashlib.sha256(b'\0' + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b'\1' + mth(leaves[:k]) + mth(leaves[k:])).digest()


def note_text(log, point):
    size, = struct.unpack_from('<Q', point, 8)
    b64 = [base64.b64encode(point[a:a + 32]).decode() for a in (16, 80)]
    return f'n0n.audit/{log.boot_id.hex()}\n{size}\n{b64[0]}\nnext-key {b64[1]}\n'


def signed(text, key, signature):
    return subprocess.run([CRAFT, 'verify', key.hex(), signature.hex()], input=text.encode(), check=False).returncode == 0


def check_again(log):
    """Chain, causes, roots, keys, signatures; nothing of it is nonosctl's code but the hash and the signature."""
    records = [e[:160] for e in log.run]
    hashes = [blake3(r, NODE_CONTEXT) for r in records]
    same(log.first, 0, 'the test wants a whole log')
    for i, r in enumerate(records):
        seq, = struct.unpack_from('<Q', r)
        same(seq, i, 'number')
        same(r[24:56], hashes[i - 1] if i else bytes(32), f'record before {i}')
        for k, back in enumerate(struct.unpack_from('<2I', r, 152)):
            parent = r[56 + 32 * k:][:32]
            same(parent, hashes[i - back] if back else bytes(32), f'cause {k} of {i}')
    same(hashes[-1], log.head, 'head')
    same(log.run[1][192:224], log.key0, 'record 1 names the first key')
    key = log.key0
    for i, p in enumerate(log.points):
        seq, size = struct.unpack_from('<2Q', p)
        same(seq, i, 'number of a checkpoint')
        same(p[16:48], mth(records[:size]), f'root of {size}')
        same(p[48:80], key, f'key of checkpoint {i}')
        need(signed(note_text(log, p), p[48:80], p[112:176]), f'signature of checkpoint {i}')
        key = p[80:112]
    return len(log.points)


def audit(*arguments):
    done = subprocess.run([CTL, 'audit', *arguments], capture_output=True, text=True, cwd=TOP, timeout=60 * SLOW, check=False)
    return done.returncode, done.stdout, done.stderr


def export(vm, path, goal):
    """The log once a checkpoint covers `goal` records."""
    for _ in range(20):
        ctl(vm, 'audit', 'export', path)
        code, out, err = audit('verify', path, '-o', 'json')
        same(code, 0, err)
        if json.loads(out)['under_checkpoint'] >= goal:
            return json.loads(out)
        time.sleep(0.3)
    return need(False, f'no checkpoint of {goal} records: {out}')


def behind(records, seq):
    """All that led to a record."""
    known, todo = set(), [seq]
    while todo:
        for cause in records[todo.pop()]['causes']:
            if cause not in known:
                known.add(cause)
                todo.append(cause)
    return known


def find(records, kind, text):
    return [r for r in records if r['kind'] == kind and r['text'] == text][0]


def put(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def spoiled(log, name):
    """A file with one thing done to it, its check made good: what its maker could have done without a key."""
    data = bytearray(log.data)
    at = log.run_at
    entry = [bytes(data[at + i * ENTRY:at + (i + 1) * ENTRY]) for i in range(len(log.run))]
    if name == 'body':
        data[at + 5 * ENTRY + 240] ^= 1
    elif name == 'salt':
        data[at + 5 * ENTRY + 160] ^= 1
    elif name == 'reordered':
        data[at + 5 * ENTRY:at + 7 * ENTRY] = entry[6] + entry[5]
    elif name == 'twice':
        data[at + 6 * ENTRY:at + 7 * ENTRY] = entry[5]
    elif name == 'dropped':
        data[at:] = b''.join(entry[:5] + entry[6:]) + bytes(CHECK)
        struct.pack_into('<Q', data, 48, log.next - 1)
    elif name == 'cut':
        data[at:] = b''.join(entry[:-1]) + bytes(CHECK)
        struct.pack_into('<Q', data, 48, log.next - 1)
    elif name == 'cause':
        i = max(k for k, e in enumerate(entry) if struct.unpack_from('<I', e, 152)[0] == 1)
        data[at + i * ENTRY + 56] ^= 1
    elif name == 'root':
        data[log.at + 16] ^= 1
    elif name == 'signature':
        data[log.at + 112] ^= 1
    elif name == 'key':
        data[log.at + 48] ^= 1
    return bytes(data[:-CHECK]) + blake3(bytes(data[:-CHECK]), FILE_CONTEXT)


SPOILED = [('body', 'AUDIT_BODY'), ('salt', 'AUDIT_BODY'), ('reordered', 'AUDIT_CHAIN'), ('twice', 'AUDIT_CHAIN'),
           ('dropped', 'AUDIT_CHAIN'), ('cut', 'AUDIT_TREE'), ('cause', 'AUDIT_CAUSE'), ('root', 'AUDIT_TREE'),
           ('signature', 'BAD_SIGNATURE'), ('key', 'AUDIT_KEY')]


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def causes(t, records):
    with t.case('causes lead from a crash to who asked for the start, and to record 0'):
        crash = find(records, 'crash', 'crashme')
        led = behind(records, crash['seq'])
        names = {(records[s]['kind'], records[s]['text']) for s in led}
        for want in [('spawn', 'crashme'), ('load', 'crashme'), ('spawn', 'shell'), ('grant', 'console'),
                     ('spawn', 'init'), ('load', 'init'), ('boot', 'policy'), ('boot', 'issuer key')]:
            need(want in names, f'{want} is not behind the crash: {sorted(names)}')
        need(0 in led, 'record 0 is not behind it')
        need(('spawn', 'hello') not in names, 'a stranger is behind it')
    with t.case('what init does for the shell names the shell; its own restarts name itself'):
        spawn = find(records, 'spawn', 'crashme')
        shell = find(records, 'spawn', 'shell')
        need(spawn['actor'] == find(records, 'spawn', 'init')['a'], 'init does not start it')
        need(shell['seq'] in spawn['causes'], str(spawn))
        again = [r for r in records if r['kind'] == 'spawn' and r['text'] == 'crashme'][1:]
        need(again and all(find(records, 'spawn', 'init')['seq'] in r['causes'] for r in again), str(again))


def proofs(t, log_path, note, out_path, records, key):
    crash = find(records, 'crash', 'crashme')['seq']
    with t.case('a record proved, its body hidden'):
        same(audit('prove', log_path, str(crash), '-o', out_path)[0], 0, 'exit code')
        code, out, err = audit('verify', out_path, '--key', key)
        need(code == 0 and '(hidden)' in out, out + err)
    with t.case('a record disclosed with its path; salts and bodies of all others stay hidden'):
        same(audit('disclose', log_path, str(crash), '--path', '-o', out_path)[0], 0, 'exit code')
        code, out, err = audit('verify', out_path, '--key', key, '--checkpoint', note, '-o', 'json')
        same(code, 0, err)
        shown = json.loads(out)['records']
        same([r['seq'] for r in shown if 'text' in r], [crash], 'disclosed')
        same({r['seq'] for r in shown}, behind(records, crash) | {crash}, 'path')
        proof, log = read(out_path), Log(read(log_path))
        for i, e in enumerate(log.run):
            need((e[160:192] in proof) == (i == crash), f'the salt of record {i}')
            need(e[192:288] not in proof or e[192:288] == log.run[crash][192:288], f'the body of record {i}')
    with t.case('a changed proof is refused'):
        data = bytearray(proof)
        data[-CHECK - 100] ^= 1
        put(out_path, bytes(data[:-CHECK]) + blake3(bytes(data[:-CHECK]), FILE_CONTEXT))
        code, out, err = audit('verify', out_path)
        need(code == 1 and 'AUDIT_' in err, err)
    with t.case('that it only grew'):
        sizes = [struct.unpack_from('<Q', p, 8)[0] for p in log.points]
        same(audit('consistency', log_path, str(sizes[0]), str(sizes[-1]), '-o', out_path)[0], 0, 'exit code')
        code, out, err = audit('verify', out_path, '--checkpoint', note)
        need(code == 0 and 'consistent' in out, err)


@test(once=LATER)
def exported(t):
    with boot('audit') as vm, tempfile.TemporaryDirectory() as folder:
        early, log_path, note, out_path = (os.path.join(folder, n) for n in ('early', 'log', 'note', 'out'))
        vm.ready()
        with t.case('a checkpoint soon after boot'):
            export(vm, early, 10)
            same(audit('checkpoint', early, '-o', note)[0], 0, 'exit code')
        vm.ask('load hello')
        vm.ask('load crashme null-write')
        with t.case('export, verify against the first key and the early checkpoint'):
            seen = json.loads(ctl(vm, 'audit', 'show', '-o', 'json'))
            verdict = export(vm, log_path, find(seen['records'], 'crash', 'crashme')['seq'] + 1)
            code, out, err = audit('verify', log_path, '--key', verdict['key'], '--checkpoint', note, '-o', 'json')
            same(code, 0, err)
            same(json.loads(out)['trusted'], 'key, checkpoint', 'trusted')
            same(verdict['causes_gone'], 0, 'causes gone')
            same(verdict['boot_id'], json.loads(ctl(vm, 'about', '-o', 'json'))['boot_id'], 'boot id')
        records = json.loads(audit('show', log_path, '-o', 'json')[1])['records']
        causes(t, records)
        with t.case('the same by a program of its own'):
            need(check_again(Log(read(log_path))) >= 2, 'fewer than two checkpoints')
        proofs(t, log_path, note, out_path, records, verdict['key'])
        for name, status in SPOILED:
            with t.case(f'spoiled: {name}'):
                put(out_path, spoiled(Log(read(log_path)), name))
                code, _, err = audit('verify', out_path)
                need(code == 1 and status in err, err)
        with t.case('an earlier log ends before a later checkpoint'):
            same(audit('checkpoint', log_path, '-o', note)[0], 0, 'exit code')
            code, _, err = audit('verify', early, '--checkpoint', note)
            need(code == 1 and 'AUDIT_SHORT' in err, err)
