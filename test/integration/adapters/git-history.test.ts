import { expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { clone, gitEnvironment, gitRepo, type TestRepository } from '../../support/git.ts';
import { refusal } from '../../support/workspace.ts';

const open = (repo: TestRepository) => openRepository(createProcesses(gitEnvironment), repo.root);

/** first - second - third (main), and `side` that leaves at first and comes back as the merge `fourth`. */
async function history() {
  const repo = await gitRepo();
  const first = await repo.commit({ 'dir/a': '1' }, 'first');
  const second = await repo.commit({ 'dir/a': '2' }, 'second');
  repo.git('branch', 'side', first);
  repo.git('switch', '--quiet', 'side');
  const side = await repo.commit({ b: '1' }, 'side');
  repo.git('switch', '--quiet', 'main');
  repo.git('merge', '--quiet', '--no-ff', '--no-edit', 'side');
  return { repo, first, second, side, merge: repo.git('rev-parse', 'HEAD') };
}

test('who is whose ancestor, in a whole clone', async () => {
  const { repo, first, second, side, merge } = await history();
  await using _ = repo;
  const git = await open(repo);
  expect(await git.isAncestor(first, merge)).toBe('yes');
  expect(await git.isAncestor(side, merge)).toBe('yes');
  expect(await git.isAncestor(merge, merge)).toBe('yes');
  expect(await git.isAncestor(second, side)).toBe('no');
  expect(await git.isAncestor(merge, first)).toBe('no');
  expect(await git.isAncestor('0'.repeat(40), merge)).toBe('unknown');
});

test.each(['--help', 'main', 'HEAD', '-x', '', 'a'.repeat(41), '$(id)'])(
  '%j is no commit id',
  async (text) => {
    await using repo = await gitRepo({ a: '1' });
    const git = await open(repo);
    expect(await git.isAncestor(text, git.head.commit)).toBe('unknown');
    expect(await git.isAncestor(git.head.commit, text)).toBe('unknown');
  },
);

test('a clone of depth 1 cannot say, until it is deepened by commits alone', async () => {
  const { repo, first, side, merge } = await history();
  await using _ = repo;
  repo.git('config', 'uploadpack.allowFilter', 'true');
  const foreign = repo.git('commit-tree', '-m', 'foreign', 'HEAD^{tree}');
  await using shallow = await clone(repo.root, '--depth=1', '--no-single-branch');
  const git = await open(shallow);
  expect(git.head.shallow).toBe(true);
  expect(await git.isAncestor(first, merge)).toBe('unknown');
  // `first` is there then, but what lies between is not.
  expect(await git.isAncestor(side, merge)).toBe('unknown');
  await git.deepen();
  expect(await git.isAncestor(first, merge)).toBe('yes');
  expect(await git.isAncestor(merge, first)).toBe('no');
  // A commit of no branch: git gets it from the remote, now that it knows that commits may be missing.
  expect(await git.isAncestor(foreign, merge)).toBe('no');
  // The files of the older commits did not come along.
  expect(shallow.git('rev-list', '--objects', '--missing=print', first)).toMatch(/^\?/m);
  await git.deepen();
});

test('a clone that cannot be deepened says why and what to do, without credentials', async () => {
  await using repo = await gitRepo({ a: '1' });
  await repo.commit({ a: '2' });
  await using shallow = await clone(repo.root, '--depth=1');
  shallow.git('remote', 'set-url', 'origin', 'http://user:CANARY@127.0.0.1:1/gone.git');
  const error = await refusal((await open(shallow)).deepen());
  expect(error).toMatchObject({ code: 'git-deepen-failed', exit: 3, retryable: true });
  expect(error.suggestions[0]).toContain('fetch-depth: 0');
  expect(JSON.stringify([error.message, error.why, error.suggestions])).not.toContain('CANARY');
  shallow.git('remote', 'remove', 'origin');
  expect((await refusal((await open(shallow)).deepen())).why).toBe('the repository has no remote');
});

test('HEAD as it is: its branch, or none where it is detached', async () => {
  const { repo, merge } = await history();
  await using _ = repo;
  const tree = repo.git('rev-parse', 'HEAD^{tree}');
  const head = { commit: merge, tree, objectFormat: 'sha1', shallow: false };
  expect((await open(repo)).head).toEqual({ ...head, branch: 'main' });
  repo.git('switch', '--quiet', '--create', 'feature/one');
  expect((await open(repo)).head).toEqual({ ...head, branch: 'feature/one' });
  repo.git('checkout', '--quiet', '--detach');
  expect((await open(repo)).head).toEqual(head);
});

test.each([
  ['https://github.com/acme/app.git', 'https://github.com/acme/app'],
  ['https://github.com/acme/app/', 'https://github.com/acme/app'],
  ['https://x-access-token:CANARY@github.com/acme/app', 'https://github.com/acme/app'],
  ['https://git.lan:8443/acme/app?token=CANARY#CANARY', 'https://git.lan:8443/acme/app'],
  ['git@github.com:acme/app.git', 'https://github.com/acme/app'],
  ['github.com:/acme/app', 'https://github.com/acme/app'],
  ['ssh://git@github.com:22/acme/app.git', 'https://github.com/acme/app'],
  ['ssh://git@ssh.github.com:443/acme/app.git', 'https://github.com/acme/app'],
  ['ssh://git@altssh.gitlab.com:443/acme/app.git', 'https://gitlab.com/acme/app'],
  ['git://example.com/app', 'https://example.com/app'],
  ['/srv/git/app.git', undefined],
  ['../app', undefined],
  ['file:///srv/git/app.git', undefined],
  ['C:/git/app', undefined],
  ['ext::sh -c id', undefined],
])('the remote %s is known as %s', async (remote, expected) => {
  await using repo = await gitRepo({ a: '1' });
  repo.git('remote', 'add', 'upstream', remote);
  expect(await (await open(repo)).remoteUrl()).toBe(expected);
});

test('of several remotes origin counts, and without it none', async () => {
  await using repo = await gitRepo({ a: '1' });
  const found = async () => (await open(repo)).remoteUrl();
  expect(await found()).toBeUndefined();
  repo.git('remote', 'add', 'alpha', 'https://example.com/alpha');
  repo.git('remote', 'add', 'zeta', 'https://example.com/zeta');
  expect(await found()).toBeUndefined();
  repo.git('remote', 'add', 'origin', 'https://example.com/origin');
  expect(await found()).toBe('https://example.com/origin');
});
