import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../src/adapters/process.ts';
import { createSyft } from '../../src/adapters/syft.ts';
import { type Digest, digestOf } from '../../src/core/digest.ts';
import { parsePlatform } from '../../src/core/platform.ts';
import { MEDIA_TYPE } from '../../src/oci/media-types.ts';
import { parseRepository } from '../../src/oci/reference.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import { sbomStatement } from '../../src/seal/statement.ts';
import type { SbomFormat, SbomGenerator, SbomRequest } from '../../src/seal/types.ts';
import { writeNodeProgram } from '../support/node-program.ts';
import { createLayerSbom } from '../support/sbom-generator.ts';
import { run } from '../support/services/run.ts';
import { tool } from '../tools/locate.ts';

const image = parseRepository('ghcr.io/acme/domain-orders');
const PLATFORMS = ['linux/amd64', 'linux/arm64'] as const;

let folder: string;
let layout: string;
let temporary: string;
let index: Digest;
const manifests = new Map<string, Digest>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-sbom-'));
  temporary = join(folder, 'temporary');
  layout = join(folder, 'layout');
  await mkdir(temporary);
  await writeLayout();
  await mkdir(join(folder, 'light'));
  const light = join(import.meta.dirname, '../support/light-syft.ts');
  await writeNodeProgram(join(folder, 'light/syft'), light, join(folder, 'compiled'));
});
afterAll(() => rm(folder, { recursive: true }));

const syft = (path: string, within = temporary) =>
  createSyft({
    processes: createProcesses({
      PATH: `${path}:${process.env.PATH}`,
      HOME: folder,
      TZ: 'Pacific/Auckland',
      LC_ALL: 'tr_TR.UTF-8',
    }),
    temporary: within,
  });

const lightSyft = () => syft(join(folder, 'light'));
const realSyft = () => syft(dirname(tool('syft')));

describe.each<[string, () => SbomGenerator]>([
  ['the generator in process', createLayerSbom],
  ['light syft', lightSyft],
  ['syft', realSyft],
])('%s', (_name, create) => {
  const request = (platform: string, format: SbomFormat, of = layout): SbomRequest => {
    const parsed = parsePlatform(platform);
    const manifest = manifests.get(platform);
    if (parsed === undefined || manifest === undefined) throw new Error(platform);
    return { layout: of, image, index, platform: parsed, manifest, format };
  };

  describe.each(['spdx-json', 'cyclonedx-json'] as const)('%s', (format) => {
    /** Of linux/amd64. */
    let document: Uint8Array;
    beforeAll(async () => {
      document = await create().generate(request('linux/amd64', format));
    });

    test('the same image gives the same bytes, wherever it lies', async () => {
      const elsewhere = join(folder, 'else where', 'copy');
      await cp(layout, elsewhere, { recursive: true });
      const first = Buffer.from(document).toString();
      const second = Buffer.from(
        await create().generate(request('linux/amd64', format, elsewhere)),
      ).toString();
      expect(second).toBe(first);
      expect(first).not.toContain(folder);
    });

    test('it names the image, the platform’s manifest and no time of day', async () => {
      const text = Buffer.from(await create().generate(request('linux/arm64', format))).toString();
      expect(text).toContain(manifests.get('linux/arm64'));
      expect(text).not.toContain(manifests.get('linux/amd64'));
      expect(text).toContain(image);
      expect(text).toContain('1980-01-01T00:00:00Z');
      expect(text.match(/\b20[2-9]\d-\d\d-\d\dT/g)).toBeNull();
    });

    test('it can be attested', () => {
      const { manifest } = request('linux/amd64', format);
      const statement = JSON.parse(
        Buffer.from(sbomStatement({ index, manifest, format, document })).toString(),
      );
      expect(statement.predicate).toEqual(JSON.parse(Buffer.from(document).toString()));
    });
  });

  test('a platform that the image does not have is an error', async () => {
    const wanted = {
      ...request('linux/amd64', 'spdx-json'),
      platform: { os: 'linux', architecture: 's390x' },
    };
    await expect(create().generate(wanted)).rejects.toMatchObject({ code: 'sbom-failed', exit: 3 });
  });

  test('a description of something else than was asked for is an error', async () => {
    const wanted = { ...request('linux/amd64', 'spdx-json'), manifest: digestOf('something else') };
    await expect(create().generate(wanted)).rejects.toMatchObject({ code: 'sbom-failed' });
  });

  test('nothing is left behind', async () => {
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe('syft', () => {
  test('finds what was installed, and is not led by a configuration in the home folder', async () => {
    const manifest = manifests.get('linux/amd64') ?? index;
    const platform = { os: 'linux', architecture: 'amd64' };
    const request = { layout, image, index, platform, manifest, format: 'spdx-json' } as const;
    const before = Buffer.from(await realSyft().generate(request)).toString();
    const names = JSON.parse(before).packages.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['left-pad', 'libacme']));
    await writeFile(
      join(folder, '.syft.yaml'),
      'default-catalogers: ["python"]\nexclude: ["**/left-pad/**"]\n',
    );
    expect(Buffer.from(await realSyft().generate(request)).toString()).toBe(before);
    await rm(join(folder, '.syft.yaml'));
  });

  test.each([
    ['light syft', lightSyft],
    ['syft', realSyft],
  ])('%s says what went wrong', async (_name, create) => {
    const manifest = manifests.get('linux/amd64') ?? index;
    const platform = { os: 'linux', architecture: 's390x' };
    const request = { layout, image, index, platform, manifest, format: 'spdx-json' } as const;
    const failing = create().generate(request);
    await expect(failing).rejects.toMatchObject({ why: expect.stringContaining('s390x') });
  });

  test('advises to free space on a full disk', async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk]);
    try {
      const manifest = manifests.get('linux/amd64') ?? index;
      const platform = { os: 'linux', architecture: 'amd64' };
      const request = { layout, image, index, platform, manifest, format: 'spdx-json' } as const;
      await expect(syft(dirname(tool('syft')), disk).generate(request)).rejects.toMatchObject({
        code: 'sbom-failed',
        suggestions: [expect.stringMatching(/^Free space, or set TMPDIR/)],
      });
    } finally {
      await run('umount', [disk]);
    }
  });
});

/** An index of two platforms; each holds a Debian package and one of npm. */
async function writeLayout(): Promise<void> {
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
  const descriptors: Descriptor[] = [];
  for (const text of PLATFORMS) {
    const platform = parsePlatform(text);
    if (platform === undefined) throw new Error(text);
    const layer = await put('application/vnd.oci.image.layer.v1.tar', await tar(platform.architecture));
    const config = await put(
      MEDIA_TYPE.ociConfig,
      Buffer.from(
        JSON.stringify({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] } }),
      ),
    );
    const content = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer] };
    const manifest = await put(MEDIA_TYPE.ociManifest, Buffer.from(JSON.stringify(content)));
    manifests.set(text, manifest.digest);
    descriptors.push({ ...manifest, platform });
  }
  const content = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: descriptors };
  const top = await put(MEDIA_TYPE.ociIndex, Buffer.from(JSON.stringify(content)));
  index = top.digest;
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [top] }),
  );
}

async function put(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const digest = digestOf(bytes);
  await writeFile(join(layout, 'blobs', 'sha256', digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.length };
}

async function tar(architecture: string): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name: 'etc/os-release' }, 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n');
  archive.entry(
    { name: 'var/lib/dpkg/status' },
    `Package: libacme\nStatus: install ok installed\nArchitecture: ${architecture}\nVersion: 1.2.3\nMaintainer: nobody\nDescription: for tests\n\n`,
  );
  archive.entry(
    { name: 'app/node_modules/left-pad/package.json' },
    '{"name":"left-pad","version":"1.3.0","license":"MIT"}',
  );
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
