import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '../tools/locate.ts';
import { run } from './services/run.ts';

/**
 * Pushes a base with a shell as an index over linux/amd64 and linux/arm64, and gives its reference by digest. Its file
 * `/platform` tells the two apart; only this machine's can run steps.
 */
export async function pushShellBase(host: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-shell-'));
  const repository = `${host}/bases/shell`;
  try {
    const children: string[] = [];
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const root = join(folder, platform);
      await mkdir(join(root, 'bin'), { recursive: true });
      await mkdir(join(root, 'tmp'));
      await copyFile(tool('busybox'), join(root, 'bin/busybox'));
      for (const applet of [
        'sh',
        'cat',
        'cp',
        'date',
        'echo',
        'false',
        'ls',
        'mkdir',
        'printf',
        'sleep',
        'touch',
      ]) {
        await symlink('busybox', join(root, 'bin', applet));
      }
      await writeFile(join(root, 'platform'), platform);
      const tar = join(folder, 'layer.tar');
      await run('tar', ['--create', `--file=${tar}`, `--directory=${root}`, '.']);
      const appended = await crane([
        'append',
        '--oci-empty-base',
        `--new_layer=${tar}`,
        `--new_tag=${repository}:1`,
      ]);
      const settings = ['--env=PATH=/bin', `--set-platform=${platform}`, `--tag=${repository}:1`];
      const mutated = await crane(['mutate', ...settings, `${repository}@${appended}`]);
      children.push(`--manifest=${repository}@${mutated}`);
    }
    return `${repository}@${await crane(['index', 'append', ...children, `--tag=${repository}:1`])}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The digest that crane prints. */
async function crane(args: readonly string[]): Promise<string> {
  const output = await run(tool('crane'), [...args]);
  const digest = /sha256:[0-9a-f]{64}/.exec(output)?.[0];
  if (digest === undefined) throw new Error(`crane printed no digest: ${output}`);
  return digest;
}
