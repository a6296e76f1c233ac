/** `sha256:` and 64 lower-case hex digits (OCI image-spec, descriptor.md#digests); the only algorithm in use. */
export type Digest = `sha256:${string}`;

/** A repository with its registry host, no tag and no digest: `ghcr.io/acme/domain-orders`. */
export type Repository = string & { readonly __repository: unique symbol };

/** OCI image-spec, image-index.md: `platform`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

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
