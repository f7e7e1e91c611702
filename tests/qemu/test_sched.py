"""Who gets how much of the CPUs: budgets, several CPUs, quiet when there is nothing to do. Time is counted in
instructions (-icount) where a share is measured, so a busy host does not change it."""

import functools
import os
import re
import struct
import time

from cases import CLOCK, OWN, need, test
from lab import BUILD, Module, boot, ctl, ctl_json, module_file
from test_manage import frame, payload_of, wire
from vm import SLOW, Config

SCHED = 0x8008
ALL = 2 ** 64 - 1
COUNTED = Config(icount=True, smp=1)


def crashme_with(budget_us, period_us, cpus=ALL, name='crashme'):
    """The released crashme, or another, with a record SCHED in its manifest."""
    module = Module(module_file(name))
    records = [r for r in module.records() if r[0] != SCHED]
    records = sorted(records + [(SCHED, struct.pack('<IIQ', budget_us, period_us, cpus))], key=lambda r: r[0])
    return module.set_records(records).bytes()


def start(vm, file, *arg):
    """The new capsule's id."""
    path = os.path.join(BUILD, 'test', f'{vm.name}.mod')
    with open(path, 'wb') as f:
        f.write(file)
    known = {c['id'] for c in ctl_json(vm, 'ps')}
    try:
        ctl(vm, 'load', path, '--start', *arg)
    finally:
        os.unlink(path)
    return max(c['id'] for c in ctl_json(vm, 'ps') if c['id'] not in known and c['name'] == 'crashme')


def spinner(vm, what='spin'):
    return int(re.search(r'crashme is capsule (\d+)', vm.ask(f'load crashme {what}', 120)).group(1))


ABOUT, CAPSULES, ROWS = 0, 1, 16    # topics of node_info; and of capsules there are not more here
UPTIME_AT, CPU_AT = 232, 96        # in struct nos_about, nos_capsule_info


@functools.cache
def questions():
    """[(number, frame)]: what the time is, who has had how much, what the time is."""
    topics = [(ABOUT, 0)] + [(CAPSULES, i) for i in range(ROWS)] + [(ABOUT, 0)]
    return [(seq, frame(2, seq, struct.pack('<QQ', *topic))) for seq, topic in enumerate(topics, 1)]


def sample(vm, ids):
    """When, how exactly that is known, and how much each had by then. The machine runs on between two questions: the
    time is asked on both sides, and nothing is started for it."""
    sock = wire(vm)
    try:
        answers = []
        for seq, question in questions():
            sock.sendall(question)
            answers.append(payload_of(sock, seq))
    finally:
        sock.close()
    before, after = (struct.unpack_from('<Q', answers[i][1], UPTIME_AT)[0] for i in (0, -1))
    rows = [row for status, row in answers[1:-1] if status == 0]
    used = {struct.unpack_from('<I', row)[0]: struct.unpack_from('<Q', row, CPU_AT)[0] for row in rows}
    return (before + after) / 2, (after - before) / 2, {i: used[i] for i in ids}


def shares(vm, ids, exact, ns=250_000_000):
    """What part of one CPU each got over at least `ns` of the machine's time; over more where a slow host makes that
    time less certain than `exact`, a part of it."""
    begin, error, had = sample(vm, ids)
    end = time.monotonic() + 120 * SLOW
    while True:
        time.sleep(0.1)
        now, more, have = sample(vm, ids)
        if now - begin >= max(ns, (error + more) / exact):
            return [(have[i] - had[i]) / (now - begin) for i in ids]
        need(time.monotonic() < end, f'the machine stands: {now - begin} ns')


@test(once=CLOCK)
def budget(t):
    """Two capsules of one priority that only compute. One has 20 % of a CPU: it gets that, and the other keeps at least
    95 % of four fifths of what it gets alone. (Not of four fifths of the CPU: who asks how much each has got takes a
    part too, the same in both measurements.) Without a budget it would get half."""
    with boot('budget', config=COUNTED) as vm:
        vm.ready(120)
        free = spinner(vm)
        alone, = shares(vm, [free], 0.015, 200_000_000)
        with t.case(f'alone it has the CPU: {alone:.3f}'):
            need(alone >= 0.9, alone)
        limited = start(vm, crashme_with(2000, 10000), 'spin')
        got, other = shares(vm, [limited, free], 0.015, 200_000_000)
        with t.case(f'20 % are 20 %: {got:.3f}'):
            need(0.18 <= got <= 0.21, got)
        kept = other / (alone * 0.8)
        with t.case(f'the other keeps 95 % of what is left to it: {other:.3f}, {kept:.3f} of that'):
            need(kept >= 0.95, other)
        ctl(vm, 'kill', str(limited))
        third = start(vm, module_file('crashme'), 'spin')
        halves = shares(vm, [free, third], 0.03, 200_000_000)
        with t.case(f'without a budget they share: {halves[0]:.3f} {halves[1]:.3f}'):
            need(sum(halves) >= 0.85 and abs(halves[0] - halves[1]) <= 0.1, halves)  # the rest is who asks


@test(once=OWN)
def idle_is_quiet(t):
    """No timer runs when nothing waits for one: the audit log's checkpoints alone need some."""
    for cpus in (1, 4):
        with t.case(f'{cpus} CPUs'), boot(f'quiet-{cpus}', config=Config(smp=cpus)) as vm:
            vm.ready(120)
            time.sleep(3)
            before = ctl_json(vm, 'mem')
            time.sleep(4)
            after = ctl_json(vm, 'mem')
            need(after['timer_irqs'] - before['timer_irqs'] <= 40, f"{before['timer_irqs']} {after['timer_irqs']}")


@test(once=OWN)
def spread(t):
    """Four that only compute, on four CPUs: each has one of its own, but those that one CPU must do for."""
    with boot('spread', config=Config(smp=4)) as vm:
        vm.ready(120)
        with t.case('four on four: more than two CPUs are busy'):
            ids = [spinner(vm) for _ in range(4)]
            busy = shares(vm, ids, 0.08)
            need(sum(busy) > 2.2 and min(busy) > 0.3, busy)
            for i in ids:
                ctl(vm, 'kill', str(i))
        with t.case('two that may run on CPU 2 only: one CPU is busy'):
            file = crashme_with(0, 0, 1 << 2)
            ids = [start(vm, file, 'spin') for _ in range(2)]
            busy = shares(vm, ids, 0.08)
            need(0.8 < sum(busy) < 1.1, busy)
        with t.case('and they share it'):
            need(min(busy) > 0.3, busy)


@test(once=OWN, soak=True)
def kills_across_cpus(t):
    """Start and kill what runs on other CPUs, again and again: no frame is lost, everybody lives."""
    from test_attack import lost, mark
    with boot('kills', config=Config(smp=4)) as vm:
        vm.ready(120)
        for i in [spinner(vm) for _ in range(4)]:
            ctl(vm, 'kill', str(i))
        before = mark(vm)
        for _ in range(t.size(smoke=1, soak=50)):
            for i in [spinner(vm) for _ in range(4)]:
                ctl(vm, 'kill', str(i))
            vm.ask('load crashme exit 0')
        with t.case('every frame came back'):
            need(lost(vm, before) == 0, lost(vm, before))
        with t.case('the system capsules run on'):
            rows = vm.ask('ps')
            for name in ('init', 'console', 'manage', 'shell'):
                need(re.search(rf'^\s*\d+ {name}\s+running\s', rows, re.M), f'{name}: {rows}')
