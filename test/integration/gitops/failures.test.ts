import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { githubHost } from '../../../src/adapters/github/host.ts';
import { findToken } from '../../../src/adapters/github/token.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { type DispatchRequest, runDispatch } from '../../../src/dispatch/run.ts';
import { gitopsRunOutcome } from '../../../src/dispatch/view.ts';
import { createStyle } from '../../../src/render/style.ts';
import { table } from '../../../src/render/table.ts';
import { temporaryFolder } from '../../support/git.ts';
import {
  type GitopsWorld,
  gitopsWorld,
  inputsFile,
  ordersRequest,
  timeLimit,
  WORKFLOW_PATH,
  workflowText,
} from '../../support/gitops-world.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import type { Rights } from '../../support/services/github/access.ts';

/** What a person meets: how it comes about, and what is said. */
interface Failure {
  readonly name: string;
  readonly code: string;
  readonly exit: number;
  /** Begins the message. */
  readonly message: string;
  /** Makes it fail; may return a token in place of the one that may do everything. */
  readonly given: (world: GitopsWorld) => Promise<string | undefined> | string | undefined;
  /** The time is over as soon as the run is followed. */
  readonly late?: true;
  readonly request?: Partial<DispatchRequest> & { readonly inputs?: Readonly<Record<string, string>> };
}

const token = (
  { github }: GitopsWorld,
  rights: Rights | undefined,
  kind: 'classic' | 'fine-grained' = 'fine-grained',
) => github.token({ kind, rights: () => rights }).value;
const main = { repository: 'acme/gitops', workflow: 'scaffold-primitive-gitops.yaml', ref: 'main' };
const nothing = () => undefined;

const FAILURES: readonly Failure[] = [
  {
    name: 'token is wrong',
    code: 'github-unauthorized',
    exit: 3,
    message: '127.0.0.1',
    given: () => 'ghp_0000',
  },
  {
    name: 'single sign-on not authorized',
    code: 'github-sso-required',
    exit: 3,
    message: 'The token of GH_TOKEN is not authorized for single sign-on.',
    given: ({ github }) => github.token({ kind: 'classic', sso: true }).value,
  },
  {
    name: 'single sign-on, said in the message alone',
    code: 'github-sso-required',
    exit: 3,
    message: 'The token of GH_TOKEN is not authorized for single sign-on.',
    given: ({ github }) =>
      void github.fault({
        path: /./,
        status: 403,
        body: {
          message:
            'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.',
        },
      }),
  },
  {
    name: 'address not on the IP allow list',
    code: 'github-ip-not-allowed',
    exit: 3,
    message: 'The IP allow list of the organization',
    given: ({ github }) =>
      void github.fault({
        path: /./,
        status: 403,
        body: {
          message:
            'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
        },
      }),
  },
  {
    name: 'OAuth app restricted, seen at the dispatch',
    code: 'github-oauth-restricted',
    exit: 3,
    message: 'The organization does not allow the OAuth app of the token of GH_TOKEN.',
    given: ({ github }) =>
      void github.fault({
        path: /dispatches$/,
        status: 403,
        body: {
          message:
            'Although you appear to have the correct authorization credentials, the `acme` organization has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.',
        },
      }),
  },
  {
    name: 'repository missing or invisible',
    code: 'gitops-repository-not-found',
    exit: 2,
    message: 'Repository acme/gitops not found.',
    given: (world) => token(world, undefined),
  },
  {
    name: 'repository renamed',
    code: 'gitops-repository-moved',
    exit: 2,
    message: 'Repository acme/gitops is now acme/platform.',
    given: async ({ github }) => {
      await github.create('acme/platform');
      const location = `${github.api}/repos/acme/platform`;
      github.fault({ path: /^\/repos\/acme\/gitops$/, status: 301, headers: { location } });
      return undefined;
    },
  },
  {
    name: 'repository archived',
    code: 'gitops-repository-archived',
    exit: 2,
    message: 'Repository acme/gitops is archived.',
    given: ({ gitops }) => void Object.assign(gitops, { archived: true }),
  },
  {
    name: 'token may not read Actions',
    code: 'github-forbidden',
    exit: 3,
    message: 'The token of GH_TOKEN may not read Actions.',
    given: (world) => token(world, { contents: 'read', pulls: 'read' }),
  },
  {
    name: 'fine-grained token may not start',
    code: 'gitops-dispatch-forbidden',
    exit: 3,
    message: 'The token may not start workflow scaffold-primitive-gitops.yaml of acme/gitops.',
    given: (world) => token(world, { actions: 'read', contents: 'read', pulls: 'read' }),
  },
  {
    name: 'classic token of a reader (bare 404)',
    code: 'gitops-dispatch-forbidden',
    exit: 3,
    message: 'The token may not start workflow scaffold-primitive-gitops.yaml of acme/gitops.',
    given: (world) =>
      token(world, { actions: 'read', contents: 'read', pulls: 'read', push: false }, 'classic'),
  },
  {
    name: 'token may not read pull requests',
    code: 'github-forbidden',
    exit: 3,
    message: 'The token of GH_TOKEN may not read Pull requests.',
    given: (world) => token(world, { actions: 'write', contents: 'read' }),
  },
  {
    name: 'Actions disabled',
    code: 'gitops-actions-disabled',
    exit: 2,
    message: 'GitHub Actions are disabled in acme/gitops.',
    given: ({ gitops }) => void Object.assign(gitops, { actions: false }),
  },
  {
    name: 'workflow missing',
    code: 'gitops-workflow-not-found',
    exit: 2,
    message: 'Workflow other.yaml not found in acme/gitops.',
    given: nothing,
    request: { target: { ...main, workflow: 'other.yaml' } },
  },
  {
    name: 'workflow only on another branch',
    code: 'gitops-workflow-not-found',
    exit: 2,
    message: 'Workflow new.yaml not found in acme/gitops.',
    given: async ({ gitops }) => {
      await gitops.commit('next', { '.github/workflows/new.yaml': workflowText() });
      return undefined;
    },
    request: { target: { ...main, workflow: 'new.yaml', ref: 'next' } },
  },
  {
    name: 'workflow disabled',
    code: 'gitops-workflow-disabled',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml of acme/gitops is disabled.',
    given: ({ gitops }) =>
      void gitops.workflowStates.set('scaffold-primitive-gitops.yaml', 'disabled_manually'),
  },
  {
    name: 'ref unknown',
    code: 'gitops-ref-not-found',
    exit: 2,
    message: 'Ref trunk not found in acme/gitops.',
    given: nothing,
    request: { target: { ...main, ref: 'trunk' } },
  },
  {
    name: 'workflow not on the ref',
    code: 'gitops-workflow-not-on-ref',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml cannot be read on old of acme/gitops.',
    given: async ({ gitops }) => {
      await gitops.commit('old', { [WORKFLOW_PATH]: null });
      return undefined;
    },
    request: { target: { ...main, ref: 'old' } },
  },
  {
    name: 'no workflow_dispatch',
    code: 'gitops-workflow-no-dispatch',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml on main of acme/gitops cannot be started.',
    given: async ({ gitops }) => {
      await gitops.commit('main', { [WORKFLOW_PATH]: 'on: push\njobs: {}\n' });
      return undefined;
    },
  },
  {
    name: 'workflow is no YAML',
    code: 'gitops-workflow-invalid',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml on main of acme/gitops is not valid YAML.',
    given: async ({ gitops }) => {
      await gitops.commit('main', { [WORKFLOW_PATH]: 'on: { workflow_dispatch: {\n' });
      return undefined;
    },
  },
  {
    name: "GitHub's index is behind",
    code: 'gitops-workflow-not-indexed',
    exit: 2,
    message: 'GitHub has not read workflow scaffold-primitive-gitops.yaml on main yet.',
    given: ({ github }) => {
      const message = "Workflow does not have 'workflow_dispatch' trigger";
      github.fault({ path: /dispatches$/, status: 422, body: { message } });
      return undefined;
    },
  },
  {
    name: 'input invalid',
    code: 'gitops-input-invalid',
    exit: 2,
    message: 'Input name "Orders" is invalid: it does not match',
    given: nothing,
    request: { inputs: { name: 'Orders' } },
  },
  {
    name: 'input unknown to an older kit',
    code: 'gitops-input-refused',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml of acme/gitops does not accept this request.',
    given: async ({ gitops }) => {
      const { request_id: _, ...inputs } = inputsFile.inputs;
      await gitops.commit('main', { [WORKFLOW_PATH]: workflowText({ ...inputsFile, inputs }) });
      return undefined;
    },
  },
  {
    name: 'choice not allowed',
    code: 'gitops-input-refused',
    exit: 2,
    message: 'Workflow scaffold-primitive-gitops.yaml of acme/gitops does not accept this request.',
    given: async ({ gitops }) => {
      const text = workflowText().replace(
        'kind: { required: true, type: string',
        'kind: { required: true, type: choice, options: [process]',
      );
      await gitops.commit('main', { [WORKFLOW_PATH]: text });
      return undefined;
    },
  },
  {
    name: 'rate limit longer than the timeout',
    code: 'github-rate-limited',
    exit: 3,
    message: '127.0.0.1',
    given: ({ github }) => {
      const headers = {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': `${Math.floor(github.now() / 1000) + 3_000}`,
      };
      const message = 'API rate limit exceeded for user ID 1.';
      github.fault({ path: /dispatches$/, status: 403, headers, body: { message } });
      return undefined;
    },
  },
  {
    name: 'server fails at each dispatch',
    code: 'gitops-dispatch-failed',
    exit: 3,
    message: 'Cannot start workflow scaffold-primitive-gitops.yaml of acme/gitops.',
    given: ({ github }) => void github.fault({ path: /dispatches$/, status: 502, times: 100 }),
  },
  {
    name: 'a proxy answers with a login page',
    code: 'github-failed',
    exit: 3,
    message: '127.0.0.1',
    given: ({ github }) =>
      void github.fault({
        path: /./,
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<html>Log in</html>',
      }),
  },
  {
    name: 'a server answers with data of another form',
    code: 'github-failed',
    exit: 3,
    message: '127.0.0.1',
    given: ({ github }) => void github.fault({ path: /./, status: 200, body: { a: 1 } }),
  },
  {
    name: 'a server lists jobs without an end',
    code: 'github-failed',
    exit: 3,
    message: '127.0.0.1',
    given: ({ github }) => {
      const job = { id: 1, name: 'x', status: 'in_progress', conclusion: null, html_url: null };
      github.fault({ path: /\/jobs/, status: 200, body: { jobs: Array(100).fill(job) }, times: 1000 });
    },
  },
  {
    name: 'server refuses to list pull requests',
    code: 'github-refused',
    exit: 3,
    message: '127.0.0.1',
    given: ({ github }) =>
      void github.fault({ path: /\/pulls/, status: 422, body: { message: 'Validation Failed' } }),
  },
  {
    name: 'run has no id in its name, on an old server',
    code: 'gitops-run-unidentified',
    exit: 3,
    message: 'GitHub started scaffold-primitive-gitops.yaml, but its run was not found.',
    given: async ({ gitops, github }) => {
      await gitops.commit('main', { [WORKFLOW_PATH]: workflowText().replace(/^run-name.*$/m, '') });
      github.fault({ path: /dispatches$/, status: 204, when: 'after' });
      return undefined;
    },
  },
  {
    name: 'run not approved',
    code: 'gitops-run-not-approved',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ conclusion: 'action_required' }) }),
  },
  {
    name: 'run waits for an approval',
    code: 'gitops-run-waiting',
    exit: 3,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ before: ['waiting'] }) }),
    late: true,
  },
  {
    name: 'no runner comes',
    code: 'gitops-run-queued',
    exit: 3,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ before: ['queued', 'queued'] }) }),
    late: true,
  },
  {
    name: 'startup failure',
    code: 'gitops-run-not-started',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ conclusion: 'startup_failure' }) }),
  },
  {
    name: 'run cancelled',
    code: 'gitops-run-cancelled',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ conclusion: 'cancelled' }) }),
  },
  {
    name: 'run deleted while it is followed',
    code: 'gitops-run-deleted',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => {
      let ticks = 0;
      gitops.script = () => ({
        get idle() {
          ticks += 1;
          if (ticks === 3) gitops.runs.length = 0;
          return Number.POSITIVE_INFINITY;
        },
      });
      return undefined;
    },
  },
  {
    name: 'step failed',
    code: 'gitops-run-failed',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => {
      const steps = [
        {
          name: 'Render charts',
          conclusion: 'failure',
          log: ['Error: execution error at (domain.yaml:3:4)'],
        },
      ];
      Object.assign(gitops, { script: () => ({ jobs: [{ name: 'scaffold', steps }] }) });
      return undefined;
    },
  },
  {
    name: 'run timed out',
    code: 'gitops-run-failed',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({ conclusion: 'timed_out' }) }),
  },
  {
    name: 'run takes longer than --timeout',
    code: 'gitops-timeout',
    exit: 3,
    message: 'Run 1',
    given: nothing,
    late: true,
  },
  {
    name: 'pull request missing although the run passed',
    code: 'gitops-pull-missing',
    exit: 1,
    message: 'Run 1',
    given: ({ gitops }) => void Object.assign(gitops, { script: () => ({}) }),
  },
  {
    name: 'pull request closed',
    code: 'gitops-pull-closed',
    exit: 1,
    message: 'Pull request #1 was closed without being merged.',
    given: ({ gitops }) => {
      const { script } = gitops;
      gitops.script = (run) => ({
        ...script(run),
        onCompleted: async (done) => {
          await script(run).onCompleted?.(done);
          gitops.close(1);
        },
      });
      return undefined;
    },
  },
];

const rows: string[][] = [['failure', 'exit', 'code', 'message', 'next step']];
afterAll(() => console.log(table(rows, createStyle(false))));

describe('a failure has its own code, message and next step', () => {
  test.each(FAILURES)('$name: $code', async ({ name, code, exit, message, given, late, request }) => {
    await using world = await gitopsWorld();
    const value = await given(world);
    const stop = new AbortController();
    const ports = world.ports({ signal: stop.signal, ...(value === undefined ? {} : { token: value }) });
    const emit: typeof ports.emit = (event) => {
      ports.emit(event);
      if (late && event.type === 'step' && event.step === 'follow') stop.abort(timeLimit);
    };
    const told = await runDispatch(ordersRequest(request), 'pr', { ...ports, emit }).then(
      (document) => ({
        problem: document.problem,
        exit: gitopsRunOutcome(document).exit,
        text: gitopsRunOutcome(document).text(createStyle(false)),
      }),
      (error: PrimitiveError) => ({ problem: error, exit: error.exit, text: '' }),
    );
    const { problem } = told;
    expect({ code: problem?.code, exit: told.exit }).toEqual({ code, exit });
    expect(problem?.message.startsWith(message)).toBe(true);
    expect(problem?.suggestions.length).toBeGreaterThan(0);
    if (told.text) expect(told.text).toContain(`${problem?.message} [${code}]`);
    // No token is ever said.
    expect(
      JSON.stringify([problem?.message, problem?.why, problem?.suggestions, world.events, told.text]),
    ).not.toMatch(/gh[ps]_|github_pat_/);
    const steady = (text: string) =>
      text
        .replaceAll('\n', ' ')
        .replace(/127\.0\.0\.1:\d+/g, 'HOST')
        .replace(/1600\d+/g, 'ID');
    rows.push([
      name,
      `${exit}`,
      code,
      steady(problem?.message ?? ''),
      steady(problem?.suggestions[0] ?? '').slice(0, 90),
    ]);
  });
});

describe('tokens', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const appWith = (more: Readonly<Record<string, string>>) => ({
    GITHUB_APP_ID: '42',
    GITHUB_APP_INSTALLATION_ID: '7',
    GITHUB_APP_PRIVATE_KEY: pem,
    ...more,
  });
  const sources = (world: GitopsWorld, variables: Readonly<Record<string, string>>) => ({
    variables: { GITHUB_API_URL: world.github.api, ...variables },
    processes: createProcesses({ PATH: '/nowhere' }),
    network: {},
    clock: patientlessClock(),
    budget: 60_000,
    signal: new AbortController().signal,
    onRetry: () => {},
  });
  const find = (world: GitopsWorld, variables: Readonly<Record<string, string>>, configured?: string) => {
    const all = sources(world, variables);
    return findToken(githubHost(configured, all.variables), all);
  };

  test('come from GH_TOKEN, an app, GITHUB_TOKEN, in this order', async () => {
    await using world = await gitopsWorld();
    world.github.app({ id: '42', installation: '7', key: publicKey });
    const app = appWith({});
    expect(await find(world, { GITHUB_TOKEN: 'b' })).toEqual({ value: 'b', source: 'GITHUB_TOKEN' });
    const made = await find(world, { ...app, GITHUB_TOKEN: 'b' });
    expect(made).toMatchObject({ value: expect.stringMatching(/^ghs_/), source: 'the GitHub App 42' });
    expect(await runDispatch(ordersRequest(), 'pr', world.ports({ token: made.value }))).toMatchObject({
      result: 'proposed',
    });
    const escaped = { ...app, GITHUB_APP_PRIVATE_KEY: pem.replaceAll('\n', '\\n') };
    expect((await find(world, escaped)).source).toBe('the GitHub App 42');
    expect(await find(world, { ...app, GH_TOKEN: 'a', GITHUB_TOKEN: 'b' })).toEqual({
      value: 'a',
      source: 'GH_TOKEN',
    });
  });

  test('of one GitHub are not sent to another', async () => {
    await using world = await gitopsWorld();
    const other = find(world, { GH_TOKEN: 'a', GITHUB_TOKEN: 'b' }, 'ghes.acme.com');
    await expect(other).rejects.toMatchObject({ code: 'github-token-missing', exit: 3 });
    const enterprise = { GH_TOKEN: 'a', GH_ENTERPRISE_TOKEN: 'c' };
    expect(await find(world, { ...enterprise, GH_HOST: 'ghes.acme.com' })).toMatchObject({ value: 'c' });
    const cloud = find(world, enterprise, 'github.com');
    await expect(cloud).rejects.toMatchObject({ code: 'github-token-missing' });
    const named = { ...enterprise, GH_HOST: 'ghes.acme.com' };
    expect(await find(world, named, 'GHES.acme.com')).toEqual({ value: 'c', source: 'GH_ENTERPRISE_TOKEN' });
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['evil.example', { GH_ENTERPRISE_TOKEN: 'c' }],
    ['evil.example', { GITHUB_ENTERPRISE_TOKEN: 'c' }],
    ['evil.example', { GH_HOST: 'ghes.acme.com', GH_ENTERPRISE_TOKEN: 'c', GH_TOKEN: 'a' }],
    ['ghes.acme.com:8443', { GH_HOST: 'ghes.acme.com', GH_ENTERPRISE_TOKEN: 'c' }],
    ['ghes.acme.com.evil.example', { GH_HOST: 'ghes.acme.com', GH_ENTERPRISE_TOKEN: 'c' }],
    ['evil.ghe.com', { GH_HOST: 'acme.ghe.com', GH_ENTERPRISE_TOKEN: 'c', GH_TOKEN: 'a' }],
    ['evil.example', appWith({ GH_HOST: 'ghes.acme.com' })],
    ['evil.example', appWith({})],
  ])('are not sent to %s, which only the config names', async (host, variables) => {
    await using world = await gitopsWorld();
    const error = await find(world, variables, host).catch((thrown: PrimitiveError) => thrown);
    expect(error).toMatchObject({ code: 'github-token-missing', exit: 3 });
    expect((error as PrimitiveError).why).toContain(`names ${host}`);
  });

  test('name the folder in which `gh` is passed over', async () => {
    await using world = await gitopsWorld();
    await using tools = await temporaryFolder();
    const folder = join(tools.path, 'node_modules/.bin');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'gh'), '#!/bin/sh\n', { mode: 0o755 });
    const skipped = [{ folder, why: 'packages of npm fill it' }];
    const processes = createProcesses({ PATH: '/nowhere' }, { skipped });
    const all = { ...sources(world, {}), processes };
    const error = await findToken(githubHost(undefined, all.variables), all).catch(
      (thrown: PrimitiveError) => thrown,
    );
    expect(error).toMatchObject({
      code: 'github-token-missing',
      why: `Looked in GH_TOKEN, GITHUB_APP_ID, GITHUB_TOKEN, \`gh auth token\`; gh not found: it is not on PATH; ${folder} is skipped, because packages of npm fill it.`,
      suggestions: expect.arrayContaining([expect.stringContaining(`PRIMITIVE_PROGRAM_FOLDERS=${folder}`)]),
    });
  });

  test.each([
    ['none', {}, 'github-token-missing', 'No token for 127.0.0.1'],
    [
      'app without installation',
      { GITHUB_APP_ID: '42' },
      'github-app-invalid',
      'Cannot get a token of the GitHub App.',
    ],
    [
      'app with a key that is none',
      appWith({ GITHUB_APP_PRIVATE_KEY: 'x' }),
      'github-app-invalid',
      'Cannot get',
    ],
    ['app not installed', appWith({ GITHUB_APP_INSTALLATION_ID: '8' }), 'github-app-invalid', 'Cannot get'],
    ['app of another key', appWith({ GITHUB_APP_ID: '43' }), 'github-unauthorized', '127.0.0.1'],
  ])('that cannot be had are said to be missing: %s', async (name, variables, code, message) => {
    await using world = await gitopsWorld();
    world.github.app({ id: '42', installation: '7', key: publicKey });
    const error = await find(world, variables as Readonly<Record<string, string>>).catch(
      (thrown) => thrown as PrimitiveError,
    );
    expect(error).toBeInstanceOf(PrimitiveError);
    expect(error).toMatchObject({ code, exit: 3, message: expect.stringContaining(message) });
    expect(JSON.stringify(error)).not.toContain(pem.split('\n')[1]);
    rows.push([
      `token: ${name}`,
      '3',
      code,
      (error as PrimitiveError).message.replace(/127\.0\.0\.1:\d+/, 'HOST'),
      (error as PrimitiveError).suggestions[0] ?? '',
    ]);
  });
});
