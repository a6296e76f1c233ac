import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Check } from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { documentId } from '../../../src/core/schema.ts';
import { validators } from '../../../src/core/validators.ts';
import { KindFile } from '../../../src/kinds/kind-document.ts';
import { ConfigFile } from '../../../src/repository/config-document.ts';
import { PrimitiveFile } from '../../../src/repository/primitive-document.ts';
import { releaseRecordSchema } from '../../../src/seal/record-document.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const valid: readonly (readonly [schema: TSchema, document: object])[] = [
  [ConfigFile, { registry: 'ghcr.io/acme', tags: ['{sha}'], build: { args: { A: '1' } } }],
  [PrimitiveFile, { kind: 'domain', name: 'orders', template: { version: 1, files: { 'go.mod': digest } } }],
  [
    KindFile,
    {
      schema: 'primitive.kind/v1',
      kind: 'domain',
      version: 1,
      language: 'go',
      names: { pattern: '^a$' },
      files: [{ path: 'go.mod', owner: 'config' }],
      build: { context: '.', dockerfile: 'Dockerfile' },
      run: { port: 8080, live: '/livez', ready: '/readyz', drainSeconds: 10 },
    },
  ],
  [
    releaseRecordSchema,
    {
      schema: 'primitive.release/v1',
      commit: '0'.repeat(40),
      components: [
        {
          kind: 'domain',
          name: 'orders',
          image: 'ghcr.io/acme/domain-orders',
          digest,
          inputDigest: '0'.repeat(64),
          platforms: ['linux/amd64'],
          bundles: { signature: digest, provenance: digest, sbom: [{ platform: 'linux/amd64', digest }] },
        },
      ],
    },
  ],
];

describe('validators', () => {
  it.each(valid.map(([schema, document]) => [documentId(schema) ?? '', schema, document] as const))(
    'decide about %s as its schema does',
    (id, schema, document) => {
      const validate = validators[id];
      expect(validate?.(document)).toBe(true);
      fc.assert(
        fc.property(changes(document), (changed) => validate?.(changed) === Check(schema, changed)),
        { numRuns: 300 },
      );
    },
  );

  it('exist for these alone', () => {
    expect(Object.keys(validators)).toEqual(valid.map(([schema]) => documentId(schema)).sort());
  });
});

/** The document with one value, anywhere in it, replaced by another, taken out or joined by an unknown key. */
function changes(document: object): fc.Arbitrary<unknown> {
  const paths = [...placesIn(document)];
  return fc
    .tuple(
      fc.constantFrom(...paths),
      fc.oneof(fc.constant(undefined), fc.jsonValue(), fc.string()),
      fc.boolean(),
    )
    .map(([path, value, rename]) => {
      const copy = structuredClone(document);
      const last = path.at(-1) ?? '';
      const parent = path.slice(0, -1).reduce((at: object, key) => Reflect.get(at, key), copy);
      if (value === undefined) Reflect.deleteProperty(parent, last);
      else Reflect.set(parent, rename ? `${last}x` : last, value);
      return copy;
    });
}

function* placesIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    yield [...path, key];
    yield* placesIn(item, [...path, key]);
  }
}
