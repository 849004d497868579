#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/patterns.md says what the tests pin: its first table is what PROGRAM prints, and each test or scenario that its
second table names is in the sources.

    patterns_doc.py PROGRAM DOCUMENT SOURCES             what Meson runs
    patterns_doc.py --write PROGRAM DOCUMENT SOURCES     after numbers have changed
"""
import os
import re
import shlex
import subprocess
import sys

BEGIN, END = '<!-- printed by patterns_table -->\n', '<!-- end -->\n'


def printed(program):
    emulator = shlex.split(os.environ.get('MESON_EXE_WRAPPER', ''))     # set by Meson where another machine is built for
    return subprocess.run(emulator + [program], stdout=subprocess.PIPE, text=True, check=True).stdout


def sources(root):
    for folder in ('tests', 'examples'):
        for path, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith('.c'):
                    with open(os.path.join(path, name), encoding='utf-8') as f:
                        yield f.read()


def main(arguments):
    write = arguments[:1] == ['--write']
    program, document, root = arguments[write:]
    with open(document, encoding='utf-8') as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    table, tail = rest.split(END)
    if write:
        with open(document, 'w', encoding='utf-8') as f:
            f.write(head + BEGIN + printed(program) + END + tail)
        return 0
    same = table == printed(program)
    every = '\n'.join(sources(root))
    rows = '\n'.join(line for line in tail.splitlines() if line.startswith('| B'))
    lost = [name for name in re.findall(r'`([^`]+)`', rows) if name not in every]
    print('1..2')
    print(('ok' if same else 'not ok') + ' 1 - the table is what the tests pin (patterns_doc.py --write)')
    print(('ok' if not lost else 'not ok') + ' 2 - what the stories name is in the sources')
    for name in lost:
        print('# nobody has ' + name)
    return 0 if same and not lost else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
