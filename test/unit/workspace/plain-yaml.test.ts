import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { newManifest } from '../../../src/scaffold/provenance.ts';
import { readPlainYaml } from '../../../src/workspace/plain-yaml.ts';

/** What the whole parser says; undefined where it refuses or warns. */
function whole(text: string): unknown {
  const document = parseDocument(text, { stringKeys: true });
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  try {
    return document.toJS();
  } catch {
    return undefined;
  }
}

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}` as const;

test('takes what scaffold writes', async () => {
  const files = new Map(['Dockerfile', '.dockerignore', 'cmd/server/main.go'].map((path) => [path, DIGEST]));
  const text = await newManifest('domain', 'orders', {
    version: 12,
    inputs: { service: 'a/b.proto' },
    files,
  });
  expect(readPlainYaml(text)).toEqual(whole(text));
  expect(readPlainYaml(text)).toMatchObject({
    kind: 'domain',
    template: { version: 12, files: { Dockerfile: DIGEST } },
  });
});

test.each([
  '',
  '# nothing\n',
  'a: "b"\n',
  'a: null\n',
  'a: True\n',
  'a: 1.0\n',
  'a: 012\n',
  'a: 0x1f\n',
  'a: 1e3\n',
  'a: 12345678901234567890\n',
  'a:\n',
  'a:\nb: c\n',
  'a: b\n  c: d\n',
  'a: b\n  # no more of b\n  c: d\n',
  'a: b\n c\n',
  'a:\n    b: c\n  d: e\n',
  'a: b\na: c\n',
  '  a: b\nc: d\n',
  'a: b # why\n',
  'a: b \n',
  'a: b\r\n',
  '\ufeffa: b\n',
  'a:\n\tb: c\n',
  'a: [b]\n',
  '- a: b\n',
  'a: &b c\n',
  'a: |\n  b: c\n',
  '---\na: b\n',
  '<<: a\n',
  '1: a\n',
  '.5: a\n',
  '.inf: a\n',
  'null: a\n',
  '__proto__: a\n',
  'a: b: c\n',
  'a : b\n',
  `${'a'.repeat(1025)}: b\n`,
])('leaves to the whole parser: %j', (text) => {
  expect(readPlainYaml(text)).toBeUndefined();
});

const word = fc.constantFrom(
  ...[
    'a',
    'b',
    'kind',
    '.x',
    '$schema',
    'a-b',
    'c',
    'd',
    'e/f.go',
    'a.b.c',
    '.dockerignore',
    'true',
    '12',
    'a/b.c',
    DIGEST,
  ],
);
type Tree = readonly (readonly [key: string, value: string | Tree])[];
const mapping = (value: fc.Arbitrary<string | Tree>): fc.Arbitrary<Tree> =>
  fc.uniqueArray(fc.tuple(word, value), { selector: ([key]) => key, minLength: 1, maxLength: 3 });
const tree = mapping(fc.oneof(word, mapping(fc.oneof(word, mapping(word)))));
const lines = (entries: Tree, indent: string): readonly string[] =>
  entries.flatMap(([key, value]) =>
    typeof value === 'string'
      ? [`${indent}${key}: ${value}`]
      : [`${indent}${key}:`, ...lines(value, `${indent}  `)],
  );
const odd = fc.constantFrom(
  ...' \t#:-?{}[]&*!|>\'"%@`,~\\\r\n0',
  ...['\n# x', '\n  ', '---', '...', '\u00e9', '\u2028', '\n \n', ': ', ' #'],
);
/** Mostly plain, as independent characters never are, and then a slip at any place. */
const text = fc.tuple(tree, fc.option(fc.tuple(fc.nat(60), odd, fc.nat(2)))).map(([root, slip]) => {
  const whole = `${lines(root, '').join('\n')}\n`;
  if (slip === null) return whole;
  const [at, what, removed] = slip;
  return whole.slice(0, at) + what + whole.slice(at + removed);
});

test('says what the whole parser says, or nothing', () => {
  let taken = 0;
  fc.assert(
    fc.property(text, (given) => {
      const found = readPlainYaml(given);
      if (found === undefined) return;
      taken += 1;
      expect(found).toEqual(whole(given));
    }),
    { numRuns: 10_000 },
  );
  expect(taken).toBeGreaterThan(300);
});
