import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { githubHost } from '../../../src/adapters/github/host.ts';
import { findToken } from '../../../src/adapters/github/token.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { succeeding, WORKFLOW_PATH, workflowText } from '../../support/gitops-world.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import { type ServerCertificate, serverCertificate } from '../../support/services/certificates.ts';
import type { Generation } from '../../support/services/github/dispatch.ts';
import { startGithub } from '../../support/services/github/github.ts';
import { attempt } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

let folder: string;
let tls: ServerCertificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gh-'));
  tls = await serverCertificate(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A double that speaks HTTPS, as `gh` demands, and calls of `gh` on its repository. */
async function ghWorld(generation: Generation) {
  const github = await startGithub({ generation, tls });
  const gitops = await github.create('acme/gitops', { files: { [WORKFLOW_PATH]: workflowText() } });
  gitops.script = succeeding(gitops);
  const env = {
    SSL_CERT_FILE: tls.caFile,
    GH_HOST: github.host,
    GH_ENTERPRISE_TOKEN: github.token().value,
    GH_CONFIG_DIR: await mkdtemp(join(folder, 'config-')),
    GH_PROMPT_DISABLED: '1',
    GH_NO_UPDATE_NOTIFIER: '1',
  };
  const gh = (...args: readonly string[]) =>
    attempt(tool('gh'), [...args, '--repo', `${github.host}/acme/gitops`], { cwd: folder, env });
  return { github, gitops, gh, [Symbol.asyncDispose]: () => github.stop() };
}

/** GitHub's own client works with the double: it was not made to fit ours. */
describe('gh', () => {
  test.each(['2026-03-10', 'plain'] as const)(
    'runs a workflow on a server of the API %s',
    async (generation) => {
      await using world = await ghWorld(generation);
      const fields = ['kind=domain', 'name=orders', 'version=v1'].flatMap((field) => ['--raw-field', field]);
      const call = await world.gh('workflow', 'run', 'scaffold-primitive-gitops.yaml', ...fields);
      expect(call).toMatchObject({ code: 0 });
      expect(world.gitops.runs).toMatchObject([
        { inputs: { kind: 'domain', name: 'orders', version: 'v1' } },
      ]);
      // It says the address where the server says it.
      const address = `${world.github.web}/acme/gitops/actions/runs/${world.gitops.runs[0]?.id}`;
      expect(call.stdout.includes(address)).toBe(generation !== 'plain');
    },
  );

  test('watches a run, and shows its pull request', async () => {
    await using world = await ghWorld('2026-03-10');
    const fields = ['kind=domain', 'name=orders', 'version=v1'].flatMap((field) => ['--raw-field', field]);
    await world.gh('workflow', 'run', 'scaffold-primitive-gitops.yaml', ...fields);
    const watched = await world.gh(
      'run',
      'watch',
      `${world.gitops.runs[0]?.id}`,
      '--exit-status',
      '--interval',
      '1',
    );
    expect(watched).toMatchObject({ code: 0, stdout: expect.stringContaining('Open pull request') });
    const shown = await world.gh(
      'pr',
      'view',
      'scaffold/domain-orders-v1',
      '--json',
      'number,state,headRefName,url',
    );
    expect(JSON.parse(shown.stdout)).toEqual({
      number: 1,
      state: 'OPEN',
      headRefName: 'scaffold/domain-orders-v1',
      url: `${world.github.web}/acme/gitops/pull/1`,
    });
    expect(await world.gh('pr', 'view', '1')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('state:\tOPEN'),
    });
  });

  test('is refused what the double refuses', async () => {
    await using world = await ghWorld('2026-03-10');
    const file = 'scaffold-primitive-gitops.yaml';
    const missing = await world.gh('workflow', 'run', file, '--raw-field', 'kind=domain');
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Required input 'name' not provided"),
    });
    const unknown = await world.gh('workflow', 'run', file, '--ref', 'trunk');
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('No ref found for: trunk') });
    expect(world.gitops.runs).toEqual([]);
  });

  test('lends its login, for the host that it is for', async () => {
    const config = await mkdtemp(join(folder, 'config-'));
    await writeFile(join(config, 'hosts.yml'), 'ghes.acme.com:\n  user: octocat\n  oauth_token: gho_lent\n');
    const sources = {
      variables: {},
      processes: createProcesses({ PATH: dirname(tool('gh')), GH_CONFIG_DIR: config, HOME: config }),
      network: {},
      clock: patientlessClock(),
      budget: 0,
      signal: new AbortController().signal,
      onRetry: () => {},
    };
    expect(await findToken(githubHost('ghes.acme.com', {}), sources)).toEqual({
      value: 'gho_lent',
      source: 'gh auth token',
    });
    // By itself `gh` gives the tokens of the environment for any host.
    const variables = { GH_HOST: 'ghes.acme.com', GH_ENTERPRISE_TOKEN: 'c', GH_TOKEN: 'a' };
    const processes = createProcesses({
      PATH: dirname(tool('gh')),
      GH_CONFIG_DIR: config,
      HOME: config,
      ...variables,
    });
    const elsewhere = findToken(githubHost('evil.example', variables), { ...sources, variables, processes });
    await expect(elsewhere).rejects.toMatchObject({ code: 'github-token-missing' });
    await expect(findToken(githubHost(undefined, {}), sources)).rejects.toMatchObject({
      code: 'github-token-missing',
    });
  });
});
