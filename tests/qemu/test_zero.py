"""Zero state, proved: 64 secrets in eight kinds of places; capsules end, then machines; then all of guest RAM and the
registers of each processor are searched for each of them, in the clear and byte-reversed. docs/zero-state.md.

`make prove-zero-state` runs all of it and writes build/zero-state.txt; `make test` a part."""

import datetime
import hashlib
import os
import re
import time

import kernel
from cases import LATER, OWN, need, same, test
from lab import BUILD, Module, boot, ctl, ctl_json, module_file, policy_from, run, splitmix64, volume_with
from test_wipe import STAY, ended
from vm import BUSY, SLOW, Config

PLACES = ('heap', 'stack', 'registers', 'FPU registers', 'message in flight', 'shared region', 'service', 'vault')
EACH, SECRET, PIECES = 8, 32, 15
VAULT = len(PLACES) - 1
SEARCH = os.path.join(BUILD, 'test', 'search')
REPORT = os.path.join(BUILD, 'zero-state.txt')
MEMORY = 64
VARS_AT, VARS_LEN = 0xffc00000, 0x84000     # the firmware's variables
PRIVATE = 0x800c
KSTACK_AT = 8           # offset of struct cpu
USER_MAX = 1 << 47
CLOCK_MAX = 1 << 40     # ns since boot are below, areas of capsules above
IDLE_WORDS = 24         # 8 are there; one call left behind is some 30 more


def secrets_of(seed):
    """SplitMix64, as modules/secrets has it: what is sent to the machine is the seed."""
    return [b''.join(splitmix64(seed, 4 * i + k).to_bytes(8, 'little') for k in range(4)) for i in range(VAULT * EACH)]


# struct vault of kernel/crypto/vault.c
KEY_AT, POOL_AT, POOL_END, SEED_AT = 12, 44, 524, 588


def vault_of(vm):
    """Eight keys of this boot, read by the host: the stream's, the issuing key's seed, and what the pool has yet to give.
    Stops the machine."""
    at = kernel.base(vm) + kernel.symbols()['vault']
    for _ in range(20):
        vm.stop()
        raw = vm.memory(at, SEED_AT + SECRET)
        keys = [raw[KEY_AT:POOL_AT], raw[SEED_AT:]]
        keys += [raw[i:i + SECRET] for i in range(POOL_END - SECRET * (EACH - 2), POOL_END, SECRET)]
        if all(key[i:i + 8] != bytes(8) for key in keys for i in range(0, SECRET, 8)):
            return keys
        vm.resume()
        vm.ask('load hello')    # draws from the pool, until it is filled anew
    need(False, 'the pool of the vault stays empty')


class Search:
    """What of the secrets is in a machine now: RAM and registers."""

    def __init__(self):
        self.dumps = self.bytes = self.searched = 0

    def __call__(self, vm, name, secrets):
        """For each secret the set of its pieces that are there, and how often it is there whole, either way."""
        vm.stop()
        path = os.path.join(BUILD, 'test', f'{name}.ram')
        try:
            vm.qmp.command('pmemsave', val=0, size=MEMORY << 20, filename=path)
            lines = run(SEARCH, path, data='\n'.join(s.hex() for s in secrets).encode() + b'\n').decode().split('\n')
        finally:
            if os.path.exists(path):
                os.unlink(path)
        registers = ' '.join(vm.qmp.monitor('info registers', cpu) for cpu in range(vm.config.smp)).lower()
        self.dumps += 1
        self.bytes += MEMORY << 20
        self.searched += len(secrets)
        if vm.qmp.command('query-status')['status'] == 'paused':
            vm.resume()
        out = []
        for secret, line in zip(secrets, lines, strict=False):
            whole, back, pieces = map(int, line.split())
            for k in range(4):
                piece = secret[8 * k:8 * k + 8]
                pieces |= (piece[::-1].hex() in registers) << k | (piece.hex() in registers) << (4 + k)
            out.append((whole + back, pieces))
        return out


def by_place(found):
    return [found[i:i + EACH] for i in range(0, len(found), EACH)]


def all_there(found, places=PLACES):
    for name, rows in zip(places, by_place(found), strict=False):
        missing = [i for i, (_, pieces) in enumerate(rows) if pieces & PIECES != PIECES]
        need(not missing, f'{name}: secrets {missing} are not in RAM: a search that finds nothing proves nothing')


def none_there(found):
    left = {PLACES[i]: [n for n, row in enumerate(rows) if row != (0, 0)] for i, rows in enumerate(by_place(found))}
    left = {name: rows for name, rows in left.items() if rows}
    need(not left, f'still there: {left}')


# The machine with the planter ----------------------------------------------------------------------------------------

def _admit(policy):
    policy['rules'].append({
        'publisher': 'dev', 'module': 'secrets', 'classes': ['CoreExec', 'IO', 'Network', 'IPC', 'Memory'],
        'grants': [{'kind': 'log'}, {'kind': 'endpoint', 'name': 'console', 'rights': ['call']},
                   {'kind': 'endpoint', 'name': 'secrets', 'rights': ['call', 'recv', 'grant']},
                   {'kind': 'node', 'rights': ['kill']},
                   {'kind': 'network', 'name': 'loopback', 'rights': ['call', 'grant']}]})


def machine(name, smp=1, private=True, **kw):
    planter = 'secrets' if private else ('SECRETS', not_private('secrets'))
    return boot(name, {'BOOT.POL': policy_from(_admit)}, config=Config(memory=MEMORY, smp=smp),
                modules=['loopback', planter], **kw)


def not_private(name):
    module = Module(module_file(name))
    return module.set_records([r for r in module.records() if r[0] != PRIVATE]).bytes()


def prepare(vm):
    vm.ready(120)
    ctl(vm, 'start', 'loopback')


def plant(vm, seed, end):
    """Its number, when all is planted and another capsule has the region mapped."""
    vm.com1.send(f'load secrets {seed:x} {end}\r')
    number = vm.com1.expect(r'secrets is capsule (\d+)\n', 20).group(1)
    vm.com1.expect(r'secrets: planted', 20)
    vm.com1.send('load secrets take\r')
    vm.com1.expect(r'secrets: done', 20)
    return number


def reclaimed(vm, timeout=20):
    end = time.monotonic() + timeout * SLOW
    while True:
        m = ctl_json(vm, 'mem')
        if m['reclaim_bytes'] == 0 and m['ended_bytes'] == 0:
            return
        need(time.monotonic() < end, 'ended capsules are not given back')


# Ends of a capsule ---------------------------------------------------------------------------------------------------

def tell(word):
    def end(vm, _):
        vm.com1.send(f'load secrets {word}\r')
        vm.com1.expect(r'secrets is capsule (\d+)\n', 20)
    return end


def upgrade(vm, number):
    """Another capsule of the same module takes its place; it plants nothing and stays, so this end is the last."""
    module = next(m['module_id'] for m in ctl_json(vm, 'modules') if m['name'] == 'secrets')
    ctl(vm, 'upgrade', number, '--id', module)
    vm.com1.expect(r'secrets: took over', 20)


ENDS = {'exit': tell('end'), 'crash': tell('end'), 'kill': lambda vm, number: vm.com1.send(f'kill {number}\r'),
        'upgrade': upgrade}
SERVICE_LOOKS = 5       # seconds: `loopback` looks for the dead each second
CUT = (5, 6)            # region and service: what `revoke` gives up


def gone(look, vm, name, secrets, select=lambda found: found):
    """Reclaimed, and the service has noticed: what is found then."""
    reclaimed(vm)
    end = time.monotonic() + SERVICE_LOOKS * SLOW
    while True:
        found = select(look(vm, name, secrets))
        if all(row == (0, 0) for row in found) or time.monotonic() > end:
            return found
        time.sleep(0.2)


def capsule_ends(t, look, name, ends, smp):
    with machine(name, smp) as vm:
        prepare(vm)
        for n, end in enumerate(ends):
            secrets = secrets_of(0x5eed0000 + 16 * n + smp)
            with t.case(f'{end}, {smp} CPU(s): each of {len(secrets)} secrets is there before'):
                number = plant(vm, 0x5eed0000 + 16 * n + smp, end if end in ('exit', 'crash') else 'stay')
                all_there(look(vm, name, secrets))
            with t.case(f'{end}, {smp} CPU(s): none is there when the capsule has been reclaimed'):
                ENDS[end](vm, number)
                none_there(gone(look, vm, name, secrets))


def revoke(t, look, name, smp):
    """It lives on: what it has cut and given up is nowhere, all else is where it was."""
    with machine(name, smp) as vm:
        prepare(vm)
        secrets = secrets_of(0x5eed00ff)
        cut = lambda found: sum((by_place(found)[i] for i in CUT), [])
        with t.case(f'revoke, {smp} CPU(s): each is there before'):
            plant(vm, 0x5eed00ff, 'stay')
            all_there(look(vm, name, secrets))
        with t.case(f'revoke, {smp} CPU(s): what was cut and given up is gone, all else is there'):
            tell('revoke')(vm, None)
            vm.com1.expect(r'secrets: done', 20)
            need(all(row == (0, 0) for row in gone(look, vm, name, secrets, cut)), 'region or datagram is still there')
            rest = by_place(look(vm, name, secrets))
            all_there(sum((rows for i, rows in enumerate(rest) if i not in CUT), []), PLACES[:5])


# Ends of the machine -------------------------------------------------------------------------------------------------

def _panic(vm):
    vm.qmp.command('inject-nmi')
    vm.com1.expect(r'memory wiped; stopped', 60)


def _type(line):
    def end(vm):
        vm.com1.send(f'{line}\r')
        ended(vm)
    return end


MACHINE_ENDS = {'poweroff': _type('poweroff now'), 'reboot': _type('reboot now'), 'panic': _panic}


def variables(vm, name):
    path = os.path.join(BUILD, 'test', f'{name}.vars')
    try:
        vm.qmp.command('pmemsave', val=VARS_AT, size=VARS_LEN, filename=path)
        with open(path, 'rb') as f:
            return hashlib.sha256(f.read()).hexdigest()
    finally:
        os.unlink(path)


def machine_ends(t, look, name, end, smp):
    """Hashes of the firmware's variables at the loader's first instruction."""
    with machine(name, smp, extra=STAY, paused=True) as vm:
        before = variables(vm, name)
        vm.resume()
        prepare(vm)
        secrets = secrets_of(0x5eed1000 + smp)
        with t.case(f'{end}, {smp} CPU(s): each of {len(secrets) + EACH} secrets is there before'):
            plant(vm, 0x5eed1000 + smp, 'stay')
            secrets += vault_of(vm)
            all_there(look(vm, name, secrets))
        with t.case(f'{end}, {smp} CPU(s): none is there at the end'):
            MACHINE_ENDS[end](vm)
            none_there(look(vm, name, secrets))
        with t.case(f"{end}, {smp} CPU(s): the firmware's variables are as the loader found them"):
            same(variables(vm, name), before, 'SHA-256')
        return before


def disk(t):
    """Through firmware, with a boot volume that could be written: its hash, before and after."""
    path = os.path.join(BUILD, 'test', 'zero-disk.img')
    with open(path, 'wb') as f:
        f.write(volume_with({'BOOT.POL': policy_from(_admit)}, ['loopback', 'secrets']))
    digest = lambda: hashlib.sha256(open(path, 'rb').read()).hexdigest()
    try:
        before = digest()
        with machine('zero-disk', cold=True, writable=path) as vm:
            prepare(vm)
            plant(vm, 0x5eed2000, 'stay')
            vm.com1.send('poweroff\r')
            vm.wait_end(30)
        with t.case('the boot volume, writable, has the same bytes'):
            same(digest(), before, 'SHA-256')
        return before
    finally:
        os.unlink(path)


# Controls: the same searches where nothing is wiped ------------------------------------------------------------------

NEVER = bytes.fromhex('faf4ebfd')    # cli; hlt; jmp back
RETURN = b'\xc3'
NOTHING = bytes.fromhex('0f1f440000')   # in the place of a call


def _patch(vm, patches):
    """The debugger writes into the running kernel: {name or offset: code}."""
    gdb, base = vm.gdb(), kernel.base(vm)
    for at, code in patches.items():
        gdb.write(base + kernel.symbols().get(at, at), code)
    gdb.go()
    return gdb


def _zeroing():
    """Offsets of the calls that zero a freed frame."""
    text = run('llvm-objdump', '-d', '--no-show-raw-insn', '--disassemble-symbols=frame_free,frame_reclaim_step',
               kernel.ELF).decode()
    calls = re.findall(r'^([0-9a-f]+):\s+callq?\s.*<memset>$', text, re.M)
    same(len(calls), 2, 'calls that zero a freed frame')
    return [int(at, 16) - kernel.LINK_BASE for at in calls]


def control_machine(t, look):
    with machine('zero-control', gdb=True) as vm:
        prepare(vm)
        secrets = secrets_of(0x5eed3000)
        plant(vm, 0x5eed3000, 'stay')
        secrets += vault_of(vm)
        vm.resume()
        gdb = _patch(vm, {'wiper_enter': NEVER, 'vault_wipe': RETURN})
        with t.case('control: a poweroff that does not wipe leaves each of 64'):
            vm.com1.send('poweroff now\r')
            vm.com1.expect(r'power: off', 20)
            time.sleep(0.5 * BUSY)
            all_there(look(vm, 'zero-control', secrets))
        gdb.close()


def control_capsule(t, look, end):
    """Freed frames are not zeroed: what lay in frames of the capsule's own is found."""
    with machine(f'zero-control-{end}', gdb=True) as vm:
        prepare(vm)
        secrets = secrets_of(0x5eed4000)
        number = plant(vm, 0x5eed4000, 'stay')
        gdb = _patch(vm, {at: NOTHING for at in _zeroing()})
        with t.case(f'control, {end}: frames that are freed and not zeroed hold heap, stack and region'):
            ENDS[end](vm, number)
            time.sleep(1 * BUSY)
            found = by_place(look(vm, f'zero-control-{end}', secrets))
            all_there(found[0] + found[1] + found[5], ('heap', 'stack', 'shared region'))
        gdb.close()


def control_crash(t, look):
    """Without `private` a crash record keeps what the thread had in registers and at its stack pointer."""
    with machine('zero-control-crash', private=False) as vm:
        prepare(vm)
        secrets = secrets_of(0x5eed5000)
        plant(vm, 0x5eed5000, 'crash')
        with t.case('control: a crash record of a capsule that is not private holds stack secrets'):
            ENDS['crash'](vm, None)
            found = by_place(gone(look, vm, 'zero-control-crash', secrets, lambda f: by_place(f)[0]) and
                             look(vm, 'zero-control-crash', secrets))
            need(any(row != (0, 0) for row in found[1]), 'the record has none')


# Rings of objects ----------------------------------------------------------------------------------------------------

@test(once=LATER)
def rings(t):
    """Messages that wait at what they name, a thread and a capsule named by themselves, two endpoints that name each other:
    when their capsule ends every object is gone. docs/memory.md says why none can stay."""
    with machine('zero-rings') as vm:
        prepare(vm)

        def once(end):
            vm.com1.send(f'load secrets knots {end}\r')
            number = vm.com1.expect(r'secrets is capsule (\d+)\n', 20).group(1)
            vm.com1.expect(r'secrets: tied', 20)
            held = ctl_json(vm, 'mem')['n_objects'] if end == 'stay' else 0
            if end == 'stay':
                vm.ask(f'kill {number}')
            reclaimed(vm)
            return held

        once('exit')
        before = ctl_json(vm, 'mem')
        for end in ('stay', 'exit'):
            with t.case(f'{end}: objects and frames are as before'):
                held = [once(end) for _ in range(5)]
                need(end != 'stay' or min(held) > before['n_objects'] + 10, f'{held}: nothing was tied')
                after = ctl_json(vm, 'mem')
                same([after[k] for k in ('n_objects', 'used_bytes', 'n_threads')],
                     [before[k] for k in ('n_objects', 'used_bytes', 'n_threads')], 'objects, bytes, threads')


@test
def idle_stack(t):
    """C code saves callee-saved registers, which at a system call are the user's: an idle CPU has left all that behind."""
    with boot('zero-idle', config=Config(memory=MEMORY)) as vm:
        vm.ready(120)
        vm.ask('load hello')
        end = time.monotonic() + 20 * SLOW
        while True:
            vm.stop()
            if 'HLT=1' in vm.qmp.monitor('info registers'):
                break
            vm.resume()
            need(time.monotonic() < end, 'it is never idle')
        with t.case('nothing of user mode is on its stack'):
            at = vm.register('RSP')
            top = int.from_bytes(vm.memory(kernel.base(vm) + kernel.symbols()['cpus'] + KSTACK_AT, 8), 'little')
            words = [int.from_bytes(vm.memory(a, 8), 'little') for a in range(at, top, 8)]
            need(0 < len(words) < IDLE_WORDS, f'{len(words)} words: it stands on what the last call left')
            same([hex(w) for w in words if CLOCK_MAX <= w < USER_MAX], [], 'addresses of user mode')


# All of it -----------------------------------------------------------------------------------------------------------

@test(once=OWN, soak=True)
def proof(t):
    look, start = Search(), time.monotonic()
    cpus = t.size(smoke=(1,), soak=(1, 4))
    for smp in cpus:
        capsule_ends(t, look, f'zero-ends-{smp}', t.size(smoke=('crash', 'upgrade'), soak=tuple(ENDS)), smp)
    proved = look.dumps, look.bytes, look.searched
    if not t.soak:
        machine_ends(t, look, 'zero-poweroff-1', 'poweroff', 1)
        return
    before = {}
    for smp in cpus:
        revoke(t, look, f'zero-revoke-{smp}', smp)
        for end in MACHINE_ENDS:
            before[end, smp] = machine_ends(t, look, f'zero-{end}-{smp}', end, smp)
    proved = look.dumps, look.bytes, look.searched
    volume_hash = disk(t)
    control_machine(t, look)
    for end in ('kill', 'upgrade'):
        control_capsule(t, look, end)
    control_crash(t, look)
    report(t, proved, cpus, before, volume_hash, time.monotonic() - start)


def report(t, proved, cpus, before, volume_hash, seconds):
    dumps, searched, wanted = proved
    text = [
        f'Zero state, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC: '
        f'{t.count - len(t.failures)} cases passed, {len(t.failures)} failed, {seconds:.0f} s.',
        '',
        f'Secrets: 64 of 32 bytes, {EACH} in each of: {", ".join(PLACES)}.',
        f'Ends of a capsule: {", ".join(ENDS)}, revoke. Ends of the machine: {", ".join(MACHINE_ENDS)}.',
        f'Processors: {" and ".join(map(str, cpus))}. Guest RAM: {MEMORY} MiB, all of it in each dump.',
        f'{dumps} dumps, {searched >> 20} MiB, {wanted} searches for a secret: whole, byte-reversed, and each piece of eight',
        'bytes of both, also in the registers of each processor. Before each end all were found, after it none'
        + ('.' if not t.failures else ', BUT: ' + '; '.join(t.failures)),
        'Controls, without the wipe by a debugger, or without `private`: found.' if not t.failures else '',
        f'Kernel {hashlib.sha256(open(kernel.ELF, "rb").read()).hexdigest()}',
        f'Boot volume, writable, before and after: {volume_hash}',
        f'Firmware variables, from the loader\'s first instruction to the end: {", ".join(sorted(set(before.values())))}',
    ]
    with open(REPORT, 'w', encoding='utf-8') as f:
        f.write('\n'.join(text) + '\n')
