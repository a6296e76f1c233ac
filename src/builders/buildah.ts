import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { PrimitiveError } from '../core/errors.ts';
import { exists } from '../core/exists.ts';
import { optional } from '../core/object.ts';
import { once } from '../core/once.ts';
import { formatPlatform, type Platform } from '../core/platform.ts';
import type { ProgramOptions } from '../core/process.ts';
import { settleAll } from '../core/settle.ts';
import { listPlatforms } from '../oci/layout.ts';
import { formatReference, joinRepository, parseDockerReference, repositoryHost } from '../oci/reference.ts';
import { locate } from '../toolchain/find.ts';
import { type Base, createBases, type PulledBases } from './buildah-bases.ts';
import {
  type BuildahSetup,
  ENVIRONMENT,
  type RunBuildah,
  runIn,
  type StorageDriver,
  type StoreOptions,
} from './buildah-run.ts';
import { openStore } from './buildah-store.ts';
import type { BaseReference, Builder, BuilderInfo, BuildRequest, BuildResult, PlainHttp } from './builder.ts';
import { emulatedPlatforms } from './emulation.ts';
import { buildahAdvice, loginAdvice, plainHttpHost } from './plain-http.ts';
import {
  basesOf,
  baseUnavailable,
  buildFailed,
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
 * buildah, without a daemon, from Debian 12's 1.28 on. Each build of a platform has a store to itself, so that all it leaves
 * behind can be removed without touching that of another; all builds of a namespace share its bases, which are pulled once, and its
 * cache mounts.
 */
export function createBuildah(setup: BuildahSetup): Builder {
  let probed: Promise<Host> | undefined;
  const host = () => {
    probed ??= inspect(setup);
    return probed;
  };
  const bases = once(async () => {
    const options = await host();
    return createBases(options.driver.name, (folder) => runIn(setup, options, folder));
  });
  return {
    look: host,
    probe: async () => (await host()).info,
    check: async (request) => {
      await prepare(request, setup.variables);
    },
    checkBase: async (base, signal) => checkBase(setup, await host(), base, signal),
    build: async (request) => build(setup, await host(), await bases(), request),
  };
}

async function build(
  setup: BuildahSetup,
  host: Host,
  bases: PulledBases,
  request: BuildRequest,
): Promise<BuildResult> {
  const prepared = await prepare(request, setup.variables);
  const { log, secrets } = prepared;
  if (request.cacheFrom.length + request.cacheTo.length > 0) {
    log.add('buildah does not use the layer caches of cacheFrom and cacheTo');
  }
  const folder = await mkdtemp(join(setup.temporary, 'buildah-'));
  try {
    const images = request.images.filter(({ via }) => via !== '# syntax');
    const flags = await registriesFlags(
      images.map(({ pinned }) => pinned),
      folder,
      setup,
    );
    const parent = dirname(request.output);
    await mkdir(parent, { recursive: true });
    const call: Call = async (run, args, roots = []) => {
      const options = {
        cwd: parent,
        secrets: secretTexts(secrets),
        onLine: log.add,
        ...optional('signal', request.signal),
      };
      const result = await run([...flags, ...args], options, roots);
      if (result.exitCode !== 0)
        throw buildFailed(log.find(/^Error: (.+)$/), log, await plainHttpAdvice(log.tail, setup));
    };
    const files = [
      `--ignorefile=${await ignoreFile(request, folder)}`,
      ...(await writeSecrets(prepared, folder)),
      request.context,
    ];
    // One layout, which takes one image after the other.
    const push = pLimit(1);
    await settleAll(
      request.platforms.map(async (platform) => {
        await using store = await openStore(setup, host, request.cacheNamespace);
        const { contexts, needed, isPlain } = basesFor(images, platform);
        const pulled = needed.map(async ({ used, ...base }) => {
          const got = bases.get(store.bases, base, (run, args) => call(run, args));
          // Old versions build stages that nothing needs, new ones do not: buildah says if it is missing.
          return used ? got : got.catch(() => undefined);
        });
        const roots = (await settleAll(pulled)).flatMap((base) =>
          base === undefined ? [] : isPlain ? base.image : base.layers,
        );
        const flags = buildArguments(request, platform);
        const policy = `--pull=${isPlain ? 'never' : 'false'}`;
        const tag = `--tag=${store.image}`;
        await call(
          store.run,
          ['build', ...host.isolation, ...flags, policy, ...contexts, tag, ...files],
          roots,
        );
        const place = `oci:${basename(request.output)}:${formatPlatform(platform)}`;
        await push(() => call(store.run, ['push', '--format=oci', store.image, place], roots));
      }),
    );
    await listPlatforms(request.output);
    return { layout: request.output, bases: basesOf(images), caches: [] };
  } catch (error) {
    await rm(request.output, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs buildah for a build, with its log; throws `build-failed` if that fails. */
type Call = (run: RunBuildah, args: readonly string[], roots?: readonly string[]) => Promise<void>;

/** The bases that a build for one platform takes, and the images that take the place of those named. */
interface PlatformBases {
  readonly needed: readonly (Base & { readonly used: boolean })[];
  readonly contexts: readonly string[];
  /**
   * Whether buildah may take the images as they were pulled. Not if one name stands for images of two platforms
   * (`FROM --platform=$BUILDPLATFORM x` beside `FROM x`), of which it finds the right one at the registry alone, nor if a
   * stage is an image and nothing else, which 1.28 removes at the end and must have to itself.
   */
  readonly isPlain: boolean;
}

function basesFor(images: BuildRequest['images'], platform: Platform): PlatformBases {
  const needed = new Map<string, Base & { readonly used: boolean }>();
  const contexts = new Set<string>();
  let hasBareStage = false;
  for (const { written, reference: name, pinned, platforms, used, isStage } of images) {
    const taken = platforms[formatPlatform(platform)];
    if (taken === undefined) continue;
    hasBareStage ||= isStage;
    const reference = withoutTag(pinned);
    // Looked up by what is written, in newer versions by what it expands to.
    for (const named of [written, name]) contexts.add(`--build-context=${named}=docker-image://${reference}`);
    const key = `${taken} ${reference}`;
    needed.set(key, { reference, platform: taken, used: used || (needed.get(key)?.used ?? false) });
  }
  const bases = [...needed.values()];
  const isAmbiguous = new Set(bases.map(({ reference }) => reference)).size < bases.length;
  return { needed: bases, contexts: [...contexts], isPlain: !isAmbiguous && !hasBareStage };
}

function buildArguments(request: BuildRequest, platform: Platform): string[] {
  return [
    '--format=oci',
    // buildah's layer cache does not know what a step is made of: 1.28 takes an amd64 image for arm64.
    '--layers=false',
    '--force-rm=true',
    '--identity-label=false',
    `--timestamp=${SOURCE_DATE_EPOCH}`,
    `--platform=${formatPlatform(platform)}`,
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
    if (await exists(path)) return path;
  }
  const empty = join(folder, 'ignore');
  await writeFile(empty, '');
  return empty;
}

function hostOf(pinned: string): string {
  return repositoryHost(parseDockerReference(pinned).repository);
}

/**
 * The setting that the registry client has, for buildah. Throws `base-unavailable` if buildah would send a login that
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
        ...optional('signal', signal),
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
): Promise<NonNullable<ProgramOptions['env']>> {
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
      suggestions: ['Set XDG_CACHE_HOME to a writable folder.'],
      exit: 3,
      cause,
    });
  });
  const flagsOf = (folder: string, driver: readonly string[]) => [
    `--root=${join(folder, 'root')}`,
    `--runroot=${join(folder, 'run')}`,
    ...driver,
  ];
  let own: readonly string[] = [];
  let flags = flagsOf(probe, own);
  let result = await ask(setup, flags);
  if (typeof result === 'string' || result.driver === undefined) {
    // Overlay needs kernel support that nested containers lack, others know no bases beside; plain copies always work.
    own = ['--storage-driver=vfs'];
    const first = result;
    flags = flagsOf(`${probe}-vfs`, own);
    result = await ask(setup, flags);
    if (typeof result === 'string') {
      throw new PrimitiveError('builder-unusable', `buildah ${program.version} cannot be used`, {
        why: typeof first === 'string' ? first : result,
        suggestions: [
          'Inspect it: buildah info',
          'Without root, add entries for this user to /etc/subuid and /etc/subgid.',
        ],
        exit: 3,
      });
    }
  }
  const { arch, os, rootless, OCIRuntime, variant } = result.host;
  const driver = { name: result.driver ?? 'vfs', flags: own, options: result.options };
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

/** The result of `buildah info`. */
interface HostReport {
  readonly host: {
    readonly arch: string;
    readonly os: string;
    readonly variant: string;
    readonly rootless: boolean;
    readonly OCIRuntime: string;
  };
  /** Undefined for one that cannot read bases beside its own store. */
  readonly driver: StorageDriver['name'] | undefined;
  readonly options: readonly string[];
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
  const { host, store } = JSON.parse(Buffer.from(run.stdout).toString()) as {
    readonly host: HostReport['host'];
    readonly store: { readonly GraphDriverName: string; readonly GraphOptions: readonly string[] | null };
  };
  const { GraphDriverName: name, GraphOptions: options } = store;
  return { host, driver: name === 'overlay' || name === 'vfs' ? name : undefined, options: options ?? [] };
}
