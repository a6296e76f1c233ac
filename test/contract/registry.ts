import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../src/oci/artifact.ts';
import { descriptorOf, encodeManifest, parseManifest, referrerDescriptor } from '../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../src/oci/media-types.ts';
import { joinRepository } from '../../src/oci/reference.ts';
import type { Referrer, Registry } from '../../src/oci/registry.ts';
import type { Descriptor, ImageRepository, Manifest } from '../../src/oci/types.ts';

export interface RegistryTarget extends AsyncDisposable {
  readonly registry: Registry;
  /** A second, independent way to the same content; the same object where there is only one. */
  readonly other: Registry;
  readonly host: string;
}

/** What every registry does, ours in memory and real ones alike; each target is started by its own tests. */
export function testRegistries(targets: Readonly<Record<string, () => Promise<RegistryTarget>>>): void {
  describe.each(Object.entries(targets))('registry port on %s', (_name, start) => {
    let target: RegistryTarget;
    let registry: Registry;
    let repository: ImageRepository;
    let count = 0;

    const fresh = () => joinRepository(target.host, `contract/r${++count}`);

    beforeAll(async () => {
      target = await start();
      registry = target.registry;
    });
    afterAll(() => target?.[Symbol.asyncDispose]());

    test('what is not there is undefined, empty, or not found', async () => {
      repository = fresh();
      const digest = digestOf('nothing');
      expect(await registry.getManifest(repository, 'absent')).toBeUndefined();
      expect(await registry.getManifest(repository, digest)).toBeUndefined();
      expect(await registry.headManifest(repository, 'absent')).toBeUndefined();
      expect(await registry.getReferrers(repository, digest)).toEqual([]);
      const descriptor = { mediaType: 'application/octet-stream', digest, size: 7 };
      await expect(registry.getBlob(repository, descriptor)).rejects.toMatchObject({
        code: 'registry-not-found',
        exit: 3,
      });
    });

    test('a blob is uploaded once, present after that, and mounted elsewhere', async () => {
      repository = fresh();
      const source = blob(300_000);
      expect(await registry.pushBlob(repository, source)).toBe('uploaded');
      expect(await registry.pushBlob(repository, source)).toBe('present');
      expect(await target.other.pushBlob(repository, source)).toBe('present');
      expect(await registry.pushBlob(fresh(), source, { mountFrom: repository })).toBe('mounted');
      const bytes = await registry.getBlob(repository, source.descriptor);
      expect(digestOf(bytes)).toBe(source.descriptor.digest);
    });

    test('a mount from where the blob is not becomes an upload', async () => {
      expect(await registry.pushBlob(fresh(), blob(100), { mountFrom: fresh() })).toBe('uploaded');
    });

    test('an empty blob can be pushed and read', async () => {
      repository = fresh();
      const source = bytesSource('application/octet-stream', new Uint8Array());
      expect(await registry.pushBlob(repository, source)).toBe('uploaded');
      expect(await registry.getBlob(repository, source.descriptor)).toHaveLength(0);
    });

    test('a blob that is larger than asked for is refused before it is fetched', async () => {
      const descriptor = { mediaType: 'application/octet-stream', digest: digestOf('x'), size: 2000 };
      await expect(registry.getBlob(fresh(), descriptor, 1999)).rejects.toMatchObject({
        code: 'registry-blob-too-large',
      });
    });

    test('a source with other bytes than its descriptor is never stored', async () => {
      repository = fresh();
      const { descriptor } = blob(1000);
      const source = { descriptor, open: blob(1000).open };
      await expect(registry.pushBlob(repository, source)).rejects.toMatchObject({
        code: 'blob-digest-mismatch',
      });
      await expect(target.other.getBlob(repository, descriptor)).rejects.toMatchObject({
        code: 'registry-not-found',
      });
    });

    test('manifests go by digest, then by tag, and come back byte for byte', async () => {
      repository = fresh();
      const image = await pushImage(registry, repository);
      const index = indexOf([image]);
      await registry.putManifest(repository, index.digest, index);
      expect(await registry.headManifest(repository, 'v1')).toBeUndefined();
      await registry.putManifest(repository, 'v1', index);
      for (const reader of [registry, target.other]) {
        expect(plain(await reader.getManifest(repository, 'v1'))).toEqual(plain(index));
        expect(plain(await reader.getManifest(repository, image.digest))).toEqual(plain(image));
        expect(await reader.headManifest(repository, 'v1')).toEqual(descriptorOf(index));
      }
    });

    test('a tag moves to what was put last', async () => {
      repository = fresh();
      const first = await pushImage(registry, repository);
      const second = await pushImage(registry, repository);
      await registry.putManifest(repository, 'moving', first);
      await registry.putManifest(repository, 'moving', second);
      expect((await registry.headManifest(repository, 'moving'))?.digest).toBe(second.digest);
      expect((await target.other.getManifest(repository, 'moving'))?.digest).toBe(second.digest);
    });

    test('many tags of one repository can be put at once', async () => {
      repository = fresh();
      const image = await pushImage(registry, repository);
      const tags = Array.from({ length: 12 }, (_, i) => `tag-${i}`);
      await Promise.all(tags.map((tag) => registry.putManifest(repository, tag, image)));
      const found = await Promise.all(tags.map((tag) => target.other.headManifest(repository, tag)));
      expect(new Set(found.map((descriptor) => descriptor?.digest))).toEqual(new Set([image.digest]));
    });

    test('a manifest whose blob is missing is refused', async () => {
      repository = fresh();
      await registry.pushBlob(repository, EMPTY_CONFIG);
      const manifest = buildArtifact({
        artifactType: 'application/vnd.example',
        layers: [blob(10).descriptor],
      });
      await expect(registry.putManifest(repository, 'broken', manifest)).rejects.toMatchObject({
        code: 'registry-not-found',
        exit: 3,
      });
      expect(await registry.getManifest(repository, 'broken')).toBeUndefined();
    });

    test('bytes that are not those of their digest are a mistake of the caller', async () => {
      repository = fresh();
      const image = await pushImage(registry, repository);
      const wrong: Manifest = { ...image, bytes: new TextEncoder().encode('{}') };
      await expect(registry.putManifest(repository, 'wrong', wrong)).rejects.not.toHaveProperty('code');
      await expect(registry.putManifest(repository, digestOf('other'), image)).rejects.not.toHaveProperty(
        'code',
      );
    });

    test('referrers are listed with type and annotations, and those of others are kept', async () => {
      repository = fresh();
      const image = await pushImage(registry, repository);
      const first = await referrer(registry, repository, image, { 'org.example.name': 'first' });
      const second = await referrer(registry, repository, image, { 'org.example.name': 'second' });
      const third = await referrer(registry, repository, image, {});
      await registry.attach(repository, image.digest, [first]);
      await target.other.attach(repository, image.digest, [second, third]);
      await registry.attach(repository, image.digest, [second]);
      const expected = sorted([first, second, third].map(referrerDescriptor));
      for (const reader of [registry, target.other]) {
        expect(sorted(await reader.getReferrers(repository, image.digest))).toEqual(expected);
      }
      const manifest = await target.other.getManifest(repository, first.digest);
      expect(manifest && parseManifest(manifest).subject?.digest).toBe(image.digest);
    });

    test('referrers attached at the same moment are all there', async () => {
      repository = fresh();
      const image = await pushImage(registry, repository);
      const made = await Promise.all(
        Array.from({ length: 6 }, (_, i) => referrer(registry, repository, image, { i: String(i) })),
      );
      await Promise.all(made.map((one) => registry.attach(repository, image.digest, [one])));
      expect(sorted(await target.other.getReferrers(repository, image.digest))).toEqual(
        sorted(made.map(referrerDescriptor)),
      );
    });

    test('the right to push is proved and nothing appears', async () => {
      repository = fresh();
      await registry.checkPush(repository);
      expect(await registry.getManifest(repository, 'latest')).toBeUndefined();
    });
  });
}

function blob(size: number) {
  return bytesSource('application/octet-stream', randomBytes(size));
}

async function pushImage(registry: Registry, repository: ImageRepository): Promise<Manifest> {
  const config = bytesSource(
    MEDIA_TYPE.ociConfig,
    new TextEncoder().encode(
      JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers' } }),
    ),
  );
  const layer = { ...blob(500), mediaType: 'application/vnd.oci.image.layer.v1.tar' };
  const layers = [{ ...layer.descriptor, mediaType: 'application/vnd.oci.image.layer.v1.tar' }];
  await Promise.all([registry.pushBlob(repository, config), registry.pushBlob(repository, layer)]);
  const manifest = encodeManifest(MEDIA_TYPE.ociManifest, { config: config.descriptor, layers });
  await registry.putManifest(repository, manifest.digest, manifest);
  return manifest;
}

function indexOf(images: readonly Manifest[]): Manifest {
  const platform = { os: 'linux', architecture: 'amd64' };
  return encodeManifest(MEDIA_TYPE.ociIndex, {
    manifests: images.map((image) => ({ ...descriptorOf(image), platform })),
  });
}

async function referrer(
  registry: Registry,
  repository: ImageRepository,
  subject: Manifest,
  annotations: Readonly<Record<string, string>>,
): Promise<Referrer> {
  const layer = blob(50);
  await Promise.all([registry.pushBlob(repository, EMPTY_CONFIG), registry.pushBlob(repository, layer)]);
  return buildArtifact({
    artifactType: 'application/vnd.example.bundle',
    layers: [layer.descriptor],
    subject: descriptorOf(subject),
    annotations,
  });
}

function plain(manifest: Manifest | undefined) {
  return manifest && { ...manifest, bytes: Buffer.from(manifest.bytes).toString('utf8') };
}

function sorted(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...descriptors].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
