"""What the tests share: the built files, boot volumes with changed files, properly signed broken modules and
policies, and nonosctl against a running machine."""

import contextlib
import functools
import json
import os
import struct
import subprocess
import threading

import covered
import fat
import snapshot
from vm import SLOW, TOP, Config, Failure, Machine

BUILD = os.path.join(TOP, 'build')
KASAN = os.environ.get('KASAN') == '1'     # the sanitised flavour of the kernel: docs/sanitizers.md
IMAGE = os.path.join(BUILD, 'kasan' if KASAN else 'image', 'n0n.img')
CTL = os.path.join(BUILD, 'bin', 'nonosctl')
CRAFT = os.path.join(BUILD, 'test', 'craft')
KEYS = os.path.join(BUILD, 'keys')
TEST_KEYS = os.path.join(BUILD, 'test', 'keys')
ROOT_KEY = os.path.join(KEYS, 'root.key')
PUBLISHER_KEY = os.path.join(KEYS, 'publisher.key')
LOADER = 'EFI/BOOT/BOOTX64.EFI'
BOOT_FILES = 0x8005     # the policy's record that names the volume's modules
_one_at_a_time = threading.Lock()


def run(*command, data=None, check=True):
    done = subprocess.run(command, input=data, capture_output=True, check=False, cwd=TOP, timeout=300 * SLOW)
    if check and done.returncode:
        raise Failure(f'{" ".join(command[:3])}: {done.stderr.decode(errors="replace").strip()}')
    return done.stdout


@functools.cache
def released():
    """{path: bytes} of the released boot volume."""
    with open(IMAGE, 'rb') as f:
        files = fat.read_files(f.read())
    if covered.FOLDER:
        with open(covered.KERNEL, 'rb') as f:
            files['N0N/KERNEL.MOD'] = f.read()
    return files


def module_file(name):
    with open(os.path.join(BUILD, 'modules', f'{name}.mod'), 'rb') as f:
        return f.read()


@functools.cache
def volume(kernel=None):
    """The released files on a volume laid out for tests; with another kernel, a path."""
    files = {path.split('/')[1]: data for path, data in released().items() if path.startswith('N0N/')}
    if kernel:
        with open(kernel, 'rb') as f:
            files['KERNEL.MOD'] = f.read()
    return fat.Volume(released()[LOADER], files)


def splitmix64(seed, n):
    """Number n from a seed on, as lib/splitmix.h has it."""
    word = (1 << 64) - 1
    z = seed + (n + 1) * 0x9e3779b97f4a7c15 & word
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & word
    z = (z ^ z >> 27) * 0x94d049bb133111eb & word
    return z ^ z >> 31


@functools.cache
def _naming(policy, modules):
    """That policy, with these modules on the boot volume too."""
    names = b''.join(f'{m.upper()}.MOD'.encode().ljust(16, b'\0') for m in modules)
    p = Policy(policy)
    return p.set_records([(tag, value + names if tag == BOOT_FILES else value) for tag, value in p.records()]).bytes()


def volume_with(changes=None, modules=(), kernel=None):
    """The bytes of a volume with `changes` {file: bytes or None}, and with `modules`, each a name or (a name of at most
    eight letters, bytes), which its policy names too."""
    changes = changes or {}
    if modules:
        policy = changes.get('BOOT.POL', released()['N0N/BOOT.POL'])
        named = [(m, module_file(m)) if isinstance(m, str) else m for m in modules]
        changes = {**changes, 'BOOT.POL': _naming(policy, tuple(name for name, _ in named)),
                   **{f'{name.upper()}.MOD': file for name, file in named}}
    return volume(kernel).with_files(changes)


@contextlib.contextmanager
def boot(name, changes=None, config=Config(), cold=False, image=None, writable=None, modules=(), kernel=None, **kw):
    """A machine with the released files but for what volume_with() is told, from the saved state; `cold` runs the firmware,
    as does `image` (bytes of a whole volume). A module that is on the volume is started by its name; one that comes over
    the management line takes 15 us a byte."""
    state = None
    if image is None:
        image = volume_with(changes, modules, kernel)
        if not cold:
            state = snapshot.saved(config, volume(kernel).bytes(), volume(kernel).shared_bytes())
    path = writable or os.path.join(BUILD, 'test', f'{name}.img')
    if not writable:
        fat.store(path, image)
    try:
        with Machine(name, path, config, state=state, readonly=not writable, **kw) as vm:
            yield vm
    finally:
        if not writable:
            os.unlink(path)


def key(kind, name):
    """A key of the tests' own, made on first use."""
    path = os.path.join(TEST_KEYS, f'{name}.key')
    with _one_at_a_time:
        if not os.path.exists(path):
            os.makedirs(TEST_KEYS, mode=0o700, exist_ok=True)
            run(CTL, 'key', 'new', '--type', kind, '-o', path)
    return path


def ctl(vm, *arguments, check=True):
    """nonosctl against the machine; its standard output, or with check=False the finished process."""
    done = subprocess.run([CTL, *arguments, '--node', vm.com2_path, '--timeout', str(round(90 * SLOW))],
                          capture_output=True, text=True, cwd=TOP, timeout=240 * SLOW, check=False)
    if not check:
        return done
    if done.returncode:
        raise Failure(f'nonosctl {" ".join(arguments)}: exit {done.returncode}: {done.stderr.strip()[-300:]}')
    return done.stdout


def ctl_json(vm, *arguments):
    text = ctl(vm, *arguments, '-o', 'json')
    try:
        return json.loads(text)
    except ValueError:
        raise Failure(f'nonosctl {arguments[0]} -o json: not JSON: {text[:200]}') from None


# Crafted files ------------------------------------------------------------------------------------------------

def blake3(data, context=None):
    return run(CRAFT, *(['derive', context] if context else ['hash']), data=data)


def signature(key_path, data):
    """key_id32 | sig64"""
    return run(CRAFT, 'sign', key_path, data=data)


def align(n):
    return -(-n // 4096) * 4096


class Module:
    """A .mod file taken apart. Change `header`, `manifest`, `image`, then `bytes()` hashes and signs anew."""

    CHUNK = 65536

    def __init__(self, file, key_path=PUBLISHER_KEY):
        self.key = key_path
        self.header = bytearray(file[:192])
        manifest_len, image_len = struct.unpack_from('<QQ', file, 160)
        n_sig = struct.unpack_from('<I', file, 180)[0]
        at = 192 + 96 * n_sig
        self.manifest = bytearray(file[at:at + manifest_len])
        chunks = -(-image_len // self.CHUNK)
        start = align(at + manifest_len + 32 * chunks)
        self.image = bytearray(file[start:start + image_len])
        tail = align(start + image_len)
        self.symbols = file[tail:] if len(file) > start + image_len else b''

    def bytes(self):
        table = b''.join(blake3(bytes(self.image[i:i + self.CHUNK])) for i in range(0, len(self.image), self.CHUNK))
        h = self.header
        h[96:128] = blake3(bytes(self.manifest))
        h[128:160] = blake3(table, 'N0N-OS 2026 chunk list v1')
        struct.pack_into('<QQII', h, 160, len(self.manifest), len(self.image), 0, 1)
        head = bytes(h) + signature(self.key, b'N0N/mod/v1\0' + bytes(h)) + bytes(self.manifest) + table
        file = head.ljust(align(len(head)), b'\0') + bytes(self.image)
        return file.ljust(align(len(file)), b'\0') + self.symbols if self.symbols else file

    def records(self):
        """The manifest's TLV records: [(tag, value)]."""
        return tlv_records(self.manifest)

    def set_records(self, records):
        self.manifest = bytearray(tlv_bytes(records))
        return self


def tlv_records(data):
    out, at = [], 0
    while at < len(data):
        tag, _, length = struct.unpack_from('<HHI', data, at)
        out.append((tag, bytes(data[at + 8:at + 8 + length])))
        at += 8 + length
    return out


def tlv_bytes(records):
    return b''.join(struct.pack('<HHI', tag, 0, len(value)) + value for tag, value in records)


class Policy:
    """BOOT.POL taken apart, like Module."""

    def __init__(self, file, key_path=ROOT_KEY):
        self.key = key_path
        self.header = bytearray(file[:64])
        n_sig = struct.unpack_from('<I', file, 28)[0]
        self.body = bytearray(file[64 + 96 * n_sig:])

    def bytes(self):
        struct.pack_into('<IQ', self.header, 28, 1, len(self.body))
        signed = bytes(self.header) + bytes(self.body)
        return bytes(self.header) + signature(self.key, b'N0N/pol/v1\0' + signed) + bytes(self.body)

    def records(self):
        return tlv_records(self.body)

    def set_records(self, records):
        self.body = bytearray(tlv_bytes(records))
        return self


@functools.cache
def policy_source():
    with open(os.path.join(TOP, 'modules', 'policy.json'), encoding='utf-8') as f:
        return f.read()


def policy_from(change, *options):
    """BOOT.POL from the released source after `change(dict)`, made by nonosctl."""
    source = json.loads(policy_source())
    change(source)
    path = os.path.join(BUILD, 'test', f'policy-{os.getpid()}-{id(source)}.json')
    out = path + '.pol'
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(source, f)
    try:
        run(CTL, 'policy', 'sign', '--in', path, '--keys', KEYS, '--root', ROOT_KEY, '-o', out, *options)
        with open(out, 'rb') as f:
            return f.read()
    finally:
        for p in (path, out):
            if os.path.exists(p):
                os.unlink(p)
