#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drivers of a Linux tree that listen to an address space: which of them compile against p2psim-kernel, unchanged, and what each
of the others lacks first.

    family.py --kernel DIR [--cc cc]             one line a driver, and what the compiler complains about first
    family.py --kernel DIR --link LIBRARY        the table of docs/upstream.md: also what an object lacks that LIBRARY has not
    family.py --kernel DIR --link LIBRARY --check FILE   is that table in FILE?
    family.py --kernel DIR --link LIBRARY --write FILE   puts it there
    family.py --check FILE --link LIBRARY        without a tree: does LIBRARY lack what the table in FILE says, still?
    family.py --kernel DIR --view FOLDER         only makes FOLDER: the headers of subsystems

A driver is every .c file that registers an mmu_notifier or inserts an interval notifier.  include/linux and include/asm are
p2psim's alone; the headers of subsystems (drm, rdma, xen, ...) are the tree's own, as are those beside the driver.  machines/
has what a driver asks of a machine that this one is not.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LISTENS = re.compile(r'mmu_interval_notifier_insert(_locked)?\(|\bmmu_notifier_(register|get)\(|__mmu_notifier_register\('
                     r'|struct mmu_(interval_)?notifier_ops \w+')
FOLDERS = ('drivers', 'virt', 'lib', 'samples')
SUBSYSTEMS = ('drm', 'rdma', 'xen', 'misc', 'trace', 'video', 'media', 'sound', 'kvm',
              'linux/mlx5', 'soc')
FLAGS = ['-std=gnu11', '-DMODULE', '-D__KERNEL__', '-DKBUILD_MODNAME="driver"', '-ferror-limit=1',
         '-fmax-errors=1', '-Werror=implicit-function-declaration', '-Werror=int-conversion',
         '-Werror=incompatible-pointer-types']
# Options without which the driver's Makefile would not compile it.
OPTIONS = {
    'drivers/infiniband/core/umem_odp.c': ['INFINIBAND_ON_DEMAND_PAGING', 'INFINIBAND_USER_MEM'],
    'drivers/infiniband/hw/mlx5/odp.c': ['INFINIBAND_ON_DEMAND_PAGING', 'INFINIBAND_USER_MEM', 'INFINIBAND_USER_ACCESS'],
    'drivers/gpu/drm/nouveau/nouveau_svm.c': ['DRM_NOUVEAU_SVM'],
    'drivers/gpu/drm/amd/amdkfd/kfd_svm.c': ['HSA_AMD', 'HSA_AMD_SVM'],
}
# What the folder's own Makefile adds to the search path.
EXTRA = {
    'drivers/gpu/drm/amd': ['drivers/gpu/drm/amd/' + d for d in (
        'include', 'include/asic_reg', 'amdgpu', 'pm/inc', 'acp/include', 'display', 'display/include', 'display/dc',
        'display/amdgpu_dm', 'amdkfd')],
    'drivers/gpu/drm/nouveau': ['drivers/gpu/drm/nouveau/' + d for d in ('include', 'include/nvkm', 'nvkm', '')],
    'drivers/gpu/drm/i915': ['drivers/gpu/drm/i915'],
}


def drivers(kernel):
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(kernel, folder)):
            for name in sorted(names):
                path = os.path.join(where, name)
                if name.endswith('.c') and LISTENS.search(open(path, encoding='utf-8', errors='replace').read()):
                    yield os.path.relpath(path, kernel)


def view(kernel, scratch):
    """A folder with the subsystems' headers and none of linux/ and asm/."""
    for prefix in ('', 'uapi/'):
        os.makedirs(os.path.join(scratch, prefix), exist_ok=True)
        for name in SUBSYSTEMS:
            there = os.path.join(kernel, 'include', prefix + name)
            if os.path.isdir(there):
                at = os.path.join(scratch, prefix + name)
                if os.path.lexists(at):
                    os.remove(at)
                os.makedirs(os.path.dirname(at), exist_ok=True)
                os.symlink(there, at)
    return scratch


def compiled(cc, kernel, scratch, name, more):
    """The complaint of the compiler, or None."""
    extra = [f'-I{kernel}/{d}' for prefix, folders in EXTRA.items() if name.startswith(prefix) for d in folders]
    extra += [f'-DCONFIG_{option}=1' for option in OPTIONS.get(name, [])]
    flags = [f for f in FLAGS if ('clang' in cc[-1]) == (f == '-ferror-limit=1') or not f.endswith('=1')]
    run = subprocess.run(cc + flags + more + [f'-I{ROOT}/include/p2psim-kernel', f'-I{ROOT}/include', f'-I{scratch}',
                                              f'-I{scratch}/uapi', f'-I{HERE}/machines', *extra, os.path.join(kernel, name)],
                         stderr=subprocess.PIPE, text=True)
    if not run.returncode:
        return None
    line = next((l for l in run.stderr.splitlines() if 'error:' in l), run.stderr)
    for folder in (kernel, ROOT, scratch):
        line = line.replace(folder + '/', '')
    return re.sub('[\u2018\u2019\']', '`', line)


def symbols(how, file):
    """By nm: undefined ones of an object, or the dynamic ones that a library defines."""
    run = subprocess.run(['nm', *how, file], stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[-1].split('@')[0] for line in run.stdout.splitlines() if line.split()}


def libc():
    """What a compiler may call by itself."""
    path = subprocess.run(['cc', '-print-file-name=libc.so.6'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return symbols(['-D', '--defined-only'], path) | {'_GLOBAL_OFFSET_TABLE_', '__stack_chk_fail'}


def lacks(cc, kernel, scratch, name, there):
    """Names that the driver's object asks for and the library has not: the kernel's, and those that the headers beside it know."""
    unit = os.path.join(scratch, 'driver.o')
    compiled(cc, kernel, scratch, name, ['-O1', '-c', '-o', unit])
    missing = {s for s in symbols(['-u'], unit) - there if not s.startswith(('__start_', '__stop_'))}
    folder = os.path.dirname(os.path.join(kernel, name))
    beside = set()
    for other in os.listdir(folder):
        if other.endswith('.h'):
            beside |= set(re.findall(r'\w+', open(os.path.join(folder, other), encoding='utf-8', errors='replace').read()))
    its_own = missing & beside
    return sorted(missing - its_own), sorted(its_own)


def few(names, most=8):
    return ', '.join(f'`{n}`' for n in names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')


HEAD = ('| driver | compiles | of its folder | of the kernel |', '|---|---|---|---|')


def row(cc, kernel, scratch, name, there):
    if compiled(cc, kernel, scratch, name, ['-fsyntax-only']):
        return f'| {name} | no | | |'
    missing, its_own = lacks(cc, kernel, scratch, name, there)
    return f'| {name} | yes | {few(its_own) or "nothing"} | {few(missing) or "nothing"} |'


def table(cc, kernel, scratch, library):
    there = symbols(['-D', '--defined-only'], library) | libc()
    return [*HEAD, *(row(cc, kernel, scratch, name, there) for name in drivers(kernel))]


def table_of(file):
    lines = open(file, encoding='utf-8').read().splitlines()
    start = lines.index(HEAD[0])
    return lines[start:next((i for i in range(start, len(lines)) if not lines[i].startswith('|')), len(lines))]


def write(file, printed):
    written = table_of(file)
    text = open(file, encoding='utf-8').read()
    with open(file, 'w', encoding='utf-8') as f:
        f.write(text.replace('\n'.join(written), '\n'.join(printed)))


def differences(file, printed, library):
    written = table_of(file)
    if printed:
        return [f'{file} lacks: {line}' for line in printed if line not in written] + \
            [f'{file} has: {line}' for line in written if line not in printed]
    there = symbols(['-D', '--defined-only'], library)
    return [f'{file} says that {name} is missing: {library} has it'
            for line in written[2:] for name in re.findall(r'`(\w+)`', line.split('|')[4]) if name in there]


def list_all(cc, kernel, scratch):
    good = 0
    found = list(drivers(kernel))
    for name in found:
        complaint = compiled(cc, kernel, scratch, name, ['-fsyntax-only'])
        good += complaint is None
        print(f'{"compiles" if complaint is None else "lacks   "} {name}' + (f'\n         {complaint}' if complaint else ''))
    print(f'{good} of {len(found)} compile')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kernel')
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--link', metavar='LIBRARY')
    parser.add_argument('--check', metavar='FILE')
    parser.add_argument('--write', metavar='FILE')
    parser.add_argument('--view', metavar='FOLDER')
    args = parser.parse_args()
    cc, kernel = shlex.split(args.cc), args.kernel and os.path.abspath(args.kernel)
    if args.view:
        view(kernel, args.view)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        if kernel:
            view(kernel, scratch)
        printed = table(cc, kernel, scratch, args.link) if args.link and kernel else []
        if args.write:
            write(args.write, printed)
        elif args.check:
            found = differences(args.check, printed, args.link)
            print('\n'.join(found) or f'{args.check} is up to date')
            return 1 if found else 0
        elif args.link:
            print('\n'.join(printed))
        else:
            list_all(cc, kernel, scratch)
    return 0


if __name__ == '__main__':
    sys.exit(main())
