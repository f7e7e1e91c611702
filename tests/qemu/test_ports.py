"""Programs of others, from their packages (modules/ports): the same lines here, at the prompt, and in a shell on Linux."""

import os
import re
import subprocess
import tempfile
import time
from random import Random

from cases import need, same, test
from lab import BUILD, CTL, KEYS, boot, ctl
from lab import run as command
from test_libc import send
from vm import SLOW

PEERS = os.path.join(BUILD, 'peers')
# what differs, and may: times, and that there is no home
TIME, HOME = r' *\d+\.\d+s$', '-- warning: cannot find home directory'
# the prompt's own echo knows -n alone
PRELUDE = 'enable -n printf test true false; '


def ready(vm, *names):
    vm.ready()
    for name in ('memfs', *names):
        send(vm, name)


def rows(text):
    return [re.sub(TIME, '', row) for row in text.replace('\r', '').split('\n') if row and HOME not in row and not row.startswith('exit code ')]


def run(vm, line, seconds=60):
    """What a line at the prompt says, and its exit code."""
    said = rows(vm.ask(line, seconds))
    return said, int(vm.ask('echo $?'))


def right(vm, line):
    said, code = run(vm, line)
    same(code, 0, f'exit code of {line}: {said}')
    return said


class Linux:
    """The same programs, built by this machine's compiler and library, in an empty folder."""

    def __init__(self, folder):
        self.folder, self.path = os.path.join(folder, 'files'), os.path.join(folder, 'bin')
        os.mkdir(self.folder)
        os.mkdir(self.path)
        for name in ('lua', 'sqlite3', 'speedtest1', 'ztest', 'minigzip'):
            os.symlink(os.path.join(PEERS, name), os.path.join(self.path, name))
        with open(os.path.join(BUILD, '..', 'modules', 'ports', 'toybox', 'tools')) as f:
            for name in (word.lower() for line in f if not line.startswith('#') for word in line.split()):
                os.symlink(os.path.join(PEERS, 'toybox'), os.path.join(self.path, name))

    def run(self, line):
        done = subprocess.run(['/bin/bash', '-c', PRELUDE + line], cwd=self.folder, timeout=300, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={'HOME': '/', 'PATH': self.path})
        return rows(done.stdout.decode()), done.returncode


def alike(vm, linux, *lines, code=0):
    """Each says the same here and there, and ends with this code."""
    for line in lines:
        here = run(vm, line)
        same(here, linux.run(line), line)
        same(here[1], code, f'exit code of {line}')


MADE = "select writefile('text',(with recursive c(n) as (select 1 union all select n+1 from c where n<9999) " \
       "select group_concat(n*n%977,'-') from c))"
ZLIB = [f'sqlite3 :memory: "{MADE}"', 'sha256sum text', 'minigzip -9 text', 'sha256sum text.gz', 'minigzip -d text.gz', 'sha256sum text',
        'cat text | minigzip | minigzip -d | sha256sum', 'minigzip -1 < text > packed', 'wc -c packed', 'minigzip -d < packed | cmp text -']


WADS = {'zlib': ['ztest', 'minigzip'], 'sqlite': ['sqlite3'], 'toybox': ['toybox'], 'lua': []}


@test(later=True)
def zlib(t):
    with boot('zlib') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm)
        with t.case('out of their wads, each of which holds'):
            for name, modules in WADS.items():
                wad = os.path.join(BUILD, 'wads', f'{name}.wad')
                need(b'provenance         signed' in command(CTL, 'wad', 'verify', wad, '--key', os.path.join(KEYS, 'publisher.pub')), wad)
                for module in modules:
                    ctl(vm, 'load', wad, '--module', module)
        linux = Linux(folder)
        with t.case('its own test'):
            alike(vm, linux, 'ztest')
        with t.case('packed is what Linux makes of it, unpacked it is itself: in files and through pipes'):
            alike(vm, linux, *ZLIB)


SQL = [
    'create table t(n integer primary key,b);with recursive c(n) as (select 1 union all select n+1 from c where n<500) '
    'insert into t select n,hex(n*n) from c',
    'select count(*),sum(length(b)) from t', "select n,b from t where b like '%4%9%' order by b desc limit 5",
    'select n%7,count(*),avg(n),group_concat(n) from t where n<40 group by 1 having count(*)>2',
    "select typeof(1/2.0),round(2.5),1e308*10,printf('%.3f',pi()),x'ff' is null,'a'<'B' collate nocase",
    "select json_extract('[1,[2,3]]','$[1][0]'),strftime('%Y-%m-%d',86400*365,'unixepoch')",
    'create index i on t(b);explain query plan select * from t where b=1', 'pragma integrity_check']


@test(later=True)
def sqlite(t):
    with boot('sqlite') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'sqlite3', 'speedtest1', 'toybox')
        linux = Linux(folder)
        with t.case('tables and queries, in a file that the next one reads'):
            alike(vm, linux, *(f"sqlite3 a.db \"{text.replace('$', chr(92) + '$')}\"" for text in SQL))
        with t.case('a wrong one is an exit code'):
            alike(vm, linux, 'sqlite3 a.db "select nothing"', code=1)
        with t.case('from a pipe, into a file'):
            alike(vm, linux, 'echo .mode csv > in.sql', 'echo "select n,b from t where n<5;" >> in.sql', 'sqlite3 a.db < in.sql > out.csv', 'cat out.csv',
                  'sqlite3 a.db .dump | sqlite3 b.db', 'sqlite3 b.db "select count(*),sum(n) from t"')
        with t.case('speedtest1 in memory'):
            alike(vm, linux, 'speedtest1 --memdb --size 5 --verify')
        with t.case('speedtest1 in a file'):
            alike(vm, linux, 'speedtest1 --size 5 --verify s.db')
        with t.case('speedtest1 in a file with a write-ahead log'):
            alike(vm, linux, 'speedtest1 --journal wal --size 2 --verify w.db')


TOOLS = [
    ('echo writes a file', ['toybox echo -e "delta4\\nalpha10\\nbeta2\\ngamma1\\nalpha3\\n\\tbeta 2" > words', 'echo end >> words', 'cat words']),
    ('cat, echo, wc', ['cat words | cat - words', 'nl words', 'toybox echo -e a\\\\tb "c  d"', 'echo a "b  c"', 'wc words', 'cat words | wc -lmc']),
    ('sort, uniq, cut, tr', ['sort words', 'sort -rV < words', 'sort -u -k1.1,1.1 -o sorted words', 'cat sorted',
                             'cat words words | sort | uniq -c', 'cut -c 2-4 words', 'tr a-z A-Z < words | tr -d 0-9', 'seq 10 | sort -r | head -n 3']),
    ('head, tail', ['head -n 2 words', 'head -c 9 words | xxd', 'tail -n 2 words', 'tail -c +30 words', 'seq 100 | tail -n 3', 'seq 5 | tac']),
    ('grep', ['grep -n a1 words', 'grep -c beta words', 'grep -rl gamma .', 'grep -oE "[a-z]+[0-9]{2}" words', 'cat words | grep -v a | wc -l']),
    ('sed', ["sed -e 's/\\(al\\)pha/\\1-/' words", 'sed -i -e 2d words', 'cat words', "sed -n '$p' words", "seq 5 | sed 's/3/three/w three'", 'cat three']),
    ('hexdump, od, xxd', ['hexdump -C words', 'hexdump words', 'od -c words', 'cat words | xxd', 'xxd -p words | xxd -r -p | cmp words -']),
    ('mkdir, cp, mv, ls', ['mkdir -p d/e', 'cp words d/e', 'cp -r d f', 'cp -a d/e/words f/copy', 'mv f d/g', 'ls -1R', 'ls -1p d', 'ls | sort', 'mkdir --help',
                           'cmp words d/g/copy']),
    ('ln, readlink, touch, stat', ['ln -s words link', 'readlink link', 'cat link', 'touch new', 'stat -c %s-%n new words', 'sha256sum words',
                                   'find d -type f | sort', 'find d/e']),
    ('rm, rmdir', ['rm d/e/words', 'rmdir d/e', 'rm -r d', 'rm -f none', 'ls -1']),
]
WRONG = ['cat none', 'rm none', 'cp none there', 'rmdir words', 'grep nowhere words', 'mv words none/there', 'ls none', 'mkdir new', 'false']


@test(later=True)
def tools(t):
    with boot('tools') as vm, tempfile.TemporaryDirectory() as folder:
        ready(vm, 'toybox')
        linux = Linux(folder)
        for name, lines in TOOLS:
            with t.case(name):
                alike(vm, linux, *lines)
        with t.case('what goes wrong is said, and is an exit code'):
            alike(vm, linux, *WRONG, code=1)


def killed(vm, line, sign, wait=0.0):
    """What a program said that is ended by Ctrl-C some time after this sign of it."""
    before = vm.com1.seen
    vm.com1.send(line + '\r')
    vm.com1.expect(sign, 60)
    time.sleep(wait)
    vm.com1.send('\x03')
    vm.com1.expect(r'^n0n> ', 20)
    said = vm.com1.text()[before:]
    same(int(vm.ask('echo $?')), 130, f'exit code of {line}')
    return said


def database(vm, text, name='c.db'):
    return right(vm, f'sqlite3 {name} "{text}"')


FOREVER = 'create view forever as with recursive c(n) as (select 1 union all select n+1 from c) select n from c'
STATE = 'select count(*),sum(n),hex(sha3(group_concat(b))) from t'
MIDDLE = "pragma cache_size=5;begin;update t set b=hex(randomblob(300));select 'mid'||'dle';select sum(n) from forever"
MANY = "create table u(n);select writefile('many.sql',(select group_concat(printf(" \
       "'begin;insert into u values(%d);insert into u values(%d);commit;select %d;',n,-n,n),char(10)) from (select n from forever limit 9999)))"


@test(later=True)
def crash(t):
    """SQLite is killed in the middle: what was committed is there, nothing else is; its locks are gone with it."""
    with boot('crash') as vm:
        ready(vm, 'sqlite3', 'toybox')
        database(vm, FOREVER)
        database(vm, 'create table t(n,b);insert into t select n,hex(randomblob(300)) from forever limit 500')
        with t.case('half of a transaction is in the file: the next one rolls it back'):
            state = database(vm, STATE)
            killed(vm, f'sqlite3 c.db "{MIDDLE}"', '^middle')
            need('c.db-journal' in right(vm, 'ls -1'), 'it left no journal')
            right(vm, 'cp c.db torn.db')
            need(database(vm, STATE, 'torn.db') != state, 'nothing of it had been written: the test shows nothing')
            same(database(vm, STATE), state, 'what was committed')
            same(database(vm, 'pragma integrity_check'), ['ok'], 'integrity')
            need('c.db-journal' not in right(vm, 'ls -1'), 'the journal is still there')
        database(vm, MANY)
        random = Random(5)
        for n in range(t.size(4, 12)):
            with t.case(f'one transaction after the other, killed somewhere: {n}'):
                said = killed(vm, 'sqlite3 -init many.sql c.db', r'^\d+\n', random.uniform(0, 2) * SLOW)
                last = int(re.findall(r'^(\d+)\n', said, re.M)[-1])
                most, count, total = map(int, database(vm, 'select max(n),count(*),sum(n) from u')[0].split('|'))
                same((count, total), (2 * most, 0), 'both halves of each')
                need(last <= most <= last + 1, f'{last} was said to be committed, {most} is there')
                same(database(vm, 'pragma integrity_check;delete from u'), ['ok'], 'integrity')


@test(later=True)
def work(t):
    """The machine of `make work`, as the README shows it."""
    with open(os.path.join(BUILD, 'work', 'n0n.img'), 'rb') as f, boot('work', image=f.read()) as vm:
        vm.ready(120)
        for line, want in (('echo pears figs apples > list', ''), ('cat list | tr " " "\\n" | sort', 'apples\nfigs\npears'),
                           ('lua -e "for i=1,3 do print(i, i*i) end" | sort -r | head -n 1', '3\t9'),
                           ('sqlite3 my.db "create table t(a); insert into t values(6),(7)"', HOME + '; cannot read ~/.sqliterc'),
                           ('sqlite3 my.db "select sum(a*a) from t" 2> lost', '85'),
                           ('run echo -n a ; echo b | echo c', 'ac'), ('ls -1', 'list\nlost\nmy.db')):
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
                same(rows(vm.ask(f'lua {name} /tmp', 120)), there, name)
