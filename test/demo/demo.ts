/**
 * `npm run demo`: three primitives, published to a registry on this machine as GitHub Actions would publish them. Each
 * step says what it shows, and what is simulated. Nothing is left running.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { styleText } from 'node:util';
import { writeNodeProgram } from '../support/node-program.ts';
import { startDistribution } from '../support/services/distribution.ts';
import { run } from '../support/services/run.ts';
import { pushShellBase } from '../support/shell-base.ts';
import { specOf } from '../tools/catalogue.ts';
import { ensureTools } from '../tools/install.ts';
import { find, toolsBin } from '../tools/locate.ts';
import { startLightSigstore } from './light-sigstore.ts';

const root = join(import.meta.dirname, '../..');
const TOOLS = ['git', 'ca-certificates', 'busybox', 'registry2', 'buildah'];
const BASE = `docker.io/library/busybox:1.36@sha256:${'0'.repeat(64)}`;
const WORKFLOW = 'https://github.com/acme/app/.github/workflows/publish.yaml';

const started = performance.now();
say('Tools', 'What this demo runs: taken from PATH, or installed into .tools the first time.');
await ensureTools(TOOLS);
await run(process.execPath, [join(root, '.ci/build.ts')]);

/** Taken where they are; both take minutes to build. */
const [cosign, syft] = [find(specOf('cosign')), find(specOf('syft'))];
const signer = `the signer (${cosign ? 'cosign' : "Sigstore's library for JavaScript"})`;
say(
  'Real and simulated',
  `Real: the registry (CNCF Distribution), the builder (buildah), ${signer}${syft ? ', the SBOMs (syft)' : ''}, and all that primitive verifies.
Simulated: the run of GitHub Actions with its token, the authorities for certificates and timestamps (Sigstore's own mock)${cosign ? '' : ', the program cosign'}${syft ? '' : ', syft (the SBOMs list layers only)'}.`,
);

const folder = await mkdtemp(join(tmpdir(), 'primitive-demo-'));
await using registry = await startDistribution({ version: 2 });
await using sigstore = await startLightSigstore();
try {
  await demo();
  const seconds = Math.round((performance.now() - started) / 1000);
  say('Done', `The registry and all that was in it are gone. ${seconds} s.`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const repository = join(folder, 'app');
  const base = await pushShellBase(registry.host);
  await writePrograms();
  await write(repository, {
    'primitive.config.yaml': config(base),
    'primitives/domain/orders/primitive.yaml': primitive('domain', 'orders'),
    'primitives/domain/orders/Dockerfile': `FROM ${BASE} AS build\nCOPY orders.sh.in /\nRUN sed 's/@VERSION@/1/' /orders.sh.in > /orders.sh\nFROM ${BASE}\nCOPY --from=build /orders.sh /\nUSER 65532\nENTRYPOINT ["sh", "/orders.sh"]\n`,
    'primitives/domain/orders/orders.sh.in': 'echo orders @VERSION@\n',
    'primitives/process/billing/primitive.yaml': primitive('process', 'billing'),
    'primitives/process/billing/Dockerfile': 'FROM scratch\nCOPY billing.json /\n',
    'primitives/process/billing/billing.json': '{ "retries": 3 }\n',
    'primitives/uisurface/shop/primitive.yaml': primitive('uisurface', 'shop'),
    'primitives/uisurface/shop/Dockerfile': 'FROM scratch\nCOPY index.html /\n',
    'primitives/uisurface/shop/index.html': '<h1>Shop</h1>\n',
  });
  const author = {
    GIT_AUTHOR_NAME: 'demo',
    GIT_AUTHOR_EMAIL: 'demo@example.com',
    GIT_COMMITTER_NAME: 'demo',
    GIT_COMMITTER_EMAIL: 'demo@example.com',
  };
  const git = (...args: string[]) => run('git', ['-C', repository, ...args], { env: author });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=Three primitives');

  say('1. First publish', 'Nothing is known yet: three components are built, sealed, and only then tagged.');
  await publish(repository, {});

  say(
    '2. One changes',
    'A second commit changes the shop. One is built; two keep their very bytes, no layer moves.',
  );
  await write(repository, { 'primitives/uisurface/shop/index.html': '<h1>Shop, open on Sundays</h1>\n' });
  await git('commit', '--quiet', '--all', '--message=Open on Sundays');
  await publish(repository, {});

  say(
    '3. A pull request',
    'The same workflow, but for refs/pull/7/merge: it may seal its own commit, and the channel stays.',
  );
  await git('switch', '--quiet', '--create=retry');
  await write(repository, { 'primitives/process/billing/billing.json': '{ "retries": 5 }\n' });
  await git('commit', '--quiet', '--all', '--message=Retry more often');
  await publish(repository, { base: (await git('rev-parse', 'main')).trim() });

  say(
    '4. Merged',
    'The inputs are the same now, and their image exists. Main builds it all the same: what a pull request sealed is no baseline.',
  );
  await git('switch', '--quiet', 'main');
  await git('merge', '--quiet', '--no-ff', '--message=Merge the pull request', 'retry');
  const ref = await publish(repository, {});

  if (cosign) await verifyByCosign(cosign.path, ref);
  else
    say(
      '5. Plain cosign',
      'cosign is not installed. To see this step: npm run tools -- cosign && npm run demo',
    );
}

async function verifyByCosign(cosign: string, ref: string): Promise<void> {
  say('5. Plain cosign', `What a cluster's policy would ask of ${ref.split('@')[0]}.`);
  const policy = [
    `--trusted-root=${sigstore.trustedRoot}`,
    '--insecure-ignore-sct',
    '--insecure-ignore-tlog',
    '--use-signed-timestamps',
    `--certificate-identity=${WORKFLOW}@refs/heads/main`,
    `--certificate-oidc-issuer=${sigstore.issuer}`,
  ];
  for (const args of [
    ['verify', ...policy, ref],
    ['verify-attestation', '--type=slsaprovenance1', ...policy, ref],
    ['verify-attestation', '--type=spdxjson', ...policy, ref],
  ]) {
    await run(cosign, args);
    console.log(`  cosign ${args[0]} ${args[1]?.startsWith('--type') ? `${args[1]} ` : ''}… accepted`);
  }
}

/** Runs the CLI in this terminal, as GitHub Actions on main or for a pull request; gives the first component's ref. */
async function publish(repository: string, { base }: { readonly base?: string }): Promise<string> {
  const head = (await run('git', ['-C', repository, 'rev-parse', 'HEAD'])).trim();
  const report = join(folder, 'report.json');
  const event = join(folder, 'event.json');
  const app = { repo: { full_name: 'acme/app' } };
  await writeFile(
    event,
    JSON.stringify(base ? { pull_request: { head: { ...app, sha: head }, base: app } } : {}),
  );
  console.log('$ primitive publish\n');
  const child = spawn(
    process.execPath,
    [join(root, 'bin/run.js'), 'publish', '--directory', repository, '--report', `json=${report}`],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        ...sigstore.githubActionsEnv(
          base ? { event: 'pull_request', ref: 'refs/pull/7/merge', sha: base } : { sha: head },
        ),
        GITHUB_EVENT_PATH: event,
        // What is printed is for people here, not for the runner.
        GITHUB_ACTIONS: '',
        CI: '',
        CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
        XDG_CACHE_HOME: join(folder, 'cache'),
        PATH: [join(folder, 'bin'), toolsBin(), process.env.PATH].join(delimiter),
      },
    },
  );
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`primitive publish ended with ${code}`);
  return JSON.parse(await readFile(report, 'utf8')).components[0].ref;
}

/** What replaces cosign and syft where they are missing or too old, and the registry that buildah may ask without TLS. */
async function writePrograms(): Promise<void> {
  await mkdir(join(folder, 'bin'));
  const light = {
    cosign: [cosign, join(import.meta.dirname, 'light-cosign.ts')],
    syft: [syft, join(root, 'test/support/light-syft.ts')],
  } as const;
  for (const [name, [found, file]] of Object.entries(light)) {
    if (!found) await writeNodeProgram(join(folder, 'bin', name), file, join(folder, 'compiled'));
  }
  await writeFile(
    join(folder, 'registries.conf'),
    `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
}

async function write(repository: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text);
  }
}

function primitive(kind: string, name: string): string {
  return `schema: primitive.primitive/v1\nkind: ${kind}\nname: ${name}\n`;
}

function config(base: string): string {
  return `schema: primitive.config/v1
registry: ${registry.host}/acme
platforms: [linux/amd64]
build:
  builder: buildah
  bases:
    ${BASE}: ${base}
signing:
  trusted:
    - issuer: ${sigstore.issuer}
      identity: ${WORKFLOW}@refs/heads/main
      repository: acme/app
      ref: refs/heads/main
      trigger: push
  accepted:
    - issuer: ${sigstore.issuer}
      identity: ${WORKFLOW}@refs/pull/*/merge
      repository: acme/app
      trigger: pull_request
  signingConfig: ${sigstore.signingConfig}
  trustedRoot: ${sigstore.trustedRoot}
`;
}

function say(title: string, text: string): void {
  console.log(`\n${styleText('bold', title, { stream: process.stdout })}\n${text}\n`);
}
