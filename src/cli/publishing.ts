import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskFullError, PrimitiveError } from '../core/errors.ts';
import type { PublishResult } from '../features/publish/outcome.ts';
import type { PublishPlan, Run } from '../features/publish/plan.ts';
import type { PublishReport } from '../features/publish/report.ts';
import { releasesRepository } from '../seal/record.ts';
import type { ComponentInputs } from '../workspace/inputs.ts';
import { invocationOf } from './ambient-identity.ts';
import type { Selection } from './flags.ts';
import type { Session } from './session.ts';

/** What a publish is asked to do. */
export interface PublishRequest {
  readonly selection: Selection;
  readonly sealOnly: boolean;
  readonly keepGoing: boolean;
  readonly dryRun: boolean;
}

/** Builds that run at the same time: each one is parallel in itself. */
const BUILDS_AT_A_TIME = Math.max(1, Math.min(4, availableParallelism()));

/**
 * Facts, plan, preflight, execution: wires the adapters of this session into a publish.
 * Throws what those throw; the temporary folder is gone in every case.
 */
export async function runPublish(session: Session, request: PublishRequest): Promise<PublishResult> {
  const { wiring, emit, signal } = session;
  const started = performance.now();
  emit({ type: 'step', step: 'facts', message: 'Reading inputs and registry' });
  // Begun together and told in this order: what is wrong with the inputs comes before what is wrong around them.
  const selecting = begin(selectInputs(session, request.selection));
  const identifying = begin(identify(session, request.dryRun));
  const reading = begin(readReleases(session));
  begin(probeSigner(session, request, reading));
  const { inputs, whole } = await selecting;
  const run = await identifying;
  const { input, ports } = await reading;
  const { config } = await wiring.workspace();
  const tree = await wiring.repository();
  const { registry, verifier } = ports;
  const { policy } = input;
  const source = await sourceOf(run, session);
  const [{ gatherFacts }, { planPublish }] = await Promise.all([
    import('../features/publish/facts.ts'),
    import('../features/publish/plan.ts'),
  ]);
  const { facts, manifests } = await gatherFacts(
    {
      ...input,
      ...(source === undefined ? {} : { source }),
      run,
      tags: config.tags.map((template) => template.replaceAll('{sha}', tree.head.commit)),
      inputs,
      whole,
      sealOnly: request.sealOnly,
      channel: config.channel,
    },
    { ...ports, history: tree },
  );
  const plan = planPublish(facts, request);
  emit({ type: 'step', step: 'plan', message: summary(plan) });
  const byId = new Map(inputs.map((entry) => [entry.component.id, entry]));
  const { checkBuilds, preflight } = await import('../features/publish/preflight.ts');
  const dockerfiles = await checkBuilds(plan, byId, tree);
  if (request.dryRun) return { plan };

  const [{ executePublish }, { verifiedSigner }] = await Promise.all([
    import('../features/publish/execute.ts'),
    import('../seal/verified-signer.ts'),
  ]);
  await preflight(plan, dockerfiles, {
    registry,
    builder: async () => (await wiring.builder()).info,
    sbom: () => wiring.program('syft'),
    signer: () => wiring.program('cosign'),
  });
  const builds = plan.components.some(({ action }) => action === 'build');
  const folder = await makeFolder(session.environment.temporary);
  const signer = async () => verifiedSigner(await wiring.signer(), verifier);
  try {
    const invocation = invocationOf(session.environment);
    const executed = await executePublish(
      plan,
      {
        inputs: byId,
        manifests,
        settings: {
          sbomFormat: config.sbom.format,
          cache: config.build.cache[run.tier],
          ...(invocation === undefined ? {} : { invocation }),
        },
        folder,
        parallel: BUILDS_AT_A_TIME,
      },
      {
        registry,
        seal: { registry, verifier, policy, sleep: (milliseconds) => pause(milliseconds, signal) },
        build: async () => {
          const [{ builder, info }, sbom] = await Promise.all([wiring.builder(), wiring.sbom()]);
          return { registry, builder, builderInfo: info, sbom, signer: await signer(), tree, signal };
        },
        signer,
        history: tree,
        registryPrefix: config.registry,
        signal,
      },
      emit,
    );
    const report: PublishReport = {
      ...executed,
      run: {
        ...(builds ? { builder: (await wiring.builder()).info.description } : {}),
        duration: Math.round(performance.now() - started),
        requests: registry.requests(),
      },
    };
    return { report };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets work go on while something else is awaited: its failure is told by whoever awaits it. */
function begin<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** Begins to read the records of the commit and of the channel, which needs no more than config and HEAD. */
async function readReleases({ wiring }: Session) {
  const [{ readRecords }, { config }, { head }, registry, verifier, policy] = await Promise.all([
    import('../features/publish/facts.ts'),
    wiring.workspace(),
    wiring.repository(),
    wiring.registry(),
    wiring.verifier(),
    wiring.policy(),
  ]);
  const input = {
    commit: head.commit,
    policy,
    registryPrefix: config.registry,
    releases: releasesRepository(config.registry),
    channel: config.channel,
  };
  return { input, ports: { registry, verifier, records: readRecords(input, { registry, verifier }) } };
}

/** Looks for cosign while the rest is read, where it is plain that it will be needed: a commit without a record gets one. */
async function probeSigner(
  { wiring }: Session,
  { selection: { kind, name, selectors }, sealOnly, dryRun }: PublishRequest,
  reading: ReturnType<typeof readReleases>,
): Promise<void> {
  if (sealOnly || dryRun || kind !== undefined || name !== undefined || selectors.length > 0) return;
  const { records } = (await reading).ports;
  if ((await records.commit).digest === undefined) await wiring.program('cosign');
}

/** Waits; an abort ends it with the signal's own reason. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** A folder of this run alone. */
async function makeFolder(temporary: string): Promise<string> {
  try {
    return await mkdtemp(join(temporary, 'primitive-'));
  } catch (cause) {
    throw (
      diskFullError(cause) ??
      new PrimitiveError('temporary-unusable', `There is no making a folder in ${temporary}.`, {
        why: cause instanceof Error ? cause.message : String(cause),
        suggestions: ['Point TMPDIR to a folder that exists and can be written.'],
        exit: 3,
        cause,
      })
    );
  }
}

async function selectInputs(
  { wiring, environment }: Session,
  selection: Selection,
): Promise<{ readonly inputs: readonly ComponentInputs[]; readonly whole: boolean }> {
  const [{ readInputs }, { selectComponents }] = await Promise.all([
    import('../workspace/inputs.ts'),
    import('../workspace/selection.ts'),
  ]);
  const [tree, { location }, components] = await Promise.all([
    wiring.repository(),
    wiring.workspace(),
    wiring.components(),
  ]);
  const selected = selectComponents(components, selection, {
    cwd: environment.cwd,
    repositoryRoot: tree.root,
  });
  return { inputs: await readInputs(tree, selected, location), whole: selected.length === components.length };
}

/** The run, refused where its token is not for HEAD. A dry run without an identity is planned as the trusted one. */
async function identify({ wiring, emit }: Session, dryRun: boolean): Promise<Run> {
  const { checkRun, resolveRun } = await import('../features/publish/identity.ts');
  const [{ config }, { head }] = await Promise.all([wiring.workspace(), wiring.repository()]);
  const assuming = dryRun && config.signing.signer.type === 'keyless';
  if (assuming && (await wiring.ambientIdentity()) === undefined) {
    const assumed = config.signing.trusted.find((policy) => 'issuer' in policy) ?? nobodyTrusted();
    emit({
      type: 'warning',
      code: 'identity-assumed',
      message: `There is no identity here; planned as the trusted run ${assumed.identity}`,
    });
    const branch = assumed.ref?.replace(/^refs\/heads\//, '') ?? config.channel.branch;
    return { tier: 'trusted', signer: { type: 'keyless', ...assumed }, branch };
  }
  const [{ signer, claims, pullRequest }, policy] = await Promise.all([wiring.identity(), wiring.policy()]);
  checkRun({ head: head.commit, claims, ...(pullRequest ? { pullRequest } : {}) });
  return resolveRun(signer, policy, head.branch);
}

function nobodyTrusted(): never {
  throw new PrimitiveError('identity-missing', 'There is nobody to plan for.', {
    why: 'This process has no OIDC token, and `signing.trusted` in primitive.config.yaml names nobody who would have one.',
    suggestions: [
      'Say under `signing.trusted` who publishes: issuer and identity of the OIDC token of your CI.',
      'Or sign with a key: `signing: { signer: { key: … }, trusted: [{ key: … }] }`.',
    ],
  });
}

/** Where the source lives: as the certificate will say, else as the git remote says. */
async function sourceOf({ signer }: Run, { wiring }: Session): Promise<string | undefined> {
  if (signer.type === 'keyless' && signer.repository !== undefined && URL.canParse(signer.identity)) {
    return `${new URL(signer.identity).origin}/${signer.repository}`;
  }
  return (await wiring.repository()).remoteUrl();
}

function summary({ components, commit }: PublishPlan): string {
  const counts = new Map<string, number>();
  for (const { action } of components) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([action, count]) => `${count} ${action}`);
  return `${commit.slice(0, 12)}: ${parts.join(', ')}`;
}
