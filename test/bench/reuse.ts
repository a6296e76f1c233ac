import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import type { PublishReport } from '../../src/features/publish/document.ts';
import type { PublishRequest } from '../../src/features/publish/run.ts';
import { gitRepo, type TestRepository } from '../support/git.ts';
import { type DelayProxy, startDelayProxy } from '../support/services/delay-proxy.ts';
import { startDistribution } from '../support/services/distribution.ts';
import { run } from '../support/services/run.ts';
import { type Sigstore, startSigstore } from '../support/services/sigstore.ts';
import { ensureTools } from '../tools/install.ts';
import { tool, toolsBin } from '../tools/locate.ts';
import { type BenchTable, median } from './table.ts';

const COMPONENTS = 200;
/** One of so many changes in the second case. */
const ONE_OF = 20;
const ROUNDS = 5;
/** The script takes minutes at a distance, of which a second is noise. */
const SCRIPT_ROUNDS = 1;
const DELAY = 40;
const UNCHANGED = 'nothing changed';
const SCRIPT = 'crane + cosign';
const CHANGED = `one of ${ONE_OF} changed`;
/** Case -> its floor. */
const FLOORS: Readonly<Record<string, string>> = {
  [UNCHANGED]: 'floor',
  [SCRIPT]: 'floor',
  floor: 'floor',
  [CHANGED]: 'its floor',
  'its floor': 'its floor',
};
const IDENTITY = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';

/** 200 sealed components and one more commit: the whole publish of it, beside its peers. */
export async function bench(): Promise<BenchTable> {
  await ensureTools(['registry', 'crane', 'cosign', 'fulcio', 'timestamp-server']);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bench-'));
  try {
    const cli = join(folder, 'package');
    await stagePackage(cli);
    await using registry = await startDistribution();
    await using sigstore = await startSigstore();
    const near = await measure({ cli, folder, host: registry.host, sigstore });
    const link = { target: registry.url, delayMs: 0 };
    await using proxy = await startDelayProxy(link);
    const onReady = () => {
      link.delayMs = DELAY;
    };
    const far = await measure({ cli, folder, host: proxy.host, proxy, sigstore, onReady });
    return {
      title: `Publish of one more commit, ${COMPONENTS} components`,
      rows: [
        ['', 'loopback', 'of the floor', `${DELAY} ms away`, 'of the floor', 'requests each'],
        ...Object.keys(FLOORS).map((name) => [
          name,
          ...cells(name, near),
          ...cells(name, far),
          far.requests.get(name)?.toFixed(0) ?? '',
        ]),
      ],
      notes: [
        `${UNCHANGED}: the whole command: identity, input digests, trust of the record, every image, child and bundle looked up, tags, signed record, channel`,
        'crane + cosign: `cosign verify` and two `verify-attestation` over all images at once, then `crane tag`, 16 at a time; no record, no channel, no input digests',
        'floor: one Node process that GETs manifest and referrers and PUTs the manifest, 16 at a time, no check at all',
        `${CHANGED}: the same from its first step on, with a builder that takes no time; signatures are real`,
        'its floor: what changed, sealed by --seal-only, then the floor for the others',
        'requests each: to the repository of a component that is reused',
        `median of ${ROUNDS} rounds in turns after one that is not counted, of the script ${SCRIPT_ROUNDS}, which has no such round`,
        'aims: at least 8 times faster than the script on loopback, at most 1.5 times the floor, 5 and 7 requests',
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Median milliseconds by case, and requests to the repository of one component that is reused. */
interface Measured {
  readonly milliseconds: ReadonlyMap<string, number>;
  readonly requests: ReadonlyMap<string, number>;
}

function cells(name: string, { milliseconds }: Measured): [string, string] {
  const own = milliseconds.get(name) ?? Number.NaN;
  const floor = milliseconds.get(FLOORS[name] ?? '') ?? Number.NaN;
  return [`${(own / 1000).toFixed(2)} s`, (own / floor).toFixed(2)];
}

interface Setting {
  readonly cli: string;
  readonly folder: string;
  /** Of all images: the registry's or the proxy's. */
  readonly host: string;
  /** Counts requests. */
  readonly proxy?: DelayProxy;
  readonly sigstore: Sigstore;
  /** Called when everything is published and the measuring begins. */
  readonly onReady?: () => void;
}

async function measure({ cli, folder, host, proxy, sigstore, onReady }: Setting): Promise<Measured> {
  await using repository = await gitRepo(sources(host, sigstore));
  const { components } = await publish(repository, sigstore);
  onReady?.();
  const refs = components.map(({ image, digest }) => `${image}@${digest}`);
  const list = join(folder, 'refs.txt');
  let round = 0;
  const floor = async (skipped: number) => {
    await writeFile(list, `${refs.slice(skipped).join('\n')}\n`);
    await node([join(import.meta.dirname, 'reuse-floor.js'), list, `floor-${round}`], {});
    return undefined;
  };
  /** Milliseconds, where that is not all that went by. */
  const cases: Record<string, () => Promise<number | undefined>> = {
    [UNCHANGED]: async () => {
      repository.git('commit', '--quiet', '--allow-empty', `--message=round ${round}`);
      const sha = repository.git('rev-parse', 'HEAD');
      await node([join(cli, 'bin/run.js'), 'publish', '--directory', repository.root], {
        ...sigstore.githubActionsEnv({ sha }),
        GITHUB_ACTIONS: '',
        PATH: `${toolsBin()}:${process.env.PATH}`,
      });
      return undefined;
    },
    [SCRIPT]: async () => {
      const policy = [
        `--trusted-root=${sigstore.trustedRoot}`,
        '--insecure-ignore-sct',
        '--insecure-ignore-tlog',
        '--use-signed-timestamps',
        '--max-workers=16',
        `--certificate-identity=${IDENTITY}`,
        `--certificate-oidc-issuer=${sigstore.issuer}`,
        '--certificate-github-workflow-repository=acme/app',
        '--certificate-github-workflow-ref=refs/heads/main',
        '--certificate-github-workflow-trigger=push',
      ];
      await run(tool('cosign'), ['verify', ...policy, ...refs]);
      await run(tool('cosign'), ['verify-attestation', '--type=slsaprovenance1', ...policy, ...refs]);
      await run(tool('cosign'), ['verify-attestation', '--type=spdxjson', ...policy, ...refs]);
      await run('xargs', ['-P', '16', '-I', '{}', tool('crane'), 'tag', '{}', `script-${round}`], {
        input: `${refs.join('\n')}\n`,
      });
      return undefined;
    },
    floor: () => floor(0),
    [CHANGED]: async () => {
      await change(repository, `whole ${round}`);
      return (await publish(repository, sigstore)).run.duration;
    },
    'its floor': async () => {
      await change(repository, `sealed ${round}`);
      const only = { sealOnly: true, selection: { selectors: changing } };
      const sealed = await publish(repository, sigstore, only);
      const start = performance.now();
      await floor(changing.length);
      return sealed.run.duration + performance.now() - start;
    },
  };
  const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
  const requests = new Map<string, number>();
  for (round = 0; round <= ROUNDS; round += 1) {
    for (const [name, once] of Object.entries(cases)) {
      if (name === SCRIPT && (round === 0 || round > SCRIPT_ROUNDS)) continue;
      proxy?.reset();
      const start = performance.now();
      const milliseconds = (await once()) ?? performance.now() - start;
      if (round > 0) times.get(name)?.push(milliseconds);
      if (proxy) requests.set(name, proxy.requests.filter(({ path }) => path.includes(`/${REUSED}/`)).length);
    }
  }
  const milliseconds = new Map([...times].map(([name, values]) => [name, median(values)]));
  return { milliseconds, requests };
}

/** The components that change in the second case, and one that does not. */
const changing = Array.from({ length: COMPONENTS / ONE_OF }, (_, index) => `domain/c${index}`);
const REUSED = `domain-c${COMPONENTS - 1}`;

async function change(repository: TestRepository, content: string): Promise<void> {
  await repository.commit(
    Object.fromEntries(changing.map((id) => [`primitives/${id}/app.txt`, `${id} ${content}\n`])),
  );
}

function sources(host: string, sigstore: Sigstore): Record<string, string> {
  const files: Record<string, string> = {
    'primitive.config.yaml': `schema: primitive.config/v1
registry: ${host}/acme
platforms: [linux/amd64]
signing:
  trusted:
    - { issuer: "${sigstore.issuer}", identity: "${IDENTITY}", repository: acme/app, ref: refs/heads/main, trigger: push }
  signingConfig: ${sigstore.signingConfig}
  trustedRoot: ${sigstore.trustedRoot}
`,
  };
  for (let index = 0; index < COMPONENTS; index += 1) {
    const path = `primitives/domain/c${index}`;
    files[`${path}/primitive.yaml`] = `schema: primitive.primitive/v1\nkind: domain\nname: c${index}\n`;
    files[`${path}/Dockerfile`] = 'FROM scratch\nCOPY app.txt /\n';
    files[`${path}/app.txt`] = `${index}\n`;
  }
  return files;
}

/** Publishes HEAD in a process of its own, without a real builder; returns the report. */
async function publish(
  repository: TestRepository,
  sigstore: Sigstore,
  request: Partial<PublishRequest> = {},
): Promise<PublishReport> {
  const sha = repository.git('rev-parse', 'HEAD');
  const script = join(import.meta.dirname, 'reuse-publish.ts');
  const output = await node([script, repository.root, JSON.stringify(request)], {
    ...sigstore.githubActionsEnv({ sha }),
    PATH: `${toolsBin()}:${process.env.PATH}`,
  });
  return JSON.parse(output);
}

async function node(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}\n${output.slice(-4000)}`);
  return output;
}
