import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventSchema } from '../../src/core/event-document.ts';
import { gitopsRunSchema } from '../../src/dispatch/document.ts';
import type { InputsFile } from '../../src/dispatch/inputs.ts';
import { scaffoldPlanSchema } from '../../src/features/scaffold/document.ts';
import { bundledKinds } from '../../src/kinds/kind.ts';
import { succeeding, WORKFLOW_PATH, workflowText } from '../support/gitops-world.ts';
import { installPacked, type Packed } from '../support/packed.ts';
import { serverCertificate } from '../support/services/certificates.ts';
import { type Github, startGithub } from '../support/services/github/github.ts';
import type { DoubleRepository } from '../support/services/github/repository.ts';
import type { DoubleRun } from '../support/services/github/runs.ts';
import { serve } from '../support/services/http.ts';
import { run } from '../support/services/run.ts';
import { contentOf } from '../support/tree.ts';
import { tool } from '../tools/locate.ts';

const MOVE_PATH = '.github/workflows/move-release.yaml';
const moves: InputsFile = JSON.parse(
  readFileSync(join(bundledKinds(), '../gitops/scaffold/moves.json'), 'utf8'),
);

let cli: Packed;
let github: Github;
let gitops: DoubleRepository;

beforeAll(async () => {
  cli = await installPacked();
  github = await startGithub();
  gitops = await github.create('acme/gitops', {
    files: { [WORKFLOW_PATH]: workflowText(), [MOVE_PATH]: workflowText(moves) },
  });
});
afterAll(async () => {
  await github.stop();
  await cli[Symbol.asyncDispose]();
});

/** A code repository whose config names the GitOps repository, and an environment that may ask it. */
async function codeRepository(server: Github = github) {
  const cwd = mkdtempSync(join(cli.home, 'code-'));
  const state = mkdtempSync(join(cli.home, 'state-'));
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd });
  await run('git', ['remote', 'add', 'origin', 'git@github.com:acme/app.git'], { cwd });
  const config = [
    'schema: primitive.config/v1',
    'registry: ghcr.io/acme',
    'languages: { go: { module: github.com/acme/app }, proto: { package: acme } }',
    'gitops: { repository: acme/gitops }',
  ];
  await writeFile(join(cwd, 'primitive.config.yaml'), `${config.join('\n')}\n`);
  const token = server.token().value;
  const env = { GITHUB_API_URL: server.api, GH_TOKEN: token, XDG_STATE_HOME: state };
  return { cwd, env, state, token };
}

const ask = (name: string, ...more: readonly string[]) => [
  'gitops',
  'scaffold',
  ...['--kind', 'domain', '--name', name, '--version', 'v1'],
  ...more,
];

/** A run that sets the reference of `orders` in the lane that it is started for. */
const moving = () => ({
  jobs: [{ name: 'Move', steps: [{ name: 'Set the references' }, { name: 'Open the pull request' }] }],
  onCompleted: async (run: DoubleRun) => {
    const { lane } = run.inputs;
    const path = `sources/values/env/${lane}/apps/domain-orders-v1.yaml`;
    await gitops.commit(`release/${lane}`, { [path]: `image:\n  ref: ${run.id}\n` });
    gitops.open(`release/${lane}`, { title: run.title, author: 'acme-app[bot]', created: run.created });
  },
});

/** The SHA-256 of all names, modes and contents of a folder. */
async function digestOf(folder: string): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify(await contentOf(folder)))
    .digest('hex');
}

describe('gitops scaffold', () => {
  test('shows steps, pull request and files to a person, and keeps nothing on this machine', async () => {
    gitops.script = succeeding(gitops);
    const { cwd, env, state, token } = await codeRepository();
    const home = async () => [await digestOf(cwd), (await readdir(cli.home)).toSorted()];
    const before = await home();
    const call = await cli.run(ask('orders', '--env', 'dev'), { cwd, env });
    expect(call.stderr).toContain('scaffold / Render charts: success');
    expect(call).toMatchObject({ code: 0 });
    expect(call.stdout).toMatch(/^Pull request #1 is open$/m);
    expect(call.stdout).toContain(`${github.web}/acme/gitops/pull/1`);
    expect(call.stdout).toMatch(/run +\d+ success {2}http/);
    expect(call.stdout).toMatch(/added +\+1 -0 +sources\/values\/_shared\/apps\/domain-orders-v1\.yaml/);
    expect(await home()).toEqual(before);
    expect(await readdir(state)).toEqual([]);
    expect(JSON.stringify(call)).not.toContain(token);

    const again = await cli.run(ask('orders', '--env', 'dev'), { cwd, env });
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Pull request #1 is open$/m) });
    expect(gitops.runs).toHaveLength(1);
  });

  test('answers an agent with one document and events, also where there is nothing to do', async () => {
    gitops.script = succeeding(gitops);
    const { cwd, env } = await codeRepository();
    const call = await cli.run(ask('billing', '--json', '--events', 'ndjson'), { cwd, env });
    const document = JSON.parse(call.stdout);
    expect(Check(gitopsRunSchema, document)).toBe(true);
    expect(document).toMatchObject({
      result: 'proposed',
      pull: { state: 'open' },
      run: { conclusion: 'success' },
    });
    for (const line of call.stderr.trim().split('\n'))
      expect(Check(eventSchema, JSON.parse(line))).toBe(true);
    await gitops.merge(document.pull.number);
    const there = JSON.parse((await cli.run(ask('billing', '--json'), { cwd, env })).stdout);
    expect(there).toMatchObject({ result: 'exists', request: { id: null } });
    const planned = JSON.parse(
      (await cli.run(ask('refunds', '--json', '--dry-run', '--timeout', '999999h'), { cwd, env })).stdout,
    );
    expect(planned).toMatchObject({ result: 'planned', request: { branch: 'scaffold/domain-refunds-v1' } });
  });

  test.each([
    ['scaffold', ask('payments'), () => succeeding(gitops)()],
    ['bump', ['gitops', 'bump', '--release', 'main'], moving],
    ['promote', ['gitops', 'promote', '--from', 'dev', '--to', 'staging'], moving],
  ])('%s stops following at Ctrl-C, says how to go on, and goes on', async (command, argv, script) => {
    let release = false;
    gitops.script = () => ({
      ...script(),
      get idle() {
        return release ? 0 : Number.POSITIVE_INFINITY;
      },
    });
    const { cwd, env } = await codeRepository();
    const child = cli.start(argv, { cwd, env });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk;
      if (stderr.includes('Following run') && !child.killed) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    const [, again = ''] = /Try: primitive (.*)/.exec(stderr) ?? [];
    expect(again).toMatch(new RegExp(`^gitops ${command} --resume \\d+$`));
    expect(stderr).toMatch(/Stopped following run \d+\..*\n {2}The run continues: http/);
    const { status } = gitops.runs.at(-1) ?? {};
    expect(status).not.toBe('completed');
    release = true;
    const resumed = await cli.run([...again.split(' '), '--json'], { cwd, env });
    const run = { id: Number(again.split(' ').at(-1)) };
    expect(JSON.parse(resumed.stdout)).toMatchObject({ result: 'proposed', run });
  });

  test('plans without a network, and says what it could not look up', async () => {
    const { cwd, env } = await codeRepository();
    const offline = { ...env, GITHUB_API_URL: 'http://127.0.0.1:1' };
    const call = await cli.run(ask('orders', '--dry-run', '--json'), { cwd, env: offline });
    expect(call).toMatchObject({ code: 0 });
    const document = JSON.parse(call.stdout);
    expect(Check(gitopsRunSchema, document)).toBe(true);
    expect(document).toMatchObject({
      result: 'planned',
      unchecked: { why: expect.stringMatching(/^Cannot reach 127\.0\.0\.1:1: /) },
    });
  });

  test('says in one line that GitHub is asked again', async () => {
    gitops.script = succeeding(gitops);
    const { cwd, env } = await codeRepository();
    github.fault({ path: /\/actions\/workflows\/[^/]+$/, status: 503, times: 4 });
    const call = await cli.run(ask('retried', '--dry-run'), { cwd, env });
    expect(call).toMatchObject({ code: 0, stdout: expect.stringContaining('Not looked up: ') });
    expect(call.stderr).not.toContain('retrying');
    const sent = await cli.run(ask('retried'), { cwd, env });
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.stderr.match(/retrying/g)).toHaveLength(1);
  });

  test('ends with its time limit where GitHub does not answer', async () => {
    await using server = await startGithub();
    server.fault({ path: /./, status: 'hang' });
    const { cwd, env } = await codeRepository(server);
    const call = await cli.run(ask('late', '--timeout', '1s', '--json'), { cwd, env });
    expect(call).toMatchObject({ code: 3 });
    expect(JSON.parse(call.stdout)).toMatchObject({ code: 'gitops-timeout', retryable: true });
  });

  test('killed after the run was started and called again has one run', async () => {
    gitops.script = succeeding(gitops);
    const { cwd, env } = await codeRepository();
    const before = gitops.runs.length;
    // The answer never comes: the process ends without knowing its run.
    github.fault({ path: /dispatches$/, status: 'hang', when: 'after' });
    const child = cli.start(ask('shipping'), { cwd, env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (gitops.runs.length === before) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await ended;
    const call = await cli.run(ask('shipping', '--json'), { cwd, env });
    expect(JSON.parse(call.stdout)).toMatchObject({ result: 'proposed' });
    expect(gitops.runs).toHaveLength(before + 1);
  });

  test('ends with 1 and the log of the step that failed', async () => {
    const steps = [
      { name: 'Render charts', conclusion: 'failure' as const, log: ['Error: \u001b[31mno ref'] },
    ];
    gitops.script = () => ({ jobs: [{ name: 'scaffold', steps }] });
    const { cwd, env } = await codeRepository();
    const call = await cli.run(ask('returns'), { cwd, env });
    expect(call).toMatchObject({ code: 1 });
    expect(call.stdout).toMatch(
      /failed in step Render charts of job scaffold\. \[gitops-run-failed\]\n {2}│ Error: no ref/,
    );
  });

  test('speaks to GitHub Enterprise Server of an authority of its own, by GH_HOST', async () => {
    const folder = mkdtempSync(join(cli.home, 'tls-'));
    const tls = await serverCertificate(folder);
    await using server = await startGithub({ generation: 'plain', tls });
    const repository = await server.create('acme/gitops', { files: { [WORKFLOW_PATH]: workflowText() } });
    repository.script = succeeding(repository);
    const { cwd, env } = await codeRepository(server);
    const { GITHUB_API_URL: _, GH_TOKEN: GH_ENTERPRISE_TOKEN, ...others } = env;
    const trusted = { ...others, GH_ENTERPRISE_TOKEN, GH_HOST: server.host, SSL_CERT_FILE: tls.caFile };
    const call = await cli.run(ask('orders', '--json'), { cwd, env: trusted });
    expect(JSON.parse(call.stdout)).toMatchObject({ result: 'proposed' });
    const { SSL_CERT_FILE: __, ...untrusted } = trusted;
    const refused = await cli.run(ask('billing', '--json'), { cwd, env: untrusted });
    expect(JSON.parse(refused.stdout)).toMatchObject({ code: 'github-certificate', exit: 3 });
    const missing = { ...trusted, SSL_CERT_FILE: join(folder, 'missing.pem') };
    const unreadable = await cli.run(ask('billing', '--json'), { cwd, env: missing });
    expect(JSON.parse(unreadable.stdout)).toMatchObject({ code: 'github-ca-unreadable', exit: 2 });
  });

  test.each([[], ['--dry-run']])('sends a host of the config no token of another: %j', async (...more) => {
    const tls = await serverCertificate(mkdtempSync(join(cli.home, 'tls-')));
    const heard: string[] = [];
    const hostile = await serve((request, response) => {
      heard.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(404).end('{}');
    }, tls);
    const { cwd, env } = await codeRepository();
    const file = join(cwd, 'primitive.config.yaml');
    const config = await readFile(file, 'utf8');
    const host = hostile.host.replace('127.0.0.1', 'localhost');
    await writeFile(
      file,
      config.replace('{ repository: acme/gitops }', `{ repository: acme/gitops, host: "${host}" }`),
    );
    const tokens = {
      GH_HOST: 'ghes.acme.example',
      GH_ENTERPRISE_TOKEN: 'ghe_secret',
      GITHUB_ENTERPRISE_TOKEN: 'ghe_other',
      GITHUB_TOKEN: 'ghs_job',
      GITHUB_APP_ID: '42',
      GITHUB_APP_INSTALLATION_ID: '7',
      SSL_CERT_FILE: tls.caFile,
      // With `gh`, which gives its environment's tokens for any host.
      PATH: `${dirname(tool('gh'))}:${process.env.PATH}`,
    };
    const call = await cli.run(ask('orders', '--json', ...more), { cwd, env: { ...env, ...tokens } });
    await hostile.close();
    expect(JSON.parse(call.stdout)).toMatchObject({ code: 'github-token-missing', exit: 3 });
    expect(heard).toEqual([]);
  });

  test('refuses what is wrong before it asks', async () => {
    const { cwd, env } = await codeRepository();
    const asked = github.requests.length;
    const cases: readonly (readonly [readonly string[], string])[] = [
      [ask('../etc'), 'gitops-input-invalid'],
      [ask('orders', '--env', 'Prod'), 'gitops-input-invalid'],
      [['gitops', 'bump', '--release', '$(x)'], 'gitops-input-invalid'],
      [['gitops', 'promote', '--from', 'dev'], 'invalid-flag'],
      [['gitops', 'promote', '--resume', 'nothing'], 'invalid-flag'],
      [['gitops', 'scaffold'], 'gitops-input-invalid'],
      [ask('orders', '--timeout', 'soon'), 'invalid-flag'],
      [ask('orders', '--wait', 'merge'), 'invalid-flag'],
      [['gitops', 'scaffold', '--resume', 'nothing'], 'invalid-flag'],
    ];
    for (const [args, code] of cases) {
      const call = await cli.run([...args, '--json'], { cwd, env });
      expect(JSON.parse(call.stdout)).toMatchObject({ schema: 'primitive.error/v1', code, exit: 2 });
    }
    await writeFile(join(cwd, 'primitive.config.yaml'), 'registry: ghcr.io/acme\n');
    const call = await cli.run(ask('orders', '--json'), { cwd, env });
    expect(JSON.parse(call.stdout)).toMatchObject({ code: 'gitops-not-configured' });
    const report = join(cwd, 'report.md');
    await writeFile(report, 'of an earlier run\n');
    await cli.run(ask('orders', '--report', `markdown=${report}`), { cwd, env });
    expect(await readFile(report, 'utf8')).toMatch(/^### No GitOps repository is configured\.\n/);
    expect(github.requests).toHaveLength(asked);
  });
});

test('scaffold --gitops-pr writes the code, then asks for its wiring', async () => {
  gitops.script = succeeding(gitops);
  const { cwd, env } = await codeRepository();
  const args = ['scaffold', '--kind', 'domain', '--name', 'stock', '--gitops-pr', '--json'];
  const without = await cli.run(args, { cwd, env: { ...env, GH_TOKEN: '', PATH: '/nowhere' } });
  expect(JSON.parse(without.stdout)).toMatchObject({ code: 'github-token-missing' });
  expect(await readdir(cwd)).not.toContain('primitives');
  const call = await cli.run(args, { cwd, env });
  const document = JSON.parse(call.stdout);
  expect(Check(scaffoldPlanSchema, document)).toBe(true);
  expect(Check(gitopsRunSchema, document.gitops)).toBe(true);
  expect(document).toMatchObject({ written: true, gitops: { result: 'proposed' } });
  expect(await readFile(join(cwd, 'primitives/domain/stock/primitive.yaml'), 'utf8')).toContain(
    'name: stock',
  );
});

test('doctor says whether the workflow of the GitOps repository can be read, as a warning where it cannot', async () => {
  const { cwd, env } = await codeRepository();
  const check = async (more: Readonly<Record<string, string>>) => {
    const { stdout } = await cli.run(['doctor', '--json'], { cwd, env: { ...env, ...more } });
    return JSON.parse(stdout).checks.find(({ id }: { id: string }) => id === 'gitops');
  };
  expect(await check({})).toMatchObject({
    state: 'ok',
    detail: 'acme/gitops: scaffold-primitive-gitops.yaml can be read',
  });
  expect(await check({ GH_TOKEN: 'ghp_0000' })).toMatchObject({ state: 'warn', code: 'github-unauthorized' });
});
