import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ts } from '@ts-morph/common';
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

/** What may be between two tokens of TypeScript, with what looks like code in it. */
const tsSpace = fc.constantFrom(
  ' ',
  '\t',
  '\n',
  '\u2028',
  ' /* import "no" */ ',
  ' // import "no"\n',
  '\u00a0',
  ' /* a\n*/ ',
);
const tsPath = fc
  .constantFrom('node:fs', './a.js', '@acme/sdk', 'hono', '../b/c')
  .chain((name) =>
    fc.constantFrom(
      [name, `'${name}'`] as const,
      [name, `"${name}"`] as const,
      [name, `'\\x${name.charCodeAt(0).toString(16)}${name.slice(1)}'`] as const,
      [name, `"\\u{${name.charCodeAt(0).toString(16)}}${name.slice(1)}"`] as const,
      [name, `'\\\n${name}'`] as const,
    ),
  );
const tsImport = fc
  .tuple(
    fc.constantFrom<(space: string, path: string) => string>(
      (space, path) => `import${space}${path}`,
      (space, path) => `import${space}a1${space}from${space}${path}`,
      (space, path) => `import${space}*${space}as${space}b1${space}from${space}${path}`,
      (space, path) => `import${space}type${space}{ A }${space}from${space}${path}`,
      (space, path) => `import${space}{${space}a as b2,${space}type C }${space}from${space}${path}`,
      (space, path) => `import d1,${space}{ e1 }${space}from${space}${path}`,
      (space, path) => `import${space}f1${space}=${space}require(${path})`,
      (space, path) => `export${space}*${space}from${space}${path}`,
      (space, path) => `export${space}{ default${space}as g1 }${space}from${space}${path}`,
      (space, path) => `export${space}type${space}{ H }${space}from${space}${path}`,
      (space, path) => `const i1${space}=${space}await import(${space}${path}${space})`,
      (space, path) => `const j1${space}=${space}require(${path})`,
      (space, path) => `type K1${space}=${space}import(${path}).K`,
      (space, path) => `const l1 = \`\${${space}await import(${path})}\``,
    ),
    tsSpace,
    tsPath,
  )
  .map(([form, space, [name, text]]) => [name, form(space, text)] as const);
const tsFile = fc.tuple(
  fc.constantFrom('', '#!/usr/bin/env node\n', '\ufeff', '/* import "no" */\n'),
  fc.array(
    fc.oneof(
      tsImport,
      fc.constantFrom(
        [undefined, 'const s1 = `import "no"`'] as const,
        [undefined, 'const s2 = /import "no"/u'] as const,
        [undefined, 'const s3 = 1 / 2; /* "*/ const s4 = "import(\'no\')"'] as const,
        [undefined, '// a\u2028const s5 = 1'] as const,
        [undefined, 'x.import("no")'] as const,
        [undefined, 'class S6 { import(a: string) {} }'] as const,
      ),
    ),
    { maxLength: 5 },
  ),
  fc.constantFrom(';\n', '\n', ';\r\n', ';'),
);

/** The imports of a file by TypeScript's own parser, of a version before 7, which has none in JavaScript. */
function importsByTypeScript(text: string): readonly string[] | undefined {
  const { SyntaxKind, ScriptTarget } = ts;
  const file = ts.createSourceFile('a.mts', text, ScriptTarget.ESNext, true);
  // Not public, and what the compiler refuses a file by.
  if ((file as unknown as { parseDiagnostics: readonly unknown[] }).parseDiagnostics.length > 0)
    return undefined;
  const found: string[] = [];
  const add = (node: ts.Node | undefined) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isExternalModuleReference(node)) add(node.expression);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    if (
      ts.isCallExpression(node) &&
      (node.expression.kind === SyntaxKind.ImportKeyword || node.expression.getText(file) === 'require')
    )
      add(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test("TypeScript: our list is that of TypeScript's parser", async () => {
  let compared = 0;
  for (const [head, lines, end] of fc.sample(tsFile, { numRuns: 4 * RUNS, seed: 24 })) {
    const text = head + lines.map(([, line]) => line + end).join('');
    const theirs = importsByTypeScript(text);
    // What the compiler refuses, we may read or refuse; what it reads, we read.
    if (theirs === undefined) continue;
    compared += 1;
    const meant = lines.flatMap(([name]) => (name === undefined ? [] : [name]));
    expect([text, [...theirs].sort()]).toEqual([text, [...meant].sort()]);
    expect([text, [...((await importsOf('a.mts', text)) ?? ['refused'])].sort()]).toEqual([
      text,
      [...theirs].sort(),
    ]);
  }
  expect(compared).toBeGreaterThan(RUNS);
});
