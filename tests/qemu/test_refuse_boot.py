"""The loader refuses a kernel or a policy: boot stops, the reason by name, nothing of it runs."""

import os
import random
import struct

import fat

from cases import LOADER, add, need, same, test
from lab import BUILD, ROOT_KEY, Module, Policy, boot, key, module_file, policy_from, released
from vm import Failure

KERNEL, POLICY = 'KERNEL.MOD', 'BOOT.POL'


def flipped(data, at, bit=0):
    out = bytearray(data)
    out[at] ^= 1 << bit
    return bytes(out)


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def stopped(name, changes, **kw):
    """(status name, code) with which the loader stopped."""
    with boot(name, changes, **kw) as vm:
        found = vm.com1.expect(r'N0N-OS loader: stopped: (\w+) \((-?\d+)\).*?\n', 60)
        if 'N0N-OS ready' in vm.com1.text():
            raise Failure('it went on to the prompt')
        return found.group(1), int(found.group(2))


def refusal(name, file, make, status):
    def run(_):
        got, code = stopped(name, {file: make()})
        same(got, status, 'status')
        need(code < 0, f'code {code} is no refusal')
    add(name, run, LOADER)


def kernel():
    return released()['N0N/' + KERNEL]


def policy():
    return released()['N0N/' + POLICY]


def crafted_kernel(change, key_path=ROOT_KEY):
    def make():
        m = Module(kernel(), key_path)
        change(m)
        return m.bytes()
    return make


def crafted_policy(change, key_path=None):
    def make():
        p = Policy(policy(), key_path or ROOT_KEY)
        change(p)
        return p.bytes()
    return make


def _set(target, fmt, at, value):
    struct.pack_into(fmt, target, at, value)


def _body(change):
    """A policy whose records were changed by `change(list)`."""
    def apply(p):
        records = p.records()
        change(records)
        p.set_records(records)
    return crafted_policy(apply)


def _value(records, tag, change):
    for i, (t, v) in enumerate(records):
        if t == tag:
            new = bytearray(v)
            change(new)
            records[i] = (t, bytes(new))


def _kernel_tables():
    sig = 192
    manifest = sig + 96
    rows = [
        ('empty', lambda: b'', 'MOD_TRUNCATED'),
        ('header_cut', lambda: kernel()[:100], 'MOD_TRUNCATED'),
        ('image_cut', lambda: kernel()[:8192], 'MOD_TRUNCATED'),
        ('magic', lambda: flipped(kernel(), 0), 'MOD_MAGIC'),
        ('format_version', lambda: flipped(kernel(), 7, 1), 'MOD_VERSION'),
        ('header_length', lambda: flipped(kernel(), 8), 'MOD_VERSION'),
        ('flags', lambda: flipped(kernel(), 12, 5), 'MOD_VERSION'),
        ('not_a_kernel', lambda: flipped(kernel(), 12, 0), 'BOOT_NOT_KERNEL'),
        ('version', lambda: flipped(kernel(), 16), 'BAD_SIGNATURE'),
        ('name_hash', lambda: flipped(kernel(), 32), 'BAD_SIGNATURE'),
        ('root_set', lambda: flipped(kernel(), 64), 'PUB_UNKNOWN'),
        ('kel_sn', lambda: flipped(kernel(), 176), 'MOD_RESERVED'),
        ('reserved', lambda: flipped(kernel(), 184), 'MOD_RESERVED'),
        ('signatures_zero', lambda: patched(kernel(), 180, bytes(4)), 'MOD_LAYOUT'),
        ('signatures_five', lambda: patched(kernel(), 180, b'\5\0\0\0'), 'MOD_LAYOUT'),
        ('image_length_huge', lambda: patched(kernel(), 168, b'\xff' * 8), 'MOD_OVERSIZE'),
        ('key_id', lambda: flipped(kernel(), sig), 'KEY_UNKNOWN'),
        ('signature', lambda: flipped(kernel(), sig + 40), 'BAD_SIGNATURE'),
        ('manifest', lambda: flipped(kernel(), manifest + 9), 'HASH_MANIFEST'),
        ('other_root', lambda: crafted_kernel(lambda m: None, key('root', 'other-root'))(), 'KEY_UNKNOWN'),
        ('security_version', crafted_kernel(lambda m: _set(m.header, '<I', 24, 0)), 'SEC_VERSION'),
        ('manifest_name', crafted_kernel(lambda m: _set(m.header, '<B', 32, m.header[32] ^ 1)), 'MAN_NAME'),
        ('capsule_module', lambda: module_file('hello'), 'BOOT_NOT_KERNEL'),
        ('elf_type', crafted_kernel(lambda m: _set(m.image, '<H', 16, 2)), 'ELF_HEADER'),
        ('elf_entry', crafted_kernel(lambda m: _set(m.image, '<Q', 24, 1 << 40)), 'ELF_ENTRY'),
    ]
    for name, make, status in rows:
        refusal(f'refuse_boot.kernel_{name}', KERNEL, make, status)


def _policy_tables():
    publishers, rules, boot_files = 0x8002, 0x8003, 0x8005
    rows = [
        ('empty', lambda: b'', 'POL_TRUNCATED'),
        ('header_cut', lambda: policy()[:40], 'POL_TRUNCATED'),
        ('last_byte_missing', lambda: policy()[:-1], 'POL_TRUNCATED'),
        ('one_byte_more', lambda: policy() + b'\0', 'POL_OVERSIZE'),
        ('magic', lambda: flipped(policy(), 1), 'POL_MAGIC'),
        ('format_version', lambda: flipped(policy(), 7, 1), 'POL_VERSION'),
        ('flags', lambda: flipped(policy(), 12, 4), 'POL_VERSION'),
        ('reserved', lambda: flipped(policy(), 45), 'POL_RESERVED'),
        ('epoch_changed', lambda: flipped(policy(), 16, 3), 'BAD_SIGNATURE'),
        ('signatures_zero', lambda: patched(policy(), 28, bytes(4)), 'POL_FIELD'),
        ('key_id', lambda: flipped(policy(), 64), 'KEY_UNKNOWN'),
        ('signature', lambda: flipped(policy(), 64 + 50), 'BAD_SIGNATURE'),
        ('body', lambda: flipped(policy(), 64 + 96 + 20), 'BAD_SIGNATURE'),
        ('last_byte', lambda: flipped(policy(), len(policy()) - 1), 'BAD_SIGNATURE'),
        ('epoch_below_floor', lambda: policy_from(lambda s: None, '--epoch', '0'), 'POL_EPOCH'),
        ('kernel_too_old', lambda: policy_from(lambda s: s.update(kernel_sec_min=1000)), 'SEC_VERSION'),
        ('unknown_record', _body(lambda r: r.append((0x80f0, b'x'))), 'TLV_CRITICAL'),
        ('records_unordered', _body(lambda r: r.reverse()), 'TLV_ORDER'),
        ('record_twice', _body(lambda r: r.insert(1, r[0])), 'TLV_DUPLICATE'),
        ('record_missing', _body(lambda r: r.pop(0)), 'POL_MISSING'),
        ('record_cut', crafted_policy(lambda p: p.body.__delitem__(slice(len(p.body) - 3, None))), 'TLV_TRUNCATED'),
        ('record_reserved', crafted_policy(lambda p: _set(p.body, '<H', 2, 1)), 'TLV_RESERVED'),
        ('class_unknown', _body(lambda r: _value(r, publishers, lambda v: _set(v, '<I', 64, 1 << 9))), 'POL_FIELD'),
        ('rules_unordered', _body(lambda r: _value(r, rules, lambda v: v.__setitem__(slice(0, 192),
                                                                                      v[96:192] + v[:96]))),
         'POL_ORDER'),
        ('grants_out_of_range', _body(lambda r: _value(r, rules, lambda v: _set(v, '<I', 4, 5000))), 'POL_FIELD'),
        ('boot_file_name', _body(lambda r: _value(r, boot_files, lambda v: v.__setitem__(0, 0x2f))), 'POL_FIELD'),
    ]
    for name, make, status in rows:
        refusal(f'refuse_boot.policy_{name}', POLICY, make, status)
    refusal('refuse_boot.policy_other_root', POLICY,
            lambda: crafted_policy(lambda p: None, key('root', 'other-root'))(), 'KEY_UNKNOWN')


_kernel_tables()
_policy_tables()


@test(once=LOADER)
def missing_files(t):
    for file in (KERNEL, POLICY):
        with t.case(f'{file} is not there'):
            same(stopped(f'missing-{file}', {file: None})[0], 'BOOT_NO_FILE', 'status')


@test(once=LOADER)
def trust_empty(t):
    """The loader as linked, before `nonosctl image` gave it roots."""
    with open(os.path.join(BUILD, 'boot', 'BOOTX64.EFI'), 'rb') as f:
        image = fat.Volume(f.read(), {KERNEL: kernel(), POLICY: policy()}).bytes()
    same(stopped('trust-empty', None, image=image)[0], 'TRUST_EMPTY', 'status')


def _any_flip(file, data, seed, count):
    """Bytes changed at random, one machine each: whatever they are, boot stops."""
    rng = random.Random(seed)

    def run(t):
        size = len(data())
        for _ in range(t.size(*count)):
            at, bit = rng.randrange(size), rng.randrange(8)
            with t.case(f'byte {at} bit {bit} of {file}'):
                stopped(f'flip-{file}', {file: flipped(data(), at, bit)})
    return run


add('refuse_boot.kernel_any_bit', _any_flip(KERNEL, kernel, 1, (6, 200)), LOADER, soak=True)
add('refuse_boot.policy_any_bit', _any_flip(POLICY, policy, 2, (6, 200)), LOADER, soak=True)


@test(once=LOADER)
def stale_bytes(t):
    """The saved machine reads the volume as it is now, not what firmware kept: the method's own check."""
    with t.case('changed bytes and changed lengths are seen'):
        same(stopped('stale-1', {KERNEL: flipped(kernel(), 192 + 40)})[0], 'BAD_SIGNATURE', 'changed')
        same(stopped('stale-2', {KERNEL: b''})[0], 'MOD_TRUNCATED', 'emptied')
    with t.case('and the same machine boots the released files'):
        with boot('stale-3') as vm:
            vm.ready()
