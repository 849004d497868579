#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header of glibc, before and after ours: with the include folders of p2psim-kernel.pc first, so that glibc's own
#include <linux/...> meets our forwarders.

    glibc_headers.py --cc gcc       one TAP line an order, and one that shows a clash being seen
"""
import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# They cannot be included by a program: parts of others, or without their own dependencies, or old interfaces of the CPU.
NOT_FOR_PROGRAMS = {'libc_lock.h', 'thread_db.h', 'proc_service.h'}


def glibc_headers(cc):
    """Names of what libc6-dev put in place: found beside stdio.h, in the folders that are glibc's."""
    run = subprocess.run(cc + ['-E', '-x', 'c', '-'], input='#include <stdio.h>\n#include <sys/types.h>\n', text=True,
                         stdout=subprocess.PIPE, check=True)
    found = {line.split('"')[1] for line in run.stdout.splitlines() if line.startswith('# ') and '"' in line}
    top = os.path.dirname(next(f for f in found if f.endswith('/stdio.h')))
    machine = os.path.dirname(os.path.dirname(next(f for f in found if f.endswith('/sys/types.h'))))
    names = set()
    listed = subprocess.run(['dpkg', '-L', 'libc6-dev'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for path in listed.stdout.splitlines():
        for folder in (machine, top):
            if path.startswith(folder + '/') and path.endswith('.h'):
                names.add(path[len(folder) + 1:])
                break
    if not names:                       # not Debian: the top folder, less what other packages put there
        names = {n for n in os.listdir(top) if n.endswith('.h')} & set(STANDARD)
    private = ('bits/', 'gnu/', 'finclude/', 'rpcsvc/')
    return sorted(n for n in names if not n.startswith(private) and n not in NOT_FOR_PROGRAMS)


STANDARD = '''aio.h alloca.h arpa/inet.h assert.h complex.h ctype.h dirent.h dlfcn.h elf.h endian.h err.h errno.h error.h
    execinfo.h fcntl.h features.h fenv.h fnmatch.h ftw.h getopt.h glob.h grp.h iconv.h ifaddrs.h inttypes.h langinfo.h
    libgen.h limits.h link.h locale.h malloc.h math.h memory.h mntent.h mqueue.h netdb.h obstack.h paths.h poll.h printf.h
    pthread.h pty.h pwd.h regex.h resolv.h sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdint.h stdio.h
    stdlib.h string.h strings.h syslog.h termios.h threads.h time.h uchar.h ucontext.h unistd.h utime.h utmp.h wait.h
    wchar.h wctype.h wordexp.h'''.split()


def our_headers():
    folder = os.path.join(ROOT, 'include/p2psim-kernel')
    return sorted(os.path.relpath(os.path.join(where, n), folder)
                  for where, _, names in os.walk(folder) for n in names if n.endswith('.h'))


def complaint(cc, scratch, number, names):
    """The first error or warning of a file that includes `names` in this order."""
    source = os.path.join(scratch, f'{number}.c')
    with open(source, 'w', encoding='utf-8') as f:
        f.write('#define _GNU_SOURCE 1\n')
        f.writelines(f'#include <{name}>\n' for name in names)
        f.write('int unused;\n')
    run = subprocess.run(cc + ['-std=gnu11', '-fsyntax-only', '-Werror', '-Wall', '-Wno-cpp', '-Wno-#warnings', '-Wno-unknown-warning-option',
                               f'-I{ROOT}/include/p2psim-kernel', f'-I{ROOT}/include', source],
                         stderr=subprocess.PIPE, text=True)
    return next((line for line in run.stderr.splitlines() if 'error' in line), 'fails') if run.returncode else None


def alone(cc, scratch, names):
    """Those that compile by themselves, without us."""
    def good(numbered):
        return complaint(cc, scratch, f'alone{numbered[0]}', ['features.h', numbered[1]]) is None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        kept = list(pool.map(good, enumerate(names)))
    return [n for n, ok in zip(names, kept) if ok]


def by_few(names):
    """A file that includes all of glibc takes long: four of ours share one."""
    return [names[i:i + 4] for i in range(0, len(names), 4)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cc', default='cc')
    cc = shlex.split(parser.parse_args().cc)
    ours = our_headers()
    with tempfile.TemporaryDirectory() as scratch:
        theirs = alone(cc, scratch, glibc_headers(cc))
        jobs = {
            f'every header of glibc before each of ours ({len(theirs)} before {len(ours)})':
                [(f'glibc before {", ".join(few)}', theirs + few) for few in by_few(ours)],
            f'each of ours before every header of glibc ({len(ours)} before {len(theirs)})':
                [(f'{", ".join(few)} before glibc', few + theirs) for few in by_few(ours)],
            'all of ours before each header of glibc': [(f'ours before {h}', ours + [h]) for h in theirs],
            'each header of glibc before all of ours': [(f'{h} before ours', [h] + ours) for h in theirs],
        }
        print(f'1..{len(jobs) + 2}')
        print(f'ok 1 - headers of glibc that a program can include were found\n# {len(theirs)}' if len(theirs) > 60 else
              f'not ok 1 - only {len(theirs)} headers of glibc were found')
        failed = len(theirs) <= 60
        for number, (name, orders) in enumerate(jobs.items(), 2):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                results = list(pool.map(lambda job: complaint(cc, scratch, f'{number}-{job[0]}', job[1][1]), enumerate(orders)))
            bad = [f'{label}: {text}' for (label, _), text in zip(orders, results) if text]
            print(f'{"not ok" if bad else "ok"} {number} - {name}')
            for line in bad[:20]:
                print('# ' + line)
            failed |= bool(bad)
        clash = os.path.join(scratch, 'clash.h')
        with open(clash, 'w', encoding='utf-8') as f:
            f.write('typedef struct { char c; } dev_t;\n')
        seen = complaint(cc + ['-I' + scratch], scratch, 'clash', theirs + ['clash.h'])
        print(f'{"ok" if seen else "not ok"} {len(jobs) + 2} - a header that clashes with glibc is seen')
    return 1 if failed or not seen else 0


if __name__ == '__main__':
    sys.exit(main())
