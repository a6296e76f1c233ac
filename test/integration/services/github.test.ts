import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WORKFLOW_PATH } from '../../support/gitops-world.ts';
import { type GithubOptions, startGithub } from '../../support/services/github/github.ts';
import { run } from '../../support/services/run.ts';

test('the GitHub double takes a branch by git push, and shows its pull request until it is merged', async () => {
  await using github = await startGithub();
  const gitops = await github.create('acme/gitops', { files: { 'README.md': 'hello\n' } });
  const { value } = github.token();
  const folder = await mkdtemp(join(tmpdir(), 'github-double-'));
  try {
    const git = (...args: string[]) => run('git', ['-C', folder, ...args]);
    const remote = `${github.web.replace('://', `://x-access-token:${value}@`)}/acme/gitops.git`;
    await run('git', ['clone', '--quiet', remote, folder]);
    await git('switch', '--quiet', '--create', 'scaffold/domain-orders-v1');
    await writeFile(join(folder, 'component.yaml'), 'name: orders\n');
    await git('add', '--all');
    await git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'Add');
    await git('push', '--quiet', 'origin', 'HEAD');
    const sha = (await git('rev-parse', 'HEAD')).trim();

    const api = async (path: string, init: RequestInit = {}) => {
      const headers = { authorization: `Bearer ${value}`, 'user-agent': 'test' };
      const answer = await fetch(`${github.api}/repos/acme/gitops${path}`, { ...init, headers });
      return { status: answer.status, body: await answer.json() };
    };
    const wanted = { title: 'Scaffold', head: 'scaffold/domain-orders-v1', base: 'main' };
    expect(await api('/pulls', { method: 'POST', body: JSON.stringify(wanted) })).toMatchObject({
      status: 201,
    });
    expect(await api('/pulls', { method: 'POST', body: JSON.stringify(wanted) })).toMatchObject({
      status: 422,
    });
    await api('/issues/1/labels', { method: 'POST', body: '{"labels":["preview"]}' });
    expect(await api('/pulls?state=open&head=acme:scaffold/domain-orders-v1')).toMatchObject({
      body: [{ number: 1, head: { sha, repo: { full_name: 'acme/gitops' } }, labels: [{ name: 'preview' }] }],
    });
    expect(await api('/pulls/1/files')).toMatchObject({
      body: [{ filename: 'component.yaml', status: 'added', additions: 1 }],
    });
    await gitops.merge(1);
    expect(await api('/pulls?state=open')).toMatchObject({ body: [] });
    expect(await gitops.file('component.yaml')).toBe('name: orders\n');
    expect((await fetch(`${github.web}/acme/gitops.git/info/refs?service=git-upload-pack`)).status).toBe(401);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const WORKFLOW = `
name: Scaffold
run-name: scaffold \${{ inputs.name }} [\${{ inputs.request_id }}]
on:
  workflow_dispatch:
    inputs:
      name: { required: true, type: string }
      env: { type: choice, options: [dev, staging], default: dev }
      force: { type: boolean, default: false }
      request_id: { type: string, default: "" }
`;

/** Dispatches that body, and what came of it. */
async function dispatched(
  options: GithubOptions,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  await using github = await startGithub(options);
  const gitops = await github.create('acme/gitops', { files: { [WORKFLOW_PATH]: WORKFLOW } });
  const { value } = github.token();
  const file = WORKFLOW_PATH.split('/').at(-1);
  const answer = await fetch(`${github.api}/repos/acme/gitops/actions/workflows/${file}/dispatches`, {
    method: 'POST',
    headers: { authorization: `Bearer ${value}`, 'user-agent': 'test', ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? '' : JSON.parse(text), runs: gitops.runs };
}

describe('the GitHub double refuses a dispatch as GitHub does', () => {
  const many = Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`input${index}`, 'x']));
  test.each([
    ['without a ref', { inputs: { name: 'orders' } }, 422, /"ref" wasn't supplied/],
    ['with a key that it does not know', { ref: 'main', input: {} }, 400, /"input" is not a permitted key/],
    ['with inputs that are a list', { ref: 'main', inputs: [] }, 422, /properties\/inputs/],
    ['with 26 inputs', { ref: 'main', inputs: many }, 422, /No more than 25 properties/],
    [
      'with an unexpected input',
      { ref: 'main', inputs: { name: 'a', nmae: 'b' } },
      422,
      /Unexpected inputs provided: \["nmae"\]/,
    ],
    ['without a required input', { ref: 'main' }, 422, /Required input 'name' not provided/],
    [
      'with a choice that is none',
      { ref: 'main', inputs: { name: 'a', env: 'prod' } },
      422,
      /Provided value 'prod' for input 'env'/,
    ],
    [
      'with a boolean that is none',
      { ref: 'main', inputs: { name: 'a', force: 'yes' } },
      422,
      /input 'force'/,
    ],
    [
      'for a ref that it does not have',
      { ref: 'trunk', inputs: { name: 'a' } },
      422,
      /No ref found for: trunk/,
    ],
  ])('%s', async (_, body, status, message) => {
    const answer = await dispatched({}, body);
    expect(answer).toMatchObject({ status, runs: [] });
    expect(answer.body.message).toMatch(message);
  });

  const right = { ref: 'main', inputs: { name: 'orders', request_id: 'request-1' } };
  const detailed = { ...right, return_run_details: true };
  const version = (value: string) => ({ 'x-github-api-version': value });
  test.each([
    ['2026-03-10', right, version('2026-03-10'), 200],
    ['2026-03-10', right, version('2022-11-28'), 204],
    ['2026-03-10', detailed, version('2022-11-28'), 200],
    ['2026-03-10', detailed, version('2026-03-10'), 400],
    ['2026-03-10', right, {}, 204],
    ['2022-11-28', right, version('2026-03-10'), 400],
    ['2022-11-28', detailed, version('2022-11-28'), 200],
    ['plain', right, version('2026-03-10'), 400],
    ['plain', detailed, version('2022-11-28'), 400],
    ['plain', right, {}, 204],
  ] as const)('by its age: %s answers %j with %j by %i', async (generation, body, headers, status) => {
    const answer = await dispatched({ generation }, body, headers);
    expect(answer.status).toBe(status);
    expect(answer.runs.map(({ title, inputs }) => [title, inputs.env])).toEqual(
      status === 400 ? [] : [['scaffold orders [request-1]', 'dev']],
    );
    if (status === 200) expect(answer.body).toMatchObject({ workflow_run_id: answer.runs[0]?.id });
  });

  test('with wrong credentials, or without a user agent', async () => {
    expect(await dispatched({}, right, { authorization: 'Bearer nobody' })).toMatchObject({
      status: 401,
      runs: [],
    });
    await using github = await startGithub();
    const { status } = await new Promise<{ status: number }>((resolve, reject) => {
      get(`${github.api}/user`, ({ statusCode = 0 }) => resolve({ status: statusCode })).on('error', reject);
    });
    expect(status).toBe(403);
  });
});
