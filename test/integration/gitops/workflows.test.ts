import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type ActOptions, actRun } from '../../support/act.ts';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';
import { writeKubernetesSchemas } from '../../support/kubernetes-schemas.ts';
import { serverCertificate } from '../../support/services/certificates.ts';
import { attempt } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const SCAFFOLD = 'scaffold-primitive-gitops.yaml';
const GATE = 'gitops-gate.yaml';

/** What a domain has to have, besides an image. */
const SETTINGS =
  'env: { ACCEPT_CALLERS: anyone:acme, EVENTS_URL: "http://e" }\nsecrets: { DATABASE_URL: { name: db, key: url } }\n';

let home: string;
let caFile: string;
let world: GitopsWorld;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'primitive-act-'));
  const tls = await serverCertificate(home);
  caFile = tls.caFile;
  world = await startGitops({ tls });
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

const scaffold = (
  inputs: Readonly<Record<string, string>>,
  more: Pick<ActOptions, 'variables' | 'secrets'> = {},
) =>
  actRun(world, SCAFFOLD, 'workflow_dispatch', {
    ...more,
    inputs: { kind: 'domain', name: 'orders', version: 'v1', ...inputs },
    caFile,
    home,
  });

const openPulls = () =>
  world.gitops.pulls.filter(({ state }) => state === 'open').map(({ head }) => head.branch);

describe('the scaffold workflow, run by act', () => {
  test('writes, renders, and opens one pull request; the second run finds it', async () => {
    const inputs = { with_smoke: 'true', env: 'dev', request_id: 'request-one' };
    const first = await scaffold(inputs);
    expect(first.output).toContain('Pull request: ');
    expect(first).toMatchObject({
      code: 0,
      steps: {
        'Check the request': 'success',
        'Write the files': 'success',
        'Render them with helm': 'success',
        'Open the pull request': 'success',
      },
    });
    expect(openPulls()).toEqual(['scaffold/domain-orders-v1']);
    expect(first.output).not.toContain(world.token);
    expect(await scaffold(inputs)).toMatchObject({ code: 0 });
    expect(openPulls()).toEqual(['scaffold/domain-orders-v1']);
  });

  test('pushes and opens with the token of the App where there is one', async () => {
    const app = world.github.token({ login: 'acme-app[bot]' }).value;
    const more = { variables: { PRIMITIVE_APP_ID: '1' }, secrets: { PRIMITIVE_APP_PRIVATE_KEY: app } };
    const { code, output } = await scaffold({ name: 'app' }, more);
    expect(code).toBe(0);
    expect(output).not.toContain(app);
    expect(world.gitops.pulls.at(-1)).toMatchObject({ author: 'acme-app[bot]' });
    // It knows its own pull request, and none that another app has opened.
    expect(await scaffold({ name: 'app' }, more)).toMatchObject({ code: 0 });
    const other = await scaffold({ name: 'app' });
    expect(other).toMatchObject({ steps: { 'Open the pull request': 'failure' } });
    expect(other.output).toContain('was opened by acme-app[bot]');
  });

  test('stops at an input that is not valid', async () => {
    const { code, steps, output } = await scaffold({ name: '$(touch pwned)"; x' });
    expect(output).toContain('name is ');
    expect(code).not.toBe(0);
    expect(steps).toMatchObject({ 'Check the request': 'failure' });
    expect(steps).not.toHaveProperty('Write the files', 'success');
  });

  test('refuses wiring that exists, and overwrites it when forced', async () => {
    await scaffold({ name: 'exists' });
    await world.gitops.merge(world.gitops.pulls.at(-1)?.number ?? 0);
    const values = 'sources/values/_shared/apps/domain-exists-v1.yaml';
    await world.commit({ [values]: 'enabled: false\nreplicas: 3\n' });
    expect(await scaffold({ name: 'exists' })).toMatchObject({ steps: { 'Check the request': 'failure' } });
    expect(await scaffold({ name: 'exists', force: 'true' })).toMatchObject({ code: 0 });
    expect(await world.text(values, 'scaffold/domain-exists-v1')).not.toContain('replicas');
  });

  test('stops at a chart that does not render', async () => {
    const path = 'sources/charts/smoke-jobs/templates/jobs.yaml';
    const before = await world.text(path);
    await world.commit({ [path]: '{{ nonsense }}' });
    const result = await scaffold({ name: 'unrendered', with_smoke: 'true' });
    await world.commit({ [path]: before });
    expect(result).toMatchObject({ steps: { 'Render them with helm': 'failure' } });
    expect(openPulls()).not.toContain('scaffold/domain-unrendered-v1');
  });
});

describe('the gate, run by act', () => {
  const gate = (branch: string) =>
    actRun(world, GATE, 'pull_request', {
      branch,
      caFile,
      home,
      variables: { KUBERNETES_SCHEMAS: join(home, 'kubernetes') },
    });

  beforeAll(async () => {
    await writeKubernetesSchemas(join(home, 'kubernetes'));
    await scaffold({ name: 'gated', with_smoke: 'true', env: 'production' });
  });

  test('passes the pull request of a scaffold', async () => {
    const { code, output } = await gate('scaffold/domain-gated-v1');
    expect(output).toMatch(/(\d+) of \1 renders succeeded/);
    expect(code).toBe(0);
  });

  test.each([
    ['an enabled component without a reference', `enabled: true\n${SETTINGS}`, 'image.ref is empty'],
    [
      'a reference without a digest',
      `enabled: true\n${SETTINGS}image:\n  ref: ghcr.io/acme/domain-gated:v1\n`,
      'has no digest',
    ],
    ['a setting that is missing', 'enabled: true\n', 'ACCEPT_CALLERS has to be set'],
    ['a value that the chart does not know', 'enable: true\n', 'enable'],
    [
      'a manifest that Kubernetes refuses',
      `enabled: true\n${SETTINGS}image:\n  ref: ghcr.io/acme/b@sha256:${'0'.repeat(64)}\nresources: { limit: {} }\n`,
      'limit',
    ],
  ])('stops %s', async (_, text, message) => {
    const branch = 'scaffold/domain-gated-v1';
    const path = 'sources/values/env/production/apps/domain-gated-v1.yaml';
    await world.gitops.commit(branch, { [path]: text });
    const { code, output } = await gate(branch);
    expect(output).toContain(message);
    expect(code).not.toBe(0);
  });
});

describe('the workflows as text', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await world.clone();
  });

  test('actionlint and zizmor find nothing', async () => {
    expect(await attempt(tool('actionlint'), ['-no-color'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: '',
    });
    const zizmor = ['--offline', '--no-progress', '--persona', 'pedantic', '--format', 'plain', '.github'];
    const { stdout } = await attempt(tool('zizmor'), zizmor, { cwd: folder });
    expect(stdout.match(/^(error|warning|help|info)\[.*$/gm)).toBeNull();
  });

  test('no input is part of a script, every action is pinned by commit, rights are given by job', async () => {
    for (const file of [SCAFFOLD, GATE]) {
      const workflow = parse(await world.text(`.github/workflows/${file}`));
      expect(workflow.permissions).toEqual({});
      for (const job of Object.values(workflow.jobs) as { steps: { run?: string; uses?: string }[] }[]) {
        for (const { run: script, uses } of job.steps) {
          expect(script ?? '').not.toContain('${{');
          expect(uses ?? 'a/b@0123456789012345678901234567890123456789').toMatch(/^[\w/-]+@[0-9a-f]{40}$/);
        }
      }
    }
  });

  test('the inputs of the workflow are those of the contract', async () => {
    const contract = JSON.parse(await world.text('.github/primitive/inputs.json'));
    const workflow = parse(await world.text(`.github/workflows/${SCAFFOLD}`));
    const inputs = workflow.on.workflow_dispatch.inputs;
    expect(Object.keys(inputs)).toEqual(Object.keys(contract.inputs));
    for (const [key, { description, required = false, type, default: preset }] of Object.entries<
      Record<string, unknown>
    >(inputs)) {
      const { help, ...wanted } = contract.inputs[key];
      expect(description).toBe(help);
      expect(required).toBe(wanted.required ?? false);
      expect(type).toBe(wanted.type ?? 'string');
      if (preset !== undefined) expect(String(preset)).toBe(wanted.default);
    }
    // By its name a client finds its run again, and what it was asked for.
    const filled = (template: string) =>
      template.replace(/\$\{\{ inputs\.(\w+) \}\}/g, (_, input) => `{${input}}`);
    expect(filled(workflow['run-name'])).toBe(contract.run);
    // Only runs of one request wait for each other, since GitHub cancels all but one that wait; none is stopped half way.
    const { group, 'cancel-in-progress': cancels } = workflow.concurrency;
    expect(filled(group)).toBe(
      `${contract.branch.replace('/', '-')}-\${{ inputs.request_id || github.run_id }}`,
    );
    expect(cancels).toBe(false);
  });

  test('the gate runs on every pull request, with one job that is never skipped', async () => {
    const { on, jobs } = parse(await world.text(`.github/workflows/${GATE}`));
    expect(on.pull_request).toBeNull();
    expect(Object.values(jobs)).toMatchObject([{ name: 'Gate' }]);
    expect(Object.values(jobs)[0]).not.toHaveProperty('if');
  });
});
