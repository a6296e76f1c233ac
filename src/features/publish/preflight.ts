import { readDockerfile, referencesFor, refuseDockerfiles } from '../../builders/dockerfile/pins.ts';
import { errorLine, PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import type { Registry } from '../../oci/registry.ts';
import type { ImageRepository } from '../../oci/types.ts';
import { checkContexts } from '../../repository/check-contexts.ts';
import { findEntries, pathIn } from '../../repository/folders.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import type { PublishPlan } from './document.ts';
import { type BuildTools, buildsAny, type Task } from './execution.ts';

/** Checks before the first effect; each throws if its tool is missing or unusable. */
export interface PreflightPorts {
  readonly registry: Registry;
  /** Caches that builds export to. */
  readonly cacheTo: readonly string[];
  readonly tools: () => Promise<BuildTools>;
  readonly signer: () => Promise<unknown>;
}

/**
 * Reads and checks contexts and Dockerfiles of what the plan builds; only the commit is needed, so a dry run does it too.
 * Returns the tasks with them.
 *
 * Throws what {@link checkContexts} and {@link refuseDockerfiles} throw, the latter for all files together.
 */
export async function checkBuilds(tasks: readonly Task[], tree: CommitTree): Promise<readonly Task[]> {
  const due = tasks.filter(({ planned }) => planned.action === 'build');
  await checkContexts(
    tree,
    due.map(({ inputs }) => inputs),
  );
  const files = due.map(({ inputs: { component } }) =>
    pathIn(component.build.context, component.build.dockerfile),
  );
  const entries = await findEntries(tree, files);
  const texts = await tree.readWhole(entries.flatMap((entry) => entry?.object ?? []));
  const dockerfiles = new Map(
    due.map((task, position) => {
      const { args, bases, platforms, target } = task.inputs.component.build;
      const text = new TextDecoder().decode(texts[position]);
      const file = files[position] ?? '';
      return [task, { file, text, args, bases, platforms, ...optional('target', target) }];
    }),
  );
  refuseDockerfiles([...dockerfiles.values()].flatMap((dockerfile) => readDockerfile(dockerfile).findings));
  return tasks.map((task) => {
    const dockerfile = dockerfiles.get(task);
    return dockerfile ? { ...task, dockerfile } : task;
  });
}

/** Tasks and tools that are ready to be executed. */
export interface ReadyTasks {
  readonly tasks: readonly Task[];
  /** Absent if nothing is built. */
  readonly tools?: BuildTools;
}

/**
 * Finds what would fail later while nothing has been done: a builder, syft or cosign that cannot be used, platforms that
 * cannot be run, secrets that are not there, repositories that must not be pushed to.
 *
 * Asks at the same time, throws the first problem in that order.
 */
export async function preflight(
  plan: PublishPlan,
  tasks: readonly Task[],
  ports: PreflightPorts,
): Promise<ReadyTasks> {
  const rights = checkPushRights(pushedTo(plan), ports.registry);
  // Thrown below, after what is wrong with the tools.
  rights.catch(() => undefined);
  const builds = buildsAny(plan);
  const [tools] = await Promise.all([
    builds ? ports.tools() : undefined,
    builds || writesRecord(plan) ? ports.signer() : undefined,
  ]);
  const ready = tools ? { tools, tasks: await readImages(tasks, tools, ports.cacheTo) } : { tasks };
  await rights;
  return ready;
}

/**
 * Reads the Dockerfiles as the builder does, and asks it what it would refuse; throws its refusals, together if there
 * are several.
 */
export async function readImages(
  tasks: readonly Task[],
  { builder, builderInfo }: Pick<BuildTools, 'builder' | 'builderInfo'>,
  cacheTo: readonly string[],
): Promise<readonly Task[]> {
  const problems: PrimitiveError[] = [];
  const ready: Task[] = [];
  for (const task of tasks) {
    const { dockerfile, inputs } = task;
    if (!dockerfile) {
      ready.push(task);
      continue;
    }
    try {
      const images = referencesFor(dockerfile, builderInfo);
      await builder.check({ ...inputs.component.build, cacheTo });
      ready.push({ ...task, images });
    } catch (error) {
      if (!(error instanceof PrimitiveError)) throw error;
      problems.push(error);
    }
  }
  throwAll(problems, `Cannot build ${problems.length} Dockerfiles.`);
  return ready;
}

/**
 * The repositories that get blobs: where images are built, and where the record goes. What is reused was pushed there
 * before, and its tag is a manifest, which no trial upload says anything about.
 */
export function pushedTo(plan: PublishPlan): readonly ImageRepository[] {
  const built = plan.components.filter(({ action }) => action === 'build').map(({ image }) => image);
  return [...built, ...(writesRecord(plan) ? [plan.record.repository] : [])];
}

function writesRecord({ record }: PublishPlan): boolean {
  return record.action === 'write' || record.action === 'supersede';
}

/**
 * Asks each repository by a trial upload. Refusals are thrown together; any other failure alone, as all would meet it.
 */
export async function checkPushRights(
  repositories: readonly ImageRepository[],
  registry: Registry,
): Promise<void> {
  const answers = await Promise.allSettled(
    [...new Set(repositories)].sort().map((repository) => registry.checkPush(repository)),
  );
  const problems: PrimitiveError[] = [];
  for (const answer of answers) {
    if (answer.status === 'fulfilled') continue;
    const failure: unknown = answer.reason;
    if (!(failure instanceof PrimitiveError) || failure.retryable) throw failure;
    problems.push(failure);
  }
  throwAll(problems, `${problems.length} repositories refuse a push.`);
}

/** Throws one problem as it is, several as one error that names them all, by the code of the first. */
export function throwAll(problems: readonly PrimitiveError[], message: string): void {
  const [first, ...others] = problems;
  if (!first) return;
  if (others.length === 0) throw first;
  throw new PrimitiveError(first.code, message, {
    why: problems.map(errorLine).join('\n'),
    suggestions: [...new Set(problems.flatMap(({ suggestions }) => suggestions))],
    exit: first.exit,
  });
}
