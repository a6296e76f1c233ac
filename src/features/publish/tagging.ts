import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import type { ImageRepository, Manifest } from '../../oci/types.ts';
import { inspectSeal } from '../../seal/inspect.ts';
import { decide, imageThere, yieldsTo } from './decide.ts';
import type { SealedImage } from './document.ts';
import {
  buildsAny,
  type Execution,
  eachTask,
  type FailedTask,
  failedTask,
  type SealedTask,
  type Tagged,
  type Task,
  type TaskResult,
} from './execution.ts';
import { readTag } from './sealed-image.ts';

/** Components whose tags are read, then written, at a time. */
const TAGGED_AT_A_TIME = 64;

/** How often a tag is read again after another publisher wrote it. */
const ATTEMPTS = 4;

/** A tag, the image that it shall name, and what the plan lets it replace. */
interface TagTarget {
  readonly task: Task;
  readonly tag: string;
  readonly image: SealedImage;
  readonly supersedes?: Digest;
}

/** A tag as it was read before it is written. */
interface TagPreparation extends TagTarget {
  readonly current: Digest | undefined;
  /** The image that stays: the target's own, or an equal one that another publisher put there. */
  readonly kept?: SealedImage;
}

/** A sealed component with its tags, the commit first, none of them written yet. */
interface PreparedTask extends SealedTask {
  readonly prepared: {
    readonly tags: readonly TagPreparation[];
    /** Absent if nothing has to be put. */
    readonly manifest?: Manifest;
  };
}

/**
 * Tags what is sealed. All tags are read before the first is written: a conflict in one component leaves all of
 * them as they are, unless the plan says to keep going.
 */
export async function tagAll(outcomes: readonly TaskResult[], execution: Execution): Promise<TaskResult[]> {
  const phase = {
    most: TAGGED_AT_A_TIME,
    digestOf: (outcome: TaskResult) => (outcome.ok ? outcome.image.digest : outcome.digest),
  };
  const prepared = await eachTask(outcomes, phase, execution, async (outcome) =>
    outcome.ok ? prepareTags(outcome, execution) : outcome,
  );
  const conflicts = prepared.some(({ ok }, position) => !ok && outcomes[position]?.ok);
  if (conflicts && !execution.plan.keepGoing) return prepared;
  return eachTask<PreparedTask | FailedTask, TaskResult>(prepared, phase, execution, async (result) =>
    result.ok ? writeTags(result, execution) : result,
  );
}

/**
 * Checks whether the tags of a component may be written, and gets the bytes that they will name.
 *
 * Throws `tag-conflict` (exit 1) for a tag that must not be replaced, and `baseline-gone` (exit 1, retryable) if the
 * image to reuse was deleted since the plan was made.
 */
async function prepareTags(sealed: SealedTask, execution: Execution): Promise<PreparedTask> {
  execution.signal.throwIfAborted();
  const tags = await Promise.all(targetsOf(sealed, execution).map((target) => prepareTag(target, execution)));
  if (tags.every(({ kept }) => kept)) return { ...sealed, prepared: { tags } };
  return { ...sealed, prepared: { tags, manifest: await presentManifest(sealed, execution) } };
}

function targetsOf({ task, image }: SealedTask, { plan }: Execution): TagTarget[] {
  const { planned } = task;
  const supersedes = planned.action === 'keep' ? planned.sealed.digest : planned.supersedes;
  return plan.tags.map((tag) => ({
    task,
    tag,
    image,
    ...(tag === plan.commit && supersedes !== undefined ? { supersedes } : {}),
  }));
}

async function prepareTag(target: TagTarget, execution: Execution): Promise<TagPreparation> {
  const current = isFresh(target, execution) ? target.supersedes : await read(target, execution);
  const kept = await keptImage(target, current, execution);
  return { ...target, current, ...optional('kept', kept) };
}

/**
 * Whether the facts have the target of the tag: they read the tag of the commit, and nothing was built since. An accepted
 * run reads it again before it writes, so that it takes no tag from a trusted one.
 */
function isFresh({ task: { planned }, tag }: TagTarget, { plan }: Execution): boolean {
  if (tag !== plan.commit || buildsAny(plan)) return false;
  return plan.run.tier === 'trusted' || planned.action === 'keep';
}

async function read({ task, tag }: TagTarget, { seal }: Execution): Promise<Digest | undefined> {
  return (await seal.registry.headManifest(task.inputs.component.repository, tag))?.digest;
}

/** The manifest of an image; of one to reuse, only if it is still there after something else was built. */
async function presentManifest(
  { task, image, manifest }: SealedTask,
  execution: Execution,
): Promise<Manifest> {
  const { plan, seal } = execution;
  const { repository } = task.inputs.component;
  if (manifest && (task.planned.action === 'build' || !buildsAny(plan))) return manifest;
  const present = manifest
    ? (await seal.registry.headManifest(repository, image.digest)) && manifest
    : await seal.registry.getManifest(repository, image.digest);
  if (present) return present;
  throw baselineGone(task, image.digest);
}

/** Writes the tags of a component, the commit first. If that names another publisher's image, the others follow it. */
async function writeTags(
  { prepared: { tags, manifest }, ...sealed }: PreparedTask,
  execution: Execution,
): Promise<TaskResult> {
  const { task } = sealed;
  const written: string[] = [];
  let tagged: Tagged = { image: sealed.image, tags: written };
  try {
    const [commit, ...others] = tags;
    if (!commit) throw new Error('a plan has at least the tag of its commit');
    tagged = { ...(await writeTag(commit, manifest, execution)), tags: written };
    written.push(commit.tag);
    for (const other of others) {
      const isOwn = tagged.image.digest === sealed.image.digest;
      const named = isOwn ? (await writeTag(other, manifest, execution)).image : undefined;
      if (named?.digest !== tagged.image.digest)
        await restoreTags(task, { ...tagged, tags: [other.tag] }, tagged.image.digest, execution);
      written.push(other.tag);
    }
  } catch (error) {
    return { ...failedTask(task, error, execution), digest: tagged.image.digest, tags: written };
  }
  const { id } = task.inputs.component;
  const { digest } = tagged.image;
  execution.emit({ type: 'item', item: id, status: 'done', state: 'tagged', digest });
  return { ...sealed, tagged };
}

/**
 * Writes a tag once. Registries ignore conditional PUTs, so another publisher can come between looking and writing: what
 * was built, and all that an accepted run tags, is read back, and what is there instead is kept if it may be.
 *
 * A tag that a trusted run reuses is not read back: publishers of one commit find the same image by the same record or input
 * tag, and if they do not, the release record decides (see `finalizeRelease`).
 */
async function writeTag(
  preparation: TagPreparation,
  manifest: Manifest | undefined,
  execution: Execution,
): Promise<Pick<Tagged, 'image' | 'replaced'>> {
  const { task, tag, image, kept } = preparation;
  if (kept) return { image: kept };
  if (!manifest) throw new Error(`${tag} is to be written without its manifest`);
  const { repository } = task.inputs.component;
  // All tags were read first; an accepted run reads each again, as a trusted one may have written it since.
  const accepted = execution.plan.run.tier !== 'trusted';
  const readsBack = accepted || task.planned.action === 'build';
  let { current } = preparation;
  let replaced: Digest | undefined;
  const result = (there: SealedImage) =>
    replaced && there.digest === image.digest ? { image: there, replaced } : { image: there };
  for (let puts = 0; puts === 0 || readsBack; puts++) {
    if (accepted || puts > 0) {
      current = await read(preparation, execution);
      const there = await keptImage(preparation, current, execution);
      if (there) return result(there);
      if (puts === ATTEMPTS) throw conflict(preparation, current, 'other publishers keep writing it');
    }
    replaced ??= current;
    await execution.seal.registry.putManifest(repository, tag, manifest);
  }
  return result(image);
}

/**
 * Writes the image that the release record lists under tags that name another, and returns that image. `tagged` is what
 * this run put under them.
 *
 * Throws `release-incomplete` (exit 1, retryable) if the image is gone or, being another publisher's, not sealed, and
 * `tag-conflict` (exit 1) if an accepted run would take a tag from a trusted one.
 */
export async function restoreTags(
  task: Task,
  tagged: Tagged,
  listed: Digest,
  execution: Execution,
): Promise<SealedImage> {
  const { plan, seal } = execution;
  const { component } = task.inputs;
  const { repository } = component;
  const image =
    tagged.image.digest === listed ? tagged.image : await listedImage(task.inputs, listed, execution);
  let manifest: Manifest | undefined;
  for (const tag of tagged.tags) {
    const current = (await seal.registry.headManifest(repository, tag))?.digest;
    if (current === listed) continue;
    if (current !== undefined && plan.run.tier !== 'trusted') {
      const there = await readTag(seal, component, current);
      if (there.sealed && yieldsTo(plan.run.tier, there.image.tier))
        throw conflict({ task, tag }, current, 'a trusted run published it in the meantime');
    }
    manifest ??= await seal.registry.getManifest(repository, listed);
    if (!manifest) throw incomplete(repository, listed, 'it was deleted after the record was written');
    await seal.registry.putManifest(repository, tag, manifest);
  }
  return image;
}

/** The image that the record of another publisher lists, sealed by whom this run may follow. */
async function listedImage(
  { component: { kind, name, repository }, inputDigest }: Task['inputs'],
  listed: Digest,
  { plan, seal }: Execution,
): Promise<SealedImage> {
  const state = await inspectSeal(seal, repository, listed, { component: { kind, name }, inputDigest });
  if (!state.sealed) throw incomplete(repository, listed, state.detail);
  if (plan.run.tier === 'trusted' && state.image.tier !== 'trusted')
    throw incomplete(repository, listed, 'no trusted signer has sealed it');
  return state.image;
}

/**
 * The image that stays under a tag: the target's own or an equal one; undefined if the tag is to be written. Throws
 * `tag-conflict` if neither may be.
 */
async function keptImage(
  target: TagTarget,
  current: Digest | undefined,
  { plan, seal }: Execution,
): Promise<SealedImage | undefined> {
  const { image, supersedes, task } = target;
  if (current === image.digest) return image;
  if (current === undefined || current === supersedes) return undefined;
  const { component, inputDigest } = task.inputs;
  const there = await readTag(seal, component, current);
  const decision = decide(plan.run.tier, imageThere(there, inputDigest));
  if (decision.action === 'conflict') throw conflict(target, current, decision.why);
  return decision.action === 'keep' && there.sealed ? there.image : undefined;
}

function baselineGone({ inputs }: Task, digest: Digest): PrimitiveError {
  const { repository } = inputs.component;
  return new PrimitiveError('baseline-gone', `Image ${repository}@${digest} not found.`, {
    why: 'It was deleted after the plan was made, by a person or a retention policy.',
    suggestions: [
      'Run the command again: it builds the image.',
      'Keep `in-*`, `sha256-*` and untagged manifests in the retention policy.',
    ],
    exit: 1,
    retryable: true,
  });
}

function conflict(
  { task, tag }: Pick<TagTarget, 'task' | 'tag'>,
  current: Digest | undefined,
  why: string,
): PrimitiveError {
  const { repository } = task.inputs.component;
  return new PrimitiveError('tag-conflict', `Cannot write the tag ${repository}:${tag}.`, {
    why: current === undefined ? why : `It names ${current}: ${why}.`,
    suggestions: [
      'Run the command again: it adopts an equal image when its publisher is done.',
      'Publish from the default branch: a trusted run replaces an image that no trusted signer sealed.',
    ],
    exit: 1,
    retryable: true,
  });
}

function incomplete(repository: ImageRepository, digest: Digest, why: string): PrimitiveError {
  return new PrimitiveError(
    'release-incomplete',
    `Cannot tag ${repository}@${digest}, which the release record lists.`,
    {
      why,
      suggestions: ['Keep the images of release records in the retention policy, then publish again.'],
      exit: 1,
      retryable: true,
    },
  );
}
