"""A FAT16 boot volume laid out for tests, and just enough of a PE reader to find an entry point.

Firmware keeps sectors that it has read: the boot sector, the allocation table, directories on the way to
BOOTX64.EFI and the ends of that file. Everything below \\N0N therefore lies far behind, in slots of fixed size, so
that a file there can change its bytes and its length while a machine that was saved at the loader's first
instruction still reads what is on the volume now.
"""

import struct
import threading

SECTOR = 512
CLUSTER = 4096
CLUSTERS = 10240
RESERVED = 8                      # sectors before the table; the table and the data are then 4 KiB aligned
FAT_SECTORS = 48
ROOT_ENTRIES = 512
GAP = 256 * 1024                  # more than the firmware's largest cache page, 64 KiB
SPARES, SPARE = 12, 256 * 1024    # slots for files of which the volume did not know when it was laid out, and their size
DATA = (RESERVED + FAT_SECTORS + ROOT_ENTRIES * 32 // SECTOR) * SECTOR


def _boot_sector():
    sectors = DATA // SECTOR + CLUSTERS * (CLUSTER // SECTOR)
    head = struct.pack('<3s8sHBHBHHBHHHII', b'\xeb\x3c\x90', b'N0NTEST ', SECTOR, CLUSTER // SECTOR, RESERVED,
                       1, ROOT_ENTRIES, 0, 0xf8, FAT_SECTORS, 32, 2, 0, sectors)
    tail = struct.pack('<BBBI11s8s', 0x80, 0, 0x29, 0x4e304e30, b'N0N-OS     ', b'FAT16   ')
    return (head + tail).ljust(510, b'\0') + b'\x55\xaa'


def _short_name(name):
    stem, _, ext = name.partition('.')
    if not 1 <= len(stem) <= 8 or len(ext) > 3 or name != name.upper():
        raise ValueError(f'{name}: not a short upper-case name')
    return stem.ljust(8).encode() + ext.ljust(3).encode()


def _entry(name, attribute, cluster, size):
    return struct.pack('<11sB8xHHHHI', name, attribute, 0, 0, 0, cluster, size)


class Volume:
    """One volume in memory. `efi` and `files` are bytes; `slack` is how much each slot can grow."""

    def __init__(self, efi, files, slack=128 * 1024, efi_name='BOOTX64.EFI', more=None):
        self.image = bytearray(DATA + CLUSTERS * CLUSTER)
        self.fat = [0xfff8, 0xffff] + [0] * CLUSTERS
        self.next = 2
        self.slots = {}
        self.image[0:SECTOR] = _boot_sector()
        root, boot_entries = [], []
        efi_dir, boot_dir, efi_at = self._take(1), self._take(1), self._take_bytes(len(efi))
        boot_entries.append(_entry(_short_name(efi_name), 0x20, efi_at, len(efi)))
        self._put(efi_at, efi)
        for name, data in (more or {}).items():
            at = self._take_bytes(len(data))
            self._put(at, data)
            root.append(_entry(_short_name(name), 0x20, at, len(data)))
        self.shared = self._offset(self.next)
        self.next += GAP // CLUSTER
        self.n0n = self._take(1)
        self.next += GAP // CLUSTER
        self._put_dir(efi_dir, 0, [_entry(_short_name('BOOT'), 0x10, boot_dir, 0)])
        self._put_dir(boot_dir, efi_dir, boot_entries)
        root += [_entry(_short_name('EFI'), 0x10, efi_dir, 0), _entry(_short_name('N0N'), 0x10, self.n0n, 0)]
        self._raw(DATA - ROOT_ENTRIES * 32, b''.join(root))
        for name, data in files.items():
            first = self._take_bytes(len(data) + slack)
            self.slots[name] = (first, len(data) + slack)
        self.spares = [(self._take_bytes(SPARE), SPARE) for _ in range(SPARES)]
        self._raw(RESERVED * SECTOR, struct.pack(f'<{len(self.fat)}H', *self.fat))
        self.files = dict(files)
        self.busy = threading.Lock()  # tests run side by side and share the released files' volume
        self._write_files()

    def _offset(self, cluster):
        return DATA + (cluster - 2) * CLUSTER

    def _take(self, count):
        first = self.next
        self.next += count
        if self.next > CLUSTERS + 2:
            raise ValueError('the test volume is too small for these files')
        for c in range(first, first + count):
            self.fat[c] = c + 1 if c + 1 < first + count else 0xffff
        return first

    def _take_bytes(self, size):
        return self._take(max(1, -(-size // CLUSTER)))

    def _raw(self, at, data):
        self.image[at:at + len(data)] = data

    def _put(self, cluster, data):
        self._raw(self._offset(cluster), data)

    def _put_dir(self, cluster, parent, entries):
        dots = [_entry(b'.          ', 0x10, cluster, 0), _entry(b'..         ', 0x10, parent, 0)]
        self._put(cluster, b''.join(dots + entries).ljust(CLUSTER, b'\0'))

    def _write_files(self):
        entries, end = [], self.n0n
        spares = iter(self.spares)
        for name, data in self.files.items():
            first, room = self.slots.get(name) or next(spares)
            if len(data) > room:
                raise ValueError(f'{name}: {len(data)} bytes do not fit its slot')
            self._put(first, data.ljust(room, b'\0'))
            end = max(end, first + room // CLUSTER)
            entries.append(_entry(_short_name(name), 0x20, first if data else 0, len(data)))
        self._put_dir(self.n0n, 0, entries)
        self.end = end + 1

    def with_files(self, changes):
        """The same with some \\N0N files replaced; None takes a file away."""
        with self.busy:
            kept = self.files
            self.files = {n: d for n, d in {**kept, **changes}.items() if d is not None}
            try:
                self._write_files()
                return self._used()
            finally:
                self.files = kept
                self._write_files()

    def bytes(self):
        """The volume's bytes less the empty clusters at its end, which `store` puts back."""
        with self.busy:
            return self._used()

    def _used(self):
        return bytes(memoryview(self.image)[:self._offset(self.end)])

    def shared_bytes(self):
        """What firmware may have read before the loader's first instruction."""
        return bytes(self.image[:self.shared])


def store(path, image):
    """Make a file of a volume, as long as its boot sector says, with a hole where `image` ends before."""
    with open(path, 'wb') as f:
        f.write(image)
        f.truncate(max(len(image), struct.unpack_from('<I', image, 32)[0] * SECTOR))


def read_files(image):
    """{path: bytes} of a FAT12/16/32 volume without long names, made by somebody else."""
    (sector, per, reserved, fats, roots, small, _, fat_len) = struct.unpack_from('<HBHBHHBH', image, 11)
    total = small or struct.unpack_from('<I', image, 32)[0]
    fat_len = fat_len or struct.unpack_from('<I', image, 36)[0]
    fat_at = reserved * sector
    root_at = fat_at + fats * fat_len * sector
    data_at = root_at + roots * 32
    count = (total * sector - data_at) // (per * sector)

    def follow(c):
        if count < 4085:
            v = struct.unpack_from('<H', image, fat_at + c * 3 // 2)[0]
            v = v >> 4 if c & 1 else v & 0xfff
            return v if v < 0xff8 else None
        if count < 65525:
            v = struct.unpack_from('<H', image, fat_at + c * 2)[0]
            return v if v < 0xfff8 else None
        v = struct.unpack_from('<I', image, fat_at + c * 4)[0] & 0xfffffff
        return v if v < 0xffffff8 else None

    def chain(c):
        out = []
        while c is not None and c >= 2:
            at = data_at + (c - 2) * per * sector
            out.append(image[at:at + per * sector])
            c = follow(c)
        return b''.join(out)

    found = {}

    def walk(data, path):
        for i in range(0, len(data) - 31, 32):
            e = data[i:i + 32]
            if e[0] == 0:
                break
            if e[0] in (0xe5, 0x2e) or e[11] & 0x08:
                continue
            name = e[0:8].decode('latin-1').strip() + ('.' + e[8:11].decode('latin-1').strip()).rstrip('.')
            first = struct.unpack_from('<H', e, 26)[0] | struct.unpack_from('<H', e, 20)[0] << 16
            if e[11] & 0x10:
                walk(chain(first), f'{path}{name}/')
            else:
                found[path + name] = chain(first)[:struct.unpack_from('<I', e, 28)[0]]

    root_cluster = struct.unpack_from('<I', image, 44)[0]
    walk(image[root_at:data_at] if roots else chain(root_cluster), '')
    return found


def pe_entry_offset(pe):
    """File offset of the first instruction of a PE image."""
    at = struct.unpack_from('<I', pe, 0x3c)[0]
    if pe[at:at + 4] != b'PE\0\0':
        raise ValueError('not a PE image')
    count, optional = struct.unpack_from('<H', pe, at + 6)[0], struct.unpack_from('<H', pe, at + 20)[0]
    rva = struct.unpack_from('<I', pe, at + 24 + 16)[0]
    for i in range(count):
        size, base, raw_size, raw = struct.unpack_from('<IIII', pe, at + 24 + optional + i * 40 + 8)
        if base <= rva < base + max(size, raw_size):
            return raw + rva - base
    raise ValueError('the entry point is in no section')
