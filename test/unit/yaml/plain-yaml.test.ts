import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { configText } from '../../../src/features/init/config-text.ts';
import { newManifest } from '../../../src/workspace/provenance.ts';
import { readPlainYaml, writeMapping } from '../../../src/yaml/plain-yaml.ts';

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

const root = join(import.meta.dirname, '../../..');
const config = configText(
  {
    repository: 'github.com/acme/shop',
    registry: 'ghcr.io/acme',
    branch: 'main',
    languages: { go: 'github.com/acme/shop', ts: '@acme', python: 'acme', proto: 'acme' },
  },
  '1.2.3',
);
const manifest = newManifest('domain', 'orders', {
  version: 12,
  inputs: { service: 'a/b.proto' },
  files: new Map(['Dockerfile', '.dockerignore', 'cmd/server/main.go'].map((path) => [path, DIGEST])),
});
const kinds = globSync('templates/kinds/*/kind.yaml', { cwd: root }).sort();

test.each([
  ['the config that init writes', config],
  ['a primitive.yaml that scaffold writes', manifest],
  ...kinds.map((path) => [path, readFileSync(join(root, path), 'utf8')]),
])('takes %s', (_, text) => {
  expect(readPlainYaml(text)).toBeDefined();
  expect(readPlainYaml(text)).toEqual(whole(text));
});

test.each([
  ['a: b # why\n', { a: 'b' }],
  ['a:   # why\n  b: c', { a: { b: 'c' } }],
  ['a: "b: {c}, #"\n', { a: 'b: {c}, #' }],
  ["a: '\"b'\n", { a: '"b' }],
  ['a: b - c 1\nd: [e f, null g]\n', { a: 'b - c 1', d: ['e f', 'null g'] }],
  ['a: 127.0.0.1:5000/b-c\nd: [1/2, 0x1f/e]\n', { a: '127.0.0.1:5000/b-c', d: ['1/2', '0x1f/e'] }],
  ['a: true\nb: false\n', { a: true, b: false }],
  ['a: 1.60.0\n', { a: '1.60.0' }],
  ['a: [b, "c", 1, [d], {e: f}]\n', { a: ['b', 'c', 1, ['d'], { e: 'f' }] }],
  ['a: {}\nb: [ ]\n', { a: {}, b: [] }],
  ['a: { b: c, d: { e: [https://f/g] } }  # why\n', { a: { b: 'c', d: { e: ['https://f/g'] } } }],
  ['a:\n  - b\n  - c: d\n    e: f\n  - { g: h }\n', { a: ['b', { c: 'd', e: 'f' }, { g: 'h' }] }],
  ['a:\n- b\nc: d\n', { a: ['b'], c: 'd' }],
  ['a:\n-   b: c\n    d:\n    - e\n', { a: [{ b: 'c', d: ['e'] }] }],
])('takes %j', (text, data) => {
  expect(readPlainYaml(text)).toEqual(data);
  expect(whole(text)).toEqual(data);
});

test.each([
  '',
  '# nothing\n',
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
  'a: b \n',
  'a: b\r\n',
  '\ufeffa: b\n',
  'a:\n\tb: c\n',
  '- a: b\n',
  'a: "b\\tc"\n',
  "a: 'b''c'\n",
  'a: "b" c\n',
  'a: "b"#c\n',
  '"a": b\n',
  'a: b  c\n',
  'a: b c: d\n',
  'a: [b, ]\n',
  'a: [b\n',
  'a: [b] c\n',
  'a: [b: c]\n',
  'a: { b }\n',
  'a: { b: }\n',
  'a: {b: c, b: d}\n',
  'a: {"b": c}\n',
  'a: [\n  b]\n',
  'a: b\n- c\n',
  'a: b\n  - c\n',
  'a:\n  - b\n  c: d\n',
  'a:\n  - b\n c: d\n',
  'a:\n  - b:\n  - c\n',
  'a:\n  - - b\n',
  'a:\n  -\n    b: c\n',
  'a: - b\n',
  'a: -1\n',
  'a: 1.5.\n',
  'a: 127.0.0.1:5000\n',
  'a: 1:20\n',
  'a: 10.0.0.1:5000/b:\n',
  'a: *b\n',
  'a: @b\n',
  'a: ~\n',
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

const key = fc.constantFrom('a', 'b', 'kind', '.x', '$schema', 'a-b', 'c/d.go', '.dockerignore', 'E');
const scalar = fc.oneof(
  key,
  fc.constantFrom(
    DIGEST,
    'a.b.c',
    '/e',
    './...',
    '-x=y',
    'f/**',
    'https://g/h',
    '"a b"',
    "'c: d'",
    '"e # f"',
  ),
  fc.constantFrom('true', 'false', '0', '12', '1.2.3', 'a b', 'null c', 'd - e:f'),
);
/** On one line. */
const flow: fc.Arbitrary<string> = fc.letrec<{ value: string; pair: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.array(tie('pair'), { maxLength: 3 }).map((pairs) => `{ ${pairs.join(', ')} }`),
  ),
  pair: fc.tuple(key, tie('value')).map((pair) => pair.join(': ')),
})).value;
type Block =
  | string
  | readonly (readonly [key: string, value: Block])[]
  | { readonly items: readonly Block[] };
const block = fc.letrec<{ block: Block; mapping: Block }>((tie) => ({
  block: fc.oneof(
    { depthSize: 'small' },
    flow,
    tie('mapping'),
    fc.array(fc.oneof(flow, tie('mapping')), { minLength: 1, maxLength: 3 }).map((items) => ({ items })),
  ),
  mapping: fc.uniqueArray(fc.tuple(key, tie('block')), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 3,
  }),
}));
const lines = (value: Exclude<Block, string>, indent: string): readonly string[] =>
  'items' in value
    ? value.items.flatMap((item) => {
        if (typeof item === 'string') return [`${indent}- ${item}`];
        const [first = '', ...rest] = lines(item, `${indent}  `);
        return [`${indent}- ${first.trimStart()}`, ...rest];
      })
    : value.flatMap(([key, below]) =>
        typeof below === 'string'
          ? [`${indent}${key}: ${below}`]
          : [`${indent}${key}:`, ...lines(below, 'items' in below ? indent : `${indent}  `)],
      );
const odd = fc.constantFrom(
  ...' \t#:-?{}[]&*!|>\'"%@`,~\\\r\n0',
  ...['\n# x', '\n  ', '---', '...', '\u00e9', '\u2028', '\n \n', ': ', ' #'],
);
/** Mostly plain, as independent characters never are, and then a slip at any place. */
const text = fc.tuple(block.mapping, fc.option(fc.tuple(fc.nat(80), odd, fc.nat(2)))).map(([root, slip]) => {
  const whole = typeof root === 'string' ? root : `${lines(root, '').join('\n')}\n`;
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
  expect(taken).toBeGreaterThan(1000);
});

test('what is written is read as it was, by both', () => {
  const any = fc.oneof(
    scalar,
    fc.string({ maxLength: 12 }),
    fc.constantFrom('', 'no', 'null', '1', '1.5', '~', '-'),
  );
  fc.assert(
    fc.property(fc.dictionary(any, fc.oneof(any, fc.nat(), fc.dictionary(any, any))), (data) => {
      const text = writeMapping({ first: 'a', ...data });
      expect(whole(text)).toEqual({ first: 'a', ...data });
      expect(readPlainYaml(text) ?? whole(text)).toEqual({ first: 'a', ...data });
    }),
    { numRuns: 2_000 },
  );
});
