import type { Digest } from '../../core/digest.ts';
import { optional } from '../../core/object.ts';
import { settleAll } from '../../core/settle.ts';
import type { ReleaseRecord } from '../../seal/types.ts';
import type { Execution, Task, TaskResult } from './execution.ts';
import { sealedEvent } from './hooks.ts';
import { type CommittedRecord, commitRecord, moveChannel, releaseConflict, storeRecord } from './release.ts';
import { type ExecutedPublish, reportPublish } from './report.ts';
import { sealAll } from './seal-all.ts';
import { restoreTags, tagAll } from './tagging.ts';

/** How often tags follow a record that another publisher replaces. */
const ATTEMPTS = 4;

/**
 * Executes a plan: seals everything, then tags everything, then writes the release record, then moves the channel.
 *
 * The order is the guarantee: no tag before all images are sealed (with `keepGoing`: before its own is), no record
 * before all tags are written, no channel before the record. A component's failure is part of the result; an abort and a
 * failure of the record throw.
 */
export async function executePublish(tasks: readonly Task[], execution: Execution): Promise<ExecutedPublish> {
  const { plan, emit } = execution;
  if (plan.record.action === 'conflict') throw releaseConflict(plan, plan.record.reason);
  const sealed = await sealAll(tasks, execution);
  const failed = sealed.some((outcome) => !outcome.ok);
  if (!failed) await execution.hooks('sealed', sealedEvent(plan, sealed));
  if (plan.sealOnly || (failed && !plan.keepGoing)) {
    const reason = plan.sealOnly ? plan.channel.reason : 'not everything is sealed';
    return reportPublish(plan, sealed, undefined, { ...plan.channel, action: 'skip', moved: false, reason });
  }
  const due = sealed.filter(({ ok }) => ok).length;
  emit({ type: 'step', step: 'tag', message: `Tagging images with ${plan.commit.slice(0, 12)}`, total: due });
  const tagged = await tagAll(sealed, execution);
  if (plan.record.action === 'skip' || tagged.some((outcome) => !outcome.ok || !outcome.tagged)) {
    const reason = 'no release record is written';
    return reportPublish(plan, tagged, undefined, { ...plan.channel, action: 'skip', moved: false, reason });
  }
  return finalizeRelease(tagged, execution);
}

/** Writes the release record, or keeps the one that is there, then moves the channel to it. */
async function finalizeRelease(
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
