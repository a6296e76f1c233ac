import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChosenBuilder } from '../../builders/choose.ts';
import { diskFullError, messageOf, PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { optional } from '../../core/object.ts';
import { byKey } from '../../core/order.ts';
import type { Registry } from '../../oci/registry.ts';
import type { RunHooks } from '../../plugins/hooks.ts';
import type { Component } from '../../repository/component.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import type { History } from '../../repository/history.ts';
import { type ComponentInputs, readInputs } from '../../repository/inputs.ts';
import { cachesFor } from '../../repository/layer-caches.ts';
import { type Selection, selectComponents } from '../../repository/selection.ts';
import type { TrustTier } from '../../repository/signers.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import { releasesRepository } from '../../seal/record.ts';
import type { SbomGenerator, Signer } from '../../seal/types.ts';
import { verifiedSigner } from '../../seal/verified-signer.ts';
import type { BundleVerifier } from '../../seal/verifier.ts';
import type { PublishPlan, PublishReport, Run } from './document.ts';
import { executePublish } from './execute.ts';
import type { Task } from './execution.ts';
import {
  type FactsInput,
  gatherFacts,
  type RecordsInput,
  type ReleaseRecords,
  readRecords,
} from './facts.ts';
import { planEvent, publishedEvent } from './hooks.ts';
import { type IdentityPorts, identify, type SigningConfig, sourceOf } from './identify.ts';
import { phaseClock } from './phases.ts';
import { type PublishFacts, planPublish } from './plan.ts';
import { checkBuilds, preflight } from './preflight.ts';
import { checkSecrets, describeJobToken, type JobToken, type SecretPorts } from './secrets.ts';

export interface PublishRequest {
  readonly selection: Selection;
  readonly sealOnly: boolean;
  readonly keepGoing: boolean;
  readonly dryRun: boolean;
}

/** The part of the config that publish itself reads. */
export type PublishConfig = SigningConfig &
  Pick<Config, 'registry' | 'tags' | 'sbom'> & {
    readonly build: Pick<Config['build'], 'cache' | 'parallel'>;
    readonly signing: Pick<Config['signing'], 'accepted'>;
  };

/**
 * Ports of publish. Each port throws the PrimitiveError of what it gives, and gives the same thing every time;
 * `builder` may start a builder and is asked only if one is needed.
 */
export interface PublishPorts extends IdentityPorts, SecretPorts {
  /** Base of selectors that are paths. Absolute. */
  readonly cwd: string;
  /** An existing folder for temporary files. */
  readonly temporary: string;
  /** URL of the CI run, for the provenance. */
  readonly invocation?: string | undefined;
  /** Of this machine. */
  readonly processors: number;
  readonly signal: AbortSignal;
  readonly hooks: RunHooks;
  workspace(): Promise<{ readonly location: ConfigLocation; readonly config: PublishConfig }>;
  tree(): Promise<CommitTree & History>;
  components(): Promise<readonly Component[]>;
  registry(): Promise<Registry & { requests(): number }>;
  verifier(): Promise<BundleVerifier>;
  /** Throws if the program is missing or too old. */
  program(name: 'cosign' | 'syft'): Promise<unknown>;
  signer(): Promise<Signer>;
  builder(): Promise<Omit<ChosenBuilder, 'why'>>;
  /** Asks what `builder` needs to know, and starts none. */
  lookForBuilder(): Promise<void>;
  sbom(): Promise<SbomGenerator>;
  /** Milliseconds; an abort ends it with the signal's reason. */
  sleep(milliseconds: number): Promise<void>;
}

/** Builds at a time, unless the config sets it: each is parallel in itself. */
const MOST_BUILDS = 4;

/** The plan, and unless it was a dry run, the report. */
export interface PublishResult {
  readonly plan: PublishPlan;
  readonly report?: PublishReport;
}

/**
 * Publishes HEAD: builds what changed, reuses the rest, seals every image, tags the commit, writes its release record and
 * moves the channel.
 *
 * Throws what is wrong before the first effect, an abort, and a failure of the record; the failure of a component is part
 * of the report. The temporary folder is removed in every case.
 */
export async function runPublish(
  request: PublishRequest,
  ports: PublishPorts,
  listener: Emit,
): Promise<PublishResult> {
  const started = performance.now();
  const { emit, read } = phaseClock(listener, () => performance.now());
  emit({ type: 'step', step: 'facts', message: 'Reading inputs and registry' });
  if (!request.dryRun) lookForTools(ports);
  const { plan, tasks: planned } = planPublish(await readFacts(request, ports, emit), request);
  emit({ type: 'step', step: 'plan', message: summary(plan) });
  const { tasks: checked, cache, jobTokens } = await checkTasks(planned, plan.run.tier, ports);
  for (const token of jobTokens)
    emit({ type: 'warning', code: 'build-secret-token', message: describeJobToken(token) });
  await ports.hooks('plan', planEvent(plan, request));
  if (request.dryRun) return { plan };
  const [{ config, tree, registry, verifier, policy }, signer] = await Promise.all([
    openRegistry(ports),
    ports.signer(),
  ]);
  const { tasks, tools } = await preflight(plan, checked, {
    registry,
    cacheTo: cache.to,
    signer: () => Promise.all([ports.program('cosign'), loadTrust(plan.run, ports)]),
    tools: async () => {
      const [{ builder, info }, sbom] = await Promise.all([
        ports.builder(),
        ports.sbom(),
        ports.program('syft'),
      ]);
      return { builder, builderInfo: info, sbom };
    },
  });

  const folder = await makeFolder(ports.temporary);
  try {
    const executed = await executePublish(tasks, {
      plan,
      seal: { registry, verifier, policy, sleep: (milliseconds) => ports.sleep(milliseconds) },
      tree,
      registryPrefix: config.registry,
      signer: verifiedSigner(signer, verifier),
      ...optional('tools', tools),
      settings: {
        sbomFormat: config.sbom.format,
        cache,
        ...optional('invocation', ports.invocation),
        folder,
        parallel: config.build.parallel ?? Math.min(MOST_BUILDS, ports.processors),
      },
      signal: ports.signal,
      emit,
      hooks: ports.hooks,
    });
    const run = {
      ...(tools ? { builder: tools.builderInfo.description } : {}),
      duration: Math.round(performance.now() - started),
      phases: read(),
      requests: registry.requests(),
    };
    // Last: whatever it throws, what is published stays.
    if (executed.release) await ports.hooks('published', publishedEvent(executed, executed.release));
    return { plan, report: { ...executed, run } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Asks programs for their versions, and the builder what it is, while the registry is read: most runs need them, and a run
 * that does not has lost nothing. What is wrong with one is thrown where it is needed.
 */
function lookForTools(ports: PublishPorts): void {
  for (const look of [ports.program('cosign'), ports.program('syft'), ports.lookForBuilder()]) begin(look);
}

/** Decisions of a config and a commit about builds, before any tool is asked. */
export interface CheckedTasks {
  readonly tasks: readonly Task[];
  /** Layer caches that builds of this run import and export. */
  readonly cache: Config['build']['cache'][TrustTier];
  /** Build secrets to warn of. */
  readonly jobTokens: readonly JobToken[];
}

/**
 * Checks the caches of the run, the secrets, and contexts and Dockerfiles of what is to be built; a dry run does it too.
 * Throws what {@link checkSecrets} and {@link checkBuilds} throw, and what caches of this tier are refused for.
 */
export async function checkTasks(
  tasks: readonly Task[],
  tier: TrustTier,
  ports: PublishPorts,
): Promise<CheckedTasks> {
  const [tree, { config }] = await Promise.all([ports.tree(), ports.workspace()]);
  const cache = cachesOf(tier, config);
  const { signer: by } = config.signing;
  const secrets = tasks.flatMap(({ inputs }) => inputs.component.build.secrets);
  const jobTokens = await checkSecrets(secrets, by.type === 'key' ? by.key : undefined, ports);
  return { tasks: await checkBuilds(tasks, tree), cache, jobTokens };
}

/** The caches of this run, whatever the config was checked for: this is what its builds are given. */
function cachesOf(tier: TrustTier, { registry, build, signing }: PublishConfig) {
  return cachesFor(tier, build.cache[tier], {
    registry,
    hasAccepted: signing.accepted.length > 0,
    ...optional('writers', build.cache.trusted.writers),
  });
}

/** Loads what the certificates of this run will be verified by: now, not after the first image was pushed. */
export async function loadTrust({ signer }: Run, ports: PublishPorts): Promise<void> {
  if (signer.type === 'keyless') await (await ports.verifier()).ready();
}

/** Reads inputs, identity and records at the same time; what is wrong with them is thrown in that order. */
async function readFacts(request: PublishRequest, ports: PublishPorts, emit: Emit): Promise<PublishFacts> {
  const selecting = begin(selectInputs(request.selection, ports));
  const identifying = begin(identify(request.dryRun, ports, emit));
  const reading = begin(readReleases(ports));
  const selected = await selecting;
  const run = await identifying;
  return compareWithRegistry({ ...selected, run, sealOnly: request.sealOnly }, reading, ports);
}

/** Compares these components with the registry, for a run of this signer. Throws what {@link gatherFacts} throws. */
export async function compareWithRegistry(
  given: Pick<FactsInput, 'inputs' | 'whole' | 'run' | 'sealOnly'>,
  reading: Promise<ReleaseRecords>,
  ports: PublishPorts,
): Promise<PublishFacts> {
  const { config, tree, registry, verifier, policy } = await openRegistry(ports);
  const source = await sourceOf(given.run, tree);
  const input = releaseOf(config, tree);
  const tags = config.tags.map((template) => template.replaceAll('{sha}', input.commit));
  return gatherFacts({ ...input, ...given, ...optional('source', source), tags }, reading, {
    registry,
    verifier,
    policy,
    history: tree,
  });
}

/** Lets work go on while something else is awaited; its failure is thrown where it is awaited. */
export function begin<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** The config, HEAD, and what images of the registry are read and judged with. */
async function openRegistry(ports: PublishPorts) {
  const [{ config }, tree, registry, verifier, policy] = await Promise.all([
    ports.workspace(),
    ports.tree(),
    ports.registry(),
    ports.verifier(),
    ports.policy(),
  ]);
  return { config, tree, registry, verifier, policy };
}

/** Reads the two records that may vouch for images, for which no more than config and HEAD is needed. */
export async function readReleases(ports: PublishPorts): Promise<ReleaseRecords> {
  const { config, tree, registry, verifier, policy } = await openRegistry(ports);
  return readRecords(releaseOf(config, tree), { registry, verifier, policy });
}

function releaseOf({ registry, channel }: PublishConfig, { head }: CommitTree): RecordsInput {
  return {
    commit: head.commit,
    registryPrefix: registry,
    releases: releasesRepository(registry),
    channel,
  };
}

async function selectInputs(
  selection: Selection,
  ports: PublishPorts,
): Promise<{ readonly inputs: readonly ComponentInputs[]; readonly whole: boolean }> {
  const [tree, { location }, components] = await Promise.all([
    ports.tree(),
    ports.workspace(),
    ports.components(),
  ]);
  const selected = selectComponents(components, selection, { cwd: ports.cwd, repositoryRoot: tree.root });
  return { inputs: await readInputs(tree, selected, location), whole: selected.length === components.length };
}

/** A folder of this run alone. Throws `temporary-unusable` (exit 3). */
export async function makeFolder(temporary: string): Promise<string> {
  try {
    return await mkdtemp(join(temporary, 'primitive-'));
  } catch (cause) {
    throw (
      diskFullError(cause) ??
      new PrimitiveError('temporary-unusable', `Cannot create a temporary folder in ${temporary}.`, {
        why: messageOf(cause),
        suggestions: ['Set TMPDIR to an existing, writable folder.'],
        exit: 3,
        cause,
      })
    );
  }
}

/** `0a1b2c3d4e5f: 1 build, 19 reuse` */
export function summary({ components, commit }: PublishPlan): string {
  const counts = new Map<string, number>();
  for (const { action } of components) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts].sort(byKey).map(([action, count]) => `${count} ${action}`);
  return `${commit.slice(0, 12)}: ${parts.join(', ')}`;
}
