"""The page tables as the processor sees them: nothing is writable and executable, neither in the kernel nor in a
capsule."""

import re

from cases import LATER, OWN, need, rows, same, test
from lab import KASAN, boot, ctl, ctl_json
from vm import Config

# `info tlb`: VIRT: PHYS XGPDACTUW (X: no execute, W: writable, U: user)
ROW = re.compile(r'^([0-9a-f]{16}): ([0-9a-f]{16}) (\S{9})', re.M)
KERNEL, DIRECT = 0xffffffff80000000, 0xffff800000000000
BIG_PAGE = 2 << 20
STACK_PAGES = (8, 16) if KASAN else (2, 5)     # for faults, the kernel's


def mappings(vm, cpu=0):
    """[(virtual, physical, writable, executable, user)] of the address space that is current on that CPU."""
    vm.stop()
    try:
        text = vm.qmp.command('human-monitor-command', **{'command-line': 'info tlb', 'cpu-index': cpu}).replace('\r', '')
    finally:
        vm.resume()
    return [(int(v, 16), int(p, 16), flags[8] == 'W', flags[0] != 'X', flags[7] == 'U')
            for v, p, flags in ROW.findall(text)]


def spaces(vm, kinds):
    """The mappings of several address spaces: whoever runs when the machine is stopped."""
    seen = {}
    for i in range(max(kinds, 2 * vm.config.smp)):
        cpu = i % vm.config.smp
        seen[cpu, vm.register('CR3') if cpu == 0 else i] = mappings(vm, cpu)
    return seen


@test
def write_or_execute(t):
    with boot('wx') as vm:
        vm.ready()
        vm.ask('load crashme spin')     # a user address space is current most of the time
        seen = spaces(vm, 8)
        mapped = [row for s in seen.values() for row in s]
        with t.case(f'{len(mapped)} mappings in {len(seen)} address spaces were read'):
            need(len(mapped) > 50, 'too few')
            need(any(r[4] for r in mapped) and any(r[0] >= KERNEL for r in mapped), 'no user or no kernel mappings')
        with t.case('no page is writable and executable'):
            bad = [hex(r[0]) for r in mapped if r[2] and r[3]]
            need(not bad, f'{bad[:5]}')
        with t.case('user pages lie below the kernel half, kernel pages above'):
            need(all(r[4] == (r[0] < 1 << 47) for r in mapped), [hex(r[0]) for r in mapped if r[4] != (r[0] < 1 << 47)][:5])
        with t.case('the direct map is never executable'):
            bad = [hex(r[0]) for r in mapped if DIRECT <= r[0] < KERNEL and r[3]]
            need(not bad, f'{bad[:5]}')
        with t.case('frames of kernel code are writable nowhere'):
            code = {r[1] for r in mapped if r[0] >= KERNEL and r[3]}
            bad = [hex(r[0]) for r in mapped if r[2] and r[1] in code]
            need(code and not bad, f'{bad[:5]}')
        with t.case('page zero is mapped for nobody'):
            need(not any(r[0] < 0x10000 for r in mapped), 'something is mapped near zero')


@test(once=LATER)
def kernel_base_differs(t):
    """The kernel's address: another one each boot, in the top 2 GiB, never across 2 MiB; in no log that a capsule reads.
    The machine is saved before the loader's first instruction, so what differs is what RDRAND gives."""
    bases, wrong, logs = [], [], ''
    for seed in (21, 22, 23, 24):
        with boot(f'kaslr-{seed}', config=Config(seed=seed)) as vm:
            vm.ready()
            mapped = [r for r in mappings(vm) if r[0] >= KERNEL]
            need(mapped, 'no kernel mappings')
            bases.append(mapped[0][0])
            wrong += [hex(r[0]) for r in mapped if r[2] and r[3]]
            last = mapped[-1][0]
            need(mapped[0][0] // BIG_PAGE == last // BIG_PAGE, f'{mapped[0][0]:#x} to {last:#x}')
            need('kernel address    random' in vm.ask('about'), 'about does not say so')
            need(ctl_json(vm, 'about')['random_kernel_address'] is True, 'nonosctl does not say so')
            vm.ask('load crashme null-write')
            vm.com1.anywhere(r'crashed: write near', 20)
            said = vm.ask('log') + vm.com1.text()
            logs += said
            with t.case(f'seed {seed}: the log does not tell it'):
                need(f'{mapped[0][0]:x}'[:11] not in said, 'it does')
    with t.case('four boots, four addresses'):
        need(len(set(bases)) == 4, [hex(b) for b in bases])
    with t.case('the 2 MiB and the page in them both vary'):
        need(len({b // BIG_PAGE for b in bases}) > 2 and len({b % BIG_PAGE for b in bases}) > 2, [hex(b) for b in bases])
    with t.case('no page of any of them is writable and executable'):
        need(not wrong, wrong[:5])
    with t.case('no kernel address of any kind was printed'):
        found = re.findall(r'ffff[89a-f][0-9a-f]{11}', logs)
        need(not found, found[:5])


@test
def processor_bits(t):
    """CR0.WP, CR4.SMEP SMAP UMIP, EFER.NXE: on while capsules run."""
    with boot('bits') as vm:
        vm.ready()
        cr0, cr4, efer = vm.register('CR0'), vm.register('CR4'), vm.register('EFER')
        for name, value, bit in (('WP', cr0, 16), ('SMEP', cr4, 20), ('SMAP', cr4, 21), ('UMIP', cr4, 11),
                                 ('NXE', efer, 11)):
            with t.case(name):
                need(value >> bit & 1, f'{value:#x}')


def stack_tops(vm):
    """[(what, address)] of every stack that a CPU switches to: from its task-state segment."""
    out = []
    for cpu, base in enumerate(re.findall(r'^TR =\w+ ([0-9a-f]{16})', vm.qmp.monitor('info registers -a'), re.M)):
        tss = vm.memory(int(base, 16), 104)
        at = {'kernel': 4, 'debug': 36, 'NMI': 44, 'double fault': 52, 'machine check': 60}
        out += [(f'cpu {cpu} {name}', int.from_bytes(tss[i:i + 8], 'little')) for name, i in at.items()]
    return out


def pages_below(vm, top):
    """How many pages are mapped under an address before one is not."""
    for n in range(64):
        if 'Unmapped' in vm.qmp.monitor(f'gva2gpa {top - 4096 * (n + 1):#x}'):
            return n
    return 64


def guards(t, cpus):
    with boot(f'guards-{cpus}', config=Config(smp=cpus)) as vm:
        vm.ready()
        running = ctl_json(vm, 'about')['cpus']
        vm.stop()
        tops = stack_tops(vm)
        with t.case(f'{len(tops)} stacks of {running} CPUs, none twice'):
            same(len({top for _, top in tops}), 5 * running, 'stacks')
        for name, top in tops:
            with t.case(f'{name}: a guard page below it'):
                same(pages_below(vm, top), STACK_PAGES[name.endswith('kernel')], 'pages down to the guard')


@test(once=OWN)
def stack_guards(t):
    """Below each kernel stack lies a page that is not mapped."""
    guards(t, 1)


@test(once=OWN)
def stack_guards_of_four(t):
    guards(t, 4)


@test(once=LATER)
def layout_differs(t):
    """ASLR: the same capsule lies elsewhere at its next start."""
    with boot('aslr') as vm:
        vm.ready()
        places = set()
        for _ in range(6):
            vm.ask_until('load crashme null-write', r'crashed: write near', 20)
        text = vm.com1.text() + vm.ask('log')
        places = set(re.findall(r'\(ip (?:0x)?([0-9a-f]+)', text))
        need(len(places) >= 4, f'instruction pointers: {places}')
        need(ctl_json(vm, 'audit')['chain_ok'], 'the audit chain does not hold')


# The attacks on memory, and the refusal of each: a row that is not there, or promises another answer, fails.
REFUSALS = {
    'given away while a third maps it': 'shared/giver-after BAD_ADDRESS, shared/giver-handle BAD_HANDLE',
    'its new payer ends': 'shared/payer-ends-handle REVOKED, shared/payer-ends-access BAD_ADDRESS',
    'lent to a third, cut, given away': 'cut/access BAD_ADDRESS, cut/handle REVOKED, cut/giver BAD_HANDLE',
    'verified while a third maps it': 'load/third-maps BUSY',
    "another capsule's number": 'foreign/map-theirs BAD_HANDLE, foreign/into-theirs BAD_HANDLE',
    'a forged number': 'foreign/map-zero BAD_HANDLE, foreign/into-zero BAD_HANDLE, foreign/map-ones BAD_HANDLE, '
                       'foreign/into-ones BAD_HANDLE, foreign/map-next-tag BAD_HANDLE, foreign/into-next-tag BAD_HANDLE',
    'a closed one': 'foreign/map-closed BAD_HANDLE, foreign/into-closed BAD_HANDLE',
    'what is no region': 'foreign/map-no-region WRONG_TYPE',
    "beyond the region's end": 'beyond/before BAD_ADDRESS, beyond/straddling BAD_ADDRESS, beyond/behind BAD_ADDRESS',
    'beyond it, in its own page table': 'beyond/large-straddling BAD_ADDRESS, beyond/large-behind BAD_ADDRESS, '
                                        'beyond/large-last-entry BAD_ADDRESS, beyond/large-next-table BAD_ADDRESS',
    "over another's areas": 'over/code BAD_STATE, over/stack BAD_STATE, over/buffer BAD_STATE, '
                            'over/reaching-buffer BAD_STATE, map_into/again BAD_STATE, map_into/inside-large BAD_STATE',
    'in the kernel, at the edges': 'over/unaligned INVALID, over/null-page INVALID, over/last-page INVALID, '
                                   'over/large-reaching-end INVALID, over/non-canonical INVALID, '
                                   'over/kernel-image INVALID, over/kernel-direct INVALID, over/wrapping INVALID',
    'writable and executable': 'over/execute INVALID, over/own-execute INVALID',
    'unmap what is no mapping': 'over/unmap-code NOT_FOUND, over/unmap-stack NOT_FOUND',
    'map without end': 'theft/map-many NO_SLOT, map_into/target-quota QUOTA',
    'give more frames than it may have': 'quota/give QUOTA',
    'give more objects than it may have': 'theft/give-objects QUOTA',
}
# What must go on beside them: nobody pays for another.
PAID = ('shared/third-keeps', 'cut/touch-ends-it', 'load/third-keeps', 'over/goes-on', 'theft/sharer-does-not-pay',
        'theft/owner-pays-no-more', 'theft/payer-stays', 'theft/mover-stays', 'theft/kept', 'theft/giver-paid-back',
        'theft/receiver-pays', 'theft/dead-handle-holds-nothing', 'map_into/own-quota')


@test(once=LATER)
def given_and_paged(t):
    """Another capsule's page faults, memory mapped into it, regions given away and back: `pager` prints a row for each
    answer."""
    with boot('pager', modules=['pager']) as vm:
        vm.ready()
        ctl(vm, 'start', 'pager')
        vm.com1.expect(r'^PAGER done', 120)
        made = {f'{name} {want}' for name, want in rows(t, vm.com1.text(), 'PAGER', 100)}
        for attack, refusals in REFUSALS.items():
            with t.case(attack):
                same([r for r in refusals.split(', ') if r not in made], [], 'refusals that were not asked for')
        with t.case('nobody pays for another'):
            same([r for r in PAID if f'{r} OK' not in made], [], 'rows that are missing')
        with t.case('the system still answers'):
            need('running' in vm.ask('ps'), 'no answer')
