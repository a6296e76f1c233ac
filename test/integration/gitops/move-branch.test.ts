import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GitopsWorld, startGitops } from '../../support/gitops.ts';

const FILE = 'sources/values/env/dev/apps/domain-orders-v1.yaml';
const BRANCH = 'release/dev';
const values = (tag: string) => `image:\n  ref: ghcr.io/acme/domain-orders:${tag}@sha256:${'1'.repeat(64)}\n`;

let world: GitopsWorld;
beforeAll(async () => {
  world = await startGitops();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Proposes what `primitive gitops pin` would have written of a release, as the workflow does. */
async function propose(release: string) {
  const folder = await world.clone();
  const [file, body] = [join(folder, FILE), join(dirname(folder), 'move.md')];
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, values(release));
  await writeFile(body, 'What changes.\n');
  const inputs = { action: 'pin', lane: 'dev', release };
  const { code, stdout, stderr } = await world.kitStep(folder, ['move.mjs', 'propose'], inputs, {
    BODY: body,
  });
  return { code, output: stdout + stderr };
}

/** A commit on top of the deployed branch that nobody but its author vouches for, moved to the branch of the lane. */
async function pushForeign(message: string, author: string, tag: string): Promise<string> {
  const base = (await world.gitops.commitOf('main')) ?? '';
  const tree = await world.gitops.writeTree(base, [{ path: FILE, content: values(tag) }]);
  const commit = await world.gitops.writeCommit(tree, [base], message, author);
  await world.gitops.git('update-ref', `refs/heads/${BRANCH}`, commit);
  return commit;
}

describe('the branch of a lane', () => {
  test('is made anew from what this workflow wrote there, though it is behind', async () => {
    expect(await propose('one')).toMatchObject({ code: 0 });
    await world.commit({ 'README.md': 'moved\n' });
    expect(await propose('two')).toMatchObject({ code: 0 });
    expect(await world.text(FILE, BRANCH)).toBe(values('two'));
    expect(world.gitops.pulls).toMatchObject([{ title: 'Pin two in dev', state: 'open' }]);
  });

  test.each([
    ['by somebody else', 'octocat'],
    ['in the name of the workflow', 'github-actions[bot]'],
  ])('is left as it is if its one commit is titled as ours and was pushed %s', async (_, author) => {
    const commit = await pushForeign('Pin main in dev', author, 'hotfix');
    const refused = await propose('three');
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('has what this workflow did not write there');
    expect(refused.output).toContain(`${commit} by ${author}`);
    expect(await world.gitops.commitOf(BRANCH)).toBe(commit);
  });

  test('is left as it is if somebody else has added to it', async () => {
    await world.gitops.git('update-ref', '-d', `refs/heads/${BRANCH}`);
    expect(await propose('four')).toMatchObject({ code: 0 });
    const added = await world.gitops.commit(BRANCH, { [FILE]: values('fixed') });
    expect(await propose('five')).toMatchObject({ code: 1, output: expect.stringContaining(added) });
    expect(await world.gitops.commitOf(BRANCH)).toBe(added);
  });

  test('is known by the names of its commit where the server signs none', async () => {
    const { signed } = world.gitops;
    await world.gitops.git('update-ref', '-d', `refs/heads/${BRANCH}`);
    const add = signed.add.bind(signed);
    signed.add = () => signed;
    try {
      expect(await propose('eight')).toMatchObject({ code: 0 });
      expect(await propose('nine')).toMatchObject({ code: 0 });
      const commit = await pushForeign('Pin main in dev', 'octocat', 'hotfix');
      expect(await propose('ten')).toMatchObject({ code: 1, output: expect.stringContaining(commit) });
    } finally {
      signed.add = add;
    }
  });

  test('is used again once its pull request is merged', async () => {
    await world.gitops.git('update-ref', '-d', `refs/heads/${BRANCH}`);
    await propose('six');
    await world.gitops.merge(world.gitops.pulls.at(-1)?.number ?? 0);
    expect(await propose('seven')).toMatchObject({ code: 0 });
    expect(await world.text(FILE, BRANCH)).toBe(values('seven'));
  });
});
