import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinRepository } from '../../src/oci/reference.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';
import { pushIndex, pushTars } from './services/tar-image.ts';

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
  try {
    const images: Descriptor[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const tar = await shellLayer(folder, architecture);
      images.push(await pushTars(repository, [tar], { architecture, Env: ['PATH=/bin'] }));
    }
    return await pushIndex(repository, images);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An uncompressed tar of busybox and links to it. */
async function shellLayer(folder: string, architecture: string): Promise<string> {
  const root = join(folder, architecture);
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  await copyFile(tool('busybox'), join(root, 'bin/busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'platform'), `linux/${architecture}`);
  const tar = `${root}.tar`;
  await run('tar', ['--create', `--file=${tar}`, `--directory=${root}`, '.']);
  return tar;
}
