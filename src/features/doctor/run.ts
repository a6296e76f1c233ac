import type { BaseReference, BuilderInfo } from '../../builders/builder.ts';
import { errorLine, PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { formatPlatform } from '../../core/platform.ts';
import { NO_ANSWER, within } from '../../core/within.ts';
import type { Config } from '../../repository/config.ts';
import type { TrustTier } from '../../repository/signers.ts';
import type { Head } from '../../repository/source-tree.ts';
import type { SignerIdentity } from '../../seal/types.ts';
import { explainSkipped } from '../../toolchain/find.ts';
import type { SkippedFolder } from '../../toolchain/folders.ts';
import { programs as allPrograms } from '../../toolchain/programs.ts';
import { type Examination, examine, type Probe, type ProbeResult } from './examine.ts';
import { type SetupCheck, setupProbe } from './gitops.ts';
import { count, examineTrust } from './trust.ts';

/** Ports of doctor; every call throws a PrimitiveError if the thing is missing or unusable. */
export interface DoctorPorts {
  readonly platform: NodeJS.Platform;
  /** `skipped`: folders of PATH that no program is taken from. */
  readonly programs: { readonly skipped: readonly SkippedFolder[] };
  workspace(): Promise<{ readonly location: { readonly path: string }; readonly config: Config }>;
  tree(): Promise<{ readonly root: string; readonly head: Head }>;
  components(): Promise<readonly { readonly id: string }[]>;
  builder(): Promise<{ readonly info: BuilderInfo; readonly why: string | undefined }>;
  program(name: 'cosign' | 'syft'): Promise<{ readonly path: string; readonly version: string }>;
  /** The steps of a publish before its first effect, which waits {@link PATIENCE} for an answer. */
  readonly publish: {
    temporary(): Promise<string>;
    inputs(): Promise<number>;
    identity(): Promise<{ readonly signer: SignerIdentity; readonly tier: TrustTier }>;
    plan(): Promise<string>;
    dockerfiles(): Promise<{ readonly components: readonly string[]; readonly planned: boolean }>;
    builds(): Promise<{ readonly bases: readonly BaseReference[]; readonly jobTokens: readonly string[] }>;
    checkBase(base: BaseReference, signal: AbortSignal): Promise<void>;
    rights(): Promise<readonly string[]>;
  };
  /** The programs that verify starts for the primitives here. */
  verifyTools(): Promise<{ readonly found: readonly string[]; readonly problems: readonly PrimitiveError[] }>;
  /** How the GitOps repository around is set up; undefined in any other place. */
  setup(): Promise<((signal: AbortSignal) => Promise<SetupCheck>) | undefined>;
  /** Throws if the workflow of the GitOps repository cannot be read. */
  checkWorkflow(settings: NonNullable<Config['gitops']>): Promise<void>;
}

/** How long doctor waits for the answer of a service, in milliseconds. */
export const PATIENCE = 10_000;

/**
 * Checks what a publish needs by the steps of a publish, the GitOps repository if the config names one, and the programs
 * that verify starts; in a GitOps repository how that is set up, and nothing else. Changes nothing but, as a dry run does, the depth of a shallow clone.
 */
export async function runDoctor(ports: DoctorPorts): Promise<Examination> {
  const setup = await ports.setup();
  if (setup !== undefined) return examine([setupProbe(setup)], SETUP_NOT_COVERED);
  const gitops = await ports.workspace().then(
    ({ config }) => config.gitops,
    // The check of the config says what is wrong with it.
    () => undefined,
  );
  const more: readonly Probe[] = gitops
    ? [{ id: 'gitops', needs: ['config'], run: () => checkGitops(ports, gitops) }]
    : [];
  const verify: Probe = {
    id: 'verify',
    needs: ['config'],
    run: () => warningAtMost(() => checkVerify(ports)),
  };
  return examine([...publishProbes(ports), ...more, verify]);
}

const SETUP_NOT_COVERED = [
  'what the repository deploys: primitive gitops check',
  'names that others have in the cluster: node .github/primitive/cluster.mjs',
  'the App that opens pull requests, and the webhook of previews',
];

/** In the order in which a publish needs them. */
function publishProbes(ports: DoctorPorts): readonly Probe[] {
  const { publish } = ports;
  return [
    { id: 'config', needs: [], run: () => checkConfig(ports) },
    { id: 'programs', needs: [], run: () => checkPath(ports) },
    { id: 'git', needs: ['config'], run: () => checkGit(ports) },
    { id: 'components', needs: ['git'], run: () => checkComponents(ports) },
    { id: 'inputs', needs: ['components'], run: () => checkInputs(publish) },
    { id: 'temporary', needs: [], run: async () => ({ detail: await publish.temporary() }) },
    { id: 'builder', needs: ['config'], run: () => checkBuilder(ports) },
    { id: 'cosign', needs: [], run: () => checkProgram('cosign', ports) },
    { id: 'syft', needs: [], run: () => checkProgram('syft', ports) },
    { id: 'identity', needs: ['git'], run: () => checkIdentity(publish) },
    { id: 'plan', needs: ['components'], run: async () => ({ detail: await publish.plan() }) },
    { id: 'dockerfiles', needs: ['components'], run: () => checkDockerfiles(publish) },
    { id: 'builds', needs: ['dockerfiles', 'builder', 'temporary'], run: () => checkBuilds(publish) },
    { id: 'registry', needs: ['config'], run: () => checkRegistry(publish) },
    { id: 'bases', needs: ['builds'], run: () => checkBases(publish) },
    {
      id: 'trust',
      needs: ['config'],
      run: async () => {
        const { signing, build } = (await ports.workspace()).config;
        return examineTrust(signing, build.cache.trusted.from);
      },
    },
  ];
}

/** A publish needs neither the repository nor a token for it. */
function checkGitops(ports: DoctorPorts, settings: NonNullable<Config['gitops']>): Promise<ProbeResult> {
  return warningAtMost(async () => {
    const { repository, workflow } = settings;
    await within(PATIENCE, repository, () => ports.checkWorkflow(settings));
    return { detail: `${repository}: ${workflow} can be read` };
  });
}

/** Makes a warning of what fails: a publish can do without it. */
async function warningAtMost(run: () => Promise<ProbeResult>): Promise<ProbeResult> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.code === 'interrupted') throw error;
    const { code, message, why, suggestions } = error;
    return { detail: message, warning: { code, ...optional('why', why), fix: suggestions } };
  }
}

/** A publish needs none of them. */
async function checkVerify(ports: DoctorPorts): Promise<ProbeResult> {
  const { found, problems } = await ports.verifyTools();
  if (problems.length === 0) return { detail: found.length === 0 ? 'starts no program here' : list(found) };
  const missing = problems.map(({ message }) => message);
  return {
    detail: [...found, ...missing].join(', '),
    warning: {
      code: 'verify-tools',
      why: problems.flatMap(({ why }) => why ?? []).join('\n'),
      fix: [...new Set(problems.flatMap(({ suggestions }) => suggestions.slice(0, 1)))],
    },
  };
}

async function checkConfig(ports: DoctorPorts) {
  const { location, config } = await ports.workspace();
  return { detail: `${location.path}: images go to ${config.registry}` };
}

/** A warning if a program is in a folder that is skipped: the user may not expect that another one runs, or none. */
async function checkPath(ports: DoctorPorts): Promise<ProbeResult> {
  const {
    platform,
    programs: { skipped },
  } = ports;
  if (skipped.length === 0) return { detail: 'no folder of PATH is skipped' };
  const folders = new Set(skipped.map(({ folder }) => folder));
  const detail = `skipped on PATH: ${[...folders].join(', ')}`;
  const files = Object.values(allPrograms).flatMap(({ calls }) => calls.map(([file]) => file));
  const { why, suggestions } = await explainSkipped([...files, 'buf', 'gh'], { platform, skipped });
  if (suggestions.length === 0) return { detail };
  const warning = { code: 'programs-skipped', why: why.replace(/^; /, ''), fix: suggestions };
  return { detail: `${count(folders.size, 'folder')} of PATH skipped`, warning };
}

async function checkGit(ports: DoctorPorts) {
  const { root, head } = await ports.tree();
  const where = head.branch === undefined ? 'detached' : `on ${head.branch}`;
  return { detail: `${root}: ${head.commit.slice(0, 12)} ${where}${head.shallow ? ', shallow clone' : ''}` };
}

async function checkComponents(ports: DoctorPorts) {
  return { detail: list((await ports.components()).map(({ id }) => id)) };
}

async function checkInputs(publish: DoctorPorts['publish']) {
  return { detail: `as committed, of ${count(await publish.inputs(), 'component')}` };
}

async function checkBuilder(ports: DoctorPorts) {
  const [{ config }, { info, why }] = await Promise.all([ports.workspace(), ports.builder()]);
  const able = new Set(info.platforms.map(formatPlatform));
  const lacking = config.platforms.map(formatPlatform).filter((platform) => !able.has(platform));
  const detail = why === undefined ? info.description : `${info.description}; ${why}`;
  if (lacking.length === 0) return { detail };
  return {
    detail,
    warning: {
      code: 'builder-platform-missing',
      why: `It cannot run steps for ${lacking.join(', ')}; a Dockerfile whose RUN steps need that is refused.`,
      fix: [
        'Install emulation: docker run --privileged --rm tonistiigi/binfmt --install all',
        'Or cross-compile: FROM --platform=$BUILDPLATFORM for the stages with RUN.',
        `Or name fewer platforms in primitive.config.yaml: platforms: [${[...able].sort().join(', ')}]`,
      ],
    },
  };
}

async function checkProgram(name: 'cosign' | 'syft', ports: DoctorPorts) {
  const { path, version } = await ports.program(name);
  return { detail: `${name} ${version} (${path})` };
}

async function checkIdentity(publish: DoctorPorts['publish']) {
  const { signer, tier } = await publish.identity();
  const who = signer.type === 'key' ? `key ${signer.fingerprint}` : `${signer.identity} (${signer.issuer})`;
  return { detail: `${who}: ${tier}` };
}

async function checkDockerfiles(publish: DoctorPorts['publish']) {
  const { components, planned } = await publish.dockerfiles();
  if (components.length === 0) return { detail: 'none to build' };
  const why = planned ? 'to be built' : 'all, as there is no plan';
  return { detail: `${list(components)} (${why}): contexts complete, images pinned` };
}

async function checkBuilds(publish: DoctorPorts['publish']): Promise<ProbeResult> {
  const { bases, jobTokens } = await publish.builds();
  const detail = `platforms, arguments and secrets are there; ${count(bases.length, 'base')}`;
  if (jobTokens.length === 0) return { detail };
  const fix = ['Use a separate variable with a token that can only read what the build needs.'];
  return { detail, warning: { code: 'build-secret-token', why: jobTokens.join('\n'), fix } };
}

async function checkRegistry(publish: DoctorPorts['publish']) {
  const repositories = await within(PATIENCE, 'the registry', () => publish.rights());
  return { detail: `${list(repositories)} can be pushed to` };
}

/** Each in the builder's own way. What is wrong with one hides neither the next nor that another gave no answer. */
async function checkBases(publish: DoctorPorts['publish']) {
  const { bases } = await publish.builds();
  if (bases.length === 0) return { detail: 'none' };
  const problems = await Promise.all(
    bases.map(async (base) => {
      try {
        const { reference } = base;
        await within(PATIENCE, `the registry of ${reference}`, (signal) => publish.checkBase(base, signal));
        return [];
      } catch (error) {
        if (error instanceof PrimitiveError && error.code !== 'interrupted') return [error];
        throw error;
      }
    }),
  );
  const found = problems.flat();
  const worst = found.find(({ code }) => code !== NO_ANSWER) ?? found[0];
  if (worst === undefined) return { detail: list(bases.map(({ reference }) => reference)) };
  if (found.length === 1) throw worst;
  throw new PrimitiveError(worst.code, `${found.length} bases of ${bases.length} cannot be pulled.`, {
    why: found.map(errorLine).join('\n'),
    suggestions: [...new Set(found.flatMap(({ suggestions }) => suggestions))],
    exit: 3,
  });
}

/** The first of them, and how many more there are. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
