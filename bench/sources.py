"""The Linux peers' packages: the `peer` lines of deps/lock, fetched with apt, checked, unpacked under build/bench.
Never installed. Figures name the version, since a security update can move the mirror on to the next one."""

import glob
import hashlib
import os
import shutil
import subprocess

from vm import TOP

STORE = os.path.join(TOP, 'build', 'bench')
CACHE = os.path.join(STORE, 'cache')


class Missing(Exception):
    pass


def _lock(name):
    with open(os.path.join(TOP, 'deps', 'lock')) as f:
        rows = [line.split() for line in f if line.startswith('peer ')]
    return [(version, file, sha) for _, n, _, version, file, sha in rows if n == name]


def _right(path, sha):
    if not os.path.exists(path):
        return False
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest() == sha


def _obtain(file, sha, version, fetch):
    path = os.path.join(CACHE, file)
    second = os.path.join(os.environ.get('N0N_DEPS_CACHE') or CACHE, file)
    if not _right(path, sha) and second != path and _right(second, sha):
        shutil.copyfile(second, path)
    if not _right(path, sha) and fetch:
        package = file.split('_')[0]
        subprocess.run(['apt-get', '-qq', '-o', 'APT::Sandbox::User=', 'download', f'{package}={version}'],
                       cwd=CACHE, stderr=subprocess.DEVNULL, check=False)
    return path if _right(path, sha) else None


def package(name):
    """(version, path) of the package of that name: any version that is cached, else the first that apt has."""
    os.makedirs(CACHE, exist_ok=True)
    for fetch in (False, True):
        for version, file, sha in _lock(name):
            path = _obtain(file, sha, version, fetch)
            if path:
                return version, path
    files = ', '.join(file for _, file, _ in _lock(name))
    raise Missing(f'{name}: apt could fetch none of {files}.\n'
                  'With a network run `apt-get update` and try again; without one put the file into a folder and '
                  'set N0N_DEPS_CACHE to it.')


def kernel(name):
    """(version, bytes) of the kernel image in a linux-image package."""
    version, path = package(name)
    tar = subprocess.run(['dpkg-deb', '--fsys-tarfile', path], capture_output=True, check=True).stdout
    image = subprocess.run(['tar', 'xOf', '-', '--wildcards', './boot/vmlinuz-*'], input=tar, capture_output=True,
                           check=True).stdout
    return version, image


def init():
    """bench/linux/init.c as a static program."""
    out = os.path.join(STORE, 'init')
    os.makedirs(STORE, exist_ok=True)
    subprocess.run(['gcc', '-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-nostdlib',
                    '-static', '-fno-stack-protector', '-fno-pie', '-no-pie', '-mno-sse', '-Wl,--build-id=none', '-s',
                    '-o', out, os.path.join(TOP, 'bench', 'linux', 'init.c')], check=True)
    with open(out, 'rb') as f:
        return f.read()


def _tiny_config(tree):
    """`make tinyconfig` is allnoconfig plus these files; ours comes last and decides."""
    parts = [f'{tree}/kernel/configs/tiny-base.config', f'{tree}/kernel/configs/tiny.config',
             f'{tree}/arch/x86/configs/tiny.config', os.path.join(TOP, 'bench', 'linux', 'tiny.config')]
    text = ''
    for part in parts:
        if os.path.exists(part):
            with open(part) as f:
                text += f.read()
    with open(f'{tree}/n0n.config', 'w') as f:
        f.write(text.replace('CONFIG_KERNEL_XZ=y\n', ''))
    _make(tree, 'KCONFIG_ALLCONFIG=n0n.config', 'allnoconfig')


def _make(tree, *arguments):
    with open(os.path.join(STORE, 'tiny.log'), 'ab') as log:
        done = subprocess.run(['make', '-C', tree, *arguments], stdout=log, stderr=log, check=False,
                              env={**os.environ, 'KBUILD_BUILD_TIMESTAMP': '1970-01-01', 'KBUILD_BUILD_USER': 'n0n',
                                   'KBUILD_BUILD_HOST': 'n0n', 'MAKEFLAGS': '', 'MAKELEVEL': ''})
    if done.returncode:
        raise Missing('the tinyconfig kernel does not build; build/bench/tiny.log says why')


def tiny_kernel():
    """(version, bytes) of the smallest Linux that runs the same init, built once and kept."""
    version, path = package('linux-source')
    with open(os.path.join(TOP, 'bench', 'linux', 'tiny.config'), 'rb') as f:
        want = hashlib.sha256(f.read() + version.encode()).hexdigest()[:16]
    image = os.path.join(STORE, f'tiny-{want}.efi')
    if not os.path.exists(image):
        print('building the tinyconfig kernel (two minutes on two free cores, once)', flush=True)
        tree = os.path.join(STORE, 'tiny')
        shutil.rmtree(tree, ignore_errors=True)
        os.makedirs(tree)
        subprocess.run(f'dpkg-deb --fsys-tarfile {path} | tar xOf - ./usr/src/linux-source-6.1.tar.xz | tar xJf - -C {tree}',
                       shell=True, check=True)
        (tree,) = glob.glob(tree + '/linux-source-*')
        _tiny_config(tree)
        _make(tree, '-j2', 'bzImage')
        shutil.copyfile(f'{tree}/arch/x86/boot/bzImage', image + '.new')
        os.replace(image + '.new', image)
        shutil.rmtree(os.path.join(STORE, 'tiny'))
    with open(image, 'rb') as f:
        return version, f.read()
