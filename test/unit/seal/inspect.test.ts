import { beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { descriptorOf, encodeManifest } from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import { parseRepository } from '../../../src/oci/reference.ts';
import { fallbackTag } from '../../../src/oci/referrers.ts';
import { BUNDLE_TYPE } from '../../../src/seal/bundle.ts';
import { checkAgainstRecord, inspectSeal } from '../../../src/seal/inspect.ts';
import { sbomStatement, signatureStatement } from '../../../src/seal/statement.ts';
import type { ReleaseComponent, SealState } from '../../../src/seal/types.ts';
import {
  attachOther,
  type PushedImage,
  provenanceOf,
  pushImage,
  statementsOf,
} from '../../support/images.ts';
import { createSealing, type Sealing } from '../../support/sealing.ts';

const INPUTS = 'a'.repeat(64);
const expected = {
  component: { kind: 'domain', name: 'orders' },
  inputDigest: INPUTS,
  platforms: ['linux/amd64', 'linux/arm64'],
  checkChildren: true,
};

describe.each([
  ['with the referrers API', true],
  ['with a fallback index', false],
])('on a registry %s', (_name, referrersApi) => {
  let sealing: Sealing;
  let image: PushedImage;

  beforeEach(async () => {
    sealing = createSealing({ referrersApi });
    image = await pushImage(sealing.registry, sealing.repository);
  });

  const inspect = (what: PushedImage = image): Promise<SealState> =>
    inspectSeal(sealing.context, what.repository, what.index.digest, expected);
  const unsealed = async (reason: string, detail: string | RegExp = /./) => {
    const state = await inspect();
    expect(state).toEqual({ sealed: false, reason, detail: expect.stringMatching(detail) });
    // It is put behind a colon.
    expect(state).toMatchObject({ detail: expect.stringMatching(/^[a-z].*[^.]$/) });
  };

  test('an image with all parts by a trusted signer is sealed', async () => {
    await sealing.attach(image, sealing.trusted);
    expect(await inspect()).toEqual({
      sealed: true,
      image: {
        digest: image.index.digest,
        inputDigest: INPUTS,
        tier: 'trusted',
        signer: { type: 'key', fingerprint: sealing.trusted.fingerprint },
        bundles: {
          signature: expect.stringMatching(/^sha256:/),
          provenance: expect.stringMatching(/^sha256:/),
          sbom: [
            { platform: 'linux/amd64', digest: expect.stringMatching(/^sha256:/) },
            { platform: 'linux/arm64', digest: expect.stringMatching(/^sha256:/) },
          ],
        },
        platforms: ['linux/amd64', 'linux/arm64'],
      },
      component: { kind: 'domain', name: 'orders', image: image.repository },
    });
  });

  test('the manifest can be handed in, which saves a request', async () => {
    await sealing.attach(image, sealing.trusted);
    const before = sealing.registry.operations.length;
    expect(await inspectSeal(sealing.context, image.repository, image.index)).toMatchObject({ sealed: true });
    const names = sealing.registry.operations.slice(before).map(({ name }) => name);
    expect(names.sort()).toEqual(
      ['getReferrers', ...Array(4).fill('getBlob'), ...Array(4).fill('getManifest')].sort(),
    );
  });

  test('a seal is worth what its weakest part is worth', async () => {
    const [provenance, ...rest] = statementsOf(image);
    await sealing.attach(image, sealing.trusted, rest);
    await sealing.attach(image, sealing.accepted, [provenance ?? Buffer.alloc(0)]);
    expect(await inspect()).toMatchObject({
      sealed: true,
      image: { tier: 'accepted', signer: { fingerprint: sealing.accepted.fingerprint } },
    });
  });

  test('of several signers the best one counts', async () => {
    await sealing.attach(image, sealing.stranger);
    await sealing.attach(image, sealing.accepted);
    expect(await inspect()).toMatchObject({ sealed: true, image: { tier: 'accepted' } });
    await sealing.attach(image, sealing.trusted);
    expect(await inspect()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
  });

  test('an SBOM may be CycloneDX', async () => {
    const sboms = image.children.map(({ digest }) =>
      sbomStatement({
        index: image.index.digest,
        manifest: digest,
        format: 'cyclonedx-json',
        document: Buffer.from('{"bomFormat":"CycloneDX"}'),
      }),
    );
    await sealing.attach(image, sealing.trusted, [
      provenanceOf(image),
      ...sboms,
      signatureStatement([image.index.digest]),
    ]);
    expect(await inspect()).toMatchObject({ sealed: true });
  });

  describe('is not sealed', () => {
    test('what is not there', async () => {
      const gone = { ...image, index: { ...image.index, digest: digestOf('nothing') } };
      expect(await inspect(gone)).toMatchObject({ sealed: false, reason: 'absent' });
    });

    test('what nobody signed', () => unsealed('unsigned', 'no signature'));

    test('what has a trusted SBOM only, with which `cosign verify` is content', async () => {
      await sealing.attach(image, sealing.trusted, statementsOf(image).slice(1, 2));
      await unsealed('unsigned', 'no signature');
    });

    test('what has a signature only', async () => {
      await sealing.attach(image, sealing.trusted, statementsOf(image).slice(-1));
      await unsealed('no-provenance');
    });

    test('what lacks the SBOM of one platform', async () => {
      const statements = statementsOf(image).filter((_statement, index) => index !== 2);
      await sealing.attach(image, sealing.trusted, statements);
      await unsealed('no-sbom', 'linux/arm64');
    });

    test('what has an SBOM of the index that describes none of its platforms', async () => {
      const sbom = sbomStatement({
        index: image.index.digest,
        manifest: image.index.digest,
        format: 'spdx-json',
        document: Buffer.from('{}'),
      });
      await sealing.attach(image, sealing.trusted, [
        provenanceOf(image),
        sbom,
        signatureStatement([image.index.digest]),
      ]);
      await unsealed('no-sbom', 'linux/amd64');
    });

    test('what a stranger sealed', async () => {
      await sealing.attach(image, sealing.stranger);
      await unsealed('untrusted', sealing.stranger.fingerprint);
    });

    test('what a stranger sealed in part', async () => {
      const statements = statementsOf(image);
      await sealing.attach(image, sealing.trusted, statements.slice(1));
      await sealing.attach(image, sealing.stranger, statements.slice(0, 1));
      await unsealed('untrusted', 'provenance');
    });

    test('what carries the signature of another image', async () => {
      const other = await pushImage(sealing.registry, image.repository, { seed: 'other' });
      await sealing.attach(image, sealing.trusted, [
        ...statementsOf(image).slice(0, -1),
        signatureStatement([other.index.digest]),
      ]);
      await unsealed('unsigned');
    });

    test('what carries the whole seal of another image', async () => {
      const other = await pushImage(sealing.registry, image.repository, { seed: 'other' });
      await sealing.attach(image, sealing.trusted, statementsOf(other));
      await unsealed('unsigned');
    });

    test('a copy in another repository, with everything that was attached', async () => {
      await sealing.attach(image, sealing.trusted);
      const copy = await pushImage(sealing.registry, parseRepository('registry.example/acme/domain-carts'));
      expect(copy.index.digest).toBe(image.index.digest);
      await sealing.attach(copy, sealing.trusted, statementsOf(image));
      expect(await inspect(copy)).toMatchObject({
        sealed: false,
        reason: 'foreign',
        detail: expect.stringContaining('domain-orders'),
      });
    });

    test.each([
      ['another component', { name: 'carts' }, 'domain/carts'],
      ['a component of another kind', { kind: 'process' }, 'process/orders'],
      ['other inputs', { inputDigest: 'b'.repeat(64) }, 'other inputs'],
    ])('what was built for %s', async (_what, facts, detail) => {
      await sealing.attach(image, sealing.trusted, statementsOf(image, facts));
      await unsealed('foreign', detail);
    });

    test('what has provenance of another make', async () => {
      const other = Buffer.from(
        JSON.stringify({
          _type: 'https://in-toto.io/Statement/v1',
          subject: [{ digest: { sha256: image.index.digest.slice(7) } }],
          predicateType: 'https://slsa.dev/provenance/v1',
          predicate: { buildDefinition: { buildType: 'https://example.com/build' } },
        }),
      );
      await sealing.attach(image, sealing.trusted, [other, ...statementsOf(image).slice(1)]);
      await unsealed('foreign', 'not made by a publish');
    });

    test('what is short of a platform', async () => {
      image = await pushImage(sealing.registry, sealing.repository, { platforms: ['linux/amd64'] });
      await sealing.attach(image, sealing.trusted);
      await unsealed('platform-missing', 'linux/arm64');
    });

    test('what has lost a platform since', async () => {
      await sealing.attach(image, sealing.trusted);
      sealing.registry.deleteManifest(image.repository, image.children[1]?.digest ?? image.index.digest);
      await unsealed('child-missing', 'linux/arm64');
      expect(await inspectSeal(sealing.context, image.repository, image.index.digest)).toMatchObject({
        sealed: true,
      });
    });

    test('what has lost a bundle since', async () => {
      await sealing.attach(image, sealing.trusted);
      const state = await inspect();
      if (!state.sealed) throw new Error(state.detail);
      sealing.registry.deleteManifest(image.repository, state.image.bundles.provenance);
      expect(await inspect()).toMatchObject({
        sealed: false,
        reason: referrersApi ? 'no-provenance' : 'broken',
      });
    });

    test('a single image without an index', async () => {
      const config = bytesSource(MEDIA_TYPE.ociConfig, Buffer.from('{}'));
      await sealing.registry.pushBlob(image.repository, config);
      const single = encodeManifest(MEDIA_TYPE.ociManifest, {
        config: config.descriptor,
        layers: [config.descriptor],
      });
      await sealing.registry.putManifest(image.repository, single.digest, single);
      expect(await inspect({ ...image, index: single })).toMatchObject({ sealed: false, reason: 'broken' });
    });

    test.each([
      ['no JSON', 'no'],
      ['an index without manifests', '{"schemaVersion":2}'],
      ['an index of nothing', '{"schemaVersion":2,"manifests":[]}'],
      [
        'an index with an entry for no platform',
        `{"schemaVersion":2,"manifests":[{"mediaType":"${MEDIA_TYPE.ociManifest}","digest":"${digestOf('x')}","size":1}]}`,
      ],
    ])('%s', async (_what, text) => {
      const bytes = Buffer.from(text);
      const manifest = { mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(bytes), bytes };
      sealing.registry.putForeign(image.repository, manifest.digest, manifest);
      expect(await inspect({ ...image, index: manifest })).toMatchObject({ sealed: false, reason: 'broken' });
    });
  });

  describe('is hidden by nothing', () => {
    test('that others attach', async () => {
      await attachOther(sealing.registry, image, 'application/vnd.example.scan');
      await attachOther(sealing.registry, image, BUNDLE_TYPE);
      await attachOther(sealing.registry, image, MEDIA_TYPE.empty);
      await sealing.attach(image, sealing.stranger);
      await sealing.attach(image, sealing.trusted);
      await sealing.attach(image, sealing.trusted, statementsOf(image, { name: 'carts' }));
      expect(await inspect()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    });

    test('that is broken', async () => {
      for (const predicateType of [
        'https://sigstore.dev/cosign/sign/v1',
        'https://slsa.dev/provenance/v1',
        'https://spdx.dev/Document',
      ]) {
        await attachBroken(sealing, image, predicateType);
      }
      await unsealed('broken', 'cannot be verified');
      await sealing.attach(image, sealing.trusted);
      expect(await inspect()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    });

    test('that is there three hundred times', async () => {
      for (let number = 0; number < 300; number++)
        await attachBroken(sealing, image, `https://example.com/${number}`);
      await sealing.attach(image, sealing.trusted);
      expect(await inspect()).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
    });
  });
});

test('bundles that older clients list under the empty type and without annotations are found', async () => {
  const sealing = createSealing({ referrersApi: false });
  const image = await pushImage(sealing.registry, sealing.repository);
  await sealing.attach(image, sealing.trusted);
  const listed = await sealing.registry.getReferrers(image.repository, image.index.digest);
  const manifests = listed.map(({ mediaType, digest, size }) => ({
    mediaType,
    digest,
    size,
    artifactType: MEDIA_TYPE.empty,
  }));
  const index = encodeManifest(MEDIA_TYPE.ociIndex, { manifests });
  sealing.registry.putForeign(image.repository, fallbackTag(image.index.digest), index);
  const state = await inspectSeal(sealing.context, image.repository, image.index.digest, expected);
  expect(state).toMatchObject({ sealed: true, image: { tier: 'trusted' } });
});

describe('checkAgainstRecord', () => {
  let sealing: Sealing;
  let image: PushedImage;
  let component: ReleaseComponent;

  beforeEach(async () => {
    sealing = createSealing();
    image = await pushImage(sealing.registry, sealing.repository);
    await sealing.attach(image, sealing.trusted);
    const state = await inspectSeal(sealing.context, image.repository, image.index.digest);
    if (!state.sealed) throw new Error(state.detail);
    component = {
      ...state.component,
      digest: image.index.digest,
      inputDigest: INPUTS,
      platforms: ['linux/amd64', 'linux/arm64'],
      bundles: state.image.bundles,
    };
  });

  test('two requests and one for each platform show that an image and its seal are still there', async () => {
    const before = sealing.registry.operations.length;
    expect(await checkAgainstRecord(sealing.registry, component)).toEqual({
      intact: true,
      manifest: image.index,
    });
    expect(
      sealing.registry.operations
        .slice(before)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['getManifest', 'getReferrers', 'headManifest', 'headManifest']);
  });

  test.each([
    ['the image', 'absent', () => component.digest],
    ['the signature', 'unsigned', () => component.bundles.signature],
    ['the provenance', 'no-provenance', () => component.bundles.provenance],
    ['one SBOM', 'no-sbom', () => component.bundles.sbom[1]?.digest ?? component.digest],
    ['one platform', 'child-missing', () => image.children[0]?.digest ?? component.digest],
  ])('%s gone: %s', async (_what, reason, digest) => {
    sealing.registry.deleteManifest(image.repository, digest());
    const check = await checkAgainstRecord(sealing.registry, component);
    expect(check).toMatchObject({ intact: false, reason });
  });

  test('a record that promises a platform more', async () => {
    const more = { ...component, platforms: [...component.platforms, 'linux/s390x'] };
    expect(await checkAgainstRecord(sealing.registry, more)).toMatchObject({
      intact: false,
      reason: 'platform-missing',
    });
  });
});

async function attachBroken({ registry }: Sealing, image: PushedImage, predicateType: string): Promise<void> {
  const layer = bytesSource(BUNDLE_TYPE, Buffer.from(`no bundle of ${predicateType}`));
  await registry.pushBlob(image.repository, EMPTY_CONFIG);
  await registry.pushBlob(image.repository, layer);
  const artifact = buildArtifact({
    artifactType: BUNDLE_TYPE,
    layers: [layer.descriptor],
    subject: descriptorOf(image.index),
    annotations: { 'dev.sigstore.bundle.predicateType': predicateType },
  });
  await registry.attach(image.repository, image.index.digest, [artifact]);
}
