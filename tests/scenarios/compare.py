#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs an example program and compares what it prints with what is written down, as one TAP line.

    compare.py PROGRAM EXPECTED              what Meson runs
    compare.py --write PROGRAM EXPECTED      after a change that is meant to be seen

Line numbers of sources are not compared: every edit above them moves them.
"""
import difflib
import os
import re
import shlex
import subprocess
import sys


def printed(program):
    emulator = shlex.split(os.environ.get('MESON_EXE_WRAPPER', ''))     # set by Meson where another machine is built for
    run = subprocess.run(emulator + [program], stdout=subprocess.PIPE, text=True)
    text = re.sub(r'(\(\) line |\(\) \w+\.c:)\d+', r'\1N', run.stdout)
    return run.returncode, re.sub(r'(\(\w+):\d+\)', r'\1:N)', text)


def main(arguments):
    write = arguments[:1] == ['--write']
    program, expected = arguments[write:]
    status, text = printed(program)
    if write:
        with open(expected, 'w', encoding='utf-8') as f:
            f.write(text)
        return 0
    with open(expected, encoding='utf-8') as f:
        difference = list(difflib.unified_diff(f.read().splitlines(), text.splitlines(), 'expected', 'printed', lineterm=''))
    good = status == 0 and not difference
    print('1..1')
    print(('ok' if good else 'not ok') + ' 1 - it prints what is expected and exits with 0')
    for line in difference[:60]:
        print('# ' + line)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
