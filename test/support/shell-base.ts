import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcesses } from '../../src/adapters/process.ts';
import { bytesSource } from '../../src/oci/artifact.ts';
import { createRegistryClient } from '../../src/oci/client.ts';
import { descriptorOf, encodeManifest } from '../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../src/oci/media-types.ts';
import { joinRepository } from '../../src/oci/reference.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';

const APPLETS = [
  'sh',
  'cat',
  'cp',
  'date',
  'echo',
  'false',
  'ls',
  'mkdir',
  'printf',
  'sed',
  'sleep',
  'touch',
];

/**
 * Pushes a base with a shell as an index over linux/amd64 and linux/arm64, and gives its reference by digest. Its file
 * `/platform` tells the two apart; only this machine's can run steps.
 */
export async function pushShellBase(host: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-shell-'));
  const repository = joinRepository(host, 'bases/shell');
  const client = createRegistryClient({
    processes: createProcesses({}),
    credentials: {},
    access: 'write',
  });
  try {
    const manifests: Descriptor[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const layer = bytesSource(
        'application/vnd.oci.image.layer.v1.tar',
        await shellLayer(folder, architecture),
      );
      const config = bytesSource(
        MEDIA_TYPE.ociConfig,
        Buffer.from(
          JSON.stringify({
            os: 'linux',
            architecture,
            config: { Env: ['PATH=/bin'] },
            rootfs: { type: 'layers', diff_ids: [layer.descriptor.digest] },
          }),
        ),
      );
      await Promise.all([client.pushBlob(repository, layer), client.pushBlob(repository, config)]);
      const manifest = encodeManifest(MEDIA_TYPE.ociManifest, {
        config: config.descriptor,
        layers: [layer.descriptor],
      });
      await client.putManifest(repository, manifest.digest, manifest);
      manifests.push({ ...descriptorOf(manifest), platform: { os: 'linux', architecture } });
    }
    const index = encodeManifest(MEDIA_TYPE.ociIndex, { manifests });
    await client.putManifest(repository, index.digest, index);
    return `${repository}@${index.digest}`;
  } finally {
    await client.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** An uncompressed tar of busybox and links to it. */
async function shellLayer(folder: string, architecture: string): Promise<Uint8Array> {
  const root = join(folder, architecture);
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  await copyFile(tool('busybox'), join(root, 'bin/busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'platform'), `linux/${architecture}`);
  const tar = join(folder, 'layer.tar');
  await run('tar', ['--create', `--file=${tar}`, `--directory=${root}`, '.']);
  return readFile(tar);
}
