import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestHex, digestOf, digestOfStream } from '../../../src/core/digest.ts';
import { readImageLayout } from '../../../src/oci/layout.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import type { Descriptor } from '../../../src/oci/types.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-test-'));
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const blobPath = (digest: string) => join(folder, 'blobs/sha256', digest.slice('sha256:'.length));

async function blob(mediaType: string, content: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const digest = digestOf(bytes);
  await writeFile(join(folder, 'blobs/sha256', digestHex(digest)), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** An image of the platform with a layer of its own and one that all share. */
async function image(architecture: string, more: object = {}): Promise<Descriptor> {
  const config = await blob(MEDIA_TYPE.ociConfig, { os: 'linux', architecture, ...more });
  const layers = [
    await blob('application/vnd.oci.image.layer.v1.tar+gzip', 'shared'),
    await blob('application/vnd.oci.image.layer.v1.tar+gzip', architecture),
  ];
  return blob(MEDIA_TYPE.ociManifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config,
    layers,
  });
}

const index = (manifests: readonly object[], more: object = {}) => ({
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociIndex,
  manifests,
  ...more,
});
const top = (...manifests: readonly object[]) =>
  writeFile(join(folder, 'index.json'), JSON.stringify(index(manifests)));
const on = (descriptor: Descriptor, architecture: string) => ({
  ...descriptor,
  platform: { os: 'linux', architecture },
});

describe('what builders write', () => {
  test('an index over two platforms, as both builders write it: sorted, without what varies', async () => {
    const [arm, amd] = [await image('arm64'), await image('amd64')];
    const made = { annotations: { 'org.opencontainers.image.created': '2026-11-21T10:00:00Z' } };
    await top({
      ...(await blob(MEDIA_TYPE.ociIndex, index([on(arm, 'arm64'), on(amd, 'amd64')], made))),
      ...made,
    });
    const layout = await readImageLayout(folder, { annotations: { b: '2', a: '1' } });
    expect(Buffer.from(layout.index.bytes).toString()).toBe(
      JSON.stringify({
        annotations: { a: '1', b: '2' },
        manifests: [amd, arm].map(({ mediaType, digest, size }, i) => ({
          digest,
          mediaType,
          platform: { architecture: i === 0 ? 'amd64' : 'arm64', os: 'linux' },
          size,
        })),
        mediaType: MEDIA_TYPE.ociIndex,
        schemaVersion: 2,
      }),
    );
    expect(layout.images.map(({ manifest }) => manifest.digest)).toEqual([amd.digest, arm.digest]);
    expect(layout.images.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
    // Two configs, two layers of their own, one shared.
    expect(layout.blobs).toHaveLength(5);
    expect(layout.blobs.map(({ descriptor }) => descriptor.digest)).toEqual(
      layout.blobs.map(({ descriptor }) => descriptor.digest).toSorted(),
    );
    for (const source of layout.blobs) {
      const { digest, size } = source.descriptor;
      expect(await digestOfStream(source.open())).toEqual({ digest, size });
      expect(await digestOfStream(source.open())).toEqual({ digest, size });
    }
  });

  test('one image without an index gets one, with the platform of its config', async () => {
    await top(await image('arm64', { variant: 'v8' }));
    const layout = await readImageLayout(folder);
    expect(parseManifest(layout.index)).toMatchObject({
      type: 'index',
      manifests: [{ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }],
      annotations: {},
    });
  });

  test('the same image under several names is one', async () => {
    const only = await image('amd64');
    await top({ ...only, annotations: { 'org.opencontainers.image.ref.name': 'a' } }, only);
    expect((await readImageLayout(folder)).images).toHaveLength(1);
  });

  test('attestations of the builder are left out', async () => {
    const attestation = {
      ...(await image('amd64')),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    };
    await top(await blob(MEDIA_TYPE.ociIndex, index([on(await image('amd64'), 'amd64'), attestation])));
    const { images } = await readImageLayout(folder);
    expect(images.map(({ platform }) => platform)).toEqual([{ os: 'linux', architecture: 'amd64' }]);
  });
});

describe('what is refused', () => {
  const refused = async (why: string, code = 'layout-invalid') =>
    expect(readImageLayout(folder)).rejects.toMatchObject({
      code,
      exit: 3,
      why: expect.stringContaining(why),
    });

  test('a folder that is none, or is not a layout', async () => {
    await refused('index.json is missing');
    await top();
    await refused('it contains no image');
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"9"}');
    await refused('imageLayoutVersion in oci-layout is not 1.0.0');
    await writeFile(join(folder, 'oci-layout'), '{');
    await refused('imageLayoutVersion in oci-layout is not 1.0.0');
    await rm(join(folder, 'blobs'), { recursive: true });
    await refused('blobs/sha256 is missing or a symbolic link');
    await rm(folder, { recursive: true });
    await refused('the folder does not exist');
  });

  test('an index.json that is no JSON, or huge', async () => {
    await writeFile(join(folder, 'index.json'), 'x');
    await refused('it is not JSON', 'manifest-invalid');
    await writeFile(join(folder, 'index.json'), Buffer.alloc(5 * 1024 * 1024));
    await refused('index.json has 5242880 bytes');
  });

  test('a digest that leads elsewhere', async () => {
    await top({ mediaType: MEDIA_TYPE.ociManifest, digest: 'sha256:../../../../etc/passwd', size: 1 });
    await refused('is not a sha256 digest', 'manifest-invalid');
  });

  test('a manifest that was changed', async () => {
    const one = await image('amd64');
    await top(one);
    await writeFile(blobPath(one.digest), 'x'.repeat(one.size));
    await refused(`the blob ${one.digest} does not match its digest`);
  });

  test('a layer that is missing or short', async () => {
    const one = await image('amd64');
    await top(one);
    const layer = digestOf('shared');
    await writeFile(blobPath(layer), 'short');
    await refused(`the blob ${layer} has 5 bytes instead of 6`);
    await rm(blobPath(layer));
    await refused(`${digestHex(layer)} is missing`);
    await mkdir(blobPath(layer));
    await refused(`${digestHex(layer)} is not a regular file`);
  });

  test('a symbolic link in the place of a blob, of a folder, or of index.json', async () => {
    const one = await image('amd64');
    await top(one);
    const layer = blobPath(digestOf('shared'));
    await rename(layer, join(folder, 'kept'));
    await symlink(join(folder, 'kept'), layer);
    await refused('cannot be read (ELOOP)');
    await rename(join(folder, 'blobs'), join(folder, 'moved'));
    await symlink(join(folder, 'moved'), join(folder, 'blobs'));
    await refused('blobs/sha256 is missing or a symbolic link');
    await rm(join(folder, 'blobs'));
    await rename(join(folder, 'moved'), join(folder, 'blobs'));
    await rename(join(folder, 'index.json'), join(folder, 'real.json'));
    await symlink(join(folder, 'real.json'), join(folder, 'index.json'));
    await refused('index.json cannot be read (ELOOP)');
  });

  test('two images for one platform', async () => {
    const other = await image('amd64', { author: 'else' });
    await top(
      await blob(MEDIA_TYPE.ociIndex, index([on(await image('amd64'), 'amd64'), on(other, 'amd64')])),
    );
    await refused('it has two images for linux/amd64');
  });

  test('a platform that the config contradicts', async () => {
    const one = await image('amd64');
    await top(on(one, 'arm64'));
    await refused(`${one.digest} is listed as linux/arm64, its config says linux/amd64`);
  });

  test('indexes that are nested without end', async () => {
    let inner = await blob(MEDIA_TYPE.ociIndex, index([await image('amd64')]));
    for (let depth = 0; depth < 3; depth += 1) inner = await blob(MEDIA_TYPE.ociIndex, index([inner]));
    await top(inner);
    expect((await readImageLayout(folder)).images).toHaveLength(1);
    await top(await blob(MEDIA_TYPE.ociIndex, index([inner])));
    await refused('indexes are nested more than 4 deep');
  });

  test('a config that is no JSON, or has no platform', async () => {
    for (const [content, code, why] of [
      ['x', 'layout-invalid', 'is not JSON'],
      ['{}', 'manifest-invalid', 'has no os and architecture'],
    ] as const) {
      const config = await blob(MEDIA_TYPE.ociConfig, content);
      await top(await blob(MEDIA_TYPE.ociManifest, { schemaVersion: 2, config, layers: [] }));
      await refused(why, code);
    }
  });
});
