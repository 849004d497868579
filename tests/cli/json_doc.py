#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/json.md names every field of explore --json, and no other.  TAP.

    json_doc.py P2PSIM DOCUMENT
"""
import json
import re
import subprocess
import sys

RUNS = [
    ['mail/004-reason!no-retry-check'],
    ['mail/000-trial-call', '--strategy', 'dpor', '--shard', '1/2', '--coverage'],
    ['driver/svm!deaf', '--strategy', 'icb'],
]


def fields(value, path=''):
    """Each field of an object as a.b[].c; a list of words has no fields."""
    if isinstance(value, dict):
        for key, inner in value.items():
            below = f'{path}.{key}' if path else key
            yield below
            yield from fields(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, path + '[]')


def printed(program):
    seen, always = set(), None
    for run in RUNS:
        out = subprocess.run([program, 'explore', '--json', *run], capture_output=True, text=True, check=False).stdout
        one = set(fields(json.loads(out)))
        seen |= one
        always = one if always is None else always & one
    return seen, always


def documented(path):
    """The fields of the table, and those of them that are not always there."""
    table = open(path, encoding='utf-8').read().split('<!-- fields of an exploration -->')[1].split('<!-- end -->')[0]
    known, sometimes = set(), set()
    for row in re.findall(r'^\| (`.*?) \| (.*) \|$', table, re.M):
        names = re.findall(r'`([a-z_.\[\]]+)`(\??)', row[0])
        inner = re.findall(r'`\.([a-z_\[\]]+)`(\??)|`(minimal\.[a-z_]+)`', row[1])
        for name, mark in names:
            known.add(name.removesuffix('[]'))
            sometimes |= {name.removesuffix('[]')} if mark else set()
        for name, mark, whole in inner:
            known.add(whole or f'{names[-1][0]}.{name.removesuffix("[]")}')
    for side in ('coverage.pairs[]', 'minimal.orders[]'):
        known |= {f'{side}.{end}.{name}' for end in ('first', 'second') for name in ('text', 'function', 'line')}
    known |= {f'coverage.pairs[].{end}.file' for end in ('first', 'second')}
    known |= {f'minimal.orders[].{end}.{name}' for end in ('first', 'second') for name in ('task', 'step')}
    known -= {f'{side}.{name}' for side in ('coverage.pairs[]', 'minimal.orders[]')
              for name in ('text', 'function', 'line', 'file', 'task', 'step')}
    return known, sometimes


def tell(number, sentence, wrong):
    print(f'{"not ok" if wrong else "ok"} {number} - {sentence}')
    for field in sorted(wrong):
        print(f'# {field}')
    return bool(wrong)


def main():
    program, document = sys.argv[1:]
    seen, always = printed(program)
    known, sometimes = documented(document)
    print('1..3')
    bad = tell(1, 'each field that is printed is documented', seen - known)
    bad |= tell(2, 'each field that is documented is printed', known - seen)
    top = {name for name in known if '.' not in name and '[' not in name}
    bad |= tell(3, 'a field without a question mark is always there', top - sometimes - always)
    return bad


if __name__ == '__main__':
    sys.exit(main())
