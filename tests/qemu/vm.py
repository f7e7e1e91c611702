"""One QEMU machine: firmware, boot volume, two serial ports, monitor. docs/testing.md has the picture.

A machine cleans up after itself: use it in a `with` block. Serial output of COM1 goes to build/test-logs/NAME.log.
"""

import dataclasses
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

import covered
from qmp import Gdb, Qmp

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
LOGS = os.path.join(TOP, 'build', 'test-logs')
OVMF = os.environ.get('N0N_OVMF', '/usr/share/OVMF')
CODE = os.path.join(OVMF, 'OVMF_CODE_4M.fd')
VARS = os.path.join(OVMF, 'OVMF_VARS_4M.fd')
CPUS = int(os.environ.get('N0N_CPUS', '1'))  # of every machine whose test does not say: tests/qemu/run --cpus
# Stretches every time limit. A limit ends what hangs; as it costs nothing else it is long, for machines that others use too.
SLOW = float(os.environ.get('N0N_SLOW', '3'))
BUSY = max(1, SLOW / 3)  # and this what is waited in any case, to see that nothing happens

_ANSI = re.compile(r'\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][0-9A-B]|\x1b[=>78]|\r')


class Failure(Exception):
    """A test did not see what it should have seen."""


_live = set()
spent = {}      # CPU seconds, user's and system's, of the machines that a thread has closed


def cpu_seconds(pid):
    """(user, system) of a process that runs, or has ended and is not waited for."""
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        return tuple(int(ticks) / os.sysconf('SC_CLK_TCK') for ticks in f.read().rsplit(')', 1)[1].split()[11:13])


def close_all(*_):
    """End every machine and the process: for a signal that ends the runner. Their threads are still at work with the rest."""
    for vm in list(_live):
        if vm.process:
            vm.process.kill()
        shutil.rmtree(vm.dir, ignore_errors=True)
    os._exit(143)


@dataclasses.dataclass(frozen=True)
class Config:
    machine: str = 'q35'
    memory: int = 512       # MiB
    cpu: str = 'max'
    smp: int = CPUS
    vga: bool = False
    icount: bool = False    # exact instruction counts; only from a snapshot
    seed: int = 1           # of the guest's random numbers
    single: bool = CPUS > 1     # all processors on one thread of the host: docs/testing.md

    def arguments(self):
        accel = 'tcg,thread=single' if self.icount or self.single or self.smp == 1 else 'tcg'
        out = ['-nodefaults', '-no-user-config', '-net', 'none', '-display', 'none', '-accel', accel,
               '-machine', self.machine, '-cpu', self.cpu, '-smp', str(self.smp), '-m', str(self.memory),
               '-rtc', 'base=2026-01-01,clock=vm', '-seed', str(self.seed), '-no-reboot']
        out += ['-device', 'VGA'] if self.vga else []
        return out + (['-icount', 'shift=0,sleep=off'] if self.icount else [])


def plain_text(data):
    """What a person would read: no escape sequences, no carriage returns."""
    return _ANSI.sub('', data.decode('utf-8', 'replace'))


class Serial:
    """A serial port on a pair of pipes. A thread drains it. The guest sends sixteen bytes at a time and gives up on a
    listener that keeps it waiting; a pipe of 1 MiB is never that full, where a socket holds some 300 such pieces."""

    def __init__(self, path, log=None):
        self.input = os.open(path + '.in', os.O_WRONLY)
        self.output = os.open(path + '.out', os.O_RDONLY)
        fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.data = bytearray()
        self.seen = 0            # text before this was matched by an `expect`
        self.news = threading.Condition()
        self.ended = False
        self.log = open(log, 'wb') if log else None
        self.thread = threading.Thread(target=self._drain, daemon=True)
        self.thread.start()

    def _drain(self):
        while True:
            try:
                got = os.read(self.output, 65536)
            except OSError:
                got = b''
            with self.news:
                self.data += got
                self.ended = not got
                if self.log:
                    self.log.write(got)
                    self.log.flush()
                self.news.notify_all()
            if not got:
                return

    def text(self):
        with self.news:
            data = bytes(self.data)
        return plain_text(data)

    def send(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        while data:
            data = data[os.write(self.input, data):]

    def expect(self, pattern, timeout=30):
        """Wait for a regular expression in what came since the last match; the match object."""
        rule = re.compile(pattern, re.M | re.S)
        end = time.monotonic() + timeout * SLOW
        while True:
            with self.news:
                size, ended = len(self.data), self.ended
            text = self.text()
            found = rule.search(text, self.seen)
            if found:
                self.seen = found.end()
                return found
            if ended or time.monotonic() > end:
                why = 'machine ended' if ended else f'{timeout} s passed'
                raise Failure(f'no /{pattern}/ ({why}); last lines: {tail(text[self.seen:])}')
            with self.news:
                if len(self.data) == size and not self.ended:
                    self.news.wait(max(0, end - time.monotonic()))
            time.sleep(0.005)  # news comes in pieces of sixteen bytes: not a search for each

    def anywhere(self, pattern, timeout=30):
        """The same in all that ever came: what one capsule prints may stand before or behind another's prompt."""
        seen, self.seen = self.seen, 0
        try:
            return self.expect(pattern, timeout)
        finally:
            self.seen = max(seen, self.seen)

    def close(self):
        self.thread.join(5)  # QEMU has ended, and with it the pipe
        os.close(self.input)
        os.close(self.output)
        if self.log:
            self.log.close()


def tail(text, count=4):
    lines = [line for line in text.split('\n') if line.strip()]
    return ' | '.join(lines[-count:])[-400:] or '(nothing)'


class Machine:
    """A running QEMU. `image` is a path, opened read-only; `state` a machine saved by snapshot.py. With `ram` its memory is
    in that file, and `save` can leave it there."""

    def __init__(self, name, image, config=Config(), state=None, gdb=False, paused=False, extra=(), readonly=True,
                 ram=None):
        self.name, self.config = name, config
        self.dir = tempfile.mkdtemp(prefix='n0n-vm-')
        self.com1 = self.qmp = self.process = None
        self.com2_path = os.path.join(self.dir, 'com2')
        _live.add(self)
        try:
            self._start(image, state, gdb, paused, extra, readonly, ram)
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.dir, name)

    def _start(self, image, state, gdb, paused, extra, readonly, ram):
        variables = self.path('vars.qcow2')
        if state:
            shutil.copyfile(state + '.vars', variables)
        else:
            subprocess.run(['qemu-img', 'convert', '-q', '-O', 'qcow2', VARS, variables], check=True)
        command = ['qemu-system-x86_64', *self.config.arguments(),
                   '-drive', f'if=pflash,unit=0,format=raw,readonly=on,file={CODE}',
                   '-drive', f'if=pflash,unit=1,format=qcow2,file={variables}',
                   '-drive', f'if=none,id=boot,format=raw,readonly={"on" if readonly else "off"},file={image}',
                   '-device', 'virtio-blk-pci,drive=boot,bootindex=0']
        for end in ('in', 'out'):
            os.mkfifo(f'{self.path("com1")}.{end}')
        command += ['-chardev', f'pipe,id=com1,path={self.path("com1")}', '-serial', 'chardev:com1',
                    '-chardev', f'socket,id=com2,path={self.com2_path},server=on,wait=off', '-serial', 'chardev:com2']
        command += ['-qmp', f'unix:{self.path("qmp")},server=on,wait=off']
        if gdb:
            command += ['-chardev', f'socket,id=gdb,path={self.path("gdb")},server=on,wait=off', '-gdb', 'chardev:gdb']
        if state or ram:
            command += self._ram(state, ram)
        if state:
            command += ['-incoming', 'defer']
        command += covered.arguments(self.path('covered')) if covered.FOLDER else []
        command += list(extra) + ['-S']
        self.errors = open(self.path('stderr'), 'wb+')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        self.qmp = self._monitor()
        if state:
            self._load(state)
        os.makedirs(LOGS, exist_ok=True)
        self.com1 = Serial(self.path('com1'), os.path.join(LOGS, f'{self.name}.log'))
        if not paused:
            self.resume()

    def _ram(self, state, ram):
        """A saved machine's memory is a file that every machine begun from it maps for itself: a page is copied when it is
        written. (QEMU leaves out of a saved state what is in a shared file, and so takes nothing out of it for one.)"""
        place = f'mem-path={ram},share=on' if ram else f'mem-path={state}.ram,share=off'
        return ['-object', f'memory-backend-file,id=ram,size={self.config.memory}M,{place}', '-machine', 'memory-backend=ram']

    def _load(self, state):
        self._without_shared()
        self.qmp.command('migrate-incoming', uri=f'exec:cat {shlex.quote(state)}')
        self._until(lambda: self.qmp.command('query-status')['status'] != 'inmigrate', 'load the saved state')

    def save(self, state):
        """The stopped machine but for its memory, which is in the file `ram`."""
        self._without_shared()
        self.qmp.command('migrate', uri=f'exec:cat >{shlex.quote(state)}')
        self._until(lambda: self.qmp.command('query-migrate')['status'] in ('completed', 'failed'), 'save its state')
        if self.qmp.command('query-migrate')['status'] != 'completed':
            raise Failure(f'QEMU did not save the machine: {self.stderr()}')

    def _without_shared(self):
        self.qmp.command('migrate-set-capabilities', capabilities=[{'capability': 'x-ignore-shared', 'state': True}])

    @staticmethod
    def _until(done, what):
        end = time.monotonic() + 60 * SLOW
        while not done():
            if time.monotonic() > end:
                raise Failure(f'QEMU did not {what} within 60 s')
            time.sleep(0.005)

    def _monitor(self):
        end = time.monotonic() + 60 * SLOW
        while True:
            if self.process.poll() is not None:
                raise Failure(f'QEMU did not start: {self.stderr()}')
            try:
                return Qmp(self.path('qmp'), 0.2)
            except OSError:
                if time.monotonic() > end:
                    raise

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode('utf-8', 'replace').strip()[-400:]

    def resume(self):
        self.qmp.command('cont')

    def stop(self):
        self.qmp.command('stop')

    def gdb(self):
        return Gdb(self.path('gdb'))

    def register(self, name):
        text = self.qmp.monitor('info registers')  # firmware starts in 32-bit mode, with EIP
        found = re.search(rf'\b[RE]?{name.lstrip("R")}\s*=\s*([0-9a-f]+)', text, re.I)
        return int(found.group(1), 16)

    def memory(self, address, length):
        """Guest bytes at a virtual address of the current CPU."""
        text = self.qmp.monitor(f'x /{length}xb {address:#x}')
        return bytes(int(b, 16) for line in text.splitlines() for b in line.split(':', 1)[-1].split()
                     if re.fullmatch('0x[0-9a-f]{2}', b))

    def wait_end(self, timeout=30):
        """Wait until QEMU ends by itself (power off); its exit status."""
        try:
            return self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise Failure(f'the machine still runs after {timeout} s; last lines: {tail(self.com1.text())}') from None

    # The prompt ---------------------------------------------------------------------------------------------

    def ready(self, timeout=60):
        self.com1.expect(r'N0N-OS ready', timeout)
        self.com1.expect(r'^n0n> ', 15)

    def ask(self, line, timeout=20):
        """Type a line at the prompt; the text up to the next prompt."""
        self.com1.send(line + '\r')
        found = self.com1.expect(r'(.*?)^n0n> ', timeout)
        body = found.group(1)
        return body.split('\n', 1)[1] if '\n' in body else ''

    def ask_until(self, line, pattern, timeout=30):
        """Type a line that starts something or ends it; the match of what is printed then, before the next prompt or behind
        it: with several processors either comes first."""
        start = self.com1.seen
        self.ask(line)
        prompt, self.com1.seen = self.com1.seen, start
        try:
            return self.com1.expect(pattern, timeout)
        finally:
            self.com1.seen = max(prompt, self.com1.seen)

    def close(self):
        if covered.FOLDER and self.com1:
            covered.collect(self)
        if self.process and self.process.returncode is None:
            me = threading.get_ident()
            spent[me] = tuple(map(sum, zip(spent.get(me, (0, 0)), cpu_seconds(self.process.pid))))
            self.process.kill()
        if self.process:
            self.process.wait()
            self.errors.close()
        for part in (self.com1, self.qmp):
            if part:
                part.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        _live.discard(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
