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
            vm.ask('load echo hello')
            vm.com1.expect(r'echo: no answer from port 7: no such thing', 20)
        with t.case('two capsules talk'):
            vm.ask('load echo serve')
            vm.com1.expect(r'answering on port 7', 20)
            vm.ask('load echo one two three')
            vm.com1.expect(r'capsule \d+ says: one two three', 20)
        with t.case('what it must refuse'):
            vm.ask('load echo abuse')
            text = vm.com1.expect(r'(.*)NET done', 20).group(1)
            rows(t, text, 'NET', 17)
        with t.case('a dead client\'s ports are free again'):
            vm.ask('load echo abuse')
            text = vm.com1.expect(r'(.*)NET done', 20).group(1)
            need('NET bind OK OK ok' in text, 'its port is still taken')
        with t.case('another version takes the service over, ports, receivers and all'):
            need('took the place' in vm.ask('upgrade loopback'), 'not upgraded')
            vm.ask('load echo after that')
            vm.com1.expect(r'capsule \d+ says: after that', 20)
        with t.case('a killed server\'s port is nobody\'s'):
            vm.ask('kill echo')
            vm.ask('load echo hello')
            vm.com1.expect(r'echo: no answer from port 7: no such thing', 20)
        with t.case('and can be served again'):
            vm.ask('load echo serve')
            vm.com1.expect(r'answering on port 7', 20)
            vm.ask('load echo again')
            vm.com1.expect(r'capsule \d+ says: again', 20)
        with t.case('it stops by itself, once nobody needs it'):
            need('needed' in vm.ask('stop loopback'), 'echo needs it')
            need('stopped by itself' in vm.ask('stop loopback --with-dependants'), 'it did not')
