import { createReadStream } from 'node:fs';
import { createProcesses } from '../../../src/adapters/process.ts';
import { digestOfStream } from '../../../src/core/digest.ts';
import { bytesSource } from '../../../src/oci/artifact.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { descriptorOf, encodeManifest } from '../../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../../src/oci/media-types.ts';
import type { BlobSource } from '../../../src/oci/registry.ts';
import type { Descriptor, ImageRepository } from '../../../src/oci/types.ts';

/** The part of an image config that a container runtime reads (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly Entrypoint?: readonly string[];
  readonly WorkingDir?: string;
}

/** `amd64`: of this machine, as OCI names it. */
export const OWN_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

/**
 * Pushes an image whose layers are these tars, uncompressed: to compress what stays on this machine takes longer than
 * all else. Returns its descriptor with the platform.
 */
export async function pushTars(
  repository: ImageRepository,
  tars: readonly string[],
  { architecture = OWN_ARCHITECTURE, ...config }: ImageConfig & { readonly architecture?: string },
): Promise<Descriptor> {
  const client = createRegistryClient({ processes: createProcesses({}), credentials: {}, access: 'write' });
  try {
    const layers = await Promise.all(tars.map(tarSource));
    const platform = { os: 'linux', architecture };
    const rootfs = { type: 'layers', diff_ids: layers.map(({ descriptor }) => descriptor.digest) };
    const description = bytesSource(
      MEDIA_TYPE.ociConfig,
      Buffer.from(JSON.stringify({ ...platform, config, rootfs })),
    );
    for (const blob of [...layers, description]) await client.pushBlob(repository, blob);
    const manifest = encodeManifest(MEDIA_TYPE.ociManifest, {
      config: description.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
    });
    await client.putManifest(repository, manifest.digest, manifest);
    return { ...descriptorOf(manifest), platform };
  } finally {
    await client.close();
  }
}

/** Pushes an index over images of the repository; its reference by digest. */
export async function pushIndex(
  repository: ImageRepository,
  manifests: readonly Descriptor[],
): Promise<string> {
  const client = createRegistryClient({ processes: createProcesses({}), credentials: {}, access: 'write' });
  try {
    const index = encodeManifest(MEDIA_TYPE.ociIndex, { manifests });
    await client.putManifest(repository, index.digest, index);
    return `${repository}@${index.digest}`;
  } finally {
    await client.close();
  }
}

async function tarSource(file: string): Promise<BlobSource> {
  const open = () => createReadStream(file, { highWaterMark: 1024 * 1024 });
  return {
    descriptor: { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await digestOfStream(open())) },
    open,
  };
}
