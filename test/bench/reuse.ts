import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import type { ChosenBuilder } from '../../src/builders/choose.ts';
import { runPublish } from '../../src/cli/publishing.ts';
import { Wiring } from '../../src/cli/wiring.ts';
import type { SbomGenerator } from '../../src/seal/types.ts';
import { gitRepo, type TestRepository } from '../support/git.ts';
import { createLayoutBuilder } from '../support/layout-builder.ts';
import { startDelayProxy } from '../support/services/delay-proxy.ts';
import { startDistribution } from '../support/services/distribution.ts';
import { run } from '../support/services/run.ts';
import { type Sigstore, startSigstore } from '../support/services/sigstore.ts';
import { ensureTools } from '../tools/install.ts';
import { tool, toolsBin } from '../tools/locate.ts';
import { type BenchTable, median } from './table.ts';

const COMPONENTS = 200;
const ROUNDS = 5;
/** The script takes minutes at a distance, of which a second is noise. */
const SCRIPT_ROUNDS = 1;
const DELAY = 40;
const SCRIPT = 'crane + cosign';
const IDENTITY = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';

/** 200 sealed components of which none has changed: the whole publish of one more commit, beside its peers. */
export async function bench(): Promise<BenchTable> {
  await ensureTools(['registry', 'crane', 'cosign', 'fulcio', 'timestamp-server', 'syft']);
  const folder = await mkdtemp(join(tmpdir(), 'primitive-bench-'));
  try {
    const cli = join(folder, 'package');
    await stagePackage(cli);
    await using registry = await startDistribution();
    await using sigstore = await startSigstore();
    const direct = await measure({ cli, folder, host: registry.host, sigstore });
    const link = { target: registry.url, delayMs: 0 };
    await using proxy = await startDelayProxy(link);
    const distant = await measure({
      cli,
      folder,
      host: proxy.host,
      sigstore,
      onReady: () => {
        link.delayMs = DELAY;
      },
    });
    return {
      title: `Reuse of ${COMPONENTS} unchanged components, the whole command`,
      rows: [
        ['', 'loopback', 'of the floor', `${DELAY} ms away`, 'of the floor'],
        ...Object.keys(direct).map((name) => [name, ...cells(name, direct), ...cells(name, distant)]),
      ],
      notes: [
        'primitive: identity, input digests, trust of the record, every image, child and bundle looked up, tags, signed record, channel',
        'crane + cosign: `cosign verify` and two `verify-attestation` over all images at once, then `crane tag`, 16 at a time; no record, no channel, no input digests',
        'floor: one Node process that GETs manifest and referrers and PUTs the manifest, 16 at a time, no check at all',
        `median of ${ROUNDS} rounds in turns after one that is not counted, of the script ${SCRIPT_ROUNDS}, which has no such round`,
        'aims: at least 8 times faster than the script, at most 1.5 times the floor',
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Figures = Readonly<Record<string, number>>;

function cells(name: string, figures: Figures): [string, string] {
  const milliseconds = figures[name] ?? Number.NaN;
  return [`${(milliseconds / 1000).toFixed(2)} s`, (milliseconds / (figures.floor ?? Number.NaN)).toFixed(2)];
}

interface Setting {
  readonly cli: string;
  readonly folder: string;
  readonly host: string;
  readonly sigstore: Sigstore;
  /** Called when everything is published and the measuring begins. */
  readonly onReady?: () => void;
}

async function measure(setting: Setting): Promise<Figures> {
  const { host, sigstore, cli } = setting;
  await using repository = await gitRepo(sources(host, sigstore));
  await publishFirst(repository, sigstore);
  setting.onReady?.();
  const names = Array.from({ length: COMPONENTS }, (_, index) => `${host}/acme/domain-c${index}`);
  const digests = await recorded(repository);
  const refs = names.map((name) => `${name}@${digests.get(name)}`);
  const list = join(setting.folder, 'refs.txt');
  await writeFile(list, `${refs.join('\n')}\n`);
  let round = 0;
  const cases: Record<string, () => Promise<void>> = {
    primitive: async () => {
      repository.git('commit', '--quiet', '--allow-empty', `--message=round ${round}`);
      const sha = repository.git('rev-parse', 'HEAD');
      await node([join(cli, 'bin/run.js'), 'publish', '--directory', repository.root], {
        ...sigstore.githubActionsEnv({ sha }),
        GITHUB_ACTIONS: '',
        PATH: `${toolsBin()}:${process.env.PATH}`,
      });
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
    },
    floor: () => node([join(import.meta.dirname, 'reuse-floor.js'), list, `floor-${round}`], {}),
  };
  const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
  for (round = 0; round <= ROUNDS; round += 1) {
    for (const [name, once] of Object.entries(cases)) {
      if (name === SCRIPT && (round === 0 || round > SCRIPT_ROUNDS)) continue;
      const start = performance.now();
      await once();
      if (round > 0) times.get(name)?.push(performance.now() - start);
    }
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, median(values)]));
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

/** Images without a builder, which is not what is measured; signatures and everything after them are real. */
class FirstPublish extends Wiring {
  override async builder(): Promise<ChosenBuilder> {
    const builder = createLayoutBuilder();
    return { builder, info: await builder.probe(), why: 'nothing is built here' };
  }

  override async sbom(): Promise<SbomGenerator> {
    return {
      generate: async ({ manifest }) =>
        Buffer.from(JSON.stringify({ spdxVersion: 'SPDX-2.3', name: manifest })),
    };
  }
}

async function publishFirst(repository: TestRepository, sigstore: Sigstore): Promise<void> {
  const sha = repository.git('rev-parse', 'HEAD');
  const stream = { isTTY: false, columns: 80, color: false };
  const environment = {
    variables: {
      ...process.env,
      ...sigstore.githubActionsEnv({ sha }),
      PATH: `${toolsBin()}:${process.env.PATH}`,
    },
    secrets: [],
    cwd: repository.root,
    configFile: undefined,
    home: repository.root,
    temporary: tmpdir(),
    platform: process.platform,
    arch: process.arch,
    stdout: stream,
    stderr: stream,
    ci: undefined,
    interactive: false,
    version: '1.0.0',
  };
  const { signal } = new AbortController();
  const wiring = new FirstPublish(environment, signal, () => undefined);
  try {
    const result = await runPublish(
      { environment, wiring, signal, emit: () => undefined },
      {
        selection: { kind: undefined, name: undefined, selectors: [] },
        sealOnly: false,
        keepGoing: false,
        dryRun: false,
      },
    );
    if (!('report' in result) || !result.report.release)
      throw new Error(JSON.stringify(result, null, 1).slice(0, 4000));
    const images = result.report.components.map(({ image, digest }) => `${image} ${digest}`);
    await writeFile(join(repository.root, '.git/recorded'), images.join('\n'));
  } finally {
    await wiring.close();
  }
}

async function recorded(repository: TestRepository): Promise<ReadonlyMap<string, string>> {
  const text = await repository.read('.git/recorded');
  return new Map(
    text.split('\n').map((line): [string, string] => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']),
  );
}

async function node(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
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
}
