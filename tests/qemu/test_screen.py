"""The framebuffer shows what the serial line says: the screen is read back glyph by glyph with the console's font."""

import os
import time

from cases import ALONE, need, test
from lab import BUILD, boot
from vm import Config, Failure

FONTS = [os.path.join(BUILD, 'deps', 'font', n) for n in ('terminus16.psf', 'terminus16-latin1.psf')]
WIDTH, HEIGHT = 8, 16


def glyphs(path):
    """{16 rows: character} of a PSF font, for printable ASCII."""
    with open(path, 'rb') as f:
        data = f.read()
    if data[:2] == b'\x36\x04':
        count, start, table = 512 if data[2] & 1 else 256, 4, data[2] & 2
        size = data[3]
        at = start + count * size
        out = {}
        for i in range(count):
            glyph = data[start + i * size:start + (i + 1) * size]
            while table and data[at:at + 2] != b'\xff\xff':
                code = int.from_bytes(data[at:at + 2], 'little')
                if 32 <= code < 127:
                    out.setdefault(glyph, chr(code))
                at += 2
            at += 2
        return out
    raise Failure(f'{path}: not a PSF1 font')


def picture(vm):
    """(width, height, rows of booleans: not background) of the screen."""
    path = vm.path('screen.ppm')
    vm.qmp.command('screendump', filename=path)
    with open(path, 'rb') as f:
        data = f.read()
    magic, size, _, pixels = data.split(b'\n', 3)
    width, height = map(int, size.split())
    need(magic == b'P6' and len(pixels) == width * height * 3, 'not a picture')
    dark = [[sum(pixels[(y * width + x) * 3:(y * width + x) * 3 + 3]) > 200 for x in range(width)]
            for y in range(height)]
    return width, height, dark


def read_text(vm, font):
    width, height, lit = picture(vm)
    best = ''
    # A margin is the console's own business: try the places where the grid of cells may begin.
    for top in range(0, HEIGHT):
        for left in (0, (width % WIDTH) // 2):
            lines = []
            for y in range(top, height - HEIGHT + 1, HEIGHT):
                line = ''
                for x in range(left, width - WIDTH + 1, WIDTH):
                    cell = bytes(sum(lit[y + r][x + c] << (7 - c) for c in range(WIDTH)) for r in range(HEIGHT))
                    line += font.get(cell, '?' if any(cell) else ' ')
                lines.append(line.rstrip())
            text = '\n'.join(lines)
            if 'n0n>' in text:
                return text
            best = max(best, text, key=lambda t: sum(c.isalnum() for c in t))
    return best


@test(once=ALONE)
def text_is_readable(t):
    with boot('screen', cold=True, config=Config(vga=True)) as vm:
        vm.ready(120)
        vm.ask('help')
        time.sleep(1)
        font = {}
        for path in FONTS:
            if os.path.exists(path):
                for glyph, char in glyphs(path).items():
                    font.setdefault(glyph, char)
        text = read_text(vm, font)
        for want in ('n0n> help', 'poweroff', 'capsules: module, id, state'):
            with t.case(f'"{want}" is on the screen'):
                need(want in text, text[-600:])


@test(once=ALONE)
def no_framebuffer(t):
    with boot('no-screen') as vm:
        vm.ready()
        need('serial only' in vm.ask('about'), 'about does not say so')
