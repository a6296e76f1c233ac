import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { ImageRepository, Manifest } from '../../oci/types.ts';
import {
  type RecordState,
  readRecord,
  type SealedRecord,
  underCommit,
  writeRecord,
} from '../../seal/record.ts';
import type { ReleaseRecord } from '../../seal/types.ts';
import { decide } from './decide.ts';
import type { PlannedChannel, PublishPlan } from './document.ts';
import type { Execution } from './execution.ts';

/** How often a record or channel is read again after another publisher wrote it. */
const ATTEMPTS = 4;

type FoundRecord = Extract<RecordState, { state: 'found' }>;

/** The record that the tag of the commit names after the run. */
export interface CommittedRecord {
  readonly record: ReleaseRecord;
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** False if an equal or acceptable one was there. */
  readonly written: boolean;
}

/** Stores a record by its digest, signed, read back and verified. No tag names it, so that it commits to nothing yet. */
export function storeRecord(
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
export async function commitRecord(
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

/**
 * Moves the channel to the record of this commit, if the plan says so and it still would be a move forward.
 *
 * The channel is read again right before and after: a newer commit that got there first is left alone. Throws an abort
 * before it begins, and `release-gone` (exit 1, retryable) if the record was deleted.
 */
export async function moveChannel(
  committed: { readonly digest: Digest; readonly manifest?: Manifest },
  execution: Execution,
): Promise<PlannedChannel & { readonly moved: boolean }> {
  const { plan, seal, tree, signal, emit } = execution;
  const { channel, record, commit } = plan;
  signal.throwIfAborted();
  const intent = channel.action === 'move' ? 'Moving the channel' : 'Leaving the channel';
  emit({ type: 'step', step: 'channel', message: `${intent} ${channel.tag}: ${channel.reason}` });
  if (channel.action !== 'move') return { ...channel, moved: false };
  const { registry } = seal;
  let moved = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = (await registry.headManifest(record.repository, channel.tag))?.digest;
    if (current === committed.digest) return { ...channel, moved };
    // Only the record that the plan found may be replaced; any other is newer and must be of an earlier commit.
    const other =
      current === channel.existing ? undefined : await commitAt(record.repository, current, execution);
    if (other !== undefined && (await tree.isAncestor(other, commit)) !== 'yes') {
      return {
        ...channel,
        moved: false,
        from: other,
        reason: `another run moved it to ${other.slice(0, 12)} meanwhile`,
      };
    }
    await registry.putManifest(
      record.repository,
      channel.tag,
      await recordManifest(record.repository, committed, execution),
    );
    moved = true;
  }
  return { ...channel, moved: false, reason: 'other runs keep moving it' };
}

async function recordManifest(
  repository: ImageRepository,
  { digest, manifest }: { readonly digest: Digest; readonly manifest?: Manifest },
  { seal }: Execution,
): Promise<Manifest> {
  const found = manifest ?? (await seal.registry.getManifest(repository, digest));
  if (found) return found;
  throw new PrimitiveError('release-gone', `Release record ${repository}@${digest} not found.`, {
    why: 'It was deleted after the plan was made.',
    suggestions: ['Run the command again: it writes the record again.'],
    exit: 1,
    retryable: true,
  });
}

/** The commit of the trusted record under a digest; undefined for anything that does not count. */
async function commitAt(
  repository: ImageRepository,
  digest: Digest | undefined,
  { seal, registryPrefix }: Execution,
): Promise<string | undefined> {
  if (digest === undefined) return undefined;
  const other = await readRecord(seal, repository, digest, { registry: registryPrefix });
  return other.state === 'found' && other.tier === 'trusted' ? other.record.commit : undefined;
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
