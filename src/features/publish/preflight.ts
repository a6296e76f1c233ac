import type { BuilderInfo } from '../../builders/builder.ts';
import { checkPlatforms, pinnedReferences } from '../../builders/dockerfile/pins.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Repository } from '../../oci/types.ts';
import { checkContexts } from '../../workspace/build-context.ts';
import { findEntries, pathIn } from '../../workspace/folders.ts';
import type { ComponentInputs } from '../../workspace/inputs.ts';
import type { SourceTree } from '../../workspace/source-tree.ts';
import { idOf, type PublishPlan } from './plan.ts';

/** What is tried before the first effect. */
export interface PreflightPorts {
  readonly registry: Registry;
  /** Each throws where its tool is missing or unusable. */
  readonly builder: () => Promise<BuilderInfo>;
  readonly sbom: () => Promise<unknown>;
  readonly signer: () => Promise<unknown>;
}

/** The inputs of what the plan builds. */
function dueBuilds(
  plan: PublishPlan,
  inputs: ReadonlyMap<string, ComponentInputs>,
): readonly ComponentInputs[] {
  return plan.components
    .filter((component) => component.action === 'build')
    .flatMap((component) => inputs.get(idOf(component)) ?? []);
}

/**
 * Judges contexts and Dockerfiles of what the plan builds, for which nothing but the commit is needed: a dry run tells
 * it too. Returns the Dockerfiles. Throws what {@link checkContexts} and {@link pinnedReferences} throw, the latter
 * together for all files.
 */
export async function checkBuilds(
  plan: PublishPlan,
  inputs: ReadonlyMap<string, ComponentInputs>,
  tree: SourceTree,
): Promise<readonly Dockerfile[]> {
  const builds = dueBuilds(plan, inputs);
  await checkContexts(tree, builds);
  const dockerfiles = await readDockerfiles(builds, tree);
  checkAll(dockerfiles, pinnedReferences);
  return dockerfiles;
}

/**
 * Finds what would fail later while nothing has been done yet: a builder, syft or cosign that cannot be used, platforms
 * that cannot be run, repositories that must not be pushed to. `dockerfiles` are those of what the plan builds.
 *
 * Throws the first problem in that order, all of them together where there are several of one sort.
 */
export async function preflight(
  plan: PublishPlan,
  dockerfiles: readonly Dockerfile[],
  ports: PreflightPorts,
): Promise<void> {
  const writesRecord = plan.record.action === 'write' || plan.record.action === 'supersede';
  if (dockerfiles.length === 0) {
    if (writesRecord) await ports.signer();
    return;
  }
  const [builder] = await Promise.all([ports.builder(), ports.sbom(), ports.signer()]);
  checkAll(dockerfiles, (request) => checkPlatforms(request, builder));
  await checkPushRights(plan, writesRecord, ports.registry);
}

/** That of a component which the plan builds. */
export interface Dockerfile {
  readonly inputs: ComponentInputs;
  /** Relative to the repository root, for messages. */
  readonly file: string;
  readonly text: string;
}

async function readDockerfiles(builds: readonly ComponentInputs[], tree: SourceTree): Promise<Dockerfile[]> {
  const files = builds.map(({ component: { build } }) => pathIn(build.context, build.dockerfile));
  const entries = await findEntries(tree, files);
  const found = builds.map((inputs, position) => {
    const [file = '', entry] = [files[position], entries[position]];
    if (!entry) throw new Error(`${inputs.component.id}: the context was checked without its Dockerfile`);
    return { inputs, file, object: entry.object };
  });
  const texts = await tree.readWhole(found.map(({ object }) => object));
  return found.map(({ inputs, file }, position) => ({
    inputs,
    file,
    text: new TextDecoder().decode(texts[position]),
  }));
}

function requestOf({ inputs, file, text }: Dockerfile) {
  const { args, bases, platforms, target } = inputs.component.build;
  return { file, text, args, bases, platforms, ...(target === undefined ? {} : { target }) };
}

/** Applies a check to every Dockerfile; throws its refusals, together where there are several. */
function checkAll(
  dockerfiles: readonly Dockerfile[],
  check: (request: ReturnType<typeof requestOf>) => unknown,
): void {
  const problems: PrimitiveError[] = [];
  for (const dockerfile of dockerfiles) {
    try {
      check(requestOf(dockerfile));
    } catch (error) {
      if (!(error instanceof PrimitiveError)) throw error;
      problems.push(error);
    }
  }
  throwAll(problems, `${problems.length} Dockerfiles cannot be built as they are.`);
}

/** Asks each repository. What refuses is told together; what fails otherwise ends it at once, as all would wait for it. */
async function checkPushRights(plan: PublishPlan, writesRecord: boolean, registry: Registry): Promise<void> {
  const repositories = new Set<Repository>(
    plan.components
      .filter(({ action }) => action === 'build' || (action === 'reuse' && !plan.sealOnly))
      .map(({ image }) => image),
  );
  if (writesRecord) repositories.add(plan.record.repository);
  const answers = await Promise.all(
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

/** Nothing for none, one as it is, several as one that names them all, by the code of the first. */
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
