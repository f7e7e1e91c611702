"""QEMU's machine protocol, and the two things of the gdb protocol that the harness needs."""

import json
import socket
import time


class QmpError(Exception):
    pass


def connect(path, timeout):
    """A unix socket that QEMU is about to listen on."""
    end = time.monotonic() + timeout
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Qmp:
    def __init__(self, path, timeout=30):
        self.sock = connect(path, timeout)
        self.sock.settimeout(120)
        self.lines = self.sock.makefile('rb')
        self.events = []
        json.loads(self.lines.readline())
        self.command('qmp_capabilities')

    def command(self, name, **arguments):
        message = {'execute': name}
        if arguments:
            message['arguments'] = arguments
        self.sock.sendall(json.dumps(message).encode() + b'\n')
        while True:
            line = self.lines.readline()
            if not line:
                raise QmpError(f'{name}: QEMU has ended')
            answer = json.loads(line)
            if 'event' in answer:
                self.events.append(answer['event'])
            elif 'error' in answer:
                raise QmpError(f'{name}: {answer["error"]["desc"]}')
            else:
                return answer['return']

    def monitor(self, line, cpu=0):
        """A command of the human monitor, as of one of the processors; its text."""
        return self.command('human-monitor-command', **{'command-line': line, 'cpu-index': cpu})

    def close(self):
        self.lines.close()
        self.sock.close()


def _packet(text):
    return f'${text}#{sum(text.encode()) % 256:02x}'.encode()


GPRS = ('rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
        'rip')
FLAGS = 17  # number of eflags, 32 bits, behind GPRS


class Gdb:
    """What the monitor cannot: write registers and memory, stop at an instruction. Connecting stops the machine."""

    def __init__(self, path, timeout=10):
        self.sock = connect(path, timeout)
        self.data = b''
        self.cpu = 0    # where it stopped last: the one whose registers are meant
        self.ask('qXfer:features:read:target.xml:0,ffb')  # the stub writes single registers only after this

    def send(self, text):
        self.sock.sendall(_packet(text))

    def answer(self, timeout=20):
        """The next packet; socket.timeout when none comes."""
        self.sock.settimeout(timeout)
        while True:
            start = self.data.find(b'$')
            stop = self.data.find(b'#', start)
            if start >= 0 and 0 <= stop <= len(self.data) - 3:
                text = self.data[start + 1:stop].decode()
                self.data = self.data[stop + 3:]
                self.sock.sendall(b'+')
                if text.startswith('T'):
                    self.cpu = int(text[3:].split('thread:')[1].split(';')[0], 16) - 1
                return text
            got = self.sock.recv(65536)
            if not got:
                raise QmpError('gdb stub: closed')
            self.data += got

    def ask(self, text):
        self.send(text)
        while True:
            answer = self.answer()
            if not answer.startswith('T'):  # that it had stopped: said again by loadvm
                return answer

    def do(self, text):
        answer = self.ask(text)
        if answer != 'OK':
            raise QmpError(f'gdb stub: {text[:40]}: {answer}')

    def write(self, address, data):
        self.do(f'M{address:x},{len(data):x}:{data.hex()}')

    def write_physical(self, address, data):
        """As a device would: also to what is no RAM."""
        self.do('Qqemu.PhyMemMode:1')
        self.write(address, data)
        self.do('Qqemu.PhyMemMode:0')

    def read(self, address, length):
        answer = self.ask(f'm{address:x},{length:x}')
        if answer.startswith('E'):
            raise QmpError(f'gdb stub: read at {address:#x}: {answer}')
        return bytes.fromhex(answer)

    def registers(self):
        """{name: value} of the general registers, rip and eflags."""
        raw = bytes.fromhex(self.ask('g').replace('x', '0'))
        out = {name: int.from_bytes(raw[8 * i:8 * i + 8], 'little') for i, name in enumerate(GPRS)}
        out['eflags'] = int.from_bytes(raw[8 * FLAGS:8 * FLAGS + 4], 'little')
        return out

    def set(self, name, value):
        self.do(f'P{GPRS.index(name):x}={value.to_bytes(8, "little").hex()}')

    def go(self, cpus=None):
        """All of them, or those."""
        self.send('c' if cpus is None else 'vCont' + ''.join(f';c:{n + 1:x}' for n in cpus))

    def run_to(self, address, timeout=5):
        """Go on until the processor is about to execute `address`. False: it does not come by."""
        end = time.monotonic() + timeout
        self.do(f'Z1,{address:x},1')
        try:
            while True:
                self.go()
                try:
                    self.answer(max(0.01, end - time.monotonic()))
                except TimeoutError:
                    self.stop()
                if self.registers()['rip'] == address:  # an answer can be one to an earlier stop
                    return True
                if time.monotonic() > end:
                    return False
        finally:
            self.do(f'z1,{address:x},1')

    def stop(self):
        self.sock.sendall(b'\x03')
        self.answer()

    def close(self):
        self.sock.close()
