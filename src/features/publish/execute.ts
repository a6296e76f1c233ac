import pLimit from 'p-limit';
import type { Emit } from '../../core/events.ts';
import type { Digest, Manifest } from '../../oci/types.ts';
import type { SealedRecord } from '../../seal/record.ts';
import type { ReleaseComponent, ReleaseRecord } from '../../seal/types.ts';
import type { History } from '../../workspace/history.ts';
import { idOf, type PlannedComponent, type PublishPlan, type SealedImage } from './plan.ts';
import {
  type CommittedRecord,
  commitRecord,
  moveChannel,
  type ReleasePorts,
  releaseConflict,
  storeRecord,
} from './release.ts';
import { type ComponentOutcome, type ExecutedPublish, reportPublish, type Tagged } from './report.ts';
import {
  inputsOf,
  type SealedComponent,
  type SealOutcome,
  type SealPorts,
  sealAll,
  type Work,
} from './seal-all.ts';
import { settleAll } from './settle.ts';
import { type Claim, type PreparedTag, prepareTag, restoreTags, type TagPorts, writeTag } from './tagging.ts';

/** How often tags follow a record that another publisher replaces. */
const ATTEMPTS = 4;

/** Components that are tagged at a time: the record, which is stored meanwhile, must not wait for all of them. */
const TAGGED_AT_A_TIME = 24;

/** What executing a plan needs. */
export interface ExecutePorts extends SealPorts {
  readonly history: History;
  readonly signer: ReleasePorts['signer'];
  readonly registryPrefix: string;
}

/**
 * Executes a plan: seals everything, then tags everything, then writes the release record, then moves the channel.
 *
 * The order is the guarantee: no tag before all images are sealed (with `keepGoing`: before its own is), no record
 * before all tags stand, no channel before the record. A component's failure is part of the result; an abort and a
 * failure of the record throw.
 */
export async function executePublish(
  plan: PublishPlan,
  work: Work,
  ports: ExecutePorts,
  emit: Emit,
): Promise<ExecutedPublish> {
  if (plan.record.action === 'conflict') throw releaseConflict(plan, plan.record.reason);
  const sealed = await sealAll(plan, work, ports, emit);
  const failed = sealed.some((outcome) => !outcome.ok);
  if (plan.sealOnly || (failed && !plan.keepGoing)) {
    const reason = plan.sealOnly ? plan.channel.reason : 'not everything is sealed';
    return reportPublish(plan, sealed, undefined, { ...plan.channel, action: 'skip', moved: false, reason });
  }
  emit({ type: 'step', step: 'tag', message: `Tagging ${plan.commit.slice(0, 12)}` });
  const ahead = storeAhead(plan, sealed, ports);
  try {
    const tagged = await tagAll(plan, sealed, work, ports, emit);
    if (plan.record.action === 'skip' || tagged.some((outcome) => !outcome.tagged)) {
      return reportPublish(plan, tagged, undefined, {
        ...plan.channel,
        action: 'skip',
        moved: false,
        reason: 'no release record is written',
      });
    }
    return await commit(plan, tagged, ahead, work, ports, emit);
  } finally {
    await Promise.allSettled([ahead?.stored]);
  }
}

/** A record that is being stored while the tags that it speaks of are still being written. */
interface StoredAhead {
  readonly images: ReadonlyMap<PlannedComponent, SealedImage>;
  readonly stored: Promise<SealedRecord>;
}

/**
 * Begins to store the record, unnamed as it is without its tag, where all that it can say is known before the tags are
 * written: signing and reading back take about as long as they do. Should the tags come out otherwise, another record is
 * stored, and nothing ever names this one.
 */
function storeAhead(
  plan: PublishPlan,
  sealed: readonly SealOutcome[],
  ports: ExecutePorts,
): StoredAhead | undefined {
  const writes = plan.record.action === 'write' || plan.record.action === 'supersede';
  const images = new Map(sealed.flatMap((outcome) => (outcome.ok ? [[outcome.planned, outcome.image]] : [])));
  if (!writes || buildsAny(plan) || images.size < sealed.length) return undefined;
  const stored = storeRecord(recordOf(plan, images), plan, ports);
  // Told when the tags stand; before that it must not end the process.
  stored.catch(() => undefined);
  return { images, stored };
}

function buildsAny({ components }: PublishPlan): boolean {
  return components.some(({ action }) => action === 'build');
}

async function tagAll(
  plan: PublishPlan,
  sealed: readonly SealOutcome[],
  work: Work,
  ports: ExecutePorts,
  emit: Emit,
): Promise<ComponentOutcome[]> {
  const manifests = new Map<Digest, Manifest>(work.manifests);
  for (const outcome of sealed) {
    if (outcome.ok && outcome.manifest) manifests.set(outcome.manifest.digest, outcome.manifest);
  }
  const tagPorts: TagPorts = { ...ports, tier: plan.run.tier, manifest: (digest) => manifests.get(digest) };
  const looked = await prepareAll(plan, sealed, work, tagPorts, ports.signal);
  const stop = !plan.keepGoing && looked.some(({ failure }) => failure !== undefined);
  const limit = pLimit(TAGGED_AT_A_TIME);
  return settleAll(
    looked.map(({ outcome, prepared, failure }) =>
      limit(async (): Promise<ComponentOutcome> => {
        if (!outcome.ok) return outcome;
        if (!failure && (stop || !prepared)) return outcome;
        const { planned, image } = outcome;
        const standing = { image, tags: [] as string[] };
        try {
          if (failure) throw failure.error;
          const tagged = await writeAll(prepared ?? [], tagPorts, standing);
          emit({
            type: 'item',
            item: idOf(planned),
            status: 'done',
            state: 'tagged',
            digest: tagged.image.digest,
          });
          return { ...outcome, tagged };
        } catch (error) {
          ports.signal.throwIfAborted();
          const detail = error instanceof Error ? error.message : String(error);
          emit({ type: 'item', item: idOf(planned), status: 'failed', state: 'failed', detail });
          return { planned, ok: false, error, digest: standing.image.digest, tags: standing.tags };
        }
      }),
    ),
  );
}

interface Looked {
  readonly outcome: SealOutcome;
  readonly prepared?: readonly PreparedTag[];
  readonly failure?: { readonly error: unknown };
}

/** Looks at every tag before the first is written: a conflict in one component leaves all of them untagged. */
function prepareAll(
  plan: PublishPlan,
  sealed: readonly SealOutcome[],
  work: Work,
  ports: TagPorts,
  signal: AbortSignal,
): Promise<Looked[]> {
  const built = buildsAny(plan);
  return settleAll(
    sealed.map(async (outcome): Promise<Looked> => {
      if (!outcome.ok) return { outcome };
      signal.throwIfAborted();
      try {
        return {
          outcome,
          prepared: await settleAll(
            claimsOf(outcome, plan, work, built).map((claim) => prepareTag(claim, ports)),
          ),
        };
      } catch (error) {
        signal.throwIfAborted();
        return { outcome, failure: { error } };
      }
    }),
  );
}

/**
 * The tags that a component gets, the commit first. Where nothing was built, that one is not looked at again: its facts
 * are as old as the plan. An accepted run looks all the same before it writes, lest it takes the tag from a trusted one.
 */
function claimsOf(
  { planned, image }: SealedComponent,
  plan: PublishPlan,
  work: Work,
  built: boolean,
): Claim[] {
  const kept = planned.action === 'keep' ? planned.sealed.digest : undefined;
  return plan.tags.map((tag) => {
    const commit = tag === plan.commit;
    const supersedes = commit ? (kept ?? planned.supersedes) : undefined;
    return {
      component: inputsOf(work, idOf(planned)).component,
      inputDigest: planned.inputDigest,
      tag,
      image,
      ...(supersedes === undefined ? {} : { supersedes }),
      recheck: !commit || built || (plan.run.tier !== 'trusted' && kept === undefined),
      reused: planned.action !== 'build',
    };
  });
}

/** Keeps `standing` at what the tags name at any moment, so that a failure can tell how far it came. */
async function writeAll(
  prepared: readonly PreparedTag[],
  ports: TagPorts,
  standing: { image: SealedImage; readonly tags: string[] },
): Promise<Tagged> {
  const [first, ...others] = prepared;
  if (!first) throw new Error('a plan has at least the tag of its commit');
  const { image, replaced } = await writeTag(first, ports);
  // Where another publisher's equal image stands under the commit, the other tags follow it.
  const same = image.digest === standing.image.digest;
  standing.image = image;
  standing.tags.push(first.claim.tag);
  for (const tag of others) {
    const claim = { ...tag.claim, image };
    const { image: there } = await writeTag(same ? tag : await prepareTag(claim, ports), ports);
    if (there.digest !== image.digest)
      await restoreTags({ ...claim, tags: [claim.tag] }, image.digest, ports);
    standing.tags.push(claim.tag);
  }
  return { ...standing, ...(replaced ? { replaced } : {}) };
}

async function commit(
  plan: PublishPlan,
  tagged: readonly ComponentOutcome[],
  ahead: StoredAhead | undefined,
  work: Work,
  ports: ExecutePorts,
  emit: Emit,
): Promise<ExecutedPublish> {
  const { repository, tag, action, existing } = plan.record;
  const kept = action === 'keep' && existing ? { digest: existing, written: false } : undefined;
  if (!kept) {
    ports.signal.throwIfAborted();
    emit({ type: 'step', step: 'record', message: `Writing the release record ${repository}:${tag}` });
  }
  const { committed, outcomes } = kept
    ? { committed: kept, outcomes: tagged }
    : await recordAll(plan, tagged, ahead, work, ports);
  ports.signal.throwIfAborted();
  const { channel } = plan;
  const intent = channel.action === 'move' ? 'Moving the channel' : 'Leaving the channel';
  emit({ type: 'step', step: 'channel', message: `${intent} ${channel.tag}: ${channel.reason}` });
  const moved = await moveChannel(plan, committed, ports);
  const { digest, written } = committed;
  return reportPublish(plan, outcomes, { ref: `${repository}:${tag}@${digest}`, digest, written }, moved);
}

/**
 * Writes the record, then lets the tags follow the one that stands, until it still stands after that: another publisher
 * may replace it, having looked before it was there, and put its own tags while this run puts them back.
 */
async function recordAll(
  plan: PublishPlan,
  tagged: readonly ComponentOutcome[],
  ahead: StoredAhead | undefined,
  work: Work,
  ports: ExecutePorts,
): Promise<{ readonly committed: CommittedRecord; readonly outcomes: readonly ComponentOutcome[] }> {
  const { repository, tag } = plan.record;
  const images = new Map(
    tagged.flatMap(({ planned, tagged: result }) => (result ? [[planned, result.image]] : [])),
  );
  const record = recordOf(plan, images);
  const foreseen = [...images].every(([planned, image]) => ahead?.images.get(planned) === image);
  let outcomes = tagged;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = attempt === 0 && foreseen ? ahead?.stored : undefined;
    const mine = await (stored ?? storeRecord(record, plan, ports));
    const committed = await commitRecord(mine, plan, ports);
    // Read back a moment ago; where no tag has to follow it, no time goes by in which it could be replaced unseen.
    if (!buildsAny(plan) && committed.digest === mine.digest && namesAll(outcomes, record))
      return { committed, outcomes };
    outcomes = await followRecord(committed.record, plan, outcomes, work, ports);
    const standing = await ports.registry.headManifest(repository, tag);
    if (standing?.digest === committed.digest) return { committed, outcomes };
  }
  throw releaseConflict(plan, 'other publishers keep writing it');
}

/** Whether the tags name what a record lists. */
function namesAll(outcomes: readonly ComponentOutcome[], record: ReleaseRecord): boolean {
  const listed = new Map<string, Digest>(record.components.map(({ image, digest }) => [image, digest]));
  return outcomes.every(({ planned, tagged }) => tagged?.image.digest === listed.get(planned.image));
}

/** The record is the commit point: where tags and record differ after two publishers met, the tags follow. */
async function followRecord(
  record: ReleaseRecord,
  plan: PublishPlan,
  tagged: readonly ComponentOutcome[],
  work: Work,
  ports: ExecutePorts,
): Promise<ComponentOutcome[]> {
  const built = buildsAny(plan);
  const entries = new Map<string, ReleaseComponent>(record.components.map((entry) => [entry.image, entry]));
  return settleAll(
    tagged.map(async (outcome): Promise<ComponentOutcome> => {
      const entry = entries.get(outcome.planned.image);
      if (!outcome.ok || !outcome.tagged || !entry) return outcome;
      const { planned, tagged: result } = outcome;
      if (entry.digest === result.image.digest && !built) return outcome;
      const standing = {
        component: inputsOf(work, idOf(planned)).component,
        inputDigest: planned.inputDigest,
        tags: result.tags,
        image: result.image,
      };
      const image = await restoreTags(standing, entry.digest, { ...ports, tier: plan.run.tier });
      return { ...outcome, tagged: { ...result, image } };
    }),
  );
}

function recordOf(plan: PublishPlan, images: ReadonlyMap<PlannedComponent, SealedImage>): ReleaseRecord {
  return {
    schema: 'primitive.release/v1',
    commit: plan.commit,
    ...(plan.source === undefined ? {} : { source: plan.source }),
    components: [...images].map(([planned, image]) => ({
      kind: planned.kind,
      name: planned.name,
      image: planned.image,
      digest: image.digest,
      inputDigest: planned.inputDigest,
      platforms: image.platforms,
      bundles: image.bundles,
    })),
  };
}
