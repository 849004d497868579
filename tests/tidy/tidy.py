#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tree's own rules, as a test: one TAP line a rule, and one that shows the rule catching a bad sample (bad/<rule>/).

    tidy.py --cc gcc --cxx g++ --shared libp2psim.so --static libp2psim.a     what Meson runs
    tidy.py --shared libp2psim.so --write-exports                             after the exported API changed

A rule is a function from a Tree to a list of complaints.
"""
import argparse
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FUNCTION_LINES_MAX = 70
MEDIAN_MAX, NINTH_DECILE_MAX = 12, 40
LINE_COLUMNS_MAX = 130

# Symbols that may live in writable sections: the one thread-local pointer.
MUTABLE_ALLOWED = {'p2psim_hot'}


class Tree:
    """A source tree with what was built from it."""

    def __init__(self, root, cc, cxx, shared=None, static=None, build_root=None):
        self.root, self.cc, self.cxx = root, cc, cxx
        self.shared, self.static, self.build_root = shared, static, build_root
        self.notes = []

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def read(self, name):
        with open(self.path(name), encoding='utf-8') as f:
            return f.read()

    def files(self, *folders, ends=('.c', '.h')):
        """Names relative to the root, sorted."""
        found = []
        for folder in folders:
            for where, dirs, names in os.walk(self.path(folder)):
                dirs[:] = [d for d in dirs if d != 'bad' or self.root != ROOT]
                found += [os.path.relpath(os.path.join(where, n), self.root) for n in names if n.endswith(ends)]
        return sorted(found)


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


# ---------------------------------------------------------------- include directions


class Layers:
    """tests/tidy/layers.txt: may(folder, other) and the layer of each public header."""

    def __init__(self, text):
        self.order, self.beside, self.header = [], {}, {}
        for line in text.splitlines():
            words = line.split('#')[0].split()
            if not words:
                continue
            if words[0] == 'layers':
                self.order = words[1:]
            elif words[0] == 'beside':
                self.beside[words[1].rstrip(':')] = words[2:]
            else:
                self.header.update((name, words[0]) for name in words[1:])

    def may(self, layer, other):
        if layer == other:
            return True
        if layer in self.beside:
            return other in self.beside[layer]
        return other in self.order and self.order.index(other) < self.order.index(layer)

    def may_public(self, layer, other):
        """cli sits above everything public."""
        return layer == 'cli' or self.may(layer, other)


INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\s*([<"])([^>"]+)[>"]', re.M)


def include_directions(tree):
    layers = Layers(tree.read('tests/tidy/layers.txt'))
    complaints = []
    for name in tree.files('src', 'include/p2psim'):
        parts = name.split('/')
        in_src = parts[0] == 'src'
        header = '/'.join(parts[2:])
        layer = parts[1] if in_src else layers.header.get(header)
        if layer is None:
            complaints.append(f'{name}: tests/tidy/layers.txt does not say to which layer this header belongs')
            continue
        for quote, target in INCLUDE.findall(tree.read(name)):
            if target.startswith('p2psim/'):
                other = layers.header.get(target[len('p2psim/'):])
                if other is None:
                    complaints.append(f'{name}: includes {target}, whose layer is not known')
                elif not layers.may_public(layer, other):
                    complaints.append(f'{name}: {layer} includes <{target}> of {other}')
            elif quote == '"':
                other = target.split('/')[0] if '/' in target else layer
                if not in_src:
                    complaints.append(f'{name}: a public header includes the private "{target}"')
                elif layer == 'devices' and other != 'devices':
                    complaints.append(f'{name}: devices use only public headers, not "{target}"')
                elif not layers.may(layer, other):
                    complaints.append(f'{name}: {layer} includes "{target}"')
    return complaints


def private_headers_stay_private(tree):
    """examples and tools see what a user sees; so do the tests of the devices."""
    complaints = []
    folders = [tree.path(d) for d in ('src',)]
    layers = {d for f in folders if os.path.isdir(f) for d in os.listdir(f)}
    for name in tree.files('examples', 'tools', 'tests/devices', 'tests/consumer'):
        for quote, target in INCLUDE.findall(tree.read(name)):
            if quote == '"' and target.split('/')[0] in layers and '/' in target:
                complaints.append(f'{name}: includes the private "{target}"')
    return complaints


# ---------------------------------------------------------------- headers alone


def compile_each(tree, compiler, language, flags, names):
    def problem(name):
        # A second inclusion must be harmless too.
        text = f'#include "{tree.path(name)}"\n#include "{tree.path(name)}"\n'
        run = subprocess.run(compiler + ['-fsyntax-only', '-Wall', '-Wextra', '-Werror', *flags,
                                         '-I' + tree.path('include'), '-I' + tree.path('src'), '-x', language, '-'],
                             input=text, stderr=subprocess.PIPE, text=True)
        first = next((line for line in run.stderr.splitlines() if 'error' in line), run.stderr.strip())
        return f'{name}: {first}' if run.returncode else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [p for p in pool.map(problem, names) if p]


def headers_compile_alone(tree):
    names = tree.files('include/p2psim', 'src', ends=('.h',))
    return compile_each(tree, tree.cc, 'c', ['-std=gnu11'], names)


def headers_compile_as_cxx(tree):
    names = [n for n in tree.files('include/p2psim', ends=('.h',)) if '/linux' not in n]
    return compile_each(tree, tree.cxx, 'c++', ['-std=c++17'], names)


# ---------------------------------------------------------------- text


def functions(text):
    """(name, lines) of each function body: a brace in the first column to its partner, both counted."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == '{':
            start = number
        elif line.startswith('}') and start is not None:
            head = ' '.join(lines[max(0, start - 4):start])
            names = re.findall(r'(\w+)\s*\(', head)
            yield (names[-1] if names else '?', number - start + 1)
            start = None


def functions_fit_a_screen(tree):
    complaints, lengths = [], []
    for name in tree.files('src', 'include', 'tests', 'examples', 'tools', 'bench'):
        for function, lines in functions(tree.read(name)):
            if name.startswith('src/'):
                lengths.append(lines)
            if lines > FUNCTION_LINES_MAX:
                complaints.append(f'{name}: {function}() has {lines} lines; {FUNCTION_LINES_MAX} are the most')
    if len(lengths) > 1:
        median, decile = statistics.median(lengths), statistics.quantiles(lengths, n=10)[8]
        tree.notes.append(f'{len(lengths)} functions in src: median {median:g} lines, ninth decile {decile:g}, '
                          f'longest {max(lengths)}')
        if median > MEDIAN_MAX:
            complaints.append(f'the median function of src has {median:g} lines; {MEDIAN_MAX} are the most')
        if decile > NINTH_DECILE_MAX:
            complaints.append(f'the ninth decile of src has {decile:g} lines; {NINTH_DECILE_MAX} are the most')
    return complaints


def sources_carry_a_licence(tree):
    names = tree.files('src', 'include', 'tests', 'examples', 'tools', 'bench', 'scripts',
                       ends=('.c', '.h', '.S', '.py', '.sh', 'meson.build'))
    names += [n for n in tree.files('scripts', ends=('',)) if '.' not in os.path.basename(n)]
    names += [n for n in ('meson.build', 'meson_options.txt') if os.path.exists(tree.path(n))]
    return [f'{n}: no SPDX-License-Identifier in its first two lines' for n in sorted(set(names))
            if not any('SPDX-License-Identifier: MIT' in line for line in tree.read(n).splitlines()[:2])]


def lines_fit(tree):
    complaints = []
    for name in tree.files('src', 'include', 'tests', 'examples', 'tools', 'bench', ends=('.c', '.h', '.S')):
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            if len(line.expandtabs(8)) > LINE_COLUMNS_MAX:
                complaints.append(f'{name}:{number}: {len(line.expandtabs(8))} columns; {LINE_COLUMNS_MAX} are the most')
            if line != line.rstrip():
                complaints.append(f'{name}:{number}: space at the end of the line')
    return complaints


def memory_comes_from_the_arena(tree):
    """Layers of the model allocate with kmalloc() and friends: only then can an allocation fail in a test and a leak be seen."""
    complaints = []
    call = re.compile(r'(?<![\w.>])(malloc|calloc|realloc|strdup|asprintf|free)\s*\(')
    for name in tree.files(*[f'src/{d}' for d in ('notifier', 'vma', 'p2p', 'hmm', 'devices')]):
        text = re.sub(r'/\*.*?\*/', lambda m: '\n' * m.group().count('\n'), tree.read(name), flags=re.S)
        text = re.sub(r'"(\\.|[^"\\\n])*"', '""', text)
        for number, line in enumerate(text.splitlines(), 1):
            for function in call.findall(line):
                complaints.append(f'{name}:{number}: {function}()')
    return complaints


def words_of_the_machine(tree):
    """No path of a developer's machine in what is committed."""
    complaints = []
    pattern = re.compile(r'(?<![\w.$])/(home|root|Users)/\w+')
    names = [n for n in output_of('git', '-C', tree.root, 'ls-files').splitlines()] if os.path.isdir(
        tree.path('.git')) else tree.files('.', ends=('',))
    for name in names:
        if name.startswith('tests/tidy/') and tree.root == ROOT or not os.path.isfile(tree.path(name)):
            continue
        with open(tree.path(name), encoding='utf-8', errors='replace') as f:
            complaints += [f'{name}: {m.group()}' for m in pattern.finditer(f.read())]
    return complaints


# ---------------------------------------------------------------- what was built

OBJECT_LINE = re.compile(r'^[0-9a-f]+ .{7} (\S+)\t[0-9a-f]+ +(?:\.hidden )?(\S+)$')


def no_mutable_state(tree):
    """All state hangs off a world.  Relocated constants (.data.rel.ro) are no state."""
    complaints = []
    member = '?'
    for line in output_of('objdump', '-t', tree.static).splitlines():
        if ':' in line and 'file format' in line:
            member = line.split(':')[0]
        found = OBJECT_LINE.match(line)
        if not found:
            continue
        section, symbol = found.groups()
        writable = re.match(r'\.(t?data|t?bss|l?data|l?bss)\b', section) and not section.startswith('.data.rel.ro')
        if (writable or section == '*COM*') and symbol != section and symbol not in MUTABLE_ALLOWED:
            complaints.append(f'{member}: {symbol} lives in {section}')
    return complaints


def exports_of(library):
    return {line.split()[-1].split('@')[0] for line in output_of('nm', '-D', '--defined-only', library).splitlines()
            if line.split()[-2] not in 'AU'}


def committed_exports(tree):
    return {line for line in tree.read('tests/tidy/p2psim.sym').splitlines() if line and not line.startswith('#')}


def exports_are_committed(tree):
    now, listed = exports_of(tree.shared), committed_exports(tree)
    return ([f'{s} is exported and not in tests/tidy/p2psim.sym (tidy.py --write-exports)' for s in sorted(now - listed)]
            + [f'{s} is in tests/tidy/p2psim.sym and not exported' for s in sorted(listed - now)])


def exports_take_over_nothing(tree):
    """A library that exports a name of libc takes it over for the whole process."""
    mine = exports_of(tree.shared)
    complaints = []
    for library in ('libc.so.6', 'libm.so.6', 'libuuid.so.1'):
        path = output_of(*tree.cc, f'-print-file-name={library}').strip()
        if not os.path.isabs(path):
            complaints.append(f'{library} was not found')
            continue
        complaints += [f'{s} is also exported by {library}' for s in sorted(mine & exports_of(path))]
    return complaints


def exports_have_our_names(tree):
    """A name that a kernel developer would not expect: no p2psim_ prefix and in no header of include/p2psim/linux."""
    text = ''.join(tree.read(n) for n in tree.files('include/p2psim'))
    words = set(re.findall(r'\w+', text))
    return [f'{s} is exported, but no public header names it' for s in sorted(exports_of(tree.shared)) if s not in words]


def no_paths_in_the_library(tree):
    """The same sources give the same bytes wherever they are built.  Debug information is left out."""
    with tempfile.TemporaryDirectory() as scratch:
        bare = os.path.join(scratch, 'bare')
        output_of('objcopy', '--strip-debug', tree.shared, bare)
        found = output_of('strings', '-n', '5', bare)
    machine = re.compile(r'(^|[^\w.])/(home|root|tmp|work|build|usr/src|usr/include)/')
    prefixes = [p for p in (ROOT, tree.build_root) if p]
    return [f'the library holds "{s}"' for s in sorted(set(found.splitlines()))
            if machine.search(s) or '../' in s or any(p in s for p in prefixes)]


# ---------------------------------------------------------------- kernel includes


def forwarders_are_complete(tree):
    run = subprocess.run([sys.executable, os.path.join(ROOT, 'scripts/kernel-forwarders'), '--check', tree.root],
                         stdout=subprocess.PIPE, text=True)
    return run.stdout.splitlines() if run.returncode else []


def forwarders_hide_no_system_header(tree):
    """A forwarder with the name of a system header begins with #include_next."""
    complaints = []
    for name in tree.files('include/p2psim-kernel', ends=('.h',)):
        short = name[len('include/p2psim-kernel/'):]
        if short.startswith('uapi/') or '#include_next' in tree.read(name):
            continue
        probe = f'#if __has_include(<{short}>)\n#error hidden\n#endif\n'
        run = subprocess.run(tree.cc + ['-E', '-x', 'c', '-'], input=probe, text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if run.returncode:
            complaints.append(f'{name} hides <{short}> of the system')
    return complaints


# ---------------------------------------------------------------- running

RULES = [
    ('includes point down the layers', include_directions),
    ('examples, tools and tests of the devices use only public headers', private_headers_stay_private),
    ('each header compiles alone', headers_compile_alone),
    ('each p2psim/*.h compiles as C++ too', headers_compile_as_cxx),
    (f'no function is longer than {FUNCTION_LINES_MAX} lines', functions_fit_a_screen),
    (f'no line is wider than {LINE_COLUMNS_MAX} columns', lines_fit),
    ('every source names its licence', sources_carry_a_licence),
    ('the model allocates from the arena', memory_comes_from_the_arena),
    ('no source holds a path of the machine', words_of_the_machine),
    ('one thread-local pointer is the only mutable global', no_mutable_state),
    ('the exported names are the committed ones', exports_are_committed),
    ('no exported name belongs to libc, libm or libuuid', exports_take_over_nothing),
    ('every exported name stands in a public header', exports_have_our_names),
    ('the library holds no path of the machine', no_paths_in_the_library),
    ('each kernel header has its forwarder', forwarders_are_complete),
    ('no forwarder hides a header of the system', forwarders_hide_no_system_header),
]


def bad_sample(rule, cc, cxx, scratch):
    """bad/<rule>/ is a small tree that breaks the rule; its *.c at the top are built into a library."""
    root = os.path.join(HERE, 'bad', rule.__name__)
    tree = Tree(root, cc, cxx)
    sources = [tree.path(n) for n in sorted(os.listdir(root)) if n.endswith('.c')]
    if sources:
        tree.shared = os.path.join(scratch, rule.__name__ + '.so')
        tree.static = os.path.join(scratch, rule.__name__ + '.o')
        output_of(*cc, '-fPIC', '-c', '-o', tree.static, *sources)
        output_of(*cc, '-shared', '-o', tree.shared, tree.static)
    return tree


def write_exports(shared):
    with open(os.path.join(HERE, 'p2psim.sym'), 'w', encoding='utf-8') as f:
        f.write('# SPDX-License-Identifier: MIT\n# What libp2psim exports; written by tests/tidy/tidy.py --write-exports.\n')
        f.writelines(s + '\n' for s in sorted(exports_of(shared)))


def tell(ok, number, name, complaints, notes):
    print(f'{"ok" if ok else "not ok"} {number} - {name}')
    for line in notes + complaints[:40]:
        print('# ' + line)
    if len(complaints) > 40:
        print(f'# and {len(complaints) - 40} more')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cc', default='cc')
    parser.add_argument('--cxx', default='')
    parser.add_argument('--shared')
    parser.add_argument('--static')
    parser.add_argument('--build-root')
    parser.add_argument('--write-exports', action='store_true')
    options = parser.parse_args()
    if options.write_exports:
        write_exports(options.shared)
        return 0

    cc, cxx = shlex.split(options.cc), shlex.split(options.cxx)
    rules = [(n, r) for n, r in RULES if cxx or r is not headers_compile_as_cxx]
    tree = Tree(ROOT, cc, cxx, options.shared, options.static, options.build_root)
    failed = 0
    print(f'1..{2 * len(rules)}')
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, rule) in enumerate(rules):
            tree.notes = []
            complaints = rule(tree)
            tell(not complaints, 2 * number + 1, name, complaints, tree.notes)
            caught = rule(bad_sample(rule, cc, cxx, scratch))
            tell(bool(caught), 2 * number + 2, f'a tree that breaks this is caught: {name}', [], caught[:1])
            failed += bool(complaints) + (not caught)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
