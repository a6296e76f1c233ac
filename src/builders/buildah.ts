import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { formatPlatform, type Platform } from '../core/platform.ts';
import { formatReference, joinRepository, parseDockerReference, repositoryHost } from '../oci/reference.ts';
import { locate } from '../toolchain/find.ts';
import type { RunOptions } from '../toolchain/process.ts';
import { type BuildahSetup, ENVIRONMENT, openStore, type StoreOptions } from './buildah-store.ts';
import type { BaseReference, Builder, BuilderInfo, BuildRequest, BuildResult, PlainHttp } from './builder.ts';
import { emulatedPlatforms } from './emulation.ts';
import { buildahAdvice, loginAdvice, plainHttpHost } from './plain-http.ts';
import {
  basesOf,
  baseUnavailable,
  buildFailed,
  checkLayout,
  type PreparedBuild,
  prepare,
  SOURCE_DATE_EPOCH,
  secretTexts,
  sortedPairs,
} from './prepare.ts';
import { writeRegistriesConf } from './registries-conf.ts';

interface Host extends StoreOptions {
  readonly info: BuilderInfo;
  /** Flags that say how steps are isolated. */
  readonly isolation: readonly string[];
  /** Flags for a store without images. */
  readonly flags: readonly string[];
}

/**
 * buildah, without a daemon, from Debian 12's 1.28 on. Each build has a store to itself, so that all it leaves behind can
 * be removed without touching that of another; the bases that it pulled stay for the next one of the same namespace, and
 * all builds of a namespace share its cache mounts.
 */
export function createBuildah(setup: BuildahSetup): Builder {
  let probed: Promise<Host> | undefined;
  const host = () => {
    probed ??= inspect(setup);
    return probed;
  };
  return {
    probe: async () => (await host()).info,
    check: async (request) => {
      await prepare(request, setup.variables);
    },
    checkBase: async (base, signal) => checkBase(setup, await host(), base, signal),
    build: async (request) => build(setup, await host(), request),
  };
}

async function build(setup: BuildahSetup, host: Host, request: BuildRequest): Promise<BuildResult> {
  const prepared = await prepare(request, setup.variables);
  const { log, secrets } = prepared;
  if (request.cacheFrom.length + request.cacheTo.length > 0) {
    log.add('buildah does not use the layer caches of cacheFrom and cacheTo');
  }
  await using store = await openStore(setup, host, request.cacheNamespace);
  const folder = await mkdtemp(join(setup.temporary, 'buildah-'));
  try {
    const images = request.images.filter(({ via }) => via !== '# syntax');
    const bases = images.map(({ pinned }) => pinned);
    const registries = await registriesFlags(bases, folder, setup);
    const run = async (args: readonly string[], options: RunOptions = {}) => {
      const result = await store.run(args, {
        cwd: folder,
        ...options,
        secrets: secretTexts(secrets),
        onLine: log.add,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      if (result.exitCode !== 0)
        throw buildFailed(log.find(/^Error: (.+)$/), log, await plainHttpAdvice(log.tail, setup));
    };
    const secretArguments = await writeSecrets(prepared, folder);
    const ignore = await ignoreFile(request, folder);
    for (const { platforms, contexts } of platformGroups(request)) {
      await run([
        ...registries,
        'build',
        ...host.isolation,
        ...buildArguments(request, platforms),
        ...contexts,
        `--manifest=${store.list}`,
        `--ignorefile=${ignore}`,
        ...secretArguments,
        request.context,
      ]);
    }
    const parent = dirname(request.output);
    await mkdir(parent, { recursive: true });
    await run(['manifest', 'push', '--all', store.list, `oci:${basename(request.output)}`], { cwd: parent });
    await checkLayout(request);
    return {
      layout: request.output,
      bases: basesOf(images),
      caches: [],
    };
  } catch (error) {
    await rm(request.output, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Platforms that one call builds, and the images that take the place of those named. */
interface PlatformGroup {
  readonly platforms: Platform[];
  readonly contexts: readonly string[];
}

/** One group, unless what is written, such as `FROM base-$TARGETARCH`, is another image on another platform. */
function platformGroups(request: BuildRequest): PlatformGroup[] {
  const groups = new Map<string, PlatformGroup>();
  for (const platform of request.platforms) {
    const contexts = contextArguments(request, platform);
    const key = contexts.join(' ');
    const group = groups.get(key) ?? { platforms: [], contexts };
    group.platforms.push(platform);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function contextArguments({ images }: BuildRequest, platform: Platform): string[] {
  // Looked up by what is written, in newer versions by what it expands to.
  const contexts = images
    .filter(({ via, platforms }) => via !== '# syntax' && platforms.includes(formatPlatform(platform)))
    .flatMap(({ written, reference, pinned }) =>
      [written, reference].map((name) => `--build-context=${name}=docker-image://${withoutTag(pinned)}`),
    );
  return [...new Set(contexts)];
}

function buildArguments(request: BuildRequest, platforms: readonly Platform[]): string[] {
  return [
    '--format=oci',
    // buildah's layer cache does not know what a step is made of: 1.28 takes an amd64 image for arm64.
    '--layers=false',
    '--force-rm=true',
    '--identity-label=false',
    '--pull=false',
    `--timestamp=${SOURCE_DATE_EPOCH}`,
    `--platform=${platforms.map(formatPlatform).join(',')}`,
    `--jobs=${platforms.length}`,
    `--file=${join(request.context, request.dockerfile)}`,
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...sortedPairs({ ...request.args, SOURCE_DATE_EPOCH }).map((pair) => `--build-arg=${pair}`),
    ...sortedPairs(request.labels).map((pair) => `--label=${pair}`),
  ];
}

/** Short names need configuration that a machine may not have, and a tag beside a digest is refused. */
function withoutTag(pinned: string): string {
  const { repository, digest } = parseDockerReference(pinned);
  return formatReference(digest === undefined ? { repository } : { repository, digest });
}

/** Copies of the secrets, because a path with a comma could not be given; the folder goes with the build. */
async function writeSecrets({ secrets }: PreparedBuild, folder: string): Promise<string[]> {
  return Promise.all(
    secrets.map(async ({ id, value }, index) => {
      const file = join(folder, `secret-${index}`);
      await writeFile(file, value, { mode: 0o600, flag: 'wx' });
      return `--secret=id=${id},src=${file}`;
    }),
  );
}

/** The file that BuildKit would read: buildah alone would prefer a `.containerignore`. */
async function ignoreFile(request: BuildRequest, folder: string): Promise<string> {
  for (const name of [`${request.dockerfile}.dockerignore`, '.dockerignore']) {
    const path = join(request.context, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  const empty = join(folder, 'ignore');
  await writeFile(empty, '');
  return empty;
}

function hostOf(pinned: string): string {
  return repositoryHost(parseDockerReference(pinned).repository);
}

/**
 * The setting that the registry client has, for buildah. Throws `base-unavailable` where buildah would send a login that
 * only the config lets go over plain HTTP: it has no way to keep one of several to itself.
 */
async function registriesFlags(
  bases: readonly string[],
  folder: string,
  { variables, plainHttp = async () => 'no' as const }: BuildahSetup,
): Promise<readonly string[]> {
  const settings = new Map<string, Awaited<ReturnType<PlainHttp>>>();
  for (const base of bases) {
    const { repository } = parseDockerReference(base);
    const setting = await plainHttp(repository);
    const host = repositoryHost(repository);
    if (setting !== 'no' && settings.get(host) !== 'has-login') settings.set(host, setting);
  }
  const path = join(folder, 'registries.conf');
  const { added, helpers } = await writeRegistriesConf([...settings.keys()].sort(), path, { variables });
  for (const host of added) {
    const setting = settings.get(host);
    if (setting === 'with-login' || (setting === 'no-login' && !helpers)) continue;
    throw baseUnavailable(
      bases.find((base) => hostOf(base) === host) ?? host,
      `${host} is without TLS by the config alone, and this machine has a login for it that buildah would send`,
      [loginAdvice(host)],
    );
  }
  return added.length > 0 ? [`--registries-conf=${path}`] : [];
}

async function plainHttpAdvice(log: string, { plainHttp }: BuildahSetup): Promise<readonly string[]> {
  const host = plainHttpHost(log);
  if (host === undefined) return [];
  const setting = await plainHttp?.(joinRepository(host, 'any'));
  return buildahAdvice(host, setting !== undefined && setting !== 'no');
}

async function checkBase(
  setup: BuildahSetup,
  { flags }: Host,
  { reference }: BaseReference,
  signal?: AbortSignal,
): Promise<void> {
  const { processes, program, variables } = setup;
  const folder = await mkdtemp(join(setup.temporary, 'base-'));
  try {
    const registries = await registriesFlags([reference], folder, setup);
    const { exitCode, stderr } = await processes.run(
      program.path,
      [...program.args, ...registries, ...flags, 'manifest', 'inspect', withoutTag(reference)],
      {
        env: { ...ENVIRONMENT, ...(await loginsOf(folder, variables)) },
        ...(signal === undefined ? {} : { signal }),
      },
    );
    // An image of one platform was got as well, but is not what this command shows.
    if (exitCode === 0 || /\(not a list type\)\s*$/.test(stderr)) return;
    const advice = await plainHttpAdvice(stderr, setup);
    throw baseUnavailable(reference, stderr.trim().replace(/^Error: /, ''), advice);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `manifest inspect` heeds no REGISTRY_AUTH_FILE: the file is put where it looks first. */
async function loginsOf(
  folder: string,
  { REGISTRY_AUTH_FILE }: BuildahSetup['variables'],
): Promise<NonNullable<RunOptions['env']>> {
  if (!REGISTRY_AUTH_FILE) return {};
  await mkdir(join(folder, 'containers'));
  await symlink(resolve(REGISTRY_AUTH_FILE), join(folder, 'containers/auth.json'));
  return { XDG_RUNTIME_DIR: folder };
}

async function inspect(setup: BuildahSetup): Promise<Host> {
  const { program } = setup;
  const probe = join(setup.storage, 'probe');
  await mkdir(probe, { recursive: true }).catch((cause: Error) => {
    throw new PrimitiveError('builder-unusable', `Cannot write to ${setup.storage}`, {
      why: `${cause.message}; buildah keeps pulled images there`,
      suggestions: ['export XDG_CACHE_HOME=DIR, a folder that can be written'],
      exit: 3,
      cause,
    });
  });
  const flagsOf = (folder: string, driver: readonly string[]) => [
    `--root=${join(folder, 'root')}`,
    `--runroot=${join(folder, 'run')}`,
    ...driver,
  ];
  let driver: readonly string[] = [];
  let flags = flagsOf(probe, driver);
  let result = await ask(setup, flags);
  if (typeof result === 'string') {
    // Overlay needs kernel support that nested containers lack; plain copies always work.
    driver = ['--storage-driver=vfs'];
    const first = result;
    flags = flagsOf(`${probe}-vfs`, driver);
    result = await ask(setup, flags);
    if (typeof result === 'string') {
      throw new PrimitiveError('builder-unusable', `buildah ${program.version} cannot be used`, {
        why: first,
        suggestions: [
          'look at it: buildah info',
          'without root it needs entries in /etc/subuid and /etc/subgid',
        ],
        exit: 3,
      });
    }
  }
  const { arch, os, rootless, OCIRuntime, variant } = result;
  const native: Platform = { os, architecture: arch, ...(variant ? { variant } : {}) };
  const runtime = await locate(OCIRuntime, { path: setup.path, platform: 'linux' });
  const chroot = setup.variables.BUILDAH_ISOLATION === undefined && (rootless || runtime === undefined);
  return {
    driver,
    flags,
    runtime,
    isolation: chroot ? ['--isolation=chroot'] : [],
    info: {
      name: 'buildah',
      version: program.version,
      description: `buildah ${program.version}${rootless ? ', rootless' : ''}${chroot ? ', chroot isolation' : ''}`,
      platforms: [native, ...(await emulatedPlatforms(native))],
    },
  };
}

interface HostReport {
  readonly arch: string;
  readonly os: string;
  readonly variant: string;
  readonly rootless: boolean;
  readonly OCIRuntime: string;
}

/** `buildah info`, or what it complains about. */
async function ask(
  { processes, program }: BuildahSetup,
  flags: readonly string[],
): Promise<HostReport | string> {
  const run = await processes.run(program.path, [...program.args, ...flags, 'info'], {
    env: ENVIRONMENT,
    timeout: 60_000,
  });
  if (run.exitCode !== 0) return run.stderr.trim() || `exit code ${run.exitCode}`;
  return (JSON.parse(Buffer.from(run.stdout).toString()) as { host: HostReport }).host;
}
