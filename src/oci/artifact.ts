import { digestOf } from '../core/digest.ts';
import { encodeManifest } from './manifest.ts';
import { MEDIA_TYPE } from './media-types.ts';
import type { BlobSource, Referrer } from './registry.ts';
import type { Descriptor } from './types.ts';

/** Input of an artifact manifest. */
export interface ArtifactContent {
  readonly artifactType: string;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A blob whose bytes are in memory. */
export function bytesSource(mediaType: string, bytes: Uint8Array): BlobSource {
  return {
    descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  };
}

/** The empty config `{}` of every artifact (OCI image-spec, manifest.md, "Guidance for an Empty Descriptor"). */
export const EMPTY_CONFIG: BlobSource = bytesSource(MEDIA_TYPE.empty, new TextEncoder().encode('{}'));

/**
 * An OCI artifact: an image manifest with the empty config, an `artifactType` and layers (image-spec, manifest.md,
 * "Guidelines for Artifact Usage"). {@link EMPTY_CONFIG} and the layers must be pushed before it.
 */
export function buildArtifact(content: ArtifactContent): Referrer {
  const annotations = content.annotations ?? {};
  const manifest = encodeManifest(MEDIA_TYPE.ociManifest, {
    artifactType: content.artifactType,
    config: EMPTY_CONFIG.descriptor,
    // A manifest must have a layer; one without content takes the empty blob.
    layers: content.layers.length === 0 ? [EMPTY_CONFIG.descriptor] : content.layers.map(bare),
    subject: content.subject === undefined ? undefined : bare(content.subject),
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
  });
  return { ...manifest, artifactType: content.artifactType, annotations };
}

function bare({ mediaType, digest, size, annotations }: Descriptor): Descriptor {
  return annotations === undefined ? { mediaType, digest, size } : { mediaType, digest, size, annotations };
}
