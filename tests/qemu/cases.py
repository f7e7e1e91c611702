"""Tests and their cases: a function under @test boots one machine and reports any number of cases."""

import contextlib
import dataclasses
import threading
import typing

TESTS = []
_print = threading.Lock()


@dataclasses.dataclass
class Test:
    name: str
    function: typing.Callable


def test(function):
    subject = function.__module__.removeprefix('test_')
    TESTS.append(Test(f'{subject}.{function.__name__}', function))
    return function


def add(name, function):
    """A test made by a table."""
    TESTS.append(Test(name, function))


class Results:
    def __init__(self, name):
        self.name, self.count, self.failures, self.seconds = name, 0, [], 0.0

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
        return name if name == self.name else f'{self.name}: {name}'

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
