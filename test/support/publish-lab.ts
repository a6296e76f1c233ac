import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TSchema } from 'typebox';
import { Check, Errors } from 'typebox/schema';
import { type DoctorReport, doctorSchema } from '../../src/features/doctor/document.ts';
import type { PublishPlan, PublishReport } from '../../src/features/publish/document.ts';
import { publishPlanSchema, publishSchema } from '../../src/features/publish/document.ts';
import type { TrustPolicy } from '../../src/seal/trust.ts';
import { createVerifier } from '../../src/seal/verifier.ts';
import { tool } from '../tools/locate.ts';
import { type FileContent, gitRepo, type TestRepository } from './git.ts';
import { writeNodeProgram } from './node-program.ts';
import { type Call, collect, installPacked, type Packed } from './packed.ts';
import { doctorInProcess, publishInProcess } from './publish-in-process.ts';
import type { Observed } from './registry-promises.ts';
import { type Buildkit, startBuildkit } from './services/buildkit.ts';
import { type DelayProxy, startDelayProxy } from './services/delay-proxy.ts';
import { type Distribution, startDistribution } from './services/distribution.ts';
import type { Claims, WorkflowRun } from './services/github-claims.ts';
import { type Olareg, startOlareg } from './services/olareg.ts';
import { attempt, run } from './services/run.ts';
import { type Sigstore, startSigstore } from './services/sigstore.ts';

export type RegistryName = 'distribution 3' | 'distribution 2' | 'olareg';

/** What a lab is made of. */
export interface LabOptions {
  /** One that the caller disposes of; its own where absent. */
  readonly cli?: Packed;
  readonly registry?: RegistryName;
  readonly builder?: 'buildx' | 'buildah';
  /** `publish` of an app runs in the process of the test, where a test is not about the process of the CLI. */
  readonly inProcess?: boolean;
  /** Describes images by `light-syft.ts`, where a test is not about what is in an SBOM. */
  readonly lightSyft?: boolean;
  /** Steps of a build may fetch packages; what they keep in cache mounts is there for the next run of the tests. */
  readonly hostNetwork?: boolean;
}

/** Who publishes, as GitHub Actions would say it. */
export interface Publisher {
  readonly run: WorkflowRun;
  readonly claims?: Claims;
  /** The `pull_request` of the event file. */
  readonly event?: unknown;
}

/** How the CLI is called. */
export interface PublishOptions {
  readonly args?: readonly string[];
  /** main where absent; `null` is a machine without an identity. */
  readonly as?: Publisher | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A workspace to begin with. */
export interface AppOptions {
  /** Content of `app.txt` by id; {@link SOURCES} where absent. */
  readonly sources?: Sources;
  /** Lines for primitive.config.yaml, after what every app has. */
  readonly config?: string;
  /** Instead of `signing:` with the lab's Sigstore. */
  readonly signing?: string;
  readonly platforms?: string;
  /** As that of the lab, where it differs. */
  readonly inProcess?: boolean;
  /** Host of another registry than the lab's. */
  readonly host?: string;
  readonly files?: Readonly<Record<string, FileContent>>;
}

/** `{ 'domain/orders': 'v1' }` */
export type Sources = Readonly<Record<string, string>>;

/** Two components: each more is seconds of syft and cosign. */
export const SOURCES: Sources = { 'domain/orders': 'v1', 'domain/stock': 'v1' };

/** The packed CLI and everything that it talks to; services are shared, each app stands under a path of its own. */
export interface PublishLab extends AsyncDisposable {
  readonly cli: Packed;
  readonly registry: Distribution | Olareg;
  /** In front of the registry: the host of all images, with a record of all requests. */
  readonly proxy: DelayProxy;
  readonly sigstore: Sigstore;
  readonly buildkit: Buildkit | undefined;
  /** A folder with the programs that publish needs, for PATH. */
  readonly bin: string;
  /** For temporary files of the CLI. */
  readonly temporary: string;
  /** A new folder with links to programs, for a PATH that lacks some. */
  programs(links: Readonly<Record<string, string>>): Promise<string>;
  /** A folder that lasts as long as the lab. */
  folder(name: string): Promise<string>;
  app(options?: AppOptions): Promise<App>;
  /** Requests since the last `reset` of the proxy about one image: `PUT manifests/main`. */
  requests(image: string): readonly string[];
  /** What an app published, for a look from outside by the policy that its config has. */
  observe(app: App, ids?: readonly string[]): Observed;
}

/** One repository of code, and where it publishes. */
export interface App extends AsyncDisposable {
  readonly repo: TestRepository;
  /** Of its components. */
  readonly ids: readonly string[];
  /** `127.0.0.1:PORT/app-7` */
  readonly prefix: string;
  readonly head: string;
  image(id: string): string;
  readonly releases: string;
  /** Changes components and commits. */
  change(sources: Sources): Promise<string>;
  /** Of a call of the CLI, and of a job that calls it. */
  environment(options?: PublishOptions): Record<string, string>;
  publish(options?: PublishOptions): Promise<Call>;
  /** What `doctor` says, with the environment of a publish. */
  doctor(options?: PublishOptions): Promise<DoctorReport>;
  start(options?: PublishOptions): ChildProcess;
  /** Publishes with `--json`; fails the test where that does not end with 0 and a valid report. */
  report(options?: PublishOptions): Promise<PublishReport>;
  plan(options?: PublishOptions): Promise<PublishPlan>;
}

/** main, as `signing.trusted` of every app has it. */
export function mainRun(sha: string): Publisher {
  return { run: { sha } };
}

/** A pull request of the same repository, whose head is `sha`. */
export function pullRequest(sha: string, head = 'acme/app'): Publisher {
  return {
    run: { sha: 'f'.repeat(40), ref: 'refs/pull/7/merge', event: 'pull_request' },
    event: {
      pull_request: { head: { sha, repo: { full_name: head } }, base: { repo: { full_name: 'acme/app' } } },
    },
  };
}

/** Starts a lab; with buildah there is no BuildKit. */
export async function startPublishLab(options: LabOptions = {}): Promise<PublishLab> {
  await using stack = new AsyncDisposableStack();
  const base = await mkdtemp(join(tmpdir(), 'publish-lab-'));
  stack.defer(() => rm(base, { recursive: true, force: true }));
  const registry = stack.use(await startRegistry(options.registry ?? 'distribution 3'));
  const proxy = stack.use(await startDelayProxy({ target: registry.url }));
  const sigstore = stack.use(await startSigstore());
  const buildkit =
    options.builder === 'buildah'
      ? undefined
      : stack.use(
          await startBuildkit({
            insecureRegistries: [proxy.host],
            hostNetwork: options.hostNetwork ?? false,
            keepCacheMounts: options.hostNetwork ?? false,
          }),
        );
  const cli = options.cli ?? stack.use(await installPacked());
  const folder = async (name: string) => {
    const path = await mkdtemp(join(base, `${name}-`));
    return path;
  };
  const programs = async (links: Readonly<Record<string, string>>) => {
    const path = await folder('bin');
    for (const [name, target] of Object.entries(links)) await symlink(target, join(path, name));
    return path;
  };
  const lightSyft = join(base, 'light-syft');
  await writeNodeProgram(lightSyft, join(import.meta.dirname, 'light-syft.ts'), join(base, 'compiled'));
  const bin = await programs({
    git: tool('git'),
    cosign: tool('cosign'),
    syft: options.lightSyft ? lightSyft : tool('syft'),
    ...(options.builder === 'buildah' ? { buildah: tool('buildah') } : { buildx: tool('buildx') }),
  });
  const temporary = await folder('tmp');
  let apps = 0;
  const kept = stack.move();
  const lab: PublishLab = {
    cli,
    registry,
    proxy,
    sigstore,
    buildkit,
    bin,
    temporary,
    programs,
    folder,
    requests(image) {
      const root = `/v2${image.slice(image.indexOf('/'))}/`;
      return proxy.requests
        .filter(({ path }) => path.startsWith(root))
        .map(({ method, path }) => `${method} ${path.slice(root.length)}`);
    },
    observe: (app, ids = app.ids) => ({
      prefix: app.prefix,
      ids,
      verifier: createVerifier({ root: { type: 'file', path: sigstore.trustedRoot } }),
      policy: keylessPolicy(sigstore),
    }),
    app: (appOptions = {}) => createApp(lab, options, `app-${++apps}`, appOptions),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return lab;
}

function startRegistry(name: RegistryName): Promise<Distribution | Olareg> {
  if (name === 'olareg') return startOlareg();
  return startDistribution({ version: name === 'distribution 2' ? 2 : 3 });
}

async function createApp(
  lab: PublishLab,
  { builder = 'buildx', ...labOptions }: LabOptions,
  name: string,
  options: AppOptions,
): Promise<App> {
  const {
    inProcess = labOptions.inProcess ?? false,
    sources = SOURCES,
    files = {},
    config = '',
    platforms = 'linux/amd64',
    host = lab.proxy.host,
  } = options;
  const prefix = `${host}/${name}`;
  const signing = options.signing ?? keylessSigning(lab.sigstore);
  const repo = await gitRepo({
    'primitive.config.yaml': [
      'schema: primitive.config/v1',
      `registry: ${prefix}`,
      `platforms: [${platforms}]`,
      signing,
      ...(/^build:/m.test(config) ? [] : [`build: { builder: ${builder} }`]),
      config,
      '',
    ].join('\n'),
    ...Object.assign({}, ...Object.keys(sources).map(componentFiles)),
    ...sourceFiles(sources),
    ...files,
  });
  const environment = ({ as, env = {} }: PublishOptions = {}): Record<string, string> => ({
    PATH: `${lab.bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    XDG_CACHE_HOME: join(lab.cli.home, 'cache'),
    // What a killed run leaves goes with the lab.
    TMPDIR: lab.temporary,
    GOGC: '400',
    ...lab.buildkit?.env,
    ...(as === null ? {} : identityEnv(lab, as ?? mainRun(app.head))),
    ...env,
  });
  const eventFile = async (publisher: PublishOptions['as']): Promise<Record<string, string>> => {
    if (publisher?.event === undefined) return {};
    const path = join(await lab.folder('event'), 'event.json');
    await writeFile(path, JSON.stringify(publisher.event));
    return { GITHUB_EVENT_PATH: path };
  };
  const app: App = {
    repo,
    ids: Object.keys(sources),
    prefix,
    get head() {
      return repo.git('rev-parse', 'HEAD');
    },
    image: (id) => `${prefix}/${id.replace('/', '-')}`,
    releases: `${prefix}/primitive-releases`,
    environment,
    change: (changed) => repo.commit(sourceFiles(changed)),
    start: ({ args = [], cwd = repo.root, ...options } = {}) =>
      lab.cli.start(['publish', ...args], { cwd, env: environment(options) }),
    publish: async ({ args = [], cwd = repo.root, ...options } = {}) => {
      const env = { ...environment(options), ...(await eventFile(options.as)), ...options.env };
      if (!inProcess) return collect(lab.cli.start(['publish', ...args], { cwd, env }));
      const { home } = lab.cli;
      return publishInProcess(args, {
        cwd,
        home,
        temporary: env.TMPDIR ?? lab.temporary,
        env: { HOME: home, ...env },
      });
    },
    doctor: async ({ cwd = repo.root, ...options } = {}) => {
      const env = { ...environment(options), ...(await eventFile(options.as)), ...options.env };
      const { home } = lab.cli;
      const temporary = env.TMPDIR ?? lab.temporary;
      const call = await doctorInProcess(['--json'], { cwd, home, temporary, env: { HOME: home, ...env } });
      return documentOf<DoctorReport>(call, doctorSchema, call.code ?? 0);
    },
    report: async (options = {}) =>
      documentOf<PublishReport>(await app.publish(withArgs(options, '--json')), publishSchema),
    plan: async (options = {}) =>
      documentOf<PublishPlan>(await app.publish(withArgs(options, '--json', '--dry-run')), publishPlanSchema),
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
  return app;
}

function withArgs(options: PublishOptions, ...args: readonly string[]): PublishOptions {
  return { ...options, args: [...args, ...(options.args ?? [])] };
}

function identityEnv({ sigstore }: PublishLab, { run: workflow, claims }: Publisher): Record<string, string> {
  return sigstore.githubActionsEnv(workflow, claims);
}

/** The policy of every app: main is trusted, pull requests are accepted. */
export function keylessPolicy({ issuer }: Sigstore): TrustPolicy {
  const workflow = 'https://github.com/acme/app/.github/workflows/publish.yaml';
  const repository = 'acme/app';
  const ref = 'refs/heads/main';
  return {
    trusted: [{ issuer, identity: `${workflow}@${ref}`, repository, ref, trigger: 'push' }],
    accepted: [{ issuer, identity: `${workflow}@refs/pull/*/merge`, repository }],
    fingerprints: new Map(),
  };
}

/** The signing part of a config for a Sigstore; with `ids` in each entry. */
export function keylessSigning(sigstore: Sigstore, ids: Readonly<Record<string, string>> = {}): string {
  const policy = keylessPolicy(sigstore);
  const [trusted, accepted] = [policy.trusted, policy.accepted].map((entries) =>
    entries.map((entry) => ({ ...entry, ...ids })),
  );
  const { signingConfig, trustedRoot } = sigstore;
  return `signing: ${JSON.stringify({ trusted, accepted, signingConfig, trustedRoot })}`;
}

function componentFiles(id: string): Record<string, string> {
  const [kind, name] = id.split('/');
  return {
    [`primitives/${id}/primitive.yaml`]: `schema: primitive.primitive/v1\nkind: ${kind}\nname: ${name}\n`,
    [`primitives/${id}/Dockerfile`]: 'FROM scratch\nCOPY app.txt /\n',
  };
}

function sourceFiles(sources: Sources): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sources).map(([id, content]) => [`primitives/${id}/app.txt`, `${id} ${content}\n`]),
  );
}

/** The one document on stdout, held to its schema; an error that shows the whole call where anything is wrong. */
export function documentOf<T>(call: Call, schema: TSchema, exit = 0): T {
  const failed = (what: string) =>
    new Error(`${what}\nexit code ${call.code}\n--- stdout\n${call.stdout}\n--- stderr\n${call.stderr}`);
  if (call.code !== exit) throw failed(`expected exit code ${exit}`);
  const document: unknown = JSON.parse(call.stdout);
  if (!Check(schema, document)) throw failed(`not valid: ${JSON.stringify(Errors(schema, document))}`);
  return document as T;
}

/** cosign's own word on an image, as a cluster's policy would ask for it; throws with what it says. */
export async function cosignVerifies(
  cosign: 'cosign' | 'cosign2',
  { issuer, trustedRoot }: Sigstore,
  ref: string,
): Promise<void> {
  const flags = [
    ...[
      '--trusted-root',
      trustedRoot,
      '--insecure-ignore-sct',
      '--insecure-ignore-tlog',
      '--use-signed-timestamps',
    ],
    ...[
      '--certificate-identity',
      'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
    ],
    ...['--certificate-oidc-issuer', issuer],
    ref,
  ];
  await run(tool(cosign), ['verify', ...flags]);
  for (const type of ['slsaprovenance1', 'spdxjson']) {
    await run(tool(cosign), ['verify-attestation', '--type', type, ...flags]);
  }
}

/** Tag to digest, as crane sees it; empty where there is no such repository. */
export async function tagsOf(image: string): Promise<Record<string, string>> {
  const { code, stdout } = await attempt(tool('crane'), ['ls', image]);
  if (code !== 0) return {};
  const tags = stdout
    .split('\n')
    .filter((tag) => tag !== '')
    .sort();
  const digests = await Promise.all(tags.map((tag) => run(tool('crane'), ['digest', `${image}:${tag}`])));
  return Object.fromEntries(tags.map((tag, index) => [tag, (digests[index] ?? '').trim()]));
}
