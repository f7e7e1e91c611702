"""`nonosctl gdb` with the real gdb, and the same stub with packets that gdb would not send."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time

from cases import TWIN, need, same, test
from lab import BUILD, CTL, TOP, boot, ctl, ctl_json, key, policy_from
from test_manage import answer, capsule, frame, wire
from vm import SLOW, Failure

PATIENT = os.path.join(BUILD, 'modules', 'patient.mod')
SYMBOLS = os.path.join(BUILD, 'modules', 'patient.elf')
SEEN = re.compile(r'^(\w+) is (.*)$', re.M)


def start(vm, *words):
    """A patient; its id."""
    text = ctl(vm, 'load', PATIENT, '--start', *words)
    return re.search(r'started as capsule (\d+)', text).group(1)


def command(vm, who, *options):
    return [CTL, 'gdb', who, '--node', vm.com2_path, '--timeout', str(round(20 * SLOW)), *options]


def gdb(vm, who, *lines, check=True):
    """What gdb says to a script, one command a line."""
    script = os.path.join(BUILD, 'test', f'{who}.gdb')
    with open(script, 'w', encoding='utf-8') as f:
        f.write('\n'.join(('set width 0', 'set pagination off', *lines, '')))
    done = subprocess.run(command(vm, who, '--', '-batch', '-nx', '-x', script), capture_output=True, text=True,
                          cwd=TOP, timeout=120 * SLOW, check=False)
    if check and done.returncode:
        raise Failure(f'gdb: exit {done.returncode}: {(done.stdout + done.stderr)[-600:]}')
    return done.stdout + done.stderr


def show(name, expression):
    return f'printf "{name} is %lu\\n", (unsigned long)({expression})'


def seen(text):
    return dict(SEEN.findall(text))


class Remote:
    """A client of the stub that says what it likes."""

    def __init__(self, vm, who, *options):
        self.path = os.path.join(vm.dir, 'gdb.sock')  # another machine may have a capsule of the same number
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.ctl = subprocess.Popen(command(vm, who, '--listen', self.path, *options), cwd=TOP, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.ctl.stdout.readline()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20 * SLOW)
        self.sock.connect(self.path)
        self.data = b''

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.sock.sendall(b'$' + data + b'#%02x' % (sum(data) & 255))

    def reply(self):
        """The next packet, acknowledged."""
        while True:
            m = re.search(rb'\$([^#]*)#(..)', self.data)
            if m:
                self.data = self.data[m.end():]
                with contextlib.suppress(BrokenPipeError):  # it may have said good-bye
                    self.sock.sendall(b'+')
                return m.group(1).decode()
            more = self.sock.recv(65536)
            if not more:
                raise Failure('the stub has gone')
            self.data += more

    def ask(self, text):
        self.send(text)
        return self.reply()

    def end(self):
        self.sock.close()
        self.ctl.wait(30 * SLOW)


@test
def session(t):
    """Break, look, step, write, go on, leave; what a crash and an end look like."""
    need(shutil.which('gdb'), 'no gdb: deps/setup test')
    with boot('gdb') as vm:
        vm.ready()
        who = start(vm)
        with t.case('a breakpoint by its symbol is hit, and the backtrace has names'):
            text = gdb(vm, who, 'break beat', 'continue', 'backtrace', 'info registers rip', show('count', 'patient.count'),
                       show('argument', 'count'), 'printf "name is %s\\n", patient.name', 'delete', 'break nap', 'continue',
                       show('after', 'patient.count'), show('code', '*(unsigned char*)&nap'), 'detach')
            need('Breakpoint 1, beat (' in text and re.search(r'#1 .* in nos_main \(\)', text), text[-800:])
            need(re.search(r'rip .*<beat\+?\d*>', text), text[-800:])
            got = seen(text)
            same(got['argument'], got['count'], 'argument')
            same(int(got['after']), int(got['count']) + 2, 'count at the next breakpoint')
            same(got['name'], 'patient', 'memory')
            need(int(got['code']) != 0xcc, 'the breakpoint is shown')
        with t.case('a step is one instruction, and next one line'):
            text = gdb(vm, who, 'break beat', 'continue', show('a', '$pc'), 'stepi', show('b', '$pc'), 'next',
                       show('line', '$pc'), 'detach')
            got = seen(text)
            need(0 < int(got['b']) - int(got['a']) <= 15, f'{got}')
            need(int(got['line']) > int(got['b']), f'{got}')
        with t.case('a variable and a register are written, and it runs on with them'):
            text = gdb(vm, who, 'break beat', 'continue', 'set var patient.step = 1000', 'set var $r11 = 0x1234', show('r11', '$r11'),
                       'continue', show('first', 'patient.count'), 'continue', show('second', 'patient.count'), 'detach')
            got = seen(text)
            same(got['r11'], str(0x1234), 'register')
            same(int(got['second']) - int(got['first']), 1000, 'steps')
        with t.case('after detach it runs without breakpoints'):
            got = [int(seen(gdb(vm, who, show('count', 'patient.count'), 'detach'))['count']) for _ in range(2)]
            need(got[1] > got[0], f'{got}')
        with t.case('its exit code'):
            text = gdb(vm, who, 'set var patient.enough = 7', 'continue')
            need('exited with code 07' in text, text[-400:])
        with t.case('a crash stops first, then is its end with a record'):
            who = start(vm, 'fall')
            text = gdb(vm, who, 'set var patient.enough = 1', 'continue', 'backtrace', 'continue')
            need('SIGSEGV' in text and re.search(r'#0 .*fall \(', text), text[-800:])
            need('Program terminated with signal SIGSEGV' in text, text[-400:])
            need('patient' in ctl(vm, 'crash', 'ls'), 'no crash record')
        with t.case('two threads, held together'):
            who = start(vm, 'pair')
            text = gdb(vm, who, 'info threads', 'break beat', 'continue', show('one', 'patient.second'), 'shell sleep 0.2',
                       'maintenance flush dcache', show('two', 'patient.second'), 'detach')
            same(len(re.findall(r'Thread \d+', text.split('Breakpoint')[0])) >= 2, True, text[-800:])
            got = seen(text)
            same(got['one'], got['two'], 'the other thread')
        with t.case('kill ends it'):
            gdb(vm, who, 'kill', check=False)
            need(not any(str(c['id']) == who and c['state'] == 'running' for c in ctl_json(vm, 'ps')), 'it still runs')
        with t.case('every session is in the audit log, begun and over'):
            rows = [r for r in ctl_json(vm, 'audit')['records'] if r['kind'] == 'debug']
            need(len(rows) >= 14 and len(rows) % 2 == 0, f'{len(rows)} records')
        with t.case('the kernel\'s books agree'):
            need('running' in vm.ask('ps'), 'no prompt')


@test(once=TWIN)
def packets(t):
    """What is stopped, and what is not; packets that are none; what a debugger does not get."""
    with boot('gdb-packets') as vm:
        vm.ready()
        who = start(vm)
        r = Remote(vm, who)
        try:
            with t.case('it stops at once, and others answer'):
                need(r.ask('?').startswith('T05thread:'), 'no stop')
                need('patient' in vm.ask('ps'), 'no prompt')
            regs = r.ask('g')
            with t.case('noise, a wrong sum, half a packet, one too long'):
                r.sock.sendall(b'noise$g#00')
                r.sock.sendall(b'$m0,' + b'0' * 9000 + b'#00')
                r.sock.sendall(b'$g')
                same(r.ask('g'), regs, 'registers after noise')
            with t.case('what is not known has an empty answer, what is malformed an error'):
                for text in ('vMustReplyEmpty', 'Z1,1000,1', 'Z2,1000,4', 'qNoSuch', '!', 'vFile:open:'):
                    same(r.ask(text), '', text)
                for text in ('m', 'mzz,4', 'm1000', 'M1000,4:12', 'p', 'pffff', 'Pffff=00', 'P10=', 'Hx1', 'Z0,', 'G12',
                             'vCont;q', 'vCont;s:zz', 'T', 'c1000', 'qXfer:features:read:target.xml:9,'):
                    need(r.ask(text).startswith('E'), text)
            with t.case('memory that is not its own'):
                for at in ('0', '123456789000', '7ffffffff000', '800000000000', 'ffff800000000000', 'ffffffff80000000',
                           'fffffffffffffffe'):
                    need(r.ask(f'm{at},8').startswith('E'), at)
                    need(r.ask(f'M{at},1:90').startswith('E'), at)
                    need(r.ask(f'Z0,{at},1').startswith('E'), at)
            ip = int.from_bytes(bytes.fromhex(regs[16 * 16:17 * 16]), 'little')
            with t.case('code is not written, and no breakpoint lies in data'):
                sp = int.from_bytes(bytes.fromhex(regs[7 * 16:8 * 16]), 'little')
                need(r.ask(f'M{ip:x},1:90').startswith('E'), 'code was written')
                need(r.ask(f'Z0,{sp:x},1').startswith('E'), 'a breakpoint on the stack')
            symbol = int(re.search(r'Text=(\w+);', r.ask('qOffsets')).group(1), 16) + symbol_at('beat')
            with t.case('privileges'):
                same(r.ask(f'Z0,{symbol:x},1'), 'OK', 'breakpoint')
                r.send('c')
                need('swbreak' in r.reply(), 'no breakpoint')
                flags = int.from_bytes(bytes.fromhex(r.ask('p11')), 'little')
                for what, value in (('IOPL', flags | 0x3000), ('NT', flags | 0x4000), ('VM', flags | 0x20000),
                                    ('IF', flags & ~0x200), ('VIP', flags | 0x100000)):
                    need(r.ask('P11=' + value.to_bytes(4, 'little').hex()).startswith('E'), what)
                same(r.ask('P11=' + (flags ^ 1).to_bytes(4, 'little').hex()), 'OK', 'carry')
                for what, number in (('cs', 18), ('ss', 19), ('fs', 22)):
                    need(r.ask(f'P{number:x}=1b000000').startswith('E'), what)
                for place in (0xffffffff80000000, 0x800000000000, 0x7ffffffff000):
                    need(r.ask('P10=' + place.to_bytes(8, 'little').hex()).startswith('E'), hex(place))
                same(r.ask(f'z0,{symbol:x},1'), 'OK', 'taken away')
            with t.case('Ctrl-C'):
                r.send('vCont;c')
                time.sleep(0.3)
                r.sock.sendall(b'\x03')
                need(r.reply().startswith('T02'), 'no stop')
            with t.case('D'):
                same(r.ask('D'), 'OK', 'detach')
        finally:
            r.end()
        with t.case('a client that is gone lets it run'):
            r = Remote(vm, who)
            r.ctl.kill()
            r.end()
            ctl(vm, 'about')
            need(runs(vm, who), 'it stands')


def symbol_at(name):
    text = subprocess.run(['nm', SYMBOLS], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf'^(\w+) \w {name}$', text, re.M).group(1), 16)


def runs(vm, who):
    def used():
        return next(c['cpu_ns'] for c in ctl_json(vm, 'ps') if str(c['id']) == who)
    before = used()
    time.sleep(0.3)
    return used() != before


@test(once=TWIN)
def grant(t):
    """Who may not, and when it is over."""
    other = key('operator', 'other-operator')
    with boot('gdb-grant') as vm:
        vm.ready()
        who = start(vm)
        for name, whom, status in (('init, which the policy keeps debuggers off', '1', 'DENIED'),
                                   ('manage, which would stop itself', str(capsule(vm, 'manage')['id']), 'INVALID')):
            with t.case(name):
                done = subprocess.run(command(vm, whom, '--', '-batch'), capture_output=True, text=True, cwd=TOP, check=False)
                need(done.returncode == 5 and status in done.stderr, done.stderr)
        with t.case('another key'):
            done = subprocess.run(command(vm, who, '--operator', other, '--', '-batch'), capture_output=True, text=True,
                                  cwd=TOP, check=False)
            need(done.returncode == 1, done.stderr)
        with t.case('no grant: each verb unsigned, or signed by nobody'):
            for verb in range(32, 40):
                sock = wire(vm)
                try:
                    sock.sendall(frame(verb, 1000 + verb, b'\0' * 12 + b'\x5a' * 72))
                    need(answer(sock, 1000 + verb) < 0, f'verb {verb} was carried out')
                finally:
                    sock.close()
            need(runs(vm, who), 'it was stopped')
        with t.case('its time is over: everything is refused, and it runs without breakpoints'):
            r = Remote(vm, who, '--seconds', '2')
            try:
                at = int(re.search(r'Text=(\w+);', r.ask('qOffsets')).group(1), 16) + symbol_at('beat')
                same(r.ask(f'Z0,{at:x},1'), 'OK', 'breakpoint')
                time.sleep(2.5)  # the guest's time is ours
                same(r.ask(f'm{at & ~0xfff:x},8'), 'E08', 'memory')
                same(r.ask('vCont;c'), 'E08', 'to run')
            finally:
                r.end()
            need(runs(vm, who), 'it stands')
            need(capsule(vm, 'patient')['state'] == 'running', 'it ended')
            rows = [x for x in ctl_json(vm, 'audit')['records'] if x['kind'] == 'debug']
            same([x['status'] for x in rows[-2:]], ['OK', 'EXPIRED'], 'audit')


@test(once=TWIN)
def no_right(t):
    """A policy for production: `manage` has no right `debug`."""
    def without(policy):
        for rule in policy['rules']:
            for g in rule.get('grants', []):
                if g['kind'] == 'node' and 'debug' in g['rights']:
                    g['rights'].remove('debug')
    with boot('gdb-no-right', {'BOOT.POL': policy_from(without)}) as vm:
        vm.ready()
        with t.case('refused'):
            done = subprocess.run(command(vm, 'shell', '--', '-batch'), capture_output=True, text=True, cwd=TOP, check=False)
            need(done.returncode == 5 and 'DENIED' in done.stderr, done.stderr)
