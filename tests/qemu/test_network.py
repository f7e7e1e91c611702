"""The loopback service: two capsules that talk over it, what it must refuse, clients that die, a capsule without class
Network."""

from cases import need, rows, test
from lab import boot, ctl


@test
def loopback(t):
    with boot('network', modules=['loopback', 'echo']) as vm:
        vm.ready()
        ctl(vm, 'start', 'loopback')
        with t.case('nobody answers yet'):
            vm.ask_until('load echo hello', r'echo: no answer from port 7: no such thing', 20)
        with t.case('two capsules talk'):
            vm.ask_until('load echo serve', r'answering on port 7', 20)
            vm.ask_until('load echo one two three', r'capsule \d+ says: one two three', 20)
        with t.case('what it must refuse'):
            text = vm.ask_until('load echo abuse', r'(.*)NET done', 20).group(1)
            rows(t, text, 'NET', 17)
        with t.case('a dead client\'s ports are free again'):
            text = vm.ask_until('load echo abuse', r'(.*)NET done', 20).group(1)
            need('NET bind OK OK ok' in text, 'its port is still taken')
        with t.case('another version takes the service over, ports, receivers and all'):
            need('took the place' in vm.ask('upgrade loopback'), 'not upgraded')
            vm.ask_until('load echo after that', r'capsule \d+ says: after that', 20)
        with t.case('a killed server\'s port is nobody\'s'):
            vm.ask('kill echo')
            vm.ask_until('load echo hello', r'echo: no answer from port 7: no such thing', 20)
        with t.case('and can be served again'):
            vm.ask_until('load echo serve', r'answering on port 7', 20)
            vm.ask_until('load echo again', r'capsule \d+ says: again', 20)
        with t.case('it stops by itself, once nobody needs it'):
            need('needed' in vm.ask('stop loopback'), 'echo needs it')
            need('stopped by itself' in vm.ask('stop loopback --with-dependants'), 'it did not')
