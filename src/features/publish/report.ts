import { toPrimitiveError } from '../../core/errors.ts';
import type { Digest } from '../../oci/types.ts';
import type { SealBundles, TrustTier } from '../../seal/types.ts';
import type {
  Baseline,
  ComponentInput,
  PlannedChannel,
  PlannedComponent,
  PublishPlan,
  Run,
  SealedImage,
} from './plan.ts';
import type { SealOutcome } from './seal-all.ts';

/** What became of one component. */
export interface PublishedComponent extends Omit<ComponentInput, 'image'> {
  /** `<registry>/<image>`. */
  readonly image: string;
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

/** A report without the facts of the host; the caller adds those. */
export type ExecutedPublish = Omit<PublishReport, 'run'>;

/** What the tags of a component name after the run. */
export interface Tagged {
  readonly image: SealedImage;
  readonly tags: readonly string[];
  readonly replaced?: Digest;
}

/** How a component came out of sealing and tagging. */
export type ComponentOutcome = SealOutcome & { readonly tagged?: Tagged };

/** The report of an executed plan. */
export function reportPublish(
  plan: PublishPlan,
  outcomes: readonly ComponentOutcome[],
  release: PublishReport['release'] | undefined,
  channel: PublishReport['channel'],
): ExecutedPublish {
  return {
    schema: 'primitive.publish/v1',
    commit: plan.commit,
    ...(plan.source === undefined ? {} : { source: plan.source }),
    tier: plan.run.tier,
    signer: plan.run.signer,
    components: outcomes.map((outcome) => published(outcome, plan)),
    ...(release ? { release } : {}),
    channel,
  };
}

function published(outcome: ComponentOutcome, plan: PublishPlan): PublishedComponent {
  const { planned } = outcome;
  const { kind, name, path, image, inputDigest, platforms, reason } = planned;
  const base = { kind, name, path, image, inputDigest, platforms };
  if (!outcome.ok) {
    const { digest, error, tags = [] } = outcome;
    const failure = failureOf(error);
    return {
      ...base,
      action: 'failed',
      reason: failure.message,
      ...(digest ? { digest } : {}),
      tags,
      error: failure,
    };
  }
  const { tagged } = outcome;
  const sealed = tagged?.image ?? outcome.image;
  const superseded = tagged?.replaced ?? (tagged ? planned.supersedes : undefined);
  return {
    ...base,
    action: actionOf(planned, outcome.image, sealed, superseded),
    reason: outcome.image.digest === sealed.digest ? reason : 'another run published an equal image first',
    digest: sealed.digest,
    ...(tagged ? { ref: `${image}:${plan.commit}@${sealed.digest}` } : {}),
    tags: tagged?.tags ?? [],
    ...(planned.action === 'reuse' ? { baseline: planned.baseline } : {}),
    ...(superseded ? { superseded } : {}),
    signature: sealed.bundles.signature,
    sbom: sealed.bundles.sbom,
    provenance: sealed.bundles.provenance,
  };
}

function actionOf(
  planned: PlannedComponent,
  mine: SealedImage,
  standing: SealedImage,
  superseded: Digest | undefined,
): PublishedComponent['action'] {
  if (planned.action === 'keep' || mine.digest !== standing.digest) return 'already-published';
  if (superseded) return 'superseded';
  return planned.action === 'build' ? 'built' : 'reused';
}

function failureOf(thrown: unknown): NonNullable<PublishedComponent['error']> {
  const { code, message, why, suggestions, retryable } = toPrimitiveError(thrown);
  return { code, message, ...(why === undefined ? {} : { why }), suggestions, retryable };
}
