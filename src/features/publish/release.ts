import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { settleAll } from '../../core/settle.ts';
import type { Manifest } from '../../oci/types.ts';
import {
  type RecordState,
  readRecord,
  type SealedRecord,
  underCommit,
  writeRecord,
} from '../../seal/record.ts';
import type { ReleaseRecord } from '../../seal/types.ts';
import { moveChannel } from './channel.ts';
import { decide } from './decide.ts';
import type { PublishPlan } from './document.ts';
import type { Execution, Task, TaskResult } from './execution.ts';
import { type ExecutedPublish, reportPublish } from './report.ts';
import { restoreTags } from './tagging.ts';

/** How often a record is read again, and tags follow it, after another publisher wrote it. */
const ATTEMPTS = 4;

type FoundRecord = Extract<RecordState, { state: 'found' }>;

/** The record that the tag of the commit names after the run. */
interface CommittedRecord {
  readonly record: ReleaseRecord;
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** False if an equal or acceptable one was there. */
  readonly written: boolean;
}

/** Writes the release record, or keeps the one that is there, then moves the channel to it. */
export async function finalizeRelease(
  tagged: readonly TaskResult[],
  execution: Execution,
): Promise<ExecutedPublish> {
  const { plan, signal, emit } = execution;
  const { repository, tag, action, existing } = plan.record;
  if (action === 'keep' && existing) {
    const kept = { digest: existing, written: false };
    const moved = await moveChannel(kept, execution);
    return reportRelease(tagged, kept, moved, execution);
  }
  signal.throwIfAborted();
  emit({ type: 'step', step: 'record', message: `Writing the release record ${repository}:${tag}` });
  return writeRelease(tagged, execution);
}

/**
 * Writes the record, lets the tags follow the one that is there, and moves the channel, until the record still is there
 * after that: another publisher may have looked before it was there, and put its own after this run has read it back.
 */
async function writeRelease(tagged: readonly TaskResult[], execution: Execution): Promise<ExecutedPublish> {
  const { plan, seal } = execution;
  const { repository, tag } = plan.record;
  const record = recordOf(tagged, execution);
  let outcomes = tagged;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const committed = await commitRecord(await storeRecord(record, execution), execution);
    const held = await holds(committed.record, outcomes, execution);
    if (!held) outcomes = await followRecord(committed.record, outcomes, execution);
    const moved = await moveChannel(committed, execution);
    const contested = !held || outcomes.some(({ task }) => mayDiffer(task, plan));
    const current = contested ? await seal.registry.headManifest(repository, tag) : committed;
    if (current?.digest === committed.digest) return reportRelease(outcomes, committed, moved, execution);
  }
  throw releaseConflict(plan, 'other publishers keep writing it');
}

function reportRelease(
  outcomes: readonly TaskResult[],
  { digest, written }: Pick<CommittedRecord, 'digest' | 'written'>,
  moved: Awaited<ReturnType<typeof moveChannel>>,
  { plan }: Execution,
): ExecutedPublish {
  const { repository, tag } = plan.record;
  return reportPublish(plan, outcomes, { ref: `${repository}:${tag}@${digest}`, digest, written }, moved);
}

/** Whether two publishers of one commit can have different images of a component: built ones, and all in an accepted run. */
function mayDiffer({ planned }: Task, { run }: Execution['plan']): boolean {
  return planned.action === 'build' || run.tier !== 'trusted';
}

/**
 * Whether all tags still name what the record lists. Only those are read back that {@link mayDiffer}. If one of them
 * differs, another publisher has put back all of its tags, or will find this record and follow it.
 */
async function holds(
  record: ReleaseRecord,
  outcomes: readonly TaskResult[],
  { plan, seal }: Execution,
): Promise<boolean> {
  const listed = digestsOf(record);
  const named = await Promise.all(
    outcomes.map(async ({ task, ...outcome }): Promise<boolean> => {
      const { image } = task.planned;
      const digest = listed.get(image);
      const tagged = 'tagged' in outcome ? outcome.tagged : undefined;
      if (tagged?.image.digest !== digest) return false;
      if (!mayDiffer(task, plan)) return true;
      const heads = await Promise.all(
        (tagged?.tags ?? []).map((name) => seal.registry.headManifest(image, name)),
      );
      return heads.every((head) => head?.digest === digest);
    }),
  );
  return named.every(Boolean);
}

/** The record is the commit point: if tags and record differ after two publishers met, the tags follow. */
async function followRecord(
  record: ReleaseRecord,
  outcomes: readonly TaskResult[],
  execution: Execution,
): Promise<TaskResult[]> {
  const listed = digestsOf(record);
  return settleAll(
    outcomes.map(async (outcome): Promise<TaskResult> => {
      const digest = listed.get(outcome.task.planned.image);
      if (!outcome.ok || !outcome.tagged || !digest) return outcome;
      const image = await restoreTags(outcome.task, outcome.tagged, digest, execution);
      return { ...outcome, tagged: { ...outcome.tagged, image } };
    }),
  );
}

function digestsOf({ components }: ReleaseRecord): ReadonlyMap<string, Digest> {
  return new Map(components.map(({ image, digest }) => [image, digest]));
}

function recordOf(tagged: readonly TaskResult[], { plan }: Execution): ReleaseRecord {
  return {
    schema: 'primitive.release/v1',
    commit: plan.commit,
    ...optional('source', plan.source),
    components: tagged.flatMap((outcome) => {
      if (!outcome.ok || !outcome.tagged) return [];
      const { kind, name, image, inputDigest } = outcome.task.planned;
      const { digest, platforms, bundles } = outcome.tagged.image;
      return [{ kind, name, image, digest, inputDigest, platforms, bundles }];
    }),
  };
}

/** Stores a record by its digest, signed, read back and verified. No tag names it, so that it commits to nothing yet. */
function storeRecord(
  record: ReleaseRecord,
  { plan, seal, signer, registryPrefix }: Execution,
): Promise<SealedRecord> {
  const { tier } = plan.run;
  return writeRecord(seal, plan.record.repository, record, { signer, registry: registryPrefix, tier });
}

/**
 * The commit point: lets the tag of the commit name a record that is stored.
 *
 * If another publisher was first with a record that this run must respect, that record is returned and the caller
 * lets the tags follow it. Throws `release-conflict` (exit 1) if what is there can neither be kept nor replaced.
 */
async function commitRecord(
  mine: SealedRecord,
  { plan, seal, registryPrefix }: Execution,
): Promise<CommittedRecord> {
  const { repository, tag } = plan.record;
  const { registry } = seal;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = await registry.headManifest(repository, tag);
    if (current?.digest === mine.digest)
      return { record: mine.record, digest: mine.digest, manifest: mine.manifest, written: attempt > 0 };
    if (current && current.digest !== plan.record.existing) {
      const other = await readRecord(seal, repository, current.digest, { registry: registryPrefix });
      const kept = respected(underCommit(other, plan.commit), plan);
      if (kept) return { record: kept.record, digest: kept.digest, manifest: kept.manifest, written: false };
    }
    await registry.putManifest(repository, tag, mine.manifest);
  }
  throw releaseConflict(plan, 'other publishers keep writing it');
}

/** The other publisher's record, if this run keeps it; undefined if it replaces it. */
function respected(other: RecordState, plan: PublishPlan): FoundRecord | undefined {
  const decision = decide(plan.run.tier, {
    tier: other.state === 'found' ? other.tier : undefined,
    problem: problemOf(other, plan),
  });
  if (decision.action === 'conflict') throw releaseConflict(plan, decision.why);
  return decision.action === 'keep' && other.state === 'found' ? other : undefined;
}

/** Why another publisher's record cannot stand for that of this run; images may differ, inputs may not. */
function problemOf(other: RecordState, { components }: PublishPlan): string | undefined {
  if (other.state === 'untrusted') return other.detail;
  if (other.state === 'absent') return 'the tag names something else';
  const inputs = new Map(components.map(({ image, inputDigest }) => [image as string, inputDigest]));
  const listed = other.record.components;
  const same =
    listed.length === inputs.size && listed.every((entry) => inputs.get(entry.image) === entry.inputDigest);
  return same ? undefined : 'it lists images of other inputs';
}

/** `release-conflict` (exit 1): the tag of the commit names a record that this run can neither keep nor replace. */
export function releaseConflict({ record }: PublishPlan, why: string): PrimitiveError {
  return new PrimitiveError(
    'release-conflict',
    `Cannot write the release record ${record.repository}:${record.tag}.`,
    {
      why: `A commit is published once: ${why}.`,
      suggestions: [
        'Publish from the default branch: a trusted run replaces a record that no trusted signer wrote.',
        'Or publish a new commit.',
      ],
      exit: 1,
    },
  );
}
