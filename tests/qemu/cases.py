"""Tests and their cases: a function under @test boots one machine and reports any number of cases."""

import contextlib
import dataclasses
import os
import re
import threading
import typing

TESTS = []
_print = threading.Lock()
_cpus = os.environ.get('N0N_CPUS', '1')     # tests/qemu/run --cpus
_pass = '' if _cpus == '1' else f'{_cpus} CPUs: '


@dataclasses.dataclass
class Test:
    name: str
    function: typing.Callable
    once: str = ''      # why it is left out of the pass with several CPUs
    long: bool = False  # begins before the others: nobody waits for it at the end
    soak: bool = False  # `make soak` runs it too, in the long size: Results.size
    later: bool = False     # only `make soak` runs it, and who asks for it


# Why a test is not run again with several CPUs; docs/testing.md has the table.
OWN = 'its machines have the CPUs that it says'
LOADER = 'one CPU alone runs until the loader has gone on, or has refused'
TWIN = 'the same table is run through by a test that is run again'
CLOCK = 'a share of the time of one CPU is measured'
ALONE = 'what it tries happens on one CPU, by code that is the same on all'
LATER = 'the same, but it might look at other CPUs one day: with several in `make soak`'


def test(function=None, *, once='', long=False, soak=False, later=False):
    def take(f):
        add(f'{f.__module__.removeprefix("test_")}.{f.__name__}', f, once, long, soak, later)
        return f
    return take(function) if function else take


def add(name, function, once='', long=False, soak=False, later=False):
    """A test made by a table."""
    TESTS.append(Test(name, function, once, long, soak, later))


# What the sanitised flavour of the kernel (docs/sanitizers.md) cannot be asked, and why. Of a subject: all of its tests.
NOT_SANITISED = {
    'breaks': 'a debugger puts faults at instructions of the released kernel, and its words are those of a trap',
    'entry.': 'instructions of the way in and out are counted and stopped at',
    'races.one_panic': 'it looks whether a processor stands in a function: a check in it is another function',
    'storm': 'another flavour of the kernel',
    'sched.budget': 'shares of a processor, of which the checks of the kernel itself take a fifth',
    'boot.memory_used': 'the shadow is an eighth of RAM',
    'zero.': 'what is searched for is left by the released kernel, and its stacks are of another size',
}


def skipped(t):
    """Why the sanitised flavour does not run this test; '' when it does."""
    if os.environ.get('KASAN') != '1':
        return ''
    return next((why for name, why in NOT_SANITISED.items() if t.name.startswith(name)), '')


def runs(t, cpus, soak):
    """Is the test run in this pass?"""
    if soak:
        only_here = t.later or (cpus > 1 and t.once == LATER)
        return (t.soak or only_here) and (cpus == 1 or t.once in ('', LATER))
    return not t.later and (cpus == 1 or not t.once)


class Results:
    def __init__(self, name, soak=False):
        self.name, self.soak, self.count, self.failures = name, soak, 0, []
        self.seconds, self.cpu = 0.0, (0.0, 0.0)

    def size(self, smoke, soak):
        """How often, or how many: in `make test`, in `make soak`."""
        return soak if self.soak else smoke

    def _say(self, text):
        with _print:
            print(text, flush=True)

    def ok(self, name):
        self.count += 1
        self._say(f'ok {self._full(name)}')

    def fail(self, name, why):
        self.count += 1
        self.failures.append(name)
        text = ' '.join(str(why).split()) or type(why).__name__
        self._say(f'FAIL {self._full(name)}: {text[:600]}')

    def _full(self, name):
        return _pass + (name if name == self.name else f'{self.name}: {name}')

    @contextlib.contextmanager
    def case(self, name):
        """One case; a failure in it does not end the others."""
        try:
            yield
        except Exception as why:
            self.fail(name, f'{"" if str(why) else type(why).__name__}{why}')
        else:
            self.ok(name)


def same(got, want, what):
    from vm import Failure
    if got != want:
        raise Failure(f'{what}: {got!r}, not {want!r}')


def need(condition, what):
    from vm import Failure
    if not condition:
        raise Failure(what)


def rows(t, text, mark, least):
    """What a module says of its attacks, a line `MARK name want got ok` or `BAD` each: one case, and a failure for each
    that is not as promised. What was asked for: [(name, want)]."""
    found = re.findall(rf'{mark} (\S+) (\S+) (\S+) (ok|BAD)$', text, re.M)
    for name, want, got, verdict in found:
        if verdict != 'ok':
            t.fail(name, f'{got}, not {want}')
    with t.case(f'{mark}: {len(found)} answers, each the promised one'):
        need(len(found) >= least, f'too few: there are at least {least}')
        same([name for name, _, _, verdict in found if verdict != 'ok'], [], 'not as promised')
    return [(name, want) for name, want, *_ in found]
