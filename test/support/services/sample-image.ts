import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { run } from './run.ts';

export interface SampleImageOptions {
  /** What the image's one file holds; random bytes otherwise, so that no two images are the same. */
  readonly content?: string | Buffer;
  readonly tag?: string;
  /** Environment for crane: `DOCKER_CONFIG`, `SSL_CERT_FILE`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Pushes an image with one small file and returns its reference by digest. */
export async function pushSampleImage(repository: string, options: SampleImageOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-sample-'));
  try {
    await writeFile(join(folder, 'file'), options.content ?? randomBytes(64));
    await run('tar', ['--create', '--file=layer.tar', 'file'], { cwd: folder });
    return (
      await run(
        tool('crane'),
        [
          'append',
          '--oci-empty-base',
          '--new_layer=layer.tar',
          `--new_tag=${repository}:${options.tag ?? 'sample'}`,
        ],
        { cwd: folder, ...(options.env && { env: options.env }) },
      )
    ).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
