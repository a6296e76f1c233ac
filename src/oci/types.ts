import type { Digest } from '../core/digest.ts';
import type { Platform } from '../core/platform.ts';

/** A repository with its registry host, no tag and no digest: `ghcr.io/acme/domain-orders`. */
export type ImageRepository = string & { readonly __repository: unique symbol };

/** OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest or index as the exact bytes in the registry; `digest` is that of `bytes`. */
export interface Manifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}
