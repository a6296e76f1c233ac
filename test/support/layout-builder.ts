import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Builder, BuildRequest, BuildResult } from '../../src/builders/builder.ts';
import { PrimitiveError } from '../../src/core/errors.ts';
import { formatPlatform } from '../../src/core/platform.ts';

/** How the builder double behaves beyond building. */
export interface LayoutBuilderOptions {
  /** Goes into every image: two builders with different salt make different images of the same inputs. */
  readonly salt?: string;
  /** Called before each build: to fail, to abort, to wait. */
  readonly onBuild?: (component: string) => void | Promise<void>;
}

/** A builder that counts what it was asked for. */
export interface LayoutBuilder extends Builder {
  readonly built: string[];
}

/**
 * A builder without a daemon: its images have one layer, the listing of the context. It refuses what a real one
 * refuses: a context without the Dockerfile, an output that exists, no platform.
 */
export function createLayoutBuilder({ salt = '', onBuild }: LayoutBuilderOptions = {}): LayoutBuilder {
  const built: string[] = [];
  return {
    built,
    look: async () => undefined,
    async probe() {
      return {
        name: 'buildx',
        version: '0.0.0',
        description: 'a builder in process',
        platforms: [
          { os: 'linux', architecture: 'amd64' },
          { os: 'linux', architecture: 'arm64' },
        ],
      };
    },
    async check() {},
    async checkBase() {},
    async build(request) {
      request.signal?.throwIfAborted();
      const component = componentOf(request);
      await onBuild?.(component);
      built.push(component);
      return writeLayout(request, salt);
    },
  };
}

/** `kind/name`, by the labels that the image gets. */
function componentOf({ labels }: BuildRequest): string {
  return `${labels['io.ameide.primitive.kind']}/${labels['io.ameide.primitive.name']}`;
}

async function writeLayout(request: BuildRequest, salt: string): Promise<BuildResult> {
  if (request.platforms.length === 0) throw new Error('a build needs a platform');
  const dockerfile = await readFile(join(request.context, request.dockerfile), 'utf8').catch(() => {
    throw new PrimitiveError('build-failed', `${request.dockerfile} not found`, {
      exit: 1,
    });
  });
  request.onLine?.(dockerfile.split('\n')[0] ?? '');
  await mkdir(join(request.output, 'blobs', 'sha256'), { recursive: true });
  const put = async (mediaType: string, text: string) => {
    const hex = createHash('sha256').update(text).digest('hex');
    await writeFile(join(request.output, 'blobs', 'sha256', hex), text);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
  };
  const layer = await put(
    'application/vnd.oci.image.layer.v1.tar',
    JSON.stringify([salt, await listing(request.context), request.args, request.target ?? null]),
  );
  const manifests = [];
  for (const platform of request.platforms) {
    const config = await put(
      'application/vnd.oci.image.config.v1+json',
      JSON.stringify({
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.variant === undefined ? {} : { variant: platform.variant }),
        config: { Labels: request.labels },
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      }),
    );
    const manifest = await put(
      'application/vnd.oci.image.manifest.v1+json',
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config,
        layers: [layer],
        annotations: { platform: formatPlatform(platform) },
      }),
    );
    manifests.push({ ...manifest, platform });
  }
  const index = await put(
    'application/vnd.oci.image.index.v1+json',
    JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
  );
  await writeFile(join(request.output, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(request.output, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [index] }),
  );
  return { layout: request.output, bases: [], caches: request.cacheFrom };
}

async function listing(folder: string, prefix = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(join(folder, prefix))).sort()) {
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const full = join(folder, path);
    if ((await lstat(full)).isDirectory()) lines.push(...(await listing(folder, path)));
    else
      lines.push(
        `${path} ${createHash('sha256')
          .update(await readFile(full))
          .digest('hex')}`,
      );
  }
  return lines;
}
