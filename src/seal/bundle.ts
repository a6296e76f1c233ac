import { buildArtifact, bytesSource } from '../oci/artifact.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { BlobSource, Referrer } from '../oci/registry.ts';
import type { Descriptor, Manifest } from '../oci/types.ts';

/** Media type of a Sigstore bundle v0.3 in JSON, as layer and as artifact type. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** Name of the annotation by which clients choose among bundles before they have read one. */
export const PREDICATE_ANNOTATION = 'dev.sigstore.bundle.predicateType';

/** A bundle holds a whole SBOM in base64; the SBOM of a large image has tens of megabytes. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;

/** The blob of a bundle, to be pushed. */
export function bundleBlob(bytes: Uint8Array): BlobSource {
  return bytesSource(BUNDLE_TYPE, bytes);
}

/**
 * The referrer by which a bundle is attached to an image, laid out as cosign 3 does (`cosign sign`, `cosign attest`) but
 * without its creation time: the same bundle on the same image is the same artifact, so that attaching it twice is
 * attaching it once.
 */
export function bundleReferrer(bundle: Descriptor, predicateType: string, subject: Descriptor): Referrer {
  return buildArtifact({
    artifactType: BUNDLE_TYPE,
    layers: [bundle],
    subject,
    annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope', [PREDICATE_ANNOTATION]: predicateType },
  });
}

/** The blob of the bundle that a referrer's manifest holds; undefined if it holds something else. */
export function bundleLayer(manifest: Manifest): Descriptor | undefined {
  const parsed = parseManifest(manifest);
  const [layer, ...others] = parsed.type === 'image' ? parsed.layers : [];
  if (layer === undefined || others.length > 0 || layer.mediaType !== BUNDLE_TYPE) return undefined;
  return layer;
}

/** Whether a referrer may be a bundle: older clients list bundles under the empty type or under none. */
export function maybeBundle(referrer: Descriptor): boolean {
  const { artifactType } = referrer;
  return (
    artifactType === undefined ||
    artifactType === BUNDLE_TYPE ||
    artifactType === 'application/vnd.oci.empty.v1+json'
  );
}
