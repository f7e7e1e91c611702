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

    def monitor(self, line):
        """A command of the human monitor; its text."""
        return self.command('human-monitor-command', **{'command-line': line})

    def close(self):
        self.lines.close()
        self.sock.close()


def _packet(text):
    return f'${text}#{sum(text.encode()) % 256:02x}'.encode()


class Gdb:
    """Writes guest memory, which the monitor cannot. Connecting stops the machine."""

    def __init__(self, path, timeout=10):
        self.sock = connect(path, timeout)
        self.sock.settimeout(20)

    def ask(self, text):
        self.sock.sendall(_packet(text))
        data = b''
        while True:
            got = self.sock.recv(4096)
            if not got:
                raise QmpError('gdb stub: closed')
            data += got
            start = data.find(b'$')
            stop = data.find(b'#', start)
            if start >= 0 and 0 <= stop <= len(data) - 3:
                self.sock.sendall(b'+')
                return data[start + 1:stop].decode()

    def write(self, address, data):
        answer = self.ask(f'M{address:x},{len(data):x}:{data.hex()}')
        if answer != 'OK':
            raise QmpError(f'gdb stub: write at {address:#x}: {answer}')

    def close(self):
        self.sock.close()
