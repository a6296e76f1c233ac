import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, digestOfStream } from '../../../src/core/digest.ts';
import { formatPlatform, parsePlatform } from '../../../src/core/platform.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { checkedBytes } from '../../../src/oci/checked-bytes.ts';
import {
  canonicalJson,
  encodeManifest,
  parseManifest,
  referrerDescriptor,
} from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import type { Manifest } from '../../../src/oci/types.ts';

const digest = digestOf('x');
const descriptor = { mediaType: 'application/octet-stream', digest, size: 1 };

function raw(content: unknown, mediaType: string = MEDIA_TYPE.ociManifest): Manifest {
  const bytes = new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), bytes };
}

describe('parseManifest', () => {
  test('reads an image, with what is unknown left out', () => {
    const parsed = parseManifest(
      raw({
        schemaVersion: 2,
        config: { ...descriptor, data: 'eA==', urls: ['https://example.com'] },
        layers: [{ ...descriptor, annotations: { a: 'b' } }],
        subject: descriptor,
        artifactType: 'application/vnd.example',
        annotations: { __proto__: 'x', c: 'd' },
        more: 1,
      }),
    );
    expect(parsed).toEqual({
      type: 'image',
      mediaType: MEDIA_TYPE.ociManifest,
      artifactType: 'application/vnd.example',
      config: descriptor,
      layers: [{ ...descriptor, annotations: { a: 'b' } }],
      subject: descriptor,
      annotations: { c: 'd' },
    });
  });

  test('reads an index, and lists that Go wrote as null', () => {
    const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
    const manifests = [{ ...descriptor, platform: { ...platform, 'os.version': 'x' } }];
    expect(parseManifest(raw({ schemaVersion: 2, manifests }, MEDIA_TYPE.ociIndex))).toMatchObject({
      type: 'index',
      manifests: [{ ...descriptor, platform }],
    });
    expect(parseManifest(raw({ schemaVersion: 2, manifests: null }, MEDIA_TYPE.dockerList))).toMatchObject({
      manifests: [],
    });
  });

  const image = { schemaVersion: 2, config: descriptor, layers: [] };
  const index = { schemaVersion: 2, manifests: [] };
  test.each<[string, Manifest, string]>([
    ['no JSON', raw('{'), 'it is not JSON in UTF-8'],
    ['no UTF-8', { ...raw(''), bytes: Uint8Array.of(0x22, 0xff, 0x22) }, 'it is not JSON in UTF-8'],
    ['a list', raw([]), 'the manifest is not an object'],
    ['schema 1', raw({ ...image, schemaVersion: 1 }), 'schemaVersion is not 2'],
    ['another type inside', raw({ ...image, mediaType: MEDIA_TYPE.ociIndex }), 'its mediaType is'],
    ['an image that is an index, too', raw({ ...image, manifests: [] }), 'it is an image and has manifests'],
    [
      'an index that is an image, too',
      raw({ ...index, layers: [] }, MEDIA_TYPE.ociIndex),
      'it is an index and has config or layers',
    ],
    ['another media type', raw(image, 'text/html'), '"text/html" is not the media type of a manifest'],
    ['no config', raw({ schemaVersion: 2, layers: [] }), 'config is not an object'],
    ['no layers', raw({ schemaVersion: 2, config: descriptor }), 'layers is not a list'],
    [
      'a digest with a path',
      raw({ ...image, config: { ...descriptor, digest: 'sha256:../../etc/passwd' } }),
      'is not a sha256 digest',
    ],
    [
      'a digest in capitals',
      raw({ ...image, config: { ...descriptor, digest: digest.toUpperCase() } }),
      'is not a sha256 digest',
    ],
    ['a negative size', raw({ ...image, config: { ...descriptor, size: -1 } }), '-1 is not a size'],
    [
      'a broken size',
      raw({ ...image, layers: [{ ...descriptor, size: 1.5 }] }),
      'layers[0]: 1.5 is not a size',
    ],
    ['a huge size', raw({ ...image, layers: [{ ...descriptor, size: 2 ** 60 }] }), 'is not a size'],
    ['no media type', raw({ ...image, config: { digest, size: 1 } }), 'undefined is not a media type'],
    [
      'annotations that are no text',
      raw({ ...image, annotations: { a: 1 } }),
      'annotations["a"] is not text',
    ],
    [
      'a platform without os',
      raw({ ...index, manifests: [{ ...descriptor, platform: {} }] }, MEDIA_TYPE.ociIndex),
      'manifests[0].platform has no os and architecture',
    ],
    [
      'a platform with a slash',
      raw(
        { ...index, manifests: [{ ...descriptor, platform: { os: 'a/b', architecture: 'c' } }] },
        MEDIA_TYPE.ociIndex,
      ),
      'has no os and architecture',
    ],
    ['too large', { ...raw(''), bytes: new Uint8Array(4 * 1024 * 1024 + 1) }, 'it has 4194305 bytes'],
    [
      'deep',
      raw(`{"schemaVersion":2,"config":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      'config is not an object',
    ],
  ])('refuses %s', (_name, manifest, why) => {
    expect(() => parseManifest(manifest)).toThrow(
      expect.objectContaining({ code: 'manifest-invalid', exit: 3, why: expect.stringContaining(why) }),
    );
  });

  test('any JSON is either read or refused with our error', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...Object.values(MEDIA_TYPE)), (text, mediaType) => {
        try {
          parseManifest(raw(text, mediaType));
        } catch (error) {
          expect(error).toMatchObject({ code: 'manifest-invalid' });
        }
      }),
    );
  });
});

describe('our own manifests', () => {
  test('equal content is equal bytes, in any order of writing', () => {
    const a = encodeManifest(MEDIA_TYPE.ociIndex, {
      manifests: [descriptor],
      annotations: { b: '1', a: '2' },
    });
    const b = encodeManifest(MEDIA_TYPE.ociIndex, {
      annotations: { a: '2', b: '1' },
      manifests: [{ size: 1, digest, mediaType: descriptor.mediaType }],
    });
    expect(a.digest).toBe(b.digest);
    expect(Buffer.from(a.bytes).toString()).toBe(
      `{"annotations":{"a":"2","b":"1"},"manifests":[{"digest":"${digest}","mediaType":"application/octet-stream","size":1}],"mediaType":"${MEDIA_TYPE.ociIndex}","schemaVersion":2}`,
    );
  });

  test('canonical JSON means the same as the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });

  test('an artifact is what the specification says, and its descriptor carries type and annotations', () => {
    const artifact = buildArtifact({
      artifactType: 'application/vnd.example',
      layers: [],
      subject: { ...descriptor, platform: { os: 'linux', architecture: 'amd64' } },
      annotations: { a: 'b' },
    });
    expect(JSON.parse(Buffer.from(artifact.bytes).toString())).toEqual({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      artifactType: 'application/vnd.example',
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
      },
      layers: [EMPTY_CONFIG.descriptor],
      subject: descriptor,
      annotations: { a: 'b' },
    });
    expect(referrerDescriptor(artifact)).toEqual({
      mediaType: MEDIA_TYPE.ociManifest,
      digest: artifact.digest,
      size: artifact.bytes.length,
      artifactType: 'application/vnd.example',
      annotations: { a: 'b' },
    });
  });
});

test.each(['linux/amd64', 'linux/arm64/v8', 'windows/amd64'])('platform %s comes back', (text) => {
  const platform = parsePlatform(text);
  expect(platform && formatPlatform(platform)).toBe(text);
});
test.each(['', 'linux', 'linux/', '/amd64', 'linux/arm/v7/x', 'linux/a b', 'linux//v8'])(
  'platform %j is none',
  (text) => {
    expect(parsePlatform(text)).toBeUndefined();
  },
);

describe('checkedBytes', () => {
  async function* chunks(...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size).fill(size);
  }
  async function lengths(source: AsyncIterable<Uint8Array>): Promise<readonly number[]> {
    const found: number[] = [];
    for await (const chunk of source) found.push(chunk.length);
    return found;
  }
  const content = async (...sizes: number[]) => digestOfStream(chunks(...sizes));

  test('passes on what is right, in as many chunks', async () => {
    const { digest: right, size } = await content(3, 0, 5);
    const source = { descriptor: { mediaType: 'x/y', digest: right, size }, open: () => chunks(3, 0, 5) };
    expect(await lengths(checkedBytes(source))).toEqual([3, 0, 5]);
    expect(await lengths(checkedBytes(bytesSource('x/y', new Uint8Array())))).toEqual([0]);
  });

  test.each([
    ['fewer bytes', [3], 'it has 3 bytes, its descriptor says 8'],
    ['more bytes', [3, 5, 1], 'it has more than the 8 bytes of its descriptor'],
    ['other bytes', [5, 3], 'its content is sha256:'],
  ])('%s never leave whole', async (_name, sizes, why) => {
    const { digest: right, size } = await content(3, 5);
    const source = { descriptor: { mediaType: 'x/y', digest: right, size }, open: () => chunks(...sizes) };
    let passed = 0;
    const reading = (async () => {
      for await (const chunk of checkedBytes(source)) passed += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'blob-digest-mismatch',
      why: expect.stringContaining(why),
    });
    expect(passed).toBeLessThan(size);
  });
});
