import type { Digest } from '../core/digest.ts';
import type { Descriptor, ImageRepository, Manifest } from './types.ts';

/** Bytes to upload; `open` may be called again when an upload is retried. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  open(): AsyncIterable<Uint8Array>;
}

export interface PushOptions {
  /** A repository that has the blob. */
  readonly mountFrom?: ImageRepository;
  /** The registry cannot have it yet, so that it need not be asked. */
  readonly fresh?: boolean;
}

/** A manifest with a `subject`, to be attached to that subject; its blobs are in the repository already. */
export interface Referrer extends Manifest {
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The port of publish and seal to an OCI distribution registry (distribution-spec 1.1).
 *
 * Everything received is hashed and compared before it is returned: a mismatch is `registry-digest-mismatch`.
 * Transient failures are retried inside; what comes out is final. All failures are `PrimitiveError`s with exit 3 and
 * codes `registry-unreachable`, `registry-certificate`, `registry-unauthorized` (401), `registry-denied` (403, not
 * yours or absent), `registry-rate-limited` (429 or secondary 403 after the budget), `registry-not-found` (404 of a
 * thing that must be there), `registry-upload-too-large` (413), `registry-failed` (5xx after the budget),
 * `registry-digest-mismatch`.
 */
export interface Registry {
  /** The manifest under a tag or digest, with its bytes; undefined if there is none. */
  getManifest(repository: ImageRepository, reference: string): Promise<Manifest | undefined>;
  /** Only the descriptor; undefined if there is none. */
  headManifest(repository: ImageRepository, reference: string): Promise<Descriptor | undefined>;
  /** PUTs these bytes under a tag or under their own digest, and checks the digest that the registry answers. */
  putManifest(repository: ImageRepository, reference: string, manifest: Manifest): Promise<void>;
  /** A small blob, whole; throws `registry-blob-too-large` beyond `maxBytes` (default 16 MiB). */
  getBlob(repository: ImageRepository, descriptor: Descriptor, maxBytes?: number): Promise<Uint8Array>;
  /**
   * Makes the blob present: HEAD (unless `fresh`), then mount from `mountFrom` or another repository of the host that
   * this client knows to have it, then a streamed upload in constant memory.
   */
  pushBlob(
    repository: ImageRepository,
    source: BlobSource,
    options?: PushOptions,
  ): Promise<'present' | 'mounted' | 'uploaded'>;
  /** All referrers of a manifest, by the referrers API or the fallback index `sha256-<hex>`; empty if there are none. */
  getReferrers(repository: ImageRepository, subject: Digest): Promise<readonly Descriptor[]>;
  /**
   * PUTs the referrers by digest and makes sure that all of them are listed: if the registry does not answer
   * `OCI-Subject`, merges them into the fallback index, reads back, and merges again when another writer won.
   */
  attach(repository: ImageRepository, subject: Digest, referrers: readonly Referrer[]): Promise<void>;
  /** Proves the right to push without leaving anything behind but an expiring upload; throws as above if it is missing. */
  checkPush(repository: ImageRepository): Promise<void>;
}
