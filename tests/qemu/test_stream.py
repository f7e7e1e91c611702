"""The console's streams: text through a ring in memory that the console shares with a client. What a client may do to its
ring, clients that die, more of them than there are rings, a console that ends under its writers; and that it is the ring
which the text went through. `probe` attacks; the shell streams its long listings."""

import re
import time

from cases import CLOCK, LATER, OWN, need, rows, same, test
from lab import boot, ctl, ctl_json
from vm import Config, Failure

TEXT = 'the quick brown fox jumps over the lazy dog, 0123456789'[:55]
LINES = 16384  # of 64 bytes: 1 MiB


def send(vm, *arg):
    ctl(vm, 'start', 'probe', *arg)


def running(vm, name):
    return [c['id'] for c in ctl_json(vm, 'ps') if c['name'] == name and c['state'] == 'running']


def held(vm, name):
    """The regions that a capsule has handles to."""
    return [h for h in ctl_json(vm, 'caps', name) if h['type'] == 'region']


def alone(vm):
    """`ps` at the prompt answers, and none of the system's capsules has ended."""
    need('running' in vm.ask('ps'), 'no answer')
    for name in ('init', 'console', 'manage', 'shell'):
        same([c['state'] for c in ctl_json(vm, 'ps') if c['name'] == name], ['running'], name)


@test(once=LATER)
def attacks(t):
    """Garbage indices, handles that cannot be passed on, a second ring, messages that nobody pays for."""
    with boot('stream', modules=['probe']) as vm:
        vm.ready()
        send(vm, 'stream')
        vm.com1.expect(r'^STREAM done', 60)
        text = vm.com1.text()
        rows(t, text, 'PROBE', 80)
        with t.case('text by ring and by message keeps its order'):
            need('PROBE-ORDER one two three four\n' in text, 'it does not')
        with t.case('a bell is enough'):
            need('PROBE-BELL rang\n' in text, 'nothing was shown')
        with t.case('what nobody waits for is not shown'):
            need('PROBE-ONE-WAY' not in text, 'it was')
        with t.case('all others run on'):
            alone(vm)


@test(once=LATER)
def guards(t):
    """What no guard covers ends the capsule as ever."""
    with boot('guards-of-threads', modules=['probe']) as vm:
        vm.ready()
        for how, what in (('outside', 'read of memory it does not have'), ('before', 'read of memory it does not have'),
                          ('fetch', 'jump to memory that is not code'), ('kernel', 'touched a kernel address'), ('nothing', 'read of memory'),
                          ('used-up', 'read of memory'), ('mad', 'protection')):
            send(vm, f'unguarded {how}')
            with t.case(how):
                vm.com1.expect(rf'probe \(capsule \d+\) crashed: [^\n]*{what}', 20)
        with t.case('none came back'):
            need('PROBE unguarded' not in vm.com1.text(), 'one did')


def whole(text):
    """The lines of a bulk, in the order they came."""
    return re.findall(r'S(\d{6}) (.*)$', text, re.M)


@test(once=CLOCK)
def bulk(t):
    """1 MiB, line by line: all of it, in order, and not more of it at a time on the console's account than is allowed: by
    the guest's clock, which counts instructions here."""
    with boot('bulk', config=Config(icount=True, smp=1), modules=['probe']) as vm:
        vm.ready()
        send(vm, 'stream-bulk')
        vm.com1.expect(r'^PROBE bulk done', 120)
        text = vm.com1.text()
        lines = whole(text)
        with t.case(f'{LINES} lines'):
            same(len(lines), LINES, 'lines')
            same([i for i, (n, words) in enumerate(lines) if int(n) != i or words != TEXT][:5], [], 'wrong lines')
        with t.case('whole, and again'):
            need('PROBE bulk whole' in text and 'PROBE bulk again' in text, 'it was not')
            need('bulk/bounded OK' in text, 'not bounded')
            rows(t, text, 'PROBE', 4)
        with t.case('all others run on'):
            alone(vm)


@test(once=OWN, later=True)
def four_processors(t):
    """The same with the writer and the console at work at once."""
    with boot('bulk-4', config=Config(smp=4), modules=['probe']) as vm:
        vm.ready()
        send(vm, 'stream-bulk')
        vm.com1.expect(r'^PROBE bulk done', 240)
        lines = whole(vm.com1.text())
        with t.case(f'{LINES} lines'):
            same([i for i, (n, words) in enumerate(lines) if int(n) != i or words != TEXT][:5], [], 'wrong lines')
            same(len(lines), LINES, 'lines')


@test
def clients_end(t):
    """A client killed with its ring full, one that dies in the middle of a line; and more than there are rings for."""
    with boot('stream-ends', modules=['probe']) as vm:
        vm.ready()
        send(vm, 'stream-die')
        with t.case('last words are shown, before its end is told'):
            vm.com1.expect(r'PROBE last words, streamed.*probe \(capsule \d+\) crashed', 20)
        send(vm, 'stream-full')
        vm.com1.expect(r'stream/full-and-waits OK OK ok', 20)
        vm.ask('kill probe')
        with t.case('a full ring of a dead client is shown and free'):
            vm.ask('ps')
            need('FULL.' * 100 in vm.com1.text().replace('\n', ''), 'its text was lost')
        for _ in range(4):
            send(vm, 'stream-hold')
            vm.com1.expect(r'stream/hold OK OK ok', 20)
        send(vm, 'stream-more')
        vm.com1.expect(r'^PROBE one-more done', 20)
        with t.case('the prompt works without one'):
            need('capsule' in vm.ask('caps shell') and not held(vm, 'shell'), 'it does not')
        with t.case('to be told so is no refused call'):
            shell = running(vm, 'shell')
            same([r for r in ctl_json(vm, 'audit')['records'] if r['kind'] == 'deny' and r['actor'] in shell], [], 'refused')
        ctl(vm, 'kill', str(running(vm, 'probe')[0]))
        with t.case('one that ended makes room'):
            vm.ask('caps shell')
            vm.ask('caps shell')
            same(len(held(vm, 'shell')), 1, 'rings of the shell')
        rows(t, vm.com1.text(), 'PROBE', 7)
        with t.case('all others run on'):
            alone(vm)


def restart_console(vm):
    ctl(vm, 'kill', str(running(vm, 'console')[0]))
    ctl(vm, 'start', 'console')
    for _ in range(10):  # what is typed while nobody serves the line is lost
        vm.com1.send('\ruptime\r')
        try:
            vm.com1.expect(r'^up \d[^\n]*\n(?:.*)^n0n> $', 2)
            return
        except Failure:
            pass
    need(False, 'the prompt does not answer')


@test(once=LATER, soak=True)
def console_ends(t):
    """The console ends while clients write into its memory: none of them crashes, what they say next is shown."""
    with boot('stream-console', modules=['probe']) as vm:
        vm.ready()
        vm.ask('log')
        with t.case('the shell has a ring'):
            same(len(held(vm, 'shell')), 1, 'rings')
        restart_console(vm)
        with t.case('it lists on, without and with one'):
            need('console' in vm.ask('caps'), 'no listing')
            need('console' in vm.ask('caps'), 'no listing')
            same(len(held(vm, 'shell')), 1, 'rings')
        for number in range(t.size(smoke=1, soak=6)):
            seen = vm.com1.seen
            send(vm, 'stream-bulk')
            vm.com1.expect(r'S0\d\d\d00 ', 60)
            time.sleep(0.05 * number)
            restart_console(vm)
            with t.case(f'the writer goes on, {number + 1}'):
                vm.com1.seen = seen  # it may have ended while the prompt was waited for
                vm.com1.expect(r'^PROBE bulk (broken|whole)', 60)
                vm.com1.expect(r'PROBE bulk/end OK OK ok.PROBE bulk done', 20)
        with t.case('nobody crashed'):
            same([c['name'] for c in ctl_json(vm, 'ps') if c['state'] == 'crashed'], [], 'crashed')
            need('crashed' not in vm.com1.text(), 'somebody did')
            need('PROBE bulk broken' in vm.com1.text(), 'no console ended under its writer')
