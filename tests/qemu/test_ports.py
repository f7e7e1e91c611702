"""Programs of others, from their packages (modules/ports): what they say here is what they say on Linux."""

import os
import re
import subprocess
import tempfile
import time

from cases import same, test
from lab import BUILD, boot, ctl_json
from test_libc import send
from vm import SLOW, Failure


def ready(vm, *names):
    """With memfs, and with these programs to be started."""
    vm.ready()
    send(vm, 'memfs', '--start')
    for name in names:
        send(vm, name)


def sql(text):
    """As one word: the prompt cuts an argument at blanks, and SQLite takes a comment for one."""
    return '"' + text.replace(' ', '/**/') + '"'


def start(vm, line):
    return int(re.search(r'is capsule (\d+)', vm.ask(f'load {line}'))[1])


def ended(vm, number, seconds):
    """The record of a capsule, once it has ended."""
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        for record in ctl_json(vm, 'crash', 'ls'):
            if record['id'] == number:
                return record
        time.sleep(0.2)
    raise Failure(f'capsule {number} still runs after {seconds} s')


def run(vm, line, seconds=60, code=0):
    """What a program says from its start to its end."""
    before = vm.com1.seen
    number = start(vm, line)
    record = ended(vm, number, seconds)
    vm.ask('')  # whatever it said stands before this
    text = vm.com1.text()[before:].split('\n', 1)[1]
    text = re.sub(r'^(n0n> )+', '', text.replace(f'{line.split()[0]} is capsule {number}\n', '', 1), flags=re.M).rstrip('\n')
    same((record['state'], record.get('exit_code')), ('exited', code), f'end of {line}: {text[-200:]}')
    return text


class Linux:
    """The same programs, built by this machine's compiler and library, in a folder with what they find here."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(os.path.join(folder, 'common'))

    def run(self, line):
        name, *words = line.split()
        words = [word.strip('"') for word in words]
        done = subprocess.run([os.path.join(BUILD, 'peers', name), *words], cwd=self.folder, timeout=300, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={'HOME': '/'})
        return done.stdout.decode().rstrip('\n')


def alike(vm, linux, *lines):
    """Each says here what it says there, but for times, and that there is no home."""
    for line in lines:
        here, there = ([re.sub(r' *\d+\.\d+s$', '', row) for row in text.split('\n') if row and HOME not in row]
                       for text in (run(vm, line, 300), linux.run(line)))
        same(here, there, line)


HOME = '-- warning: cannot find home directory'
TEXT = "select writefile('common/text',(with recursive c(n) as (select 1 union all select n+1 from c where n<9999) " \
       "select group_concat(n*n%977,'-') from c))"


@test(later=True)
def zlib(t):
    with boot('zlib') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'ztest', 'minigzip', 'sqlite3')
        linux = Linux(folder)
        with t.case('its own test says what it says on Linux'):
            alike(vm, linux, 'ztest')
        with t.case('a file packed and unpacked is itself, and packed it is what Linux makes of it'):
            hashes = [f"sqlite3 :memory: {sql(f'''select hex(sha3(readfile('common/{name}')))''')}" for name in ('text', 'text.gz')]
            alike(vm, linux, f'sqlite3 :memory: {sql(TEXT)}', hashes[0], 'minigzip -9 common/text', *hashes,
                  'minigzip -d common/text.gz', *hashes)


TABLE = 'create table t(n integer primary key,b);with recursive c(n) as (select 1 union all select n+1 from c where n<500) ' \
        'insert into t select n,hex(n*n) from c'
QUERIES = ['select count(*),sum(length(b)) from t', "select n,b from t where b like '%4%9%' order by b desc limit 5",
           'select n%7,count(*),avg(n),group_concat(n) from t where n<40 group by 1 having count(*)>2',
           "select typeof(1/2.0),round(2.5),1e308*10,printf('%.3f',pi()),x'ff' is null,'a'<'B' collate nocase",
           "select json_extract('[1,[2,3]]','$[1][0]'),strftime('%Y-%m-%d',86400*365,'unixepoch')",
           'pragma integrity_check']


@test(later=True)
def sqlite(t):
    with boot('sqlite') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'sqlite3', 'speedtest1')
        linux = Linux(folder)
        with t.case('tables and queries, in a file that the next one reads'):
            alike(vm, linux, *(f'sqlite3 common/a.db {sql(text)}' for text in (TABLE, *QUERIES)))
        with t.case('speedtest1 in memory'):
            alike(vm, linux, 'speedtest1 --memdb --size 5 --verify')
        with t.case('speedtest1 in a file'):
            alike(vm, linux, 'speedtest1 --size 5 --verify common/s.db')
