import type { Digest } from '../oci/types.ts';
import type { SealBundles, TrustTier } from '../seal/types.ts';
import type { Baseline, PlannedChannel, Run } from './plan.ts';

/** What became of one component. */
export interface PublishedComponent {
  readonly kind: string;
  readonly name: string;
  /** Folder, relative to the repository root. */
  readonly path: string;
  /** `<registry>/<image>`. */
  readonly image: string;
  /** 64 hex digits. */
  readonly inputDigest: string;
  readonly platforms: readonly string[];
  readonly action: 'built' | 'reused' | 'already-published' | 'superseded' | 'failed';
  /** Why it was built, reused or kept; for a failure, what went wrong. */
  readonly reason: string;
  /** Absent only where the component failed before it had an image. */
  readonly digest?: Digest;
  /** `repo:<sha>@sha256:…`, what a deployment names; absent as long as the tag is not written. */
  readonly ref?: string;
  /** The tags that name the digest now, the commit first. */
  readonly tags: readonly string[];
  readonly baseline?: Baseline;
  /** What `:<sha>` named before a trusted run replaced it. */
  readonly superseded?: Digest;
  readonly signature?: Digest;
  readonly sbom?: SealBundles['sbom'];
  readonly provenance?: Digest;
  /** For a failure: the stable code, what to do, and whether running again may help. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly why?: string;
    readonly suggestions: readonly string[];
    readonly retryable: boolean;
  };
}

/** Facts about this run on this host; all that differs between two equal publishes. */
export interface PublishRun {
  readonly builder?: string;
  /** Milliseconds. */
  readonly duration: number;
  /** Requests that the registry was asked, token requests included. */
  readonly requests: number;
}

/** `primitive.publish/v1`: the report of one publish. */
export interface PublishReport {
  readonly schema: 'primitive.publish/v1';
  readonly commit: string;
  readonly source?: string;
  readonly tier: TrustTier;
  readonly signer: Run['signer'];
  /** Sorted by kind, then name. */
  readonly components: readonly PublishedComponent[];
  /** The commit point; absent where none stands: a component failed, `--seal-only`, a partial selection. */
  readonly release?: { readonly ref: string; readonly digest: Digest; readonly written: boolean };
  readonly channel: PlannedChannel & { readonly moved: boolean };
  readonly run: PublishRun;
}
