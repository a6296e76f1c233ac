import type { BuilderInfo } from '../../builders/builder.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { formatPlatform } from '../../oci/manifest.ts';
import { parseDockerReference } from '../../oci/reference.ts';
import type { Registry } from '../../oci/registry.ts';
import { releasesRepository } from '../../seal/record.ts';
import { checkRun, resolveRun, type SigningIdentity } from '../../seal/run-identity.ts';
import type { TrustPolicy } from '../../seal/trust.ts';
import { explainSkipped } from '../../toolchain/find.ts';
import type { SkippedFolder } from '../../toolchain/folders.ts';
import { programs } from '../../toolchain/programs.ts';
import type { Config } from '../../workspace/config.ts';
import type { Head } from '../../workspace/source-tree.ts';
import { type Examination, examine, type Probe, type ProbeResult } from './examine.ts';
import { examineTrust } from './trust.ts';

/** What doctor checks; every call throws a PrimitiveError where the thing is missing or unusable. */
export interface DoctorPorts {
  readonly platform: NodeJS.Platform;
  /** Folders of PATH that no program is taken from. */
  readonly skipped: readonly SkippedFolder[];
  workspace(): Promise<{ readonly location: { readonly path: string }; readonly config: Config }>;
  repository(): Promise<{ readonly root: string; readonly head: Head }>;
  components(): Promise<readonly { readonly id: string }[]>;
  builder(): Promise<{ readonly info: BuilderInfo; readonly why: string }>;
  program(name: 'cosign' | 'syft'): Promise<{ readonly path: string; readonly version: string }>;
  identity(): Promise<SigningIdentity>;
  policy(): Promise<TrustPolicy>;
  registry(): Promise<Registry>;
  /** Looks up the workflow of the GitOps repository; what was found. */
  gitops(settings: NonNullable<Config['gitops']>): Promise<string>;
}

/** Checks what a publish needs, and the GitOps repository where the config names one. Changes nothing. */
export async function runDoctor(ports: DoctorPorts): Promise<Examination> {
  const gitops = await ports.workspace().then(
    ({ config }) => config.gitops,
    // The check of the config says what is wrong with it.
    () => undefined,
  );
  const more: readonly Probe[] = gitops
    ? [{ id: 'gitops', needs: ['config'], look: () => lookAtGitops(ports, gitops) }]
    : [];
  return examine([...publishProbes(ports), ...more]);
}

/** In the order in which a publish needs them. */
function publishProbes(ports: DoctorPorts): readonly Probe[] {
  return [
    { id: 'config', needs: [], look: () => lookAtConfig(ports) },
    { id: 'programs', needs: [], look: () => lookAtPath(ports) },
    { id: 'git', needs: ['config'], look: () => lookAtGit(ports) },
    { id: 'components', needs: ['git'], look: () => lookAtComponents(ports) },
    { id: 'builder', needs: ['config'], look: () => lookAtBuilder(ports) },
    { id: 'cosign', needs: [], look: () => lookAtProgram('cosign', ports) },
    { id: 'syft', needs: [], look: () => lookAtProgram('syft', ports) },
    { id: 'identity', needs: ['git'], look: () => lookAtIdentity(ports) },
    { id: 'registry', needs: ['config'], look: () => lookAtRegistry(ports) },
    { id: 'bases', needs: ['config', 'registry'], look: () => lookAtBases(ports) },
    {
      id: 'trust',
      needs: ['config'],
      look: async () => {
        const { signing, build } = (await ports.workspace()).config;
        return examineTrust(signing, build.cache.trusted.from);
      },
    },
  ];
}

/** A warning at most: a publish needs neither the repository nor a token for it. */
async function lookAtGitops(
  ports: DoctorPorts,
  settings: NonNullable<Config['gitops']>,
): Promise<ProbeResult> {
  try {
    return { detail: await ports.gitops(settings) };
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.code === 'interrupted') throw error;
    const { code, message, why, suggestions } = error;
    const warning = { code, ...(why === undefined ? {} : { why }), fix: suggestions };
    return { detail: message, warning };
  }
}

async function lookAtConfig(ports: DoctorPorts) {
  const { location, config } = await ports.workspace();
  return { detail: `${location.path}: images go to ${config.registry}` };
}

/** A warning where a program is in a folder that is skipped: the user may not expect that another one runs, or none. */
async function lookAtPath(ports: DoctorPorts): Promise<ProbeResult> {
  const { skipped } = ports;
  if (skipped.length === 0) return { detail: 'no folder of PATH is skipped' };
  const detail = `skipped on PATH: ${skipped.map(({ folder }) => folder).join(', ')}`;
  const files = Object.values(programs).flatMap(({ calls }) => calls.map(([file]) => file));
  const { why, suggestions } = await explainSkipped([...files, 'buf', 'gh'], ports);
  if (suggestions.length === 0) return { detail };
  const warning = { code: 'programs-skipped', why: why.replace(/^; /, ''), fix: suggestions };
  return { detail, warning };
}

async function lookAtGit(ports: DoctorPorts) {
  const { root, head } = await ports.repository();
  const where = head.branch === undefined ? 'detached' : `on ${head.branch}`;
  return { detail: `${root}: ${head.commit.slice(0, 12)} ${where}${head.shallow ? ', shallow clone' : ''}` };
}

async function lookAtComponents(ports: DoctorPorts) {
  const components = await ports.components();
  const names = components.slice(0, 5).map(({ id }) => id);
  const more = components.length > names.length ? ` and ${components.length - names.length} more` : '';
  return { detail: `${names.join(', ')}${more}` };
}

async function lookAtBuilder(ports: DoctorPorts) {
  const [{ config }, { info, why }] = await Promise.all([ports.workspace(), ports.builder()]);
  const able = new Set(info.platforms.map(formatPlatform));
  const lacking = config.platforms.map(formatPlatform).filter((platform) => !able.has(platform));
  const detail = `${info.description} (${why})`;
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

async function lookAtProgram(name: 'cosign' | 'syft', ports: DoctorPorts) {
  const { path, version } = await ports.program(name);
  return { detail: `${name} ${version} (${path})` };
}

async function lookAtIdentity(ports: DoctorPorts) {
  const [{ signer, claims, pullRequest }, policy, { head }] = await Promise.all([
    ports.identity(),
    ports.policy(),
    ports.repository(),
  ]);
  checkRun({ head: head.commit, claims, pullRequest });
  const { tier } = resolveRun(signer, policy, head.branch);
  const who = signer.type === 'key' ? `key ${signer.fingerprint}` : `${signer.identity} (${signer.issuer})`;
  return { detail: `${who}: ${tier}` };
}

async function lookAtRegistry(ports: DoctorPorts) {
  const [registry, { config }] = await Promise.all([ports.registry(), ports.workspace()]);
  const releases = releasesRepository(config.registry);
  await registry.checkPush(releases);
  return { detail: `${releases} can be pushed to` };
}

async function lookAtBases(ports: DoctorPorts) {
  const [{ config }, registry] = await Promise.all([ports.workspace(), ports.registry()]);
  const mappings = Object.entries(config.build.bases);
  if (mappings.length === 0) return { detail: 'none mapped: FROM is used as written' };
  for (const [from, to] of mappings) await lookAtBase(from, to, registry);
  return { detail: mappings.map(([from, to]) => `${from} -> ${to}`).join(', ') };
}

async function lookAtBase(from: string, to: string, registry: Registry): Promise<void> {
  const { repository, digest } = parseDockerReference(to);
  if (digest === undefined) {
    throw new PrimitiveError('base-unpinned', `build.bases maps ${from} to ${to}, which has no digest.`, {
      why: 'What a tag names may change between two builds of one commit.',
      suggestions: [`${from}: ${to.replace(/@.*$/, '')}@sha256:…`],
      exit: 1,
    });
  }
  if ((await registry.headManifest(repository, digest)) !== undefined) return;
  throw new PrimitiveError('base-missing', `build.bases maps ${from} to ${to}, which does not exist.`, {
    why: `${repository} has no manifest ${digest}.`,
    suggestions: ['Push it there, or name the digest that is there.'],
    exit: 1,
  });
}
