import { checkPlatforms, readDockerfile, refuseDockerfiles } from '../../builders/dockerfile/pins.ts';
import type { DockerfileRequest } from '../../builders/dockerfile/stages.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Repository } from '../../oci/types.ts';
import { checkContexts } from '../../workspace/build-context.ts';
import { findEntries, pathIn } from '../../workspace/folders.ts';
import type { SourceTree } from '../../workspace/source-tree.ts';
import type { PublishPlan } from './document.ts';
import type { BuildTools, Task } from './execution.ts';
import { settleAll } from './settle.ts';

/** What is tried before the first effect; each throws where its tool is missing or cannot be used. */
export interface PreflightPorts {
  readonly registry: Registry;
  readonly tools: () => Promise<BuildTools>;
  readonly signer: () => Promise<unknown>;
}

/**
 * Reads and checks contexts and Dockerfiles of what the plan builds. Only the commit is needed, so a dry run does it too.
 *
 * Throws what {@link checkContexts} and {@link refuseDockerfiles} throw, the latter for all files together.
 */
export async function checkBuilds(
  tasks: readonly Task[],
  tree: SourceTree,
): Promise<readonly DockerfileRequest[]> {
  const due = tasks.filter(({ planned }) => planned.action === 'build').map(({ inputs }) => inputs);
  await checkContexts(tree, due);
  const files = due.map(({ component: { build } }) => pathIn(build.context, build.dockerfile));
  const entries = await findEntries(tree, files);
  const texts = await tree.readWhole(entries.flatMap((entry) => entry?.object ?? []));
  const dockerfiles = due.map(({ component: { build } }, position): DockerfileRequest => {
    const { args, bases, platforms, target } = build;
    const text = new TextDecoder().decode(texts[position]);
    return {
      file: files[position] ?? '',
      text,
      args,
      bases,
      platforms,
      ...(target === undefined ? {} : { target }),
    };
  });
  refuseDockerfiles(dockerfiles.flatMap((dockerfile) => readDockerfile(dockerfile).findings));
  return dockerfiles;
}

/**
 * Finds what would fail later while nothing has been done: a builder, syft or cosign that cannot be used, platforms that
 * cannot be run, repositories that must not be pushed to. Returns what builds; undefined where nothing is built.
 *
 * Asks at the same time, throws the first problem in that order.
 */
export async function preflight(
  plan: PublishPlan,
  dockerfiles: readonly DockerfileRequest[],
  ports: PreflightPorts,
): Promise<BuildTools | undefined> {
  const builds = dockerfiles.length > 0;
  const writesRecord = plan.record.action === 'write' || plan.record.action === 'supersede';
  const rights = checkPushRights(plan, writesRecord, ports.registry);
  // Thrown below, after what is wrong with the tools.
  rights.catch(() => undefined);
  const [tools] = await Promise.all([
    builds ? ports.tools() : undefined,
    builds || writesRecord ? ports.signer() : undefined,
  ]);
  if (tools) checkAll(dockerfiles, (dockerfile) => checkPlatforms(dockerfile, tools.builderInfo));
  await rights;
  return tools;
}

/** Applies a check to every Dockerfile; throws its refusals, together where there are several. */
function checkAll(
  dockerfiles: readonly DockerfileRequest[],
  check: (dockerfile: DockerfileRequest) => unknown,
): void {
  const problems: PrimitiveError[] = [];
  for (const dockerfile of dockerfiles) {
    try {
      check(dockerfile);
    } catch (error) {
      if (!(error instanceof PrimitiveError)) throw error;
      problems.push(error);
    }
  }
  throwAll(problems, `${problems.length} Dockerfiles cannot be built as they are.`);
}

/**
 * Asks each repository that gets blobs by a trial upload: where images are built, and where the record goes. What is
 * reused was pushed there before, and its tag is a manifest, which no trial upload says anything about.
 *
 * Refusals are thrown together; any other failure at once, as all would wait for it.
 */
async function checkPushRights(plan: PublishPlan, writesRecord: boolean, registry: Registry): Promise<void> {
  const repositories = new Set<Repository>(
    plan.components.filter(({ action }) => action === 'build').map(({ image }) => image),
  );
  if (writesRecord) repositories.add(plan.record.repository);
  const answers = await settleAll(
    [...repositories].sort().map((repository) =>
      registry.checkPush(repository).catch((error: unknown) => {
        if (error instanceof PrimitiveError && !error.retryable) return error;
        throw error;
      }),
    ),
  );
  const problems = answers.filter((answer) => answer instanceof PrimitiveError);
  throwAll(problems, `${problems.length} repositories refuse a push.`);
}

/** Throws one problem as it is, several as one error that names them all, by the code of the first. */
function throwAll(problems: readonly PrimitiveError[], message: string): void {
  const [first, ...others] = problems;
  if (!first) return;
  if (others.length === 0) throw first;
  throw new PrimitiveError(first.code, message, {
    why: problems.map(({ message, why }) => (why === undefined ? message : `${message}: ${why}`)).join('\n'),
    suggestions: [...new Set(problems.flatMap(({ suggestions }) => suggestions))],
    exit: first.exit,
  });
}
