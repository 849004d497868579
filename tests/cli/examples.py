#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each example that `p2psim COMMAND --help` shows works.  TAP.

    examples.py P2PSIM SOURCES
"""
import os
import subprocess
import sys
import tempfile

COMMANDS = ['list', 'run', 'replay', 'explore', 'conform', 'merge', 'litmus']


def examples(program, command):
    text = subprocess.run([program, command, '--help'], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in text.split('\nexamples:\n')[1].splitlines()]


def main():
    program, sources = map(os.path.abspath, sys.argv[1:])
    environment = dict(os.environ, PATH=os.path.dirname(program) + ':' + os.environ['PATH'])
    number = bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        os.symlink(os.path.join(sources, 'tests'), os.path.join(scratch, 'tests'))
        for command in COMMANDS:
            for line in examples(program, command):
                run = subprocess.run(line, shell=True, cwd=scratch, env=environment, capture_output=True, text=True,
                                     check=False)
                number += 1
                bad += run.returncode != 0
                print(f'{"ok" if not run.returncode else "not ok"} {number} - {line}')
                if run.returncode:
                    print('# ' + run.stderr.replace('\n', '\n# '))
    print(f'1..{number}')
    return bad != 0


if __name__ == '__main__':
    sys.exit(main())
