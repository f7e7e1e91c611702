"""What is left in RAM when the machine ends: nothing. By poweroff, reboot, and by a kernel that cannot go on: an NMI stands
for whatever breaks it, and may come between any two instructions of the kernel or of a capsule. docs/zero-state.md."""

import os
import re
import time

import kernel
from cases import LATER, OWN, need, same, test
from lab import BUILD, boot, ctl_json, policy_from
from vm import SLOW, Config

MARK = 'mark-7d1c9e52b8'
SYMBOL = 'arch_kernel_space_init\0'     # stands in the symbol lump and nowhere else
CONFIG = Config(memory=64)
PAGE = 4096
LEFT = 192      # bytes of code that may be left in the wiper's page
STAY = ('-action', 'reboot=shutdown,shutdown=pause')    # the machine stops where it ended, with its memory


def ram_of(vm, name):
    """All of it, below 4 GiB."""
    path = os.path.join(BUILD, 'test', f'{name}.ram')
    try:
        vm.qmp.command('pmemsave', val=0, size=vm.config.memory << 20, filename=path)
        with open(path, 'rb') as f:
            return f.read()
    finally:
        if os.path.exists(path):
            os.unlink(path)


def ended(vm, timeout=30):
    """Wait until a machine with STAY has switched itself off or was reset."""
    end = time.monotonic() + timeout * SLOW
    while vm.qmp.command('query-status')['status'] != 'shutdown':
        need(time.monotonic() < end, 'the machine did not end')
        time.sleep(0.05)


def wiped_ranges(vm):
    """[(from, to)] of physical memory that the wiper goes over, the kernel's image last; and its own page."""
    base, syms = kernel.base(vm), kernel.symbols()
    number = lambda name: int.from_bytes(vm.memory(base + syms[name], 8), 'little')
    raw, out = vm.memory(base + syms['wiper_ranges'], 16 * 64), []
    for at in range(0, len(raw), 16):
        first, last = (int.from_bytes(raw[at + n:at + n + 8], 'little') for n in (0, 8))
        if last == 0:
            break
        out.append((first, last))
    image, page = number('wiper_image'), number('wiper_at')
    words = page + syms['wiper_words'] - syms['wiper'] + 36     # struct words: image_to
    return out + [(image, int.from_bytes(_physical(vm, words, 4), 'little'))], page


def _physical(vm, address, length):
    text = vm.qmp.monitor(f'xp /{length}xb {address:#x}')
    return bytes(int(b, 16) for b in re.findall(r'\b0x([0-9a-f]{2})\b', text.split(':', 1)[1]))


def nothing_left(t, vm, name, ranges, page):
    """All of RAM that the OS has used is zero, but for a few instructions; the registers are."""
    ram = ram_of(vm, name)
    with t.case('no copy of what ran is left in RAM'):
        same(ram.count(MARK.encode()), 0, 'copies of the mark')
    with t.case("nor of the kernel's symbols"):
        same(ram.count(SYMBOL.encode()), 0, 'copies')
    with t.case('every byte that the OS has used is zero, but for the last instructions'):
        dirty = [at for first, last in ranges for at in range(first, min(last, len(ram)), PAGE)
                 if at != page and any(ram[at:at + PAGE])]
        need(not dirty, f'{len(dirty)} pages are not, the first at {dirty[:1]}')
        code = ram[page:page + PAGE]
        need(0 < len(code) - code.count(0) <= LEFT, f'{len(code) - code.count(0)} bytes in the page of the wiper')
    with t.case('no register holds an address of the kernel or of a capsule'):
        for cpu in range(vm.config.smp):
            text = vm.qmp.monitor('info registers', cpu)
            need('EFER=0000000000000000' in text and 'CR3=00000000' in text, f'processor {cpu} still uses page tables')
            need(all(int(x, 16) == 0 for x in re.findall(r'(?:XMM|FPR)\w+=([0-9a-f]+)', text)), f'FPU of {cpu}')


def _end(t, name, how, config=CONFIG):
    with boot(name, config=config, extra=STAY) as vm:
        vm.ready(120)
        vm.ask(f'load hello {MARK}')
        ranges, page = wiped_ranges(vm)
        with t.case('all that is usable is on the list'):
            usable = ctl_json(vm, 'mem')['usable_bytes']
            pages = sum(last - first for first, last in ranges)
            same(pages >> 12, usable >> 12, 'frames')
        with t.case('the mark is in RAM before'):
            need(MARK.encode() in ram_of(vm, name), 'a search that finds nothing proves nothing')
        vm.com1.send(f'{how}\r')
        ended(vm)
        nothing_left(t, vm, name, ranges, page)


@test
def poweroff(t):
    _end(t, 'wipe-off', 'poweroff')


@test(once=LATER)
def reboot(t):
    _end(t, 'wipe-reset', 'reboot')


def _panic(t, name, changes, last, config=CONFIG):
    with boot(name, changes, config=config) as vm:
        vm.ready(120)
        vm.ask(f'load hello {MARK}')
        ranges, page = wiped_ranges(vm)
        ram = ram_of(vm, name)
        with t.case('the mark is in RAM before'):
            need(MARK.encode() in ram, 'a search that finds nothing proves nothing')
            need(SYMBOL.encode() in ram, "the kernel's symbols are not there")
        vm.qmp.command('inject-nmi')
        with t.case('says what, where and how it came there'):
            vm.com1.expect(r'rip [0-9a-f]{16}', 30)
            vm.com1.expect(r'N0N-OS kernel panic: [^\n]*NMI[^\n]*vector 2[^\n]* at \w+\+0x[0-9a-f]+ \(image\+0x', 30)
            vm.com1.expect(r'called from \w+\+0x[0-9a-f]+ \(image\+0x', 30)
        with t.case(f'ends in: {last}'):
            vm.com1.expect(last, 60)
        if changes:
            with t.case('memory is kept for the post-mortem'):
                need(MARK.encode() in ram_of(vm, name), 'it was wiped')
        else:
            nothing_left(t, vm, name, ranges, page)


@test(once=LATER)
def panic(t):
    _panic(t, 'panic', None, 'memory wiped; stopped')


def _hold(policy):
    policy['panic_hold'] = True


@test(once=LATER)
def panic_hold(t):
    _panic(t, 'panic-hold', {'BOOT.POL': policy_from(_hold)}, 'keys wiped, memory kept; stopped')


@test(once=OWN)
def panic_of_four(t):
    """An NMI at each of four processors: one says so, all stop."""
    _panic(t, 'panic-4', None, 'memory wiped; stopped', Config(memory=64, smp=4))
