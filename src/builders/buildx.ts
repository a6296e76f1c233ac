import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { once } from '../core/once.ts';
import { formatPlatform, parsePlatform } from '../core/platform.ts';
import type { ProgramOptions } from '../core/process.ts';
import { compareVersions } from '../toolchain/find.ts';
import type { BaseReference, Builder, BuilderInfo, BuildRequest, BuildResult } from './builder.ts';
import { buildkitAdvice, plainHttpHost } from './plain-http.ts';
import {
  type BuilderSetup,
  basesOf,
  baseUnavailable,
  buildFailed,
  csvField,
  type LoadedSecret,
  type PreparedBuild,
  prepare,
  SOURCE_DATE_EPOCH,
  secretTexts,
  sortedPairs,
} from './prepare.ts';

/** From 0.13 on BuildKit rewrites the times of files inside layers. */
const MINIMUM_BUILDKIT = '0.13.0';
/** The first start of a builder may pull its image. */
const BOOT_MS = 5 * 60_000;

/**
 * BuildKit's source policy, where the last rule that matches decides: an image without a digest is refused by BuildKit
 * itself, whatever the Dockerfile or a frontend makes of a reference.
 */
const SOURCE_POLICY = {
  rules: [
    { action: 'DENY', selector: { identifier: 'docker-image://*' } },
    { action: 'ALLOW', selector: { identifier: 'docker-image://*@sha256:*' } },
  ],
};

/** Variables that would make a build depend on the machine; `undefined` removes them. */
const ENVIRONMENT: NonNullable<ProgramOptions['env']> = {
  NO_COLOR: '1',
  SOURCE_DATE_EPOCH: undefined,
  BUILDX_GIT_LABELS: undefined,
  BUILDX_GIT_INFO: 'false',
  BUILDX_METADATA_WARNINGS: undefined,
};

/**
 * BuildKit by way of buildx, with the docker-container, remote and kubernetes drivers, on the builder that buildx has
 * selected (`buildx use`, `BUILDX_BUILDER`).
 */
export function createBuildx(setup: BuilderSetup): Builder {
  const look = once(() => askForReport(setup));
  const probe = once(async () => inspect(setup, await look()));
  return {
    look,
    probe,
    check: async (request) => {
      await prepare(request, setup.variables);
      refuseInlineCache(request);
    },
    checkBase: (base, signal) => checkBase(setup, base, signal),
    build: (request) => build(setup, request),
  };
}

async function build(setup: BuilderSetup, request: BuildRequest): Promise<BuildResult> {
  const { processes, program } = setup;
  const prepared = await prepare(request, setup.variables);
  refuseInlineCache(request);
  const { log, secrets } = prepared;
  const folder = await mkdtemp(join(setup.temporary, 'buildx-'));
  try {
    const policy = join(folder, 'source-policy.json');
    await writeFile(policy, JSON.stringify(SOURCE_POLICY));
    const context = await unshared(request.context, folder);
    const args = buildArguments({ ...request, context }, prepared);
    const run = await processes.run(program.path, [...program.args, ...args], {
      cwd: folder,
      env: {
        // First: the config names them, and must not decide about the others.
        ...secretVariables(setup, prepared),
        ...ENVIRONMENT,
        EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: policy,
      },
      ...(usesActionsCache(request) ? { needs: 'layer-cache' } : {}),
      secrets: secretTexts(secrets),
      onLine: log.add,
      ...optional('signal', request.signal),
    });
    if (run.exitCode !== 0) throw failure(prepared, setup);
    // BuildKit's content store leaves its empty working folder behind.
    await rm(join(request.output, 'ingest'), { recursive: true, force: true });
    return { layout: request.output, bases: basesOf(request.images), caches: request.cacheFrom };
  } catch (error) {
    await rm(request.output, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A path of the context whose last segment no other build has, in `folder`.
 *
 * BuildKit starts a transfer from the context that it received before under the same shared key, and takes files from it
 * whose path, size and time are equal. buildx makes the key from the last segment of the context's path. A new name for
 * each build shares nothing: all files are sent, and what is in them is compared by SHA-256 alone.
 */
async function unshared(context: string, folder: string): Promise<string> {
  const link = join(folder, randomUUID());
  await symlink(context, link);
  return link;
}

function buildArguments(request: BuildRequest, { secrets }: PreparedBuild): string[] {
  const frontend = request.images.find(
    ({ via, pinned, reference }) => via === '# syntax' && pinned !== reference,
  );
  const args = {
    ...request.args,
    // A frontend is no stage: it is replaced by this argument, not by a named context.
    ...(frontend === undefined ? {} : { BUILDKIT_SYNTAX: frontend.pinned }),
    BUILDKIT_CACHE_MOUNT_NS: request.cacheNamespace,
    SOURCE_DATE_EPOCH,
  };
  const contexts = request.images
    .filter(({ via, pinned, reference }) => via !== '# syntax' && pinned !== reference)
    .map(({ reference, pinned }) => `${reference}=docker-image://${pinned}`);
  return [
    'build',
    '--progress=plain',
    '--provenance=false',
    '--sbom=false',
    `--platform=${request.platforms.map(formatPlatform).join(',')}`,
    `--file=${join(request.context, request.dockerfile)}`,
    ...(request.target === undefined ? [] : [`--target=${request.target}`]),
    ...sortedPairs(args).map((pair) => `--build-arg=${pair}`),
    ...sortedPairs(request.labels).map((pair) => `--label=${pair}`),
    ...[...new Set(contexts)].map((context) => `--build-context=${context}`),
    ...secrets.map((secret) => `--secret=${secretArgument(secret)}`),
    ...request.cacheFrom.map((cache) => `--cache-from=${cache}`),
    ...request.cacheTo.map((cache) => `--cache-to=${cache}`),
    `--output=type=oci,tar=false,rewrite-timestamp=true,${csvField(`dest=${request.output}`)}`,
    request.context,
  ];
}

/** BuildKit's cache of type `gha` is that of GitHub Actions, which buildx finds by the variables of the job. */
function usesActionsCache({ cacheFrom, cacheTo }: BuildRequest): boolean {
  return [...cacheFrom, ...cacheTo].some((cache) => /(?:^|,)type=gha(?:,|$)/.test(cache));
}

/** Build secrets by name, as buildx takes them: a private key among them is not inherited. */
function secretVariables(
  { variables }: BuilderSetup,
  { secrets }: PreparedBuild,
): NonNullable<ProgramOptions['env']> {
  const names = secrets.flatMap(({ source }) => ('env' in source ? [source.env] : []));
  return Object.fromEntries(names.map((name) => [name, variables[name]]));
}

function secretArgument({ id, source }: LoadedSecret): string {
  const from = 'env' in source ? ['type=env', `env=${source.env}`] : ['type=file', `src=${source.file}`];
  return [`id=${id}`, ...from].map(csvField).join(',');
}

/** An inline cache is written into the image's config, and the image would vary with it. buildx also takes an argument. */
function refuseInlineCache({ cacheTo, args }: Pick<BuildRequest, 'cacheTo' | 'args'>): void {
  const inline = [
    ...cacheTo.filter((cache) => /(?:^|,)type=inline(?:,|$)/.test(cache)),
    ...Object.keys(args).filter((name) => name === 'BUILDKIT_INLINE_CACHE'),
  ];
  if (inline.length === 0) return;
  throw new PrimitiveError('build-cache-invalid', 'An inline cache would change the image', {
    why: `the config of the build has ${inline.join(' and ')}`,
    suggestions: ['Export it to a registry: type=registry,ref=…,mode=max'],
  });
}

/** Only buildx's own last line shows whether the builder was lost or a step failed: a step may print anything. */
function failure({ log }: PreparedBuild, setup: BuilderSetup): PrimitiveError {
  const error = log.find(/^ERROR: (?:failed to build: )?(?:failed to solve: )?(.+)$/);
  if (
    error !== undefined &&
    /code = Unavailable|connection refused|error reading server preface|closing transport/.test(error)
  ) {
    return new PrimitiveError('builder-unusable', 'The connection to BuildKit was lost', {
      log: log.tail,
      suggestions: [
        'Inspect the builder: docker buildx inspect --bootstrap',
        'Then run the same command again.',
      ],
      exit: 3,
      retryable: true,
    });
  }
  return buildFailed(error, log, plainHttpAdvice(log.tail, setup));
}

function plainHttpAdvice(log: string, { program }: BuilderSetup): readonly string[] {
  const host = plainHttpHost(log);
  return host === undefined ? [] : buildkitAdvice(host, callOf(program));
}

/** How a person calls it: `docker buildx`. */
function callOf({ path, args }: BuilderSetup['program']): string {
  return [basename(path), ...args].join(' ');
}

/** Builds nothing but the base: BuildKit resolves it as a build would, and pulls its layers only when they are read. */
async function checkBase(
  setup: BuilderSetup,
  { reference, platforms }: BaseReference,
  signal?: AbortSignal,
): Promise<void> {
  const { processes, program, temporary } = setup;
  // It becomes a line of a Dockerfile, which must hold no other.
  if (/\s/.test(reference)) throw baseUnavailable(reference, 'its name contains white space', []);
  const folder = await mkdtemp(join(temporary, 'base-'));
  try {
    await writeFile(join(folder, 'Dockerfile'), `FROM ${reference}\n`);
    const only = platforms.length === 0 ? [] : [`--platform=${platforms.join(',')}`];
    const flags = ['--progress=plain', '--provenance=false', '--sbom=false', '--output=type=cacheonly'];
    const run = await processes.run(program.path, [...program.args, 'build', ...flags, ...only, folder], {
      cwd: folder,
      env: ENVIRONMENT,
      ...optional('signal', signal),
    });
    if (run.exitCode === 0) return;
    const error = /^ERROR: (?:failed to build: )?(?:failed to solve: )?(.+)$/m.exec(run.stderr)?.[1];
    throw baseUnavailable(reference, error ?? run.stderr.trim(), plainHttpAdvice(run.stderr, setup));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Output of `buildx inspect` for the selected builder. */
async function askForReport({ processes, program }: BuilderSetup, ...flags: string[]): Promise<Report> {
  const args = [...program.args, 'inspect', ...flags];
  const run = await processes.run(program.path, args, { env: ENVIRONMENT, timeout: BOOT_MS });
  return readReport(Buffer.from(run.stdout).toString(), run.exitCode === 0 ? '' : run.stderr);
}

/** Starts a builder that does not run. */
async function inspect(setup: BuilderSetup, found: Report): Promise<BuilderInfo> {
  const { program } = setup;
  const call = callOf(program);
  let report = found;
  // Starting takes a while, and hides the name of a builder that does not start.
  if (report.driver !== 'docker' && report.error === undefined && report.platforms.length === 0) {
    report = { ...(await askForReport(setup, '--bootstrap')), name: report.name };
  }
  refuseUnusable(report, call);
  return {
    name: 'buildx',
    version: program.version,
    description: `buildx ${program.version}, builder "${report.name}" (${report.driver})`,
    platforms: report.platforms.flatMap((platform) => parsePlatform(platform) ?? []),
  };
}

function refuseUnusable({ name, driver, error, version, platforms }: Report, call: string): void {
  const create = `${call} create --use --driver docker-container`;
  const unusable = (message: string, why: string, suggestions: readonly string[]) =>
    new PrimitiveError('builder-unusable', `Builder ${name} ${message}`, { why, suggestions, exit: 3 });
  if (driver === 'docker') {
    throw unusable(
      'cannot export an image layout',
      'its driver is docker, which can only build into the engine',
      [create, `Or select another one: ${call} ls, then ${call} use NAME`],
    );
  }
  if (error !== undefined || platforms.length === 0) {
    throw unusable('does not answer', error ?? 'it lists no platforms', [
      `Inspect it: ${call} inspect --bootstrap`,
      `Or select another one: ${call} ls, then ${call} use NAME`,
      `Or create one: ${create}`,
    ]);
  }
  if (version !== undefined && compareVersions(version, MINIMUM_BUILDKIT) < 0) {
    throw unusable(
      `runs BuildKit ${version}`,
      `${MINIMUM_BUILDKIT} or newer is needed to fix the times of files`,
      [`${call} rm ${name}, then ${create}`],
    );
  }
}

interface Report {
  readonly name: string;
  readonly driver: string;
  readonly error: string | undefined;
  /** The oldest BuildKit among the nodes. */
  readonly version: string | undefined;
  readonly platforms: readonly string[];
}

/** `buildx inspect` has no machine format: `Key: value` lines, the builder's first, then those of its nodes. */
function readReport(text: string, errors: string): Report {
  const values = (key: string) =>
    [...text.matchAll(new RegExp(`^${key}:[ \\t]+(.+)$`, 'gm'))].map((match) => match[1]?.trim() ?? '');
  const versions = values('BuildKit version').flatMap(
    (version) => /(?<!\d)\d+(?:\.\d+)+/.exec(version)?.[0] ?? [],
  );
  const platforms = values('Platforms').flatMap((list) =>
    list.split(',').map((platform) => platform.trim().replace('*', '')),
  );
  return {
    name: values('Name')[0] ?? 'selected',
    driver: values('Driver')[0] ?? 'unknown',
    error:
      values('Error')[0] ??
      (errors === '' ? undefined : (/^ERROR: (.+)$/m.exec(errors)?.[1] ?? errors.trim())),
    version: versions.sort(compareVersions)[0],
    platforms: [...new Set(platforms)],
  };
}
