"""A Linux kernel on the same QEMU, firmware and snapshot method as N0N-OS, with bench/linux/init.c as its only
process. The kernel's EFI stub is the EFI application; firmware's own shell starts it, because that is the one way
to give it a command line without a program of ours in between."""

import re
import struct
import time

from fat import Volume, store
from snapshot import saved
from vm import Config, Failure, Machine

PROGRAM = 'LINUX.EFI'
# Every probe and calibration that a machine's owner can switch off is off: what Linux can do at its best.
FAST = ('quiet loglevel=0 mitigations=off nokaslr tsc_early_khz=1000000 tsc=reliable lpj=4000000 no_timer_check nolapic_timer '
        'noreplace-smp nowatchdog audit=0 raid=noautodetect i8042.nokbd i8042.noaux pci=lastbus=0 '
        'random.trust_cpu=on cryptomgr.notests')


def initramfs(init):
    """A newc archive that holds /init; /dev/console is in the kernel's own."""
    out = b''
    for i, (name, mode, data) in enumerate((('init', 0o100755, init), ('TRAILER!!!', 0, b''))):
        fields = [i + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b'070701' + b''.join(b'%08x' % f for f in fields) + name.encode() + b'\0'
        for part in (head, data):
            out += part
            out += bytes(-len(out) % 4)
    return out.ljust(-(-len(out) // 512) * 512, b'\0')


class Peer:
    """One kernel with one command line. `figures` are what init printed."""

    def __init__(self, name, kernel, init, options):
        self.name = name
        self.kernel_bytes = len(kernel)
        line = f'fs0:\\EFI\\BOOT\\{PROGRAM} initrd=\\INITRD.IMG console=ttyS0 rdinit=/init {options}\r\n'
        self.volume = Volume(kernel, {}, efi_name=PROGRAM,
                             more={'STARTUP.NSH': line.encode(), 'INITRD.IMG': initramfs(init)})

    def paused(self, config, path):
        image = self.volume.bytes()
        state = saved(config, image, wake=_skip_countdown, program=f'EFI/BOOT/{PROGRAM}')
        store(path, image)
        return Machine(f'bench-{self.name}', path, config, state=state, paused=True)

    def count(self, path, cpu='max'):
        """The figures of one run under exact instruction counting."""
        with self.paused(Config(cpu=cpu, icount=True), path) as vm:
            vm.resume()
            vm.com1.expect(r'peer done', 120)
            return {k: int(v) for k, v in re.findall(r'^peer (\w+) (\d+)', vm.com1.text(), re.M)}

    def wall(self, path, cpu='max'):
        """Milliseconds from the first instruction to the first line of init, plain TCG."""
        with self.paused(Config(cpu=cpu), path) as vm:
            return wall_ms(vm, 'peer init')


def wall_ms(vm, pattern):
    start = time.monotonic()
    vm.resume()
    vm.com1.expect(pattern, 120)
    return (time.monotonic() - start) * 1000


def _skip_countdown(vm):
    try:
        vm.com1.expect(r'Press ESC in', 40)
        vm.com1.send('\r')
    except Failure:
        pass  # a firmware that counts down in silence: five seconds more


def linux_image_size(kernel):
    """Bytes of kernel code and data once unpacked (init_size of the boot protocol)."""
    return struct.unpack_from('<I', kernel, 0x260)[0]
