import { rm } from 'node:fs/promises';
import type { BaseReference } from '../../builders/builder.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { once } from '../../core/once.ts';
import { within } from '../../core/within.ts';
import type { ImageRepository } from '../../oci/types.ts';
import { type ComponentInputs, observeInputs, readInputs } from '../../repository/inputs.ts';
import { releasesRepository } from '../../seal/record.ts';
import type { PublishPlan, Run } from './document.ts';
import type { Task } from './execution.ts';
import { planEvent } from './hooks.ts';
import { assumedRun, identify } from './identify.ts';
import { componentInput, type PlannedPublish, planPublish } from './plan.ts';
import { checkPushRights, pushedTo, readImages, throwAll } from './preflight.ts';
import { releaseConflict } from './release.ts';
import {
  begin,
  checkTasks,
  compareWithRegistry,
  loadTrust,
  makeFolder,
  type PublishPorts,
  readReleases,
  summary,
} from './run.ts';
import { tagConflict } from './seal-all.ts';
import { describeJobToken } from './secrets.ts';

/** Components to build: by the plan, or all if there is no plan. */
export interface DueBuilds {
  readonly components: readonly string[];
  readonly planned: boolean;
}

export interface RehearsedBuilds {
  /** The bases that the builder would pull. */
  readonly bases: readonly BaseReference[];
  /** Warnings about secrets that are the token of the job. */
  readonly jobTokens: readonly string[];
}

/**
 * The steps of a publish of all components before its first effect, each on its own, so that what one refuses hides no
 * other. Each throws what a publish would throw there.
 */
export interface Rehearsal {
  temporary(): Promise<string>;
  /** How many components have their inputs as they were committed. */
  inputs(): Promise<number>;
  identity(): Promise<Run>;
  /** One line. If nobody is here to sign, the trusted run of the config is assumed, and named. Asks plugins, as a dry run does. */
  plan(): Promise<string>;
  /** Reads contexts, Dockerfiles and caches of what is due. */
  dockerfiles(): Promise<DueBuilds>;
  /** Asks the builder about what is due. */
  builds(): Promise<RehearsedBuilds>;
  checkBase(base: BaseReference, signal: AbortSignal): Promise<void>;
  /** Tests the push access of the repositories for images and records; returns them. */
  rights(): Promise<readonly ImageRepository[]>;
}

/**
 * Rehearses a publish with the ports and the code of one. Begins nothing before it is asked, and waits `patience`
 * milliseconds for who signs and for the plan; the other steps then go on without.
 */
export function rehearsePublish(ports: PublishPorts, patience: number): Rehearsal {
  const identity = once(() =>
    within(patience, 'the issuer of the OIDC token', () => identify(false, ports, () => undefined)),
  );

  const observed = once(async () => observeInputs(await ports.tree(), await ports.components()));

  const makePlan = async (): Promise<Planned> => {
    const { run, assumed } = await runOf(identity, ports);
    const reading = begin(readReleases(ports));
    const given = { inputs: await observed(), whole: true, run, sealOnly: false };
    const facts = await compareWithRegistry(given, reading, ports);
    return { ...planPublish(facts, { sealOnly: false, keepGoing: false }), assumed };
  };
  const plan = once(() => within(patience, 'the registry', makePlan));

  const due = once(async () => {
    const planned = await plan().catch(orRefused);
    const tasks = planned?.tasks ?? (await observed()).map(dueTask);
    const checked = await checkTasks(tasks, planned?.plan.run.tier ?? 'trusted', ports);
    return { ...checked, planned: planned !== undefined };
  });

  return {
    async temporary() {
      await rm(await makeFolder(ports.temporary), { recursive: true });
      return ports.temporary;
    },
    async inputs() {
      const [tree, components, { location }] = await Promise.all([
        ports.tree(),
        ports.components(),
        ports.workspace(),
      ]);
      return (await readInputs(tree, components, location)).length;
    },
    identity,
    async plan() {
      const { plan: made, assumed } = await plan();
      refuseConflicts(made);
      await ports.signer();
      await within(patience, "the server of Sigstore's root", () => loadTrust(made.run, ports));
      await within(patience, 'a hook of a plugin', () =>
        ports.hooks('plan', planEvent(made, { dryRun: true })),
      );
      return assumed ? `${summary(made)}, as the trusted run would` : summary(made);
    },
    async dockerfiles() {
      const { planned, tasks } = await due();
      return { planned, components: tasks.filter(isRead).map(({ inputs }) => inputs.component.id) };
    },
    async builds() {
      const [{ tasks, cache, jobTokens }, { builder, info }] = await Promise.all([due(), ports.builder()]);
      const read = await readImages(tasks, { builder, builderInfo: info }, cache.to);
      return { bases: basesOf(read, info.name), jobTokens: jobTokens.map(describeJobToken) };
    },
    async checkBase(base, signal) {
      await (await ports.builder()).builder.checkBase(base, signal);
    },
    async rights() {
      const [registry, { config }] = await Promise.all([ports.registry(), ports.workspace()]);
      const planned = await plan().catch(orRefused);
      const images = planned
        ? pushedTo(planned.plan)
        : ((await ports.components().catch(orRefused)) ?? []).map(({ repository }) => repository);
      const repositories = [...new Set([...images, releasesRepository(config.registry)])].sort();
      await checkPushRights(repositories, registry);
      return repositories;
    },
  };
}

interface Planned extends PlannedPublish {
  /** Whether nobody is here to sign. */
  readonly assumed: boolean;
}

/** An error of the plan is reported by the plan check; the other steps then treat all components as due. */
function orRefused(error: unknown): undefined {
  if (!(error instanceof PrimitiveError) || error.code === 'interrupted') throw error;
  return undefined;
}

async function runOf(
  identity: () => Promise<Run>,
  ports: PublishPorts,
): Promise<{ readonly run: Run; readonly assumed: boolean }> {
  const run = await identity().catch(orRefused);
  if (run) return { run, assumed: false };
  const { config } = await ports.workspace();
  return { run: assumedRun(config, () => undefined), assumed: true };
}

function dueTask(inputs: ComponentInputs): Task {
  return { planned: { ...componentInput(inputs), action: 'build', reason: 'not compared' }, inputs };
}

function isRead({ dockerfile }: Task): boolean {
  return dockerfile !== undefined;
}

/** Conflicts that execution would refuse at once, or for a component. */
function refuseConflicts(plan: PublishPlan): void {
  if (plan.record.action === 'conflict') throw releaseConflict(plan, plan.record.reason);
  const problems = plan.components.flatMap((planned) =>
    planned.action === 'conflict' ? [tagConflict(planned)] : [],
  );
  throwAll(problems, `Cannot publish ${problems.length} components.`);
}

/** Bases that builds pull: each once, with all platforms that need it. buildah reads no frontend. */
function basesOf(tasks: readonly Task[], builder: 'buildx' | 'buildah'): readonly BaseReference[] {
  const platforms = new Map<string, Set<string>>();
  for (const { pinned, used, via, platforms: own } of tasks.flatMap(({ images = [] }) => images)) {
    const isFrontend = via === '# syntax';
    if (!used || (isFrontend && builder === 'buildah')) continue;
    const all = platforms.get(pinned) ?? new Set();
    for (const platform of isFrontend ? [] : Object.values(own)) all.add(platform);
    platforms.set(pinned, all);
  }
  return [...platforms].sort().map(([reference, all]) => ({ reference, platforms: [...all].sort() }));
}
