import { constants, type FileHandle, open, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, digestOf } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { comparePlatforms, formatPlatform, type Platform } from '../core/platform.ts';
import { settleAll } from '../core/settle.ts';
import {
  descriptorOf,
  encodeManifest,
  MAX_MANIFEST_BYTES,
  type ParsedImage,
  parseManifest,
  platformOf,
} from './manifest.ts';
import { MEDIA_TYPE } from './media-types.ts';
import type { BlobSource, Registry } from './registry.ts';
import type { Descriptor, ImageRepository, Manifest } from './types.ts';

/** An image that a builder left on disk, under an index of our own. */
export interface ImageLayout {
  /** Always an index, also over one platform; the same bytes for the same children and annotations. */
  readonly index: Manifest;
  /** The index's children, in its order. */
  readonly images: readonly { readonly manifest: Manifest; readonly platform: Platform }[];
  /** Configs and layers, each once, sorted by digest, read from disk when they are opened. */
  readonly blobs: readonly BlobSource[];
}

/** Deeper than any builder nests indexes; ends a hostile one. */
const MAX_DEPTH = 4;
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/**
 * Reads an OCI image layout (OCI image-spec, image-layout.md) as buildx or buildah writes it, where `index.json` names
 * an index or directly an image, and puts an index of ours over its images: sorted by platform, with these annotations
 * and nothing that varies from run to run. BuildKit's own unsigned attestations are left out.
 *
 * Throws `layout-invalid` or `manifest-invalid` (exit 3). Manifests and configs are hashed here; of layers only the size
 * is checked, because they are hashed while they are sent. Symbolic links are not followed.
 */
export async function readImageLayout(
  folder: string,
  options: { readonly annotations?: Readonly<Record<string, string>> } = {},
): Promise<ImageLayout> {
  const layout = await openLayout(folder);
  const images = new Map<string, Image>();
  await collect(layout, await layout.root(), images, 0);
  const sorted = [...images.values()].sort((a, b) => comparePlatforms(a.platform, b.platform));
  if (sorted.length === 0) throw invalid(folder, 'it contains no image');
  const annotations = options.annotations ?? {};
  return {
    index: encodeManifest(MEDIA_TYPE.ociIndex, {
      manifests: sorted.map(({ manifest, platform }) => ({ ...descriptorOf(manifest), platform })),
      annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    }),
    images: sorted,
    blobs: await blobSources(layout, sorted),
  };
}

/**
 * Lists the images of a layout with their platforms in its `index.json`, for programs that read no configs, such as syft:
 * buildah writes the platform of an image into its config alone. Throws as {@link readImageLayout}.
 */
export async function listPlatforms(folder: string): Promise<void> {
  const { index } = await readImageLayout(folder);
  await writeFile(join(folder, 'index.json'), index.bytes);
}

/** Pushes an image by digest: what a manifest refers to is there before it. Throws what the registry throws. */
export async function pushLayout(
  registry: Registry,
  repository: ImageRepository,
  { blobs, images, index }: ImageLayout,
): Promise<void> {
  await settleAll(blobs.map((blob) => registry.pushBlob(repository, blob)));
  await settleAll(images.map(({ manifest }) => registry.putManifest(repository, manifest.digest, manifest)));
  await registry.putManifest(repository, index.digest, index);
}

interface Image {
  readonly manifest: Manifest;
  readonly parsed: ParsedImage;
  readonly platform: Platform;
}

interface Layout {
  readonly folder: string;
  root(): Promise<readonly Descriptor[]>;
  path(descriptor: Descriptor): string;
  read(descriptor: Descriptor, limit: number): Promise<Uint8Array>;
  checkSize(descriptor: Descriptor): Promise<void>;
}

async function openLayout(folder: string): Promise<Layout> {
  const root = await realpath(folder).catch((cause) => {
    throw invalid(folder, 'the folder does not exist', cause);
  });
  const blobs = join(root, 'blobs', 'sha256');
  if ((await realpath(blobs).catch(() => undefined)) !== blobs) {
    throw invalid(folder, 'blobs/sha256 is missing or a symbolic link');
  }
  const version = parseJson(await readWhole(join(root, 'oci-layout'), folder, 1024));
  if ((version as { imageLayoutVersion?: unknown } | null | undefined)?.imageLayoutVersion !== '1.0.0') {
    throw invalid(folder, 'imageLayoutVersion in oci-layout is not 1.0.0');
  }
  const path = (descriptor: Descriptor) => join(blobs, digestHex(descriptor.digest));
  return {
    folder,
    path,
    async root() {
      const bytes = await readWhole(join(root, 'index.json'), folder, MAX_MANIFEST_BYTES);
      const index = parseManifest({ mediaType: MEDIA_TYPE.ociIndex, digest: digestOf(bytes), bytes });
      return index.type === 'index' ? index.manifests : [];
    },
    async read(descriptor, limit) {
      const bytes = await readWhole(path(descriptor), folder, limit);
      if (bytes.length !== descriptor.size || digestOf(bytes) !== descriptor.digest) {
        throw invalid(folder, `the blob ${descriptor.digest} does not match its digest`);
      }
      return bytes;
    },
    async checkSize(descriptor) {
      await using file = await openRegular(path(descriptor), folder);
      const { size } = await file.stat();
      if (size !== descriptor.size) {
        throw invalid(
          folder,
          `the blob ${descriptor.digest} has ${size} bytes instead of ${descriptor.size}`,
        );
      }
    },
  };
}

async function collect(
  layout: Layout,
  descriptors: readonly Descriptor[],
  images: Map<string, Image>,
  depth: number,
): Promise<void> {
  if (depth > MAX_DEPTH) throw invalid(layout.folder, `indexes are nested more than ${MAX_DEPTH} deep`);
  for (const descriptor of descriptors) {
    if (descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') continue;
    const { mediaType, digest } = descriptor;
    const manifest: Manifest = {
      mediaType,
      digest,
      bytes: await layout.read(descriptor, MAX_MANIFEST_BYTES),
    };
    const parsed = parseManifest(manifest);
    if (parsed.type === 'index') {
      await collect(layout, parsed.manifests, images, depth + 1);
      continue;
    }
    const platform = await imagePlatform(layout, descriptor, parsed);
    const key = formatPlatform(platform);
    if ((images.get(key)?.manifest.digest ?? digest) !== digest) {
      throw invalid(layout.folder, `it has two images for ${key}`);
    }
    images.set(key, { manifest, parsed, platform });
  }
}

/** The platform of the index, or else of the config; if both name one they must agree. */
async function imagePlatform(layout: Layout, descriptor: Descriptor, image: ParsedImage): Promise<Platform> {
  const bytes = await layout.read(image.config, MAX_CONFIG_BYTES);
  const content = parseJson(bytes);
  if (content === undefined) throw invalid(layout.folder, `the config ${image.config.digest} is not JSON`);
  const own = platformOf(content, `the config ${image.config.digest}`);
  const said = descriptor.platform;
  if (said === undefined) return own;
  if (said.os !== own.os || said.architecture !== own.architecture) {
    throw invalid(
      layout.folder,
      `${descriptor.digest} is listed as ${formatPlatform(said)}, its config says ${formatPlatform(own)}`,
    );
  }
  return said;
}

async function blobSources(layout: Layout, images: readonly Image[]): Promise<readonly BlobSource[]> {
  const blobs = new Map<string, Descriptor>();
  for (const { parsed } of images) {
    for (const { mediaType, digest, size } of [parsed.config, ...parsed.layers]) {
      if ((blobs.get(digest)?.size ?? size) !== size)
        throw invalid(layout.folder, `${digest} is listed with two sizes`);
      blobs.set(digest, { mediaType, digest, size });
    }
  }
  const sorted = [...blobs.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return Promise.all(
    sorted.map(async (descriptor) => {
      await layout.checkSize(descriptor);
      return { descriptor, open: () => readBlob(layout.path(descriptor), layout.folder) };
    }),
  );
}

async function* readBlob(path: string, folder: string): AsyncGenerator<Uint8Array, void, undefined> {
  await using file = await openRegular(path, folder);
  // Small pieces: larger ones are no faster and leave more behind for the collector.
  yield* file.createReadStream({ highWaterMark: 64 * 1024, autoClose: false });
}

const NO_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW;

async function openRegular(path: string, folder: string): Promise<FileHandle> {
  const file = await open(path, NO_FOLLOW | constants.O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    throw invalid(
      folder,
      `${name} ${cause.code === 'ENOENT' ? 'is missing' : `cannot be read (${cause.code})`}`,
      cause,
    );
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw invalid(folder, `${path.slice(path.lastIndexOf('/') + 1)} is not a regular file`);
}

async function readWhole(path: string, folder: string, limit: number): Promise<Uint8Array> {
  await using file = await openRegular(path, folder);
  const { size } = await file.stat();
  if (size > limit) throw invalid(folder, `${path.slice(path.lastIndexOf('/') + 1)} has ${size} bytes`);
  return file.readFile();
}

function invalid(folder: string, why: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError('layout-invalid', `Cannot use the OCI image layout in ${folder}`, {
    why,
    suggestions: ['Build the image again'],
    exit: 3,
    cause,
  });
}
