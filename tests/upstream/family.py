#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drivers of a Linux tree that listen to an address space: which of them compile against p2psim-kernel, unchanged, and what each
of the others lacks first.

    family.py --kernel DIR [--cc cc] [--verbose]

A driver is every .c file that registers an mmu_notifier or inserts an interval notifier.  include/linux and include/asm are
p2psim's alone; the headers of subsystems (drm, rdma, xen, ...) are the tree's own, as are those beside the driver.
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LISTENS = re.compile(r'mmu_interval_notifier_insert(_locked)?\(|\bmmu_notifier_(register|get)\(|__mmu_notifier_register\('
                     r'|struct mmu_(interval_)?notifier_ops \w+')
FOLDERS = ('drivers', 'virt', 'lib', 'samples')
SUBSYSTEMS = ('drm', 'rdma', 'xen', 'misc', 'trace', 'video', 'media', 'sound', 'kvm')
FLAGS = ['-std=gnu11', '-DMODULE', '-D__KERNEL__', '-DKBUILD_MODNAME="driver"', '-fsyntax-only', '-w', '-ferror-limit=1',
         '-fmax-errors=1', '-Werror=implicit-function-declaration', '-Werror=int-conversion',
         '-Werror=incompatible-pointer-types']
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
                os.symlink(there, os.path.join(scratch, prefix + name))
    return scratch


def first_complaint(cc, kernel, scratch, name):
    extra = [f'-I{kernel}/{d}' for prefix, folders in EXTRA.items() if name.startswith(prefix) for d in folders]
    flags = [f for f in FLAGS if ('clang' in cc[0]) == (f == '-ferror-limit=1') or not f.endswith('=1')]
    run = subprocess.run(cc + flags + [f'-I{ROOT}/include/p2psim-kernel', f'-I{ROOT}/include', f'-I{scratch}',
                                       f'-I{scratch}/uapi', *extra, os.path.join(kernel, name)],
                         stderr=subprocess.PIPE, text=True)
    if not run.returncode:
        return None
    line = next((l for l in run.stderr.splitlines() if 'error:' in l), run.stderr)
    return line.replace(kernel + '/', '').replace(ROOT + '/', '')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--kernel', required=True)
    parser.add_argument('--cc', default='cc')
    args = parser.parse_args()
    cc, kernel = shlex.split(args.cc), os.path.abspath(args.kernel)
    good = 0
    found = list(drivers(kernel))
    with tempfile.TemporaryDirectory() as scratch:
        view(kernel, scratch)
        for name in found:
            complaint = first_complaint(cc, kernel, scratch, name)
            good += complaint is None
            print(f'{"compiles" if complaint is None else "lacks   "} {name}' + (f'\n         {complaint}' if complaint else ''))
    print(f'{good} of {len(found)} compile')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
