import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { scaffold } from '../integration/kinds/go-kinds-lab.ts';
import { gitRepo, type TestRepository } from '../support/git.ts';
import { type BaseImages, pushBaseImages } from '../support/services/base-images.ts';
import { type Buildkit, startBuildkit } from '../support/services/buildkit.ts';
import { startDistribution } from '../support/services/distribution.ts';
import { run } from '../support/services/run.ts';
import { type Sigstore, startSigstore } from '../support/services/sigstore.ts';
import { ensureTools } from '../tools/install.ts';
import { tool, toolsBin } from '../tools/locate.ts';
import { type BenchTable, inRounds, median, pairedRatio, type Timed } from './table.ts';

/** How many services change. */
const CHANGED = [1, 4, 20] as const;
const PLATFORMS = [['linux/amd64'], ['linux/amd64', 'linux/arm64']] as const;
/** Rounds that count, by how many change: many are their own repetition. */
const ROUNDS: Readonly<Record<(typeof CHANGED)[number], number>> = { 1: 7, 4: 4, 20: 2 };
/** The rows to measure, all by default: `BENCH_ROWS=1x1,20x2` are one changed for one platform and 20 for two. */
const ROWS = process.env.BENCH_ROWS?.split(',');
const isWanted = (changed: number, { length }: readonly string[]) =>
  !ROWS || ROWS.includes(`${changed}x${length}`);
/** Services in all: as many as change at most. */
const SERVICES = Math.max(
  ...CHANGED.filter((changed) => PLATFORMS.some((platforms) => isWanted(changed, platforms))),
);
const IDENTITY = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';
const TOOLS = [
  'registry',
  'cosign',
  'syft',
  'fulcio',
  'timestamp-server',
  'buildkitd',
  'buildctl',
  'buildx',
  'buildah',
  'ko',
  'runc',
];
const names = Array.from({ length: SERVICES }, (_, index) => `c${index}`);
const mainOf = (name: string) => `primitives/domain/${name}/cmd/server/main.go`;

/** One comment changed in some of up to 20 scaffolded Go services: the whole publish, beside what one would do by hand. */
export async function bench(): Promise<BenchTable> {
  await ensureTools(TOOLS);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bench-'));
  try {
    const cli = join(folder, 'package');
    await stagePackage(cli);
    await using registry = await startDistribution();
    await using sigstore = await startSigstore();
    await using buildkit = await startBuildkit({
      insecureRegistries: [registry.host],
      hostNetwork: true,
      keepCacheMounts: true,
    });
    const bases = await pushBaseImages(registry.host);
    await writeFile(
      join(folder, 'registries.conf'),
      `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
    );
    const lab: Lab = { cli, folder, host: registry.host, sigstore, buildkit, bases };
    const rows: string[][] = [];
    for (const platforms of PLATFORMS) rows.push(...(await measure(lab, platforms)));
    return {
      title: `Publish of ${SERVICES} Go services in which one comment changed`,
      rows: [
        [
          'changed',
          'platforms',
          ...Object.keys(PEERS),
          'BuildKit of ko',
          'buildah of BuildKit',
          'BuildKit of buildx',
        ],
        ...rows,
      ],
      notes: [
        'BuildKit, buildah: `primitive publish` with each of them: all that changed built, described, signed, read back; the others reused; tags, signed record, channel',
        'ko: for one service after the other, `ko build`, `syft` for each platform, `cosign sign` and `cosign attest` of each SBOM; no provenance, tags or record, nothing is verified, unchanged services are not looked at',
        'buildx: for one service after the other, `buildx build --push` with its own cache; no SBOM and no signature',
        `median of ${Object.values(ROUNDS).join(', ')} rounds in turns after one that is not counted and fills the caches; ratios are of the two in one round: their median, and from the least to the most`,
        'aims: BuildKit 1.0 of ko for one changed service, 0.5 for 20; buildah within 2 of BuildKit',
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Lab {
  readonly cli: string;
  readonly folder: string;
  /** Of all images. */
  readonly host: string;
  readonly sigstore: Sigstore;
  readonly buildkit: Buildkit;
  readonly bases: BaseImages;
}

/** Handles services whose source has changed, in a repository of its own. */
type Peer = (
  lab: Lab,
  repository: TestRepository,
  changed: readonly string[],
  platforms: readonly string[],
) => Promise<void>;

const PEERS = {
  BuildKit: publish,
  buildah: publish,
  ko: byKo,
  buildx: byBuildx,
} satisfies Readonly<Record<string, Peer>>;

type PeerName = keyof typeof PEERS;

async function measure(lab: Lab, platforms: readonly string[]): Promise<string[][]> {
  await using stack = new AsyncDisposableStack();
  const repositories = new Map<PeerName, TestRepository>();
  for (const name of Object.keys(PEERS) as PeerName[])
    repositories.set(name, stack.use(await gitRepo(await sources(lab, name, platforms))));
  let change = 0;
  const timed = (name: PeerName, count: number): Timed => {
    return async () => {
      const repository = repositories.get(name);
      if (repository === undefined) throw new Error(`${name} has no repository`);
      const changed = names.slice(0, count);
      change += 1;
      await repository.commit(
        Object.fromEntries(await Promise.all(changed.map(commented(repository, change)))),
      );
      if (name === 'buildx') await separateTimes(repository);
      const start = performance.now();
      await PEERS[name](lab, repository, changed, platforms);
      return performance.now() - start;
    };
  };
  const rows: string[][] = [];
  // All of them first: what is published later finds the others sealed.
  for (const count of [...CHANGED].reverse()) {
    if (!isWanted(count, platforms)) continue;
    const cases = Object.fromEntries(
      (Object.keys(PEERS) as PeerName[]).map((name) => [name, timed(name, count)]),
    ) as Record<PeerName, Timed>;
    const found = await inRounds(cases, { rounds: ROUNDS[count], warmup: 1 });
    rows.unshift([
      String(count),
      String(platforms.length),
      ...Object.values(found).map((times) => `${(median(times) / 1000).toFixed(2)} s`),
      pairedRatio(found.BuildKit, found.ko),
      pairedRatio(found.buildah, found.BuildKit),
      pairedRatio(found.BuildKit, found.buildx),
    ]);
  }
  return rows;
}

/**
 * Gives the files of each service a time of their own. buildx would take a file of another context for the same one if path,
 * size and time are equal, which files have that are written within a tick of the kernel.
 */
async function separateTimes({ root }: TestRepository): Promise<void> {
  for (const [index, name] of names.entries()) {
    const folder = join(root, 'primitives/domain', name);
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const path = join(file.parentPath, file.name);
      const time = Math.floor(Date.now() / 1000) - SERVICES + index;
      await utimes(path, time, time);
    }
  }
}

/** The file of a service with a comment of this change as its first line. */
function commented(repository: TestRepository, change: number) {
  return async (name: string): Promise<[string, string]> => {
    const text = await repository.read(mainOf(name));
    return [mainOf(name), `// Change ${change}.\n${text.replace(/^\/\/ Change \d+\.\n/, '')}`];
  };
}

async function publish({ cli, folder, sigstore, buildkit }: Lab, repository: TestRepository): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(cli, 'bin/run.js'), 'publish', '--directory', repository.root],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...sigstore.githubActionsEnv({ sha: repository.git('rev-parse', 'HEAD') }),
        ...buildkit.env,
        GITHUB_ACTIONS: '',
        CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
        XDG_CACHE_HOME: join(folder, 'cache'),
        PATH: [dirname(tool('buildah')), toolsBin(), process.env.PATH].join(delimiter),
      },
    },
  );
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`primitive publish ended with ${code}:\n${said}`);
}

async function byKo(
  { folder, host, sigstore, bases }: Lab,
  repository: TestRepository,
  changed: readonly string[],
  platforms: readonly string[],
): Promise<void> {
  const sbom = join(folder, 'sbom.json');
  const env = {
    SYFT_REGISTRY_INSECURE_USE_HTTP: 'true',
    SYFT_CHECK_FOR_APP_UPDATE: 'false',
    ...sigstore.signingEnv(),
  };
  const sigstoreFlags = [
    '--yes',
    '--allow-insecure-registry',
    `--signing-config=${sigstore.signingConfig}`,
    `--trusted-root=${sigstore.trustedRoot}`,
  ];
  for (const name of changed) {
    const built = await run(
      tool('ko'),
      ['build', '--bare', '--sbom=none', `--platform=${platforms.join(',')}`, './cmd/server'],
      {
        cwd: join(repository.root, 'primitives/domain', name),
        env: {
          KO_DOCKER_REPO: `${host}/ko/${name}`,
          KO_DEFAULTBASEIMAGE: bases.runtime,
          CGO_ENABLED: '0',
          GOWORK: 'off',
          GOFLAGS: '-buildvcs=false -ldflags=-s',
        },
      },
    );
    const ref = built.trim();
    await run(tool('cosign'), ['sign', ...sigstoreFlags, ref], { env });
    for (const platform of platforms) {
      await run(
        tool('syft'),
        ['scan', `registry:${ref}`, '--platform', platform, '--output', `spdx-json=${sbom}`],
        { env },
      );
      await run(tool('cosign'), ['attest', ...sigstoreFlags, '--type=spdxjson', `--predicate=${sbom}`, ref], {
        env,
      });
    }
  }
}

async function byBuildx(
  { host, buildkit, bases }: Lab,
  repository: TestRepository,
  changed: readonly string[],
  platforms: readonly string[],
): Promise<void> {
  for (const name of changed) {
    const context = join(repository.root, 'primitives/domain', name);
    const mapped = basesOf(await readFile(join(context, 'Dockerfile'), 'utf8'), bases);
    const contexts = Object.entries(mapped).map(
      ([from, to]) => `--build-context=${from}=docker-image://${to}`,
    );
    const output = [
      `--tag=${host}/buildx/${name}:latest`,
      '--push',
      '--provenance=false',
      '--progress=plain',
    ];
    await run(
      tool('buildx'),
      ['build', `--platform=${platforms.join(',')}`, ...contexts, ...output, context],
      { env: buildkit.env },
    );
  }
}

/** What the stages of a scaffolded Go service begin with -> what stands for it here. */
function basesOf(dockerfile: string, { go, runtime }: BaseImages): Record<string, string> {
  const [build = '', final = ''] = [...dockerfile.matchAll(/^FROM (?:--\S+ )?(\S+)/gm)].map(
    ([, image]) => image,
  );
  return { [build]: go, [final]: runtime };
}

async function sources(
  { host, sigstore, bases }: Lab,
  peer: string,
  platforms: readonly string[],
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  let dockerfile = '';
  for (const name of names) {
    for (const [path, { bytes }] of (await scaffold('domain', name)).files) {
      const text = Buffer.from(bytes).toString();
      files[`primitives/domain/${name}/${path}`] = text;
      if (path === 'Dockerfile') dockerfile = text;
    }
    files[`primitives/domain/${name}/primitive.yaml`] =
      `schema: primitive.primitive/v1\nkind: domain\nname: ${name}\n`;
  }
  const builder = peer === 'buildah' ? 'buildah' : 'buildx';
  files['primitive.config.yaml'] = `schema: primitive.config/v1
registry: ${host}/${builder}-${platforms.length}
platforms: [${platforms.join(', ')}]
build: ${JSON.stringify({ builder, bases: basesOf(dockerfile, bases) })}
signing:
  trusted:
    - { issuer: "${sigstore.issuer}", identity: "${IDENTITY}", repository: acme/app, ref: refs/heads/main, trigger: push }
  signingConfig: ${sigstore.signingConfig}
  trustedRoot: ${sigstore.trustedRoot}
`;
  return files;
}
