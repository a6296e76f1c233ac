import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGithub } from '../../support/services/github/github.ts';
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
