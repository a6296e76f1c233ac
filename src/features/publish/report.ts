import type { Digest } from '../../core/digest.ts';
import { toPrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import type {
  PlannedComponent,
  PublishedComponent,
  PublishPlan,
  PublishReport,
  SealedImage,
} from './document.ts';
import type { TaskResult } from './execution.ts';

/** A report without the facts of the host; the caller adds those. */
export type ExecutedPublish = Omit<PublishReport, 'run'>;

export function reportPublish(
  plan: PublishPlan,
  outcomes: readonly TaskResult[],
  release: PublishReport['release'] | undefined,
  channel: PublishReport['channel'],
): ExecutedPublish {
  return {
    schema: 'primitive.publish/v1',
    verdict: verdictOf(plan, outcomes, release),
    commit: plan.commit,
    ...optional('source', plan.source),
    tier: plan.run.tier,
    signer: plan.run.signer,
    components: outcomes.map((outcome) => published(outcome, plan)),
    ...optional('release', release),
    channel,
  };
}

function verdictOf(
  { sealOnly }: PublishPlan,
  outcomes: readonly TaskResult[],
  release: PublishReport['release'] | undefined,
): PublishReport['verdict'] {
  if (outcomes.some(({ ok }) => !ok)) return 'failed';
  if (release) return 'published';
  return sealOnly ? 'sealed' : 'tagged';
}

function published(outcome: TaskResult, plan: PublishPlan): PublishedComponent {
  const { planned } = outcome.task;
  const { kind, name, path, image, inputDigest, platforms, reason } = planned;
  const base = { kind, name, path, image, inputDigest, platforms };
  if (!outcome.ok) {
    const { digest, error, tags = [] } = outcome;
    const failure = failureOf(error);
    return {
      ...base,
      action: 'failed',
      reason: failure.message,
      ...optional('digest', digest),
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
    ...optional('superseded', superseded),
    signature: sealed.bundles.signature,
    sbom: sealed.bundles.sbom,
    provenance: sealed.bundles.provenance,
  };
}

function actionOf(
  planned: PlannedComponent,
  mine: SealedImage,
  current: SealedImage,
  superseded: Digest | undefined,
): PublishedComponent['action'] {
  if (planned.action === 'keep' || mine.digest !== current.digest) return 'already-published';
  if (superseded) return 'superseded';
  return planned.action === 'build' ? 'built' : 'reused';
}

function failureOf(thrown: unknown): NonNullable<PublishedComponent['error']> {
  const { code, message, why, log, suggestions, retryable } = toPrimitiveError(thrown);
  return { code, message, ...optional('why', why), ...optional('log', log), suggestions, retryable };
}
