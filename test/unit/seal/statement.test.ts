import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { parseRepository } from '../../../src/oci/reference.ts';
import {
  BUILD_TYPE,
  builderIdOf,
  type Provenance,
  provenanceStatement,
  readProvenance,
  sbomStatement,
  signatureStatement,
  UNATTESTED_BUILDER,
} from '../../../src/seal/statement.ts';

const image = parseRepository('ghcr.io/acme/domain-orders');
const digest = digestOf('index');
const hex = (text: string) => digestOf(text).slice('sha256:'.length);

const provenance: Provenance = {
  component: { kind: 'domain', name: 'orders' },
  source: 'https://github.com/acme/app',
  commit: '1'.repeat(40),
  ref: 'refs/heads/main',
  path: 'primitives/domain/orders',
  inputDigest: 'a'.repeat(64),
  dockerfile: 'Dockerfile',
  target: 'runtime',
  platforms: ['linux/amd64', 'linux/arm64'],
  args: { VERSION: '1', DEBUG: '' },
  secrets: ['npm', 'git'],
  bases: { 'docker.io/library/golang:1.26': 'mirror.acme.example/golang:1.26' },
  caches: ['type=gha,scope=main'],
  recipe: 3,
  resolvedBases: [
    { reference: `mirror.acme.example/golang:1.26@${digestOf('golang')}`, digest: digestOf('golang') },
    { reference: `docker.io/library/alpine:3@${digestOf('alpine')}`, digest: digestOf('alpine') },
    { reference: `docker.io/library/alpine:3@${digestOf('alpine')}`, digest: digestOf('alpine') },
  ],
  builderId: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
  builder: 'buildx 0.29.1',
  invocation: 'https://github.com/acme/app/actions/runs/9001/attempts/1',
};

describe('a signature statement', () => {
  test('names digests and nothing else, each once, in one order', () => {
    const statement = text(signatureStatement([digestOf('b'), digestOf('a'), digestOf('b')]));
    const sorted = [hex('a'), hex('b')].sort().map((sha256) => `{"digest":{"sha256":"${sha256}"}}`);
    expect(statement).toBe(
      `{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"https://sigstore.dev/cosign/sign/v1","subject":[${sorted}]}`,
    );
  });

  test('needs a subject', () => {
    expect(() => signatureStatement([])).toThrow();
  });
});

describe('a provenance statement', () => {
  const make = (facts: Partial<Provenance> = {}) =>
    provenanceStatement({ image, digest, provenance: { ...provenance, ...facts } });

  test('is SLSA v1, about the index under its name', () => {
    expect(json(make())).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'ghcr.io/acme/domain-orders', digest: { sha256: hex('index') } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: BUILD_TYPE,
          externalParameters: {
            component: { kind: 'domain', name: 'orders', image: 'ghcr.io/acme/domain-orders' },
            source: 'https://github.com/acme/app',
            commit: '1'.repeat(40),
            ref: 'refs/heads/main',
            path: 'primitives/domain/orders',
            inputDigest: 'a'.repeat(64),
            dockerfile: 'Dockerfile',
            target: 'runtime',
            platforms: ['linux/amd64', 'linux/arm64'],
            args: { DEBUG: '', VERSION: '1' },
            secrets: ['git', 'npm'],
            bases: { 'docker.io/library/golang:1.26': 'mirror.acme.example/golang:1.26' },
            caches: ['type=gha,scope=main'],
          },
          internalParameters: { builder: 'buildx 0.29.1', recipe: 3 },
          resolvedDependencies: [
            { uri: 'git+https://github.com/acme/app@refs/heads/main', digest: { gitCommit: '1'.repeat(40) } },
            { uri: 'oci://docker.io/library/alpine:3', digest: { sha256: hex('alpine') } },
            { uri: 'oci://mirror.acme.example/golang:1.26', digest: { sha256: hex('golang') } },
          ],
        },
        runDetails: {
          builder: { id: provenance.builderId },
          metadata: { invocationId: provenance.invocation },
        },
      },
    });
  });

  test('does not depend on the order in which facts come', () => {
    const shuffled = make({
      args: { DEBUG: '', VERSION: '1' },
      secrets: ['git', 'npm'],
      resolvedBases: [...provenance.resolvedBases].reverse(),
    });
    expect(text(shuffled)).toBe(text(make()));
  });

  test('says nothing of what is not known', () => {
    const { source: _source, ref: _ref, target: _target, invocation: _invocation, ...facts } = provenance;
    const { predicate } = json(provenanceStatement({ image, digest, provenance: facts }));
    expect(predicate.runDetails).toEqual({ builder: { id: provenance.builderId } });
    expect(predicate.buildDefinition.resolvedDependencies[0]).toEqual({
      name: 'source',
      digest: { gitCommit: '1'.repeat(40) },
    });
    expect(Object.keys(predicate.buildDefinition.externalParameters)).not.toContain('target');
  });

  test.each([
    'https://user:canary-4711@github.com/acme/app',
    'https://canary-4711@github.com/acme/app',
    'ssh://git:canary-4711@github.com/acme/app',
  ])('drops credentials of a remote: %s', (source) => {
    expect(text(make({ source, invocation: source }))).not.toContain('canary-4711');
  });

  test('has no time in it', () => {
    expect(text(make())).not.toMatch(/\d\d:\d\d:\d\d|startedOn|finishedOn/);
  });

  test('can be read again', () => {
    expect(readProvenance(json(make()).predicate)).toEqual({
      component: { kind: 'domain', name: 'orders', image },
      inputDigest: 'a'.repeat(64),
    });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    [
      'another build type',
      change(({ buildDefinition }) => Object.assign(buildDefinition, { buildType: 'https://example.com' })),
    ],
    [
      'no component',
      change((predicate) => void delete predicate.buildDefinition.externalParameters.component),
    ],
    [
      'an input digest that is none',
      change(({ buildDefinition }) =>
        Object.assign(buildDefinition.externalParameters, { inputDigest: 'A'.repeat(64) }),
      ),
    ],
    ['inherited fields', Object.create(json(make()).predicate)],
  ])('of other make is not read: %s', (_what, predicate) => {
    expect(readProvenance(predicate)).toBeUndefined();
  });

  function change(edit: (predicate: Predicate) => unknown): unknown {
    const { predicate } = json(make());
    edit(predicate);
    return predicate;
  }
});

describe('an SBOM statement', () => {
  const make = (document: string, format: 'spdx-json' | 'cyclonedx-json' = 'spdx-json') =>
    sbomStatement({ index: digest, manifest: digestOf('amd64'), format, document: Buffer.from(document) });

  test('is about the index and the platform', () => {
    expect(json(make('{"spdxVersion":"SPDX-2.3"}'))).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: hex('index') } }, { digest: { sha256: hex('amd64') } }],
      predicateType: 'https://spdx.dev/Document',
      predicate: { spdxVersion: 'SPDX-2.3' },
    });
    expect(json(make('{}', 'cyclonedx-json')).predicateType).toBe('https://cyclonedx.org/bom');
  });

  test.each(['', 'no', '[]', 'null', '"text"'])('refuses %j', (document) => {
    expect(() => make(document)).toThrow(expect.objectContaining({ code: 'sbom-invalid', exit: 3 }));
  });
});

describe('builderIdOf', () => {
  const identity = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';
  test.each([
    ['a workflow', { type: 'keyless', issuer: 'https://issuer.example', identity } as const, identity],
    [
      'a person',
      { type: 'keyless', issuer: 'https://issuer.example', identity: 'dev@acme.example' } as const,
      UNATTESTED_BUILDER,
    ],
    ['a key', { type: 'key', fingerprint: 'sha256:00' } as const, UNATTESTED_BUILDER],
  ])('%s', (_who, signer, id) => {
    expect(builderIdOf(signer)).toBe(id);
  });
});

interface Predicate {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, unknown>;
    resolvedDependencies: unknown[];
  };
  runDetails: unknown;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function json(bytes: Uint8Array): { predicateType: string; predicate: Predicate } {
  return JSON.parse(text(bytes));
}
