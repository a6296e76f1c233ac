import { beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { canonicalJson } from '../../../src/oci/manifest.ts';
import type { TrustTier } from '../../../src/repository/signers.ts';
import { attachBundles, uploadBundles } from '../../../src/seal/attach.ts';
import {
  encodeRecord,
  parseRecord,
  RECORD_TYPE,
  readRecord,
  releasesRepository,
  writeRecord,
} from '../../../src/seal/record.ts';
import { signatureStatement } from '../../../src/seal/statement.ts';
import type { ReleaseComponent, ReleaseRecord } from '../../../src/seal/types.ts';
import type { KeySigner } from '../../support/key-signer.ts';
import { createSealing, type Sealing } from '../../support/sealing.ts';

const REGISTRY = 'registry.example/acme';
const COMMIT = '1'.repeat(40);
const repository = releasesRepository(REGISTRY);

const component = (kind: string, name: string): ReleaseComponent => ({
  kind,
  name,
  image: `${REGISTRY}/${kind}-${name}`,
  digest: digestOf(`${kind}/${name}`),
  inputDigest: 'a'.repeat(64),
  platforms: ['linux/amd64'],
  bundles: {
    signature: digestOf('signature'),
    provenance: digestOf(`provenance of ${name}`),
    sbom: [{ platform: 'linux/amd64', digest: digestOf(`sbom of ${name}`) }],
  },
});
const record: ReleaseRecord = {
  schema: 'primitive.release/v1',
  commit: COMMIT,
  source: 'https://github.com/acme/app',
  components: [component('domain', 'orders'), component('process', 'billing')],
};

describe('the encoding', () => {
  test('does not depend on the order of anything', async () => {
    const shuffled = Object.fromEntries(Object.entries(record).reverse()) as unknown as ReleaseRecord;
    const other = { ...shuffled, components: [...record.components].reverse() };
    const bytes = await encodeRecord(other);
    expect(Buffer.from(bytes).toString()).toBe(Buffer.from(await encodeRecord(record)).toString());
    expect(await parseRecord(bytes)).toEqual(record);
  });

  test('is JSON with sorted keys and nothing between', async () => {
    expect(Buffer.from(await encodeRecord(record)).toString()).toMatch(
      /^\{"commit":"1{40}","components":\[\{"bundles":\{"provenance":"sha256:/,
    );
  });
});

describe('parseRecord refuses', () => {
  test.each<[string, unknown]>([
    ['another document', { schema: 'primitive.publish/v1' }],
    ['a list', []],
    ['null', null],
    ['a commit that is none', { ...record, commit: 'main' }],
    ['no components', { ...record, components: [] }],
    ['an unknown field', { ...record, extra: 1 }],
    [
      'a digest of another algorithm',
      { ...record, components: [{ ...component('domain', 'orders'), digest: `sha512:${'a'.repeat(128)}` }] },
    ],
    [
      'a component without SBOM',
      {
        ...record,
        components: [
          {
            ...component('domain', 'orders'),
            bundles: { signature: digestOf('s'), provenance: digestOf('p'), sbom: [] },
          },
        ],
      },
    ],
    ...[
      'ghcr.io/acme/../evil',
      'ghcr.io/acme/x:tag',
      'ghcr.io/acme/x@sha256',
      'https://ghcr.io/x',
      'ghcr.io/a b',
    ].map((image): [string, unknown] => [
      `the image ${image}`,
      { ...record, components: [{ ...component('domain', 'orders'), image }] },
    ]),
    [
      'a component twice',
      {
        ...record,
        components: [
          component('domain', 'orders'),
          { ...component('domain', 'orders'), image: `${REGISTRY}/x` },
        ],
      },
    ],
    [
      'an image twice',
      {
        ...record,
        components: [component('domain', 'orders'), { ...component('domain', 'orders'), name: 'x' }],
      },
    ],
  ])('%s', async (_what, json) => {
    await expect(parseRecord(Buffer.from(JSON.stringify(json)))).rejects.toMatchObject({
      code: 'record-invalid',
      why: expect.stringMatching(/./),
    });
  });

  test('bytes that are no JSON', async () => {
    for (const text of ['{', '{"schema":{"toString":1,"valueOf":1}}']) {
      await expect(parseRecord(Buffer.from(text))).rejects.toMatchObject({ code: 'record-invalid' });
    }
  });

  test('a later version, and says so', async () => {
    const later = Buffer.from('{"schema":"primitive.release/v2"}');
    await expect(parseRecord(later)).rejects.toMatchObject({ code: 'record-version-unknown', exit: 2 });
  });
});

describe.each([
  ['with the referrers API', true],
  ['with a fallback index', false],
])('on a registry %s', (_name, referrersApi) => {
  let sealing: Sealing;
  let signatures = 0;

  beforeEach(() => {
    sealing = createSealing({ referrersApi });
    signatures = 0;
  });

  const write = (by: KeySigner = sealing.trusted, tier: TrustTier = 'trusted', what = record) => {
    const signer = {
      sign(statement: Uint8Array) {
        signatures++;
        return by.sign(statement);
      },
    };
    return writeRecord({ ...sealing.context, sleep: async () => {} }, repository, what, {
      signer,
      registry: REGISTRY,
      tier,
    });
  };
  const read = (reference: string) =>
    readRecord(sealing.context, repository, reference, { registry: REGISTRY });

  test('what is written is read again, by digest and by whatever tag is put on it', async () => {
    const written = await write();
    expect(written).toMatchObject({
      record,
      tier: 'trusted',
      signer: { fingerprint: sealing.trusted.fingerprint },
    });
    expect(sealing.registry.tags(repository)).toEqual({});
    expect(await read(COMMIT)).toEqual({ state: 'absent' });
    await sealing.registry.putManifest(repository, COMMIT, written.manifest);
    expect(await read(COMMIT)).toEqual({ state: 'found', ...written });
    expect(await read(written.digest)).toEqual({ state: 'found', ...written });
  });

  test('reading takes five requests', async () => {
    const { digest } = await write();
    const before = sealing.registry.operations.length;
    await read(digest);
    expect(sealing.registry.operations.slice(before)).toHaveLength(5);
  });

  test('written again, it is not signed again', async () => {
    const first = await write();
    expect(await write()).toEqual(first);
    expect(signatures).toBe(1);
  });

  test('a trusted run signs the record that an accepted one signed before', async () => {
    expect(await write(sealing.accepted, 'accepted')).toMatchObject({ tier: 'accepted' });
    expect(await write()).toMatchObject({ tier: 'trusted' });
    expect(await write(sealing.accepted, 'accepted')).toMatchObject({ tier: 'trusted' });
    expect(signatures).toBe(2);
  });

  test('a run that calls itself trusted without being it cannot write one', async () => {
    await expect(write(sealing.accepted, 'trusted')).rejects.toMatchObject({ code: 'seal-not-confirmed' });
  });

  test('a stranger signs nothing that is attached', async () => {
    await expect(write(sealing.stranger)).rejects.toMatchObject({ code: 'seal-bundle-refused' });
    expect(await read(artifact(await encodeRecord(record)).digest)).toMatchObject({
      state: 'untrusted',
      reason: 'unsigned',
    });
  });

  test('a record of other content under the tag of a commit is foreign', async () => {
    const { manifest } = await write();
    await sealing.registry.putManifest(repository, '2'.repeat(40), manifest);
    expect(await read('2'.repeat(40))).toMatchObject({
      state: 'untrusted',
      reason: 'foreign',
      detail: expect.stringContaining(COMMIT),
    });
    await sealing.registry.putManifest(repository, 'main', manifest);
    expect(await read('main')).toMatchObject({ state: 'found' });
  });

  test('a record that lists an image of another registry is foreign', async () => {
    const evil = {
      ...record,
      components: [{ ...component('domain', 'orders'), image: `${REGISTRY}-evil/domain-orders` }],
    };
    const manifest = await put(await encodeRecord(evil), sealing.trusted);
    expect(await read(manifest.digest)).toMatchObject({ state: 'untrusted', reason: 'foreign' });
  });

  test.each<[string, string, () => Promise<{ digest: string }>]>([
    ['nobody signed', 'unsigned', async () => put(await encodeRecord(record))],
    ['a stranger signed', 'untrusted', async () => put(await encodeRecord(record), sealing.stranger)],
    ['a trusted signer signed, but is no record', 'broken', () => put(Buffer.from('{}'), sealing.trusted)],
    [
      'is an artifact of another type',
      'broken',
      async () => put(await encodeRecord(record), sealing.trusted, 'application/vnd.example'),
    ],
  ])('what %s is %s', async (_what, reason, make) => {
    const { digest } = await make();
    expect(await read(digest)).toMatchObject({ state: 'untrusted', digest, reason });
  });

  test('a signed record of a later version is not taken for none', async () => {
    const { digest } = await put(
      Buffer.from(canonicalJson({ ...record, schema: 'primitive.release/v2' })),
      sealing.trusted,
    );
    await expect(read(digest)).rejects.toMatchObject({ code: 'record-version-unknown' });
  });

  test('one of a later version by a signer that is only accepted keeps nobody from publishing', async () => {
    const { digest } = await put(
      Buffer.from(canonicalJson({ ...record, schema: 'primitive.release/v2' })),
      sealing.accepted,
    );
    expect(await read(digest)).toMatchObject({ state: 'untrusted', reason: 'broken' });
  });

  test('one whose content is too large to be read is nobody’s', async () => {
    const size = 17 * 1024 * 1024;
    const layer = bytesSource(RECORD_TYPE, new Uint8Array(size));
    await sealing.registry.pushBlob(repository, layer);
    await sealing.registry.pushBlob(repository, EMPTY_CONFIG);
    const manifest = buildArtifact({ artifactType: RECORD_TYPE, layers: [layer.descriptor] });
    await sealing.registry.putManifest(repository, 'main', manifest);
    expect(await read('main')).toMatchObject({ state: 'untrusted', digest: manifest.digest });
  });

  test('an unsigned one of a later version is nobody’s', async () => {
    const { digest } = await put(Buffer.from(canonicalJson({ ...record, schema: 'primitive.release/v2' })));
    expect(await read(digest)).toMatchObject({ state: 'untrusted', reason: 'unsigned' });
  });

  async function put(bytes: Uint8Array, by?: KeySigner, type = RECORD_TYPE) {
    const layer = bytesSource(type, bytes);
    const manifest = artifact(bytes, type);
    await sealing.registry.pushBlob(repository, layer);
    await sealing.registry.pushBlob(repository, EMPTY_CONFIG);
    await sealing.registry.putManifest(repository, manifest.digest, manifest);
    const policy = { ...sealing.context.policy, accepted: [{ key: 'accepted' }, { key: 'stranger' }] };
    if (by) {
      const bundle = await by.sign(signatureStatement([manifest.digest]));
      const context = { ...sealing.context, policy };
      const uploaded = await uploadBundles(context, repository, [bundle]);
      await attachBundles(context, repository, manifest, uploaded);
    }
    return manifest;
  }
});

function artifact(bytes: Uint8Array, type = RECORD_TYPE) {
  return buildArtifact({ artifactType: type, layers: [bytesSource(type, bytes).descriptor] });
}
