"""Fault storms: what breaks breaks alone, the same seed is the same storm, and a storm can fail."""

from cases import OWN, need, same, test
import storm


def held(said, count):
    need(said.done is not None, f'it did not end: {said.text[-300:]}')
    same(said.broken, [], 'rules that did not hold')
    need(int(said.done.group(2)) == count, said.done.group(0))
    need('kernel panic' not in said.text, 'the kernel panicked')
    same(said.number('unrestarted'), 0, 'not restarted')
    same(said.number('restarts'), said.number('deaths'), 'restarts, and deaths')
    need(said.number('worst') <= 5_000_000, f'the worst restart took {said.number("worst")} instructions')


@test(once=OWN, long=True, soak=True)
def holds(t):
    count = t.size(smoke=200, soak=100_000)
    with t.case(f'{count} faults: everything else holds'):
        first = storm.run('storm', 1, count, timeout=30 + count / 50)
        held(first, count)
    with t.case('the same seed: the same storm, byte for byte'):
        again = storm.run('storm-again', 1, 100)
        text = first.text[first.text.index('\n', first.text.index('storm says begins')):]
        upto = again.text[again.text.index('\n', again.text.index('storm says begins')):again.text.index('storm says kind')]
        need(len(again.digests) >= 2 and text.startswith(upto[:upto.rindex('storm says at 100 ')]), 'it differs')
        same(again.digests[-1], first.digests[len(again.digests) - 1], 'digest')


@test(once=OWN)
def control(t):
    with t.case('a frame that is lost on purpose is reported, once, at its fault'):
        said = storm.run('storm-leak', 1, 9, leak=7)
        same(said.broken, ['7 1 frames lost'], 'what it reports')


@test(once=OWN)
def stops(t):
    with t.case('it stops right before a fault, and goes on as if it had not'):
        plain, stopped = storm.run('storm-plain', 4, 12), storm.run('storm-stops', 4, 12, stop=9)
        same(stopped.digests, plain.digests, 'digests')
