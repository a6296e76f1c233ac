import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { attachSeal } from '../../seal/attach.ts';
import { inspectSeal } from '../../seal/inspect.ts';
import { signatureStatement } from '../../seal/statement.ts';
import { type BuiltImage, buildLocally, describeAndPush, readAttestations } from './build.ts';
import { yieldsTo } from './decide.ts';
import type { PlannedComponent } from './document.ts';
import { type Execution, eachTask, type Task, type TaskResult } from './execution.ts';
import { expectedImage } from './sealed-image.ts';

/** A component whose image is pushed by digest and not sealed yet. */
interface BuiltTask {
  readonly task: Task;
  readonly built: BuiltImage;
}

/** SBOMs that are made at a time: each takes a processor and memory of this machine, wherever builds run. */
const SBOMS_AT_A_TIME = 4;

/** Seals that are written and read back at a time: bounds how many bundles are in memory. */
const SEALS_AT_A_TIME = 8;

/**
 * Brings every component to a sealed image: builds and pushes those that have none, signs all of them with one
 * statement, attaches, reads back and verifies, and lets the input tag name each.
 *
 * One component's failure is returned in its place and stops no other; an abort throws.
 */
export async function sealAll(tasks: readonly Task[], execution: Execution): Promise<TaskResult[]> {
  const builds = startBuilds(tasks, execution);
  const early = signEarly(
    [...builds.values()].map(({ digest }) => digest),
    execution,
  );
  // Thrown where the signature is needed.
  early.catch(() => undefined);
  const results = await eachTask(
    tasks.map((task) => ({ task, build: builds.get(task) })),
    { most: Number.POSITIVE_INFINITY, digestOf: () => undefined },
    execution,
    async ({ task, build }): Promise<TaskResult | BuiltTask> =>
      build ? { task, built: await build.image } : unbuilt(task),
  ).finally(() => Promise.allSettled([early]));
  const signing = signAll(results.filter(isBuilt), early, execution);
  // Each component that awaits it reports its failure.
  signing.catch(() => undefined);
  return eachTask<TaskResult | BuiltTask, TaskResult>(
    results,
    {
      most: SEALS_AT_A_TIME,
      digestOf: (result) => (isBuilt(result) ? result.built.index.digest : undefined),
    },
    execution,
    async (result) => (isBuilt(result) ? sealBuilt(result, signing, execution) : result),
  );
}

function isBuilt(result: TaskResult | BuiltTask): result is BuiltTask {
  return 'built' in result;
}

interface Building {
  /** As soon as it is known; undefined if the build failed before. */
  readonly digest: Promise<Digest | undefined>;
  /** Described and pushed. */
  readonly image: Promise<BuiltImage>;
}

/** Starts the builds of a plan. The caller awaits each image. */
function startBuilds(tasks: readonly Task[], execution: Execution): ReadonlyMap<Task, Building> {
  const { emit, settings } = execution;
  const due = tasks.filter(({ planned }) => planned.action === 'build');
  if (due.length > 0)
    emit({
      type: 'step',
      step: 'build',
      message: `Building and describing ${due.length} of ${tasks.length} components`,
      total: due.length,
    });
  for (const { inputs, planned } of due) {
    const item = inputs.component.id;
    emit({ type: 'item', item, status: 'waiting', state: 'planned', detail: planned.reason });
  }
  const limits = { build: pLimit(settings.parallel), describe: pLimit(SBOMS_AT_A_TIME) };
  // The next ones are built while those before are described and pushed; this bounds the layouts on disk.
  const started = pLimit(2 * settings.parallel);
  return new Map(
    due.map((task) => {
      const digest = Promise.withResolvers<Digest | undefined>();
      const { kind, name } = task.planned;
      const place = { folder: join(settings.folder, `${kind}-${name}`), limits };
      const image = started(async () => {
        try {
          execution.signal.throwIfAborted();
          const local = await buildLocally(task, execution, place);
          digest.resolve(local.layout.index.digest);
          return await describeAndPush(local, task, execution, place);
        } finally {
          digest.resolve(undefined);
        }
      });
      return [task, { digest: digest.promise, image }];
    }),
  );
}

/** The outcome of a component that the plan does not build. */
function unbuilt(task: Task): TaskResult {
  const { planned, manifest } = task;
  if (planned.action === 'build') throw new Error(`${planned.name} was not built`);
  if (planned.action === 'conflict') return { task, ok: false, error: tagConflict(planned) };
  return { task, ok: true, image: planned.sealed, ...optional('manifest', manifest) };
}

interface Signature {
  readonly digests: ReadonlySet<Digest>;
  readonly bundle: Uint8Array;
}

/** Signs what was built as soon as the last of it is, while it is still described; undefined if nothing was. */
async function signEarly(
  building: readonly Promise<Digest | undefined>[],
  { signer }: Execution,
): Promise<Signature | undefined> {
  const digests = (await Promise.all(building)).flatMap((digest) => digest ?? []);
  if (digests.length === 0) return undefined;
  return { digests: new Set(digests), bundle: await signer.sign(signatureStatement(digests)) };
}

/**
 * Signs all built digests at once: one certificate, one timestamp, one log entry. The early signature is used unless one of
 * them failed since: what is not described is in no signature that is attached.
 */
async function signAll(
  images: readonly BuiltTask[],
  early: Promise<Signature | undefined>,
  { signer, emit }: Execution,
): Promise<Uint8Array> {
  if (images.length === 0) throw new Error('nothing was built, so there is nothing to sign');
  emit({
    type: 'step',
    step: 'sign',
    message: `Signing and sealing ${images.length} ${images.length === 1 ? 'image' : 'images'} with one statement`,
    total: images.length,
  });
  for (const { task, built } of images) {
    const { id } = task.inputs.component;
    emit({ type: 'item', item: id, status: 'active', state: 'signing', digest: built.index.digest });
  }
  const digests = images.map(({ built }) => built.index.digest);
  const signed = await early;
  if (signed?.digests.size === new Set(digests).size) return signed.bundle;
  return signer.sign(signatureStatement(digests));
}

async function sealBuilt(
  { task, built }: BuiltTask,
  signing: Promise<Uint8Array>,
  execution: Execution,
): Promise<TaskResult> {
  const { index, platforms } = built;
  const { component, inputDigest } = task.inputs;
  const { id, kind, name, repository } = component;
  const bundles = [...(await readAttestations(built)), await signing];
  const expected = { component: { kind, name }, inputDigest, platforms };
  const { image } = await attachSeal(execution.seal, repository, index, bundles, expected);
  await writeInputTag(task, built, execution);
  execution.emit({ type: 'item', item: id, status: 'done', state: 'sealed', digest: index.digest });
  return { task, ok: true, image, manifest: index };
}

/** Lets the input tag name the image, unless it names one that a trusted run has sealed meanwhile: that serves everybody. */
async function writeInputTag(
  { inputs }: Task,
  { index }: BuiltImage,
  { plan, seal }: Execution,
): Promise<void> {
  const { repository } = inputs.component;
  const tag = `in-${inputs.inputDigest}`;
  if (plan.run.tier !== 'trusted') {
    const current = await seal.registry.getManifest(repository, tag);
    const state = current && (await inspectSeal(seal, repository, current, expectedImage(inputs)));
    if (state?.sealed && yieldsTo(plan.run.tier, state.image.tier)) return;
  }
  await seal.registry.putManifest(repository, tag, index);
}

/** `tag-conflict` (exit 1): the tag of the commit names another image of a component. */
export function tagConflict({
  image,
  reason,
  existing,
}: Extract<PlannedComponent, { action: 'conflict' }>): PrimitiveError {
  return new PrimitiveError('tag-conflict', `Cannot publish: ${reason}.`, {
    why: `The tag of this commit in ${image} is ${existing}, and a published tag is not overwritten.`,
    suggestions: [
      'Publish from the default branch: a trusted run replaces an image that no trusted signer sealed.',
      'Or publish a new commit.',
    ],
    exit: 1,
  });
}
