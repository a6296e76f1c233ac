import type { Digest } from '../core/digest.ts';
import type { ImageRepository } from '../oci/types.ts';
import { type Provenance, provenanceStatement, sbomStatement } from './statement.ts';
import type { SbomFormat, Signer } from './types.ts';

/** What is said of an image: how it was built, and for each platform what is in it. */
export interface ImageDescription {
  readonly image: ImageRepository;
  /** Of its index. */
  readonly digest: Digest;
  readonly provenance: Provenance;
  readonly format: SbomFormat;
  readonly sboms: readonly {
    /** Of the platform. */
    readonly manifest: Digest;
    readonly document: Promise<Uint8Array>;
  }[];
}

/**
 * Signs the provenance of an image and its SBOMs, each as soon as it is there. Gives their bundles in that order; each
 * rejects with what makes its content or the signer fail.
 */
export function attestImage(
  { image, digest, provenance, format, sboms }: ImageDescription,
  signer: Signer,
): readonly Promise<Uint8Array>[] {
  return [
    signer.sign(provenanceStatement({ image, digest, provenance })),
    ...sboms.map(async ({ manifest, document }) =>
      signer.sign(sbomStatement({ index: digest, manifest, format, document: await document })),
    ),
  ];
}
