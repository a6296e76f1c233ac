import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSource } from '../../../src/features/verify/imports/parse.ts';
import { tool } from '../../tools/locate.ts';

const RUNS = 150;

/** The imports that we read; undefined where we refuse the file. */
async function importsOf(path: string, text: string): Promise<readonly string[] | undefined> {
  const source = await parseSource(path, text);
  if (source?.fault !== undefined) return undefined;
  return (source?.imports ?? []).map(({ specifier = '?' }) => specifier);
}

const NAMES = ['fmt', 'os', 'io/fs', 'crypto/sha256', 'text/template'] as const;

/** What may be between two tokens of Go, with what looks like code in it. */
const goSpace = fc.constantFrom(
  ' ',
  '\t',
  '\r\n',
  '\n\n',
  ' /* func */ ',
  ' /* import "no"\n*/ ',
  '\n// func main() {}\n',
  '\n// import "no"\u2028func\n',
  '\n// a\rfunc\n',
);
const goPath = fc
  .constantFrom(...NAMES)
  .chain((name) =>
    fc.constantFrom(
      [name, `"${name}"`] as const,
      [name, `\`${name}\``] as const,
      [name, `"\\x${name.charCodeAt(0).toString(16)}${name.slice(1)}"`] as const,
      [name, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`] as const,
    ),
  );
const goSpec = fc
  .tuple(fc.constantFrom('', '_ ', '. ', 'a1 '), goPath)
  .map(([alias, [name, literal]]) => [name, alias + literal] as const);
const goImport = fc.oneof(
  fc.tuple(goSpace, goSpec).map(([space, [name, text]]) => [[name], `import${space}${text}`] as const),
  fc
    .tuple(goSpace, fc.array(goSpec, { maxLength: 3 }))
    .map(
      ([space, specs]) =>
        [
          specs.map(([name]) => name),
          `import${space.replaceAll('\n', ' ').includes('//') ? ' ' : space}(${specs.map(([, text]) => `\n${text}`).join('')}\n)`,
        ] as const,
    ),
);
const goFile = fc
  .tuple(
    fc.constantFrom('', '// func\n', '/* package no\nfunc */ ', '//go:build ignore || linux\n\n', '\ufeff'),
    fc.array(goImport, { maxLength: 4 }),
    fc.constantFrom(
      '',
      'var s = `\nimport "no"\n`\n',
      'func f() {}\n// import "no"\n',
      'const a = "import \\"no\\""\n',
    ),
  )
  .map(
    ([head, imports, tail]) => `${head}package a\n${imports.map(([, text]) => `${text}\n`).join('')}${tail}`,
  );

test('Go: our list is that of go list', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'readers-'));
  const files = fc.sample(goFile, { numRuns: RUNS, seed: 24 });
  await writeFile(join(folder.path, 'go.mod'), 'module example.com/a\n\ngo 1.24\n');
  for (const [i, text] of files.entries()) {
    await mkdir(join(folder.path, `p${i}`));
    await writeFile(join(folder.path, `p${i}`, 'a.go'), text);
  }
  const format =
    '{{.ImportPath}} {{if .Error}}!{{.Error.Err}}{{else}}{{join .Imports ","}},{{join .IgnoredGoFiles ","}}{{end}}';
  const listed = execFileSync(tool('go'), ['list', '-e', '-f', format, './...'], {
    cwd: folder.path,
    env: { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
    encoding: 'utf8',
  });
  let compared = 0;
  for (const line of listed.trim().split('\n')) {
    const [, index = '', rest = ''] = /^example\.com\/a\/p(\d+) (.*)$/.exec(line) ?? [];
    const text = files[Number(index)] ?? '';
    const ours = await importsOf('a.go', text);
    // What go refuses, we may read or refuse; what it reads, we read.
    if (rest.startsWith('!')) continue;
    compared += 1;
    const theirs = rest.split(',').filter((name) => name !== '' && name !== 'a.go');
    expect([text, [...new Set(ours)].sort()]).toEqual([text, theirs.sort()]);
  }
  expect(compared).toBeGreaterThan(RUNS / 2);
});

const pySpace = fc.constantFrom(' ', '\t', ' \\\n ', '  ');
const pyName = fc.constantFrom('os', 'a.b', 'a . b', 'ｏｓ', 'µ', 'ﬁle', 'a\\\n.b');
// The grammar refuses brackets that are indented less than their block: such a file is a finding.
const pyImport = fc.oneof(
  fc.tuple(pySpace, pyName).map(([space, name]) => `import${space}${name}`),
  fc.tuple(pySpace, pyName, pyName).map(([space, a, b]) => `import${space}${a} as c, ${b}`),
  fc.tuple(pySpace, pyName).map(([space, name]) => `from${space}${name} import x, y as z`),
  fc
    .tuple(fc.constantFrom('.', '..', '. .', '...'), pyName)
    .map(([dots, name]) => `from ${dots}${name} import (\n        x,\n        y,\n        )`),
  fc.constant('from . import *'),
);
const pyLine = fc.oneof(
  pyImport,
  pyImport.map((text) => `if x:\n    ${text}\nelse: pass`),
  pyImport.map((text) => `def f():\n    ${text}`),
  pyImport.map((text) => `x = 1; ${text}`),
  fc.constantFrom(
    '# import no',
    'from a import (\n  x, # import no\n  y,\n)',
    's = """\nimport no\n"""',
    "t = 'import no'",
    '# a\rimport os',
    '\fimport sys',
    'x = f"{y}import no"',
  ),
);
const pyFile = fc
  .tuple(
    fc.constantFrom('', '# -*- coding: utf-8 -*-\n', '#!/usr/bin/python\n# coding=latin-1\n'),
    fc.array(pyLine, { maxLength: 5 }),
    fc.constantFrom('\n', '\r\n', '\r'),
  )
  .map(([head, lines, end]) => `${head}${lines.join('\n')}\n`.replaceAll('\n', end));

/** Lists the imports of each file that is named on stdin, as JSON: none where it is no Python. */
const LIST = `
import ast, json, sys
def names(path):
    try:
        with open(path, 'rb') as file:
            tree = ast.parse(file.read())
    except (SyntaxError, ValueError):
        return None
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append('.' * node.level + (node.module or ''))
    return sorted(found)
print(json.dumps([names(path) for path in sys.argv[1:]]))
`;

test("Python: our list is that of Python's ast", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'readers-'));
  const files = fc.sample(pyFile, { numRuns: RUNS, seed: 24 });
  const paths = files.map((_, i) => join(folder.path, `${i}.py`));
  for (const [i, text] of files.entries()) await writeFile(paths[i] ?? '', text);
  const listed: (readonly string[] | null)[] = JSON.parse(
    execFileSync('python3', ['-c', LIST, ...paths], { encoding: 'utf8' }),
  );
  let compared = 0;
  for (const [i, theirs] of listed.entries()) {
    if (theirs === null) continue;
    compared += 1;
    const text = files[i] ?? '';
    // Latin-1 gives other letters to bytes of UTF-8, in names that are none of ASCII.
    if (text.includes('latin-1') && /[\u0080-\uffff]/.test(text)) continue;
    const ours = await importsOf('a.py', text);
    expect([text, [...(ours ?? ['refused'])].sort()]).toEqual([text, theirs]);
  }
  expect(compared).toBeGreaterThan(RUNS / 2);
});
