import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { InputsFile } from '../../../src/dispatch/inputs.ts';
import { bundledKinds } from '../../../src/kinds/kind.ts';
import { GITHUB_ISSUER } from '../../../src/seal/trust.ts';
import { type ActRun, act } from '../../support/act.ts';
import { workflowText } from '../../support/gitops-world.ts';
import { blocks } from '../../support/pages.ts';
import {
  type App,
  keylessSigning,
  type PublishLab,
  startPublishLab,
  tagsOf,
} from '../../support/publish-lab.ts';
import { serverCertificate } from '../../support/services/certificates.ts';
import { startGithub } from '../../support/services/github/github.ts';
import { integrityOf, type NpmRegistry, startNpmRegistry } from '../../support/services/npm-registry.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const WORKFLOW = '.github/workflows/publish.yaml';
const PACKAGE = '@ameide/primitive';
const VERSION: string = JSON.parse(
  await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'),
).version;

let lab: PublishLab;
let home: string;
let registry: NpmRegistry;
/** What the checkout names instead. */
let theirs: NpmRegistry;
let tarball: Buffer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'publish-act-'));
  lab = await startPublishLab({ lightSyft: true });
  tarball = await readFile(join(lab.cli.folder, '../../..', `ameide-primitive-${VERSION}.tgz`));
  const packages = [
    { name: PACKAGE, version: VERSION, tarball },
    { name: '@acme/kinds', version: '1.0.0', tarball: await pluginTarball() },
  ];
  [registry, theirs] = await Promise.all([startNpmRegistry(packages), startNpmRegistry([])]);
});
afterAll(async () => {
  await Promise.all([registry?.stop(), theirs?.stop(), lab?.[Symbol.asyncDispose]()]);
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

/** A package with kinds, and with a script that must not run. */
async function pluginTarball(): Promise<Buffer> {
  const folder = join(home, 'kinds');
  await mkdir(join(folder, 'kinds'), { recursive: true });
  const scripts = { install: `touch ${pwned()}` };
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: '@acme/kinds', version: '1.0.0', scripts, files: ['kinds'] }),
  );
  await writeFile(join(folder, 'kinds/README.md'), 'none yet\n');
  await run('npm', ['pack', '--silent', '--ignore-scripts', folder], { cwd: home });
  return readFile(join(home, 'acme-kinds-1.0.0.tgz'));
}

/** Written by whatever the checkout brought, where that was run. */
const pwned = () => join(home, 'pwned');

/** A checkout with a CLI of its own, which says that all is well, and with a registry that has more of it. */
const fakes = () => ({
  '.npmrc': `@ameide:registry=${theirs.url}\nregistry=${theirs.url}\n`,
  [`node_modules/${PACKAGE}/package.json`]: JSON.stringify({
    name: PACKAGE,
    version: VERSION,
    bin: 'run.js',
  }),
  [`node_modules/${PACKAGE}/run.js`]: `require('fs').writeFileSync('${pwned()}', ''); console.log('passed')`,
});

/** A repository whose config trusts the workflow, by GitHub's tokens and by those of the lab. */
function trusting(
  more: { readonly config?: string; readonly files?: Record<string, string> } = {},
): Promise<App> {
  const identity = `https://github.com/acme/app/${WORKFLOW}@refs/heads/main`;
  const signing = keylessSigning(lab.sigstore).replace(
    '"trusted":[',
    `"trusted":[${JSON.stringify({ issuer: GITHUB_ISSUER, identity, repository: 'acme/app' })},`,
  );
  return lab.app({ sources: { 'domain/orders': 'v1' }, signing, ...more });
}

/** The settings of npm are those of the user: the home folder here. */
const npmEnv = () => ({ NPM_CONFIG_REGISTRY: registry.url, PATH: process.env.PATH ?? '' });

async function init(app: App): Promise<string> {
  const call = await lab.cli.run(['init', '--ci', 'github'], { cwd: app.repo.root, env: npmEnv() });
  expect(call).toMatchObject({ code: 0 });
  return app.repo.read(WORKFLOW);
}

/** Runs the committed workflow. */
async function push(
  app: App,
  variables: Readonly<Record<string, string>> = {},
  event: 'push' | 'pull_request' = 'push',
  more: readonly string[] = [],
): Promise<ActRun> {
  const text = await app.repo.read(WORKFLOW);
  const actions = [...text.matchAll(/uses: ([^@\s]+)@([0-9a-f]{40})/g)].flatMap(([, action = '', commit]) => {
    const [owner, name = ''] = action.split('/');
    const place = { checkout: 'publish-checkout', 'sbom-action': 'sbom-action' }[name] ?? 'setup';
    const folder = join(import.meta.dirname, '../../support/actions', place);
    return ['--local-repository', `${owner}/${name}@${commit}=${folder}`];
  });
  const { PATH, ...environment } = app.environment();
  const env = { ...environment, SOURCE_REPOSITORY: app.repo.root, HOME: home, ...variables };
  const flags = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return act(
    [
      event,
      ...['--workflows', WORKFLOW, '--platform', 'ubuntu-24.04=-self-hosted'],
      ...['--action-offline-mode', '--json', ...actions, ...flags, ...more],
    ],
    {
      cwd: app.repo.root,
      env: {
        // The first entry is of the checkout: relative ones are looked up in the folder of each step.
        PATH: `node_modules/.bin:${dirname(process.execPath)}:${PATH}`,
        HOME: home,
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_CONFIG_HOME: join(home, 'config'),
      },
    },
  );
}

const done = (steps: ActRun['steps']) =>
  Object.entries(steps).flatMap(([step, result]) =>
    /Install|Publish/.test(step) ? [`${step} ${result}`] : [],
  );

describe('the workflow that init writes, run by act', () => {
  test('publishes with the CLI of the registry, whatever the checkout brings', async () => {
    await using app = await trusting();
    const text = await init(app);
    expect(text).toContain(`INTEGRITY: ${integrityOf(tarball)}\n`);
    expect(text).toContain(`REGISTRY: ${registry.url}\n`);
    const fake = `#!/bin/sh\ntouch ${pwned()}\necho passed\n`;
    const bins = ['node', 'npm', 'npx', 'openssl', 'tar', 'mktemp', 'realpath', 'dirname', 'primitive'];
    await app.repo.commit({
      [WORKFLOW]: text,
      ...fakes(),
      ...Object.fromEntries(bins.map((name) => [`node_modules/.bin/${name}`, fake])),
    });
    for (const name of bins) await chmod(join(app.repo.root, 'node_modules/.bin', name), 0o755);
    await app.repo.commit({ 'README.md': 'programs' });
    const { code, steps, output } = await push(app, {
      NPM_CONFIG_REGISTRY: theirs.url,
      'npm_config_@ameide:registry': theirs.url,
    });
    expect(output).toContain(`domain/orders`);
    expect([code, done(steps)]).toEqual([0, ['Install primitive success', 'Publish success']]);
    // The repository has not set it up.
    expect(steps).not.toHaveProperty('Bump');
    expect(existsSync(pwned())).toBe(false);
    expect(theirs.requests).toEqual([]);
    expect(registry.requests).toContain(`/${PACKAGE}/-/package-${VERSION}.tgz`);
    expect(await tagsOf(app.image('domain/orders'))).toHaveProperty(app.head);
  });

  test('stops at other bytes of the registry before anything of them runs', async () => {
    await using app = await trusting();
    await app.repo.commit({ [WORKFLOW]: await init(app) });
    const folder = join(home, 'evil');
    await mkdir(join(folder, 'bin'), { recursive: true });
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: PACKAGE, version: VERSION, scripts: { prepare: `touch ${pwned()}` } }),
    );
    await writeFile(join(folder, 'bin/run.js'), `require('fs').writeFileSync('${pwned()}', '')`);
    await run('npm', ['pack', '--silent', '--ignore-scripts', folder], { cwd: home });
    const other = await readFile(join(home, `ameide-primitive-${VERSION}.tgz`));
    registry.replace({ name: PACKAGE, version: VERSION, tarball: other });
    try {
      const { code, steps, output } = await push(app);
      expect(output).toContain('It was not run.');
      expect(output).toContain(integrityOf(other));
      expect([code, done(steps)]).toEqual([1, ['Install primitive failure']]);
    } finally {
      registry.replace({ name: PACKAGE, version: VERSION, tarball });
    }
    expect(existsSync(pwned())).toBe(false);
    expect(await tagsOf(app.image('domain/orders'))).toEqual({});
  });

  test('takes a package that the lock file has from the checkout, and plugins without their scripts', async () => {
    const file = `tools/ameide-primitive-${VERSION}.tgz`;
    const dependencies = { '@acme/kinds': '1.0.0', [PACKAGE]: `file:${file}` };
    await using app = await trusting({ config: 'plugins: ["@acme/kinds"]' });
    await app.repo.write({
      [file]: tarball,
      '.gitignore': 'node_modules\n',
      '.npmrc': `@acme:registry=${registry.url}\n`,
      'package.json': JSON.stringify({ dependencies }),
    });
    await run('npm', ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: app.repo.root,
      env: { ...npmEnv(), npm_config_cache: join(home, 'npm') },
    });
    const text = await init(app);
    expect(text).toContain(`FILE: ${file}\n`);
    await app.repo.commit({ [WORKFLOW]: text });
    const { code, steps, output } = await push(app);
    expect(output).toContain('domain/orders');
    expect([code, done(steps)]).toEqual([
      0,
      ['Install primitive success', 'Install plugins success', 'Publish success'],
    ]);
    expect(existsSync(pwned())).toBe(false);
    expect(await tagsOf(app.image('domain/orders'))).toHaveProperty(app.head);
    for (const [name, args] of [
      ['actionlint', ['-no-color']],
      [
        'zizmor',
        ['--offline', '--no-progress', '--no-exit-codes', '--quiet', '--persona', 'pedantic', '.github'],
      ],
    ] as const) {
      const { stdout } = await attempt(tool(name), args, { cwd: app.repo.root });
      expect(stdout.match(/^(error|warning)\[.*$|^.*\.yaml:\d+:\d+: .*$/gm)).toBeNull();
    }
  });
});

describe('the job that asks for a deployment', () => {
  const moves: InputsFile = JSON.parse(
    readFileSync(join(bundledKinds(), '../gitops/scaffold/moves.json'), 'utf8'),
  );

  test('asks the GitOps repository for the release of a push, with a key that the publish job does not have', async () => {
    const tls = await serverCertificate(home);
    await using github = await startGithub({ tls });
    const workflow = { '.github/workflows/move-release.yaml': workflowText(moves) };
    const gitops = await github.create('acme/gitops', { files: workflow });
    gitops.script = (run) => ({
      jobs: [{ name: 'Move', steps: [{ name: 'Open the pull request' }] }],
      onCompleted: async () => {
        const values = {
          'sources/values/env/dev/apps/domain-orders-v1.yaml': `ref: ${run.inputs.release}\n`,
        };
        await gitops.commit('release/dev', values);
        gitops.open('release/dev', { title: run.title, author: 'acme-app[bot]', created: run.created });
      },
    });
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    github.app({ id: '7', installation: '77', key: publicKey });
    await using app = await trusting({ config: 'gitops: { repository: acme/gitops }' });
    await app.repo.commit({ [WORKFLOW]: await init(app) });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const settings = [
      ...['--var', 'GITOPS_APP_ID=7', '--var', 'GITOPS_APP_INSTALLATION_ID=77'],
      ...['--secret', `GITOPS_APP_PRIVATE_KEY=${key.replaceAll('\n', '\\n')}`],
    ];
    const env = { GH_HOST: github.host, NODE_EXTRA_CA_CERTS: tls.caFile };
    const { code, steps, output } = await push(app, env, 'push', settings);
    expect(output).toContain('domain/orders');
    expect([code, steps.Bump]).toEqual([0, 'success']);
    expect(output).not.toContain('PRIVATE KEY');
    expect(gitops.runs.map(({ inputs }) => inputs)).toMatchObject([
      { action: 'pin', lane: 'dev', release: app.head },
    ]);
    expect(gitops.pulls).toMatchObject([{ head: { branch: 'release/dev' }, state: 'open' }]);

    const { jobs } = parse(await app.repo.read(WORKFLOW));
    expect(JSON.stringify(jobs.publish)).not.toContain('GITOPS_APP');
    expect(jobs.publish).not.toHaveProperty('environment');
    expect(jobs.bump).toMatchObject({
      needs: 'publish',
      environment: 'gitops-bump',
      permissions: { contents: 'read' },
    });
    expect((await push(app, env, 'pull_request', settings)).steps).not.toHaveProperty('Bump');
    expect(gitops.runs).toHaveLength(1);
  });
});

describe('plugins', () => {
  test('of a git repository are refused: the .npmrc of the checkout could name the git to run', async () => {
    const git = 'git+file:///nowhere#0123456789012345678901234567890123456789';
    const root = { dependencies: { '@acme/kinds': git } };
    const entry = { version: '1.0.0', resolved: git };
    await using app = await trusting({ config: 'plugins: ["@acme/kinds"]' });
    await app.repo.commit({
      [WORKFLOW]: await init(app),
      '.npmrc': 'git=./evil.sh\nignore-scripts=false\nallow-git=all\n',
      'evil.sh': `#!/bin/sh\ntouch ${pwned()}\n`,
      'package.json': JSON.stringify(root),
      'package-lock.json': JSON.stringify({
        lockfileVersion: 3,
        packages: { '': root, 'node_modules/@acme/kinds': entry },
      }),
    });
    await chmod(join(app.repo.root, 'evil.sh'), 0o755);
    await app.repo.commit({ 'README.md': 'a program' });
    const { steps, output } = await push(app);
    expect(output).toContain('EALLOWGIT');
    expect(done(steps)).toEqual(['Install primitive success', 'Install plugins failure']);
    expect(existsSync(pwned())).toBe(false);
  });
});

test('the documented workflow of verify takes nothing of the checkout for the CLI', async () => {
  await using app = await trusting();
  const [block] = blocks().filter(({ page, subject }) => page === 'docs/verify.md' && subject === 'workflow');
  const text = block?.text
    .replace('INTEGRITY: sha512-…', `INTEGRITY: ${integrityOf(tarball)}`)
    // There is nobody to upload to.
    .replace(/ {6}- uses: github\/codeql-action[\s\S]*$/, '');
  await app.repo.commit({ [WORKFLOW]: text ?? '', ...fakes() });
  // act copies the repository in place of a checkout without a ref.
  app.repo.git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  const { code, output } = await push(app, { NPM_CONFIG_REGISTRY: registry.url }, 'pull_request');
  expect(output).toContain('partial: nothing has changed since origin/main, 0 errors');
  expect(code).toBe(0);
  expect(existsSync(pwned())).toBe(false);
  expect(theirs.requests).toEqual([]);
});

describe('what init asks npm', () => {
  /** What package managers set for a program that they start, from the `.npmrc` or `.yarnrc` of the checkout. */
  const settings = () => ({
    npm_config_registry: theirs.url,
    'npm_config_@ameide:registry': theirs.url,
  });

  test.each([
    ['by itself', () => ({})],
    ['by npx', () => ({ npm_command: 'exec', ...settings() })],
    ['by a script of Yarn', () => ({ npm_lifecycle_event: 'init', ...settings() })],
  ])(
    'started %s, does not come from the .npmrc of the checkout, nor does it run npm there',
    async (_, handedDown) => {
      await using app = await trusting();
      await app.repo.write({ '.npmrc': `@ameide:registry=${theirs.url}\nregistry=${theirs.url}\n` });
      const env = {
        ...npmEnv(),
        npm_config_local_prefix: app.repo.root,
        INIT_CWD: app.repo.root,
        ...handedDown(),
      };
      const call = await lab.cli.run(['init', '--ci', 'github', '--dry-run'], { cwd: app.repo.root, env });
      expect(call).toMatchObject({ code: 0 });
      expect(call.stdout).toContain(`INTEGRITY: ${integrityOf(tarball)}\n`);
      expect(theirs.requests).toEqual([]);
    },
  );

  test('and what nobody knows is refused, with both ways on', async () => {
    await using app = await trusting();
    const env = { ...npmEnv(), NPM_CONFIG_REGISTRY: theirs.url };
    const call = await lab.cli.run(['init', '--ci', 'github', '--json'], { cwd: app.repo.root, env });
    expect(call.code).toBe(2);
    expect(JSON.parse(call.stdout)).toMatchObject({
      code: 'init-integrity-unknown',
      suggestions: [
        expect.stringContaining('--save-exact'),
        expect.stringContaining('.tgz'),
        expect.anything(),
      ],
    });
    expect(existsSync(join(app.repo.root, WORKFLOW))).toBe(false);
  });
});
