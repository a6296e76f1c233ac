import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DigestedInputs, inputDigest } from '../../../src/repository/input-digest.ts';
import type { TreeEntry } from '../../../src/repository/source-tree.ts';

const ENTRIES: readonly TreeEntry[] = [
  { path: 'Dockerfile', mode: '100644', object: 'a'.repeat(40) },
  { path: 'run.sh', mode: '100755', object: 'b'.repeat(40) },
];
const BASE: DigestedInputs = {
  kind: 'domain',
  name: 'orders',
  repository: 'ghcr.io/acme/domain-orders',
  dockerfile: 'Dockerfile',
  platforms: [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ],
  args: { A: '1', B: '2' },
  secrets: ['npm', 'pip'],
  bases: { golang: 'mirror.lan/golang@sha256:0' },
  files: { entries: ENTRIES },
};

test('is frozen: another value builds every image of every user anew', () => {
  expect(inputDigest(BASE)).toMatchInlineSnapshot(
    `"c3bc0b91ec48371f40d41294e4a2d09865a5d9d5625da9d451b09276ca17ef8f"`,
  );
});

// Each change of one thing that counts makes another digest, and all of them differ.
const CHANGES: Record<string, Partial<DigestedInputs>> = {
  nothing: {},
  kind: { kind: 'process' },
  name: { name: 'order' },
  'registry or image': { repository: 'ghcr.io/acme/orders' },
  Dockerfile: { dockerfile: 'build/Dockerfile' },
  target: { target: 'run' },
  'an empty target': { target: '' },
  'a platform less': { platforms: [{ os: 'linux', architecture: 'amd64' }] },
  'a variant': {
    platforms: [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
    ],
  },
  'an argument': { args: { A: '1', B: '3' } },
  'an argument less': { args: { A: '1' } },
  'arguments swapped': { args: { A: '2', B: '1' } },
  'a secret id': { secrets: ['npm'] },
  'the base mapping': { bases: {} },
  'a mode': { files: { entries: ENTRIES.map((entry) => ({ ...entry, mode: '100644' as const })) } },
  'a content': { files: { entries: ENTRIES.map((entry) => ({ ...entry, object: 'c'.repeat(40) })) } },
  'a name of a file': { files: { entries: ENTRIES.map((entry) => ({ ...entry, path: `x${entry.path}` })) } },
  'a file less': { files: { entries: ENTRIES.slice(1) } },
  'a whole folder': { files: { folder: 'a'.repeat(40) } },
  'another folder': { files: { folder: 'b'.repeat(40) } },
  'a file for a link': {
    files: { entries: ENTRIES.map((entry) => ({ ...entry, mode: '120000' as const })) },
  },
};

test('changes with everything that counts, each time to something else', () => {
  const digests = Object.values(CHANGES).map((change) => inputDigest({ ...BASE, ...change }));
  expect(new Set(digests).size).toBe(digests.length);
});

test('does not depend on the order of platforms, arguments, secrets and bases', () => {
  const shuffled: DigestedInputs = {
    ...BASE,
    platforms: [...BASE.platforms].reverse(),
    args: { B: '2', A: '1' },
    secrets: ['pip', 'npm'],
  };
  expect(inputDigest(shuffled)).toBe(inputDigest(BASE));
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', '"', '\n', '\\n', '","b":"', '__proto__', '0', '{', '\t', ' '),
);
const record = fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true });
const path = fc
  .constantFrom('a', 'b', 'a/b', 'a\nb', 'a\tb', '100644 ', 'é', 'e\u0301', '😀', '\uffee')
  .chain((name) =>
    fc
      .tuple(
        fc.constant(name),
        text.filter((rest) => !rest.includes('\0')),
      )
      .map((parts) => parts.join('')),
  );
const entry = fc.record({
  path,
  mode: fc.constantFrom('100644' as const, '100755' as const, '120000' as const),
  object: fc.constantFrom('a'.repeat(40), 'b'.repeat(40), 'a'.repeat(64)),
});
const inputs: fc.Arbitrary<DigestedInputs> = fc.record(
  {
    kind: text,
    name: text,
    repository: text,
    dockerfile: text,
    target: text,
    platforms: fc
      .uniqueArray(fc.constantFrom('amd64', 'arm64', 's390x'), { minLength: 1 })
      .map((names) => names.map((architecture) => ({ os: 'linux', architecture }))),
    args: record,
    secrets: fc.uniqueArray(text, { maxLength: 3 }),
    bases: record,
    files: fc.oneof(
      fc.record({ folder: entry.map(({ object }) => object) }),
      fc
        .uniqueArray(entry, { selector: (one) => one.path, maxLength: 4 })
        .map((entries) => ({ entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)) })),
    ),
  },
  {
    requiredKeys: [
      'kind',
      'name',
      'repository',
      'dockerfile',
      'platforms',
      'args',
      'secrets',
      'bases',
      'files',
    ],
  },
);

/** Written without a look at the encoding: what makes two inputs the same. */
function normal(value: DigestedInputs): unknown {
  const sorted = (object: Readonly<Record<string, string>>) => new Map(Object.entries(object).sort());
  return {
    ...value,
    target: value.target ?? null,
    platforms: new Set(value.platforms.map(({ architecture }) => architecture)),
    args: sorted(value.args),
    bases: sorted(value.bases),
    secrets: new Set(value.secrets),
  };
}

test('two digests are equal exactly where the inputs are', () => {
  const pair = inputs.chain((one) =>
    fc.oneof(
      inputs.map((other) => [one, other] as const),
      // Mostly alike, as independent ones never are.
      fc
        .tuple(inputs, fc.constantFrom(...(Object.keys(BASE) as (keyof DigestedInputs)[])))
        .map(([other, key]) => [one, { ...one, [key]: other[key] }] as const),
    ),
  );
  fc.assert(
    fc.property(pair, ([one, other]) => {
      let same = true;
      try {
        expect(normal(one)).toEqual(normal(other));
      } catch {
        same = false;
      }
      return (inputDigest(one) === inputDigest(other)) === same;
    }),
    { numRuns: 500 },
  );
});
