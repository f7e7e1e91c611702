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


def run(vm, line, seconds=60):
    """What a program says from its start to its end, and its exit code."""
    before = vm.com1.seen
    number = start(vm, line)
    record = ended(vm, number, seconds)
    vm.ask('')  # whatever it said stands before this
    text = vm.com1.text()[before:].split('\n', 1)[1]
    text = re.sub(r'^(n0n> )+', '', text.replace(f'{line.split()[0]} is capsule {number}\n', '', 1), flags=re.M).rstrip('\n')
    same(record['state'], 'exited', f'end of {line}: {text[-200:]}')
    return text, record['exit_code']


class Linux:
    """The same programs, built by this machine's compiler and library, in a folder with what they find here."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(os.path.join(folder, 'common'))

    def run(self, line):
        name, *words = line.split()
        words = [word.strip('"') for word in words]
        done = subprocess.run([os.path.join(BUILD, 'peers', name), *words], cwd=self.folder, timeout=300, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={'HOME': '/'})
        return done.stdout.decode().rstrip('\n'), done.returncode


def alike(vm, linux, *lines, code=0):
    """Each says here what it says there, but for times, and that there is no home; and ends with this code on both."""
    for line in lines:
        here, there = ([re.sub(r' *\d+\.\d+s$', '', row) for row in text.split('\n') if row and HOME not in row] + [ended_with]
                       for text, ended_with in (run(vm, line, 300), linux.run(line)))
        same(here, there, line)
        same(here[-1], code, f'exit code of {line}')


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


@test(later=True)
def work(t):
    """The machine of `make work`, as the README shows it."""
    with open(os.path.join(BUILD, 'work', 'n0n.img'), 'rb') as f, boot('work', image=f.read()) as vm:
        vm.ready(120)
        for line, want in (('echo pears figs apples > list', ''), ('cat list | tr " " "\\n" | sort', 'apples\nfigs\npears'),
                           ('lua -e "for i=1,3 do print(i, i*i) end" | sort -r | head -n 1', '3\t9'),
                           ('sqlite3 my.db "create table t(a); insert into t values(6),(7)"', HOME + '; cannot read ~/.sqliterc'),
                           ('sqlite3 my.db "select sum(a*a) from t" 2> lost', '85'),
                           ('ls -1', 'list\nlost\nmy.db')):
            with t.case(line):
                same(vm.ask(line, 60).replace('\r', '').strip('\n'), want, line)


SCRIPTS = os.path.join(os.path.dirname(BUILD), 'tests', 'lua')


def typed(vm, name, text):
    """A file of the share, typed at the prompt."""
    vm.com1.send(f'piper copy >{name}\r')
    vm.com1.expect(rf'piper copy >{name}\r?\n')
    for row in text.splitlines():
        vm.com1.send(row + '\r')
        vm.com1.expect(re.escape(row.lstrip()[-20:]) + r'\r?\n')  # its echo: what is typed ahead is not lost, but is not endless
    vm.com1.send('\x04')
    vm.com1.expect(r'^n0n> ')


@test(later=True)
def lua_by_its_manual(t):
    """Each chapter of the reference manual has a script that checks itself, and tells of how many checks."""
    with boot('lua-manual') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'lua', 'piper')
        linux = Linux(folder)
        for name in sorted(os.listdir(SCRIPTS)):
            with t.case(name), open(os.path.join(SCRIPTS, name), encoding='utf-8') as f:
                script = f.read()
                typed(vm, name, script)
                there, code = linux.run(f'lua {os.path.join(SCRIPTS, name)} {folder}')
                same(code, 0, there)
                same(vm.ask(f'lua {name} /tmp', 120).strip(), there, name)


LINES = r'"1s/.*/delta4\nalpha10\nbeta2\ngamma1\nalpha3\n\tbeta\x202/wcommon/words"'
TOOLS = [
    ('sed writes a file', ['truncate -s 1 common/z', f'sed -n -e {LINES} common/z', 'truncate -s 48 common/words', 'cat common/words']),
    ('cat, echo, wc', ['cat common/words', 'nl common/words', 'echo -e a\\tb "c d"', 'wc common/words', 'wc -lmc common/words common/z']),
    ('sort, uniq, cut', ['sort common/words', 'sort -rV common/words', 'sort -u -k1.1,1.1 -o common/sorted common/words',
                             'cat common/sorted', 'uniq -c common/sorted', 'cut -c 2-4 common/words']),
    ('head, tail', ['head -n 2 common/words', 'head -c 9 common/words', 'tail -n 2 common/words', 'tail -c +30 common/words']),
    ('grep', ['grep -n a1 common/words', 'grep -c beta common/words', 'grep -rl gamma common', 'grep -oE [a-z]+[0-9]{2} common/words']),
    ('sed', ['sed -e s/\\(al\\)pha/\\1-/ common/words', 'sed -i -e 2d common/words', 'cat common/words', 'sed -n $p common/words']),
    ('hexdump, od, xxd', ['hexdump -C common/words', 'hexdump common/words', 'od -c common/words', 'xxd common/words']),
    ('mkdir, cp, mv, ls', ['mkdir -p common/d/e', 'cp common/words common/d/e', 'cp -r common/d common/f', 'cp -a common/d/e/words common/f/copy',
                           'mv common/f common/d/g', 'ls -1R common', 'ls -1p common/d', 'cmp common/words common/d/g/copy']),
    ('ln, readlink, touch, stat', ['ln -s words common/link', 'readlink common/link', 'cat common/link', 'touch common/new',
                                   'stat -c %s-%n common/new common/words', 'sha256sum common/words', 'find common/d/e']),
    ('rm, rmdir', ['rm common/d/e/words', 'rmdir common/d/e', 'rm -r common/d', 'rm -f common/none', 'ls -1 common']),
]
WRONG = ['cat common/none', 'rm common/none', 'cp common/none common/there', 'mkdir common', 'rmdir common/words', 'grep nowhere common/words',
         'mv common/words common/none/there', 'cmp common/words common/z', 'false']


@test(later=True)
def tools(t):
    with boot('tools') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'toybox')
        linux = Linux(folder)
        for name, lines in TOOLS:
            with t.case(name):
                alike(vm, linux, *(f'toybox {line}' for line in lines))
        with t.case('what goes wrong is said, and is an exit code'):
            alike(vm, linux, *(f'toybox {line}' for line in WRONG), code=1)
