import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorSchema } from '../../../src/core/error-document.ts';
import { clone } from '../../support/git.ts';
import { documentOf, mainRun, type PublishLab, startPublishLab } from '../../support/publish-lab.ts';
import { recordAt } from '../../support/registry-promises.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

let lab: PublishLab;
beforeAll(async () => {
  lab = await startPublishLab({ inProcess: true, lightSyft: true });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

const ONE = { 'domain/orders': 'v1' };

/** Servers that offer no partial clones are deepened without them; this one does. */
const origin = async () => {
  const app = await lab.app({ sources: ONE });
  app.repo.git('config', 'uploadpack.allowFilter', 'true');
  return app;
};

test('a clone of depth 1 is deepened without trees when the channel is to be moved', async () => {
  await using app = await origin();
  await app.report();
  for (const message of ['one', 'two', 'three']) await app.repo.commit({ 'README.md': message });
  await using shallow = await clone(app.repo.root, '--depth=1');
  const report = await app.report({ cwd: shallow.root, as: mainRun(app.head) });
  expect(report.components).toMatchObject([{ action: 'reused' }]);
  expect(report.channel).toMatchObject({ moved: true });
  expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: app.head } });
  expect(shallow.git('rev-parse', '--is-shallow-repository')).toBe('false');
  const trees = shallow.git('rev-list', '--objects', '--missing=print', '--no-object-names', 'HEAD~1');
  expect(trees.split('\n').filter((line) => line.startsWith('?')).length).toBeGreaterThan(0);
});

test('an old commit in a clone of depth 1 leaves the channel where it is', async () => {
  await using app = await origin();
  const old = app.head;
  await app.report();
  await app.change({ 'domain/orders': 'v2' });
  await app.report();
  const branch = app.repo.git('branch', 'release', old);
  expect(branch).toBe('');
  await using shallow = await clone(app.repo.root, '--depth=1', '--branch=release');
  const report = await app.report({ cwd: shallow.root, as: mainRun(old) });
  expect(report.components).toMatchObject([{ action: 'already-published' }]);
  expect(report.channel).toMatchObject({ moved: false, from: app.head });
  expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: app.head } });
});

test('where history cannot be had the channel is not guessed at: refused with the fix, nothing changed', async () => {
  await using app = await origin();
  await app.report();
  const next = await app.repo.commit({ 'README.md': 'one' });
  await using shallow = await clone(app.repo.root, '--depth=1');
  await rename(app.repo.root, `${app.repo.root}-gone`);
  lab.proxy.reset();
  const refused = await app.publish({ cwd: shallow.root, as: mainRun(next), args: ['--json'] });
  expect(documentOf(refused, errorSchema, 3)).toMatchObject({
    code: 'git-deepen-failed',
    suggestions: expect.arrayContaining([expect.stringMatching(/unshallow|fetch-depth: 0/)]),
  });
  expect(lab.proxy.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method))).toEqual([]);
  await rename(`${app.repo.root}-gone`, app.repo.root);
});

test('history that was rewritten does not move the channel; once its tag is deleted the next run sets it anew', async () => {
  await using app = await origin();
  const first = app.head;
  await app.report();
  app.repo.git('checkout', '--quiet', '--orphan', 'other');
  const rewritten = await app.repo.commit({ 'README.md': 'from scratch' });
  app.repo.git('branch', '--quiet', '-M', 'main');
  await using fresh = await clone(app.repo.root, '--depth=1');
  const options = { cwd: fresh.root, as: mainRun(rewritten) };
  const report = await app.report(options);
  expect(report.channel).toMatchObject({
    moved: false,
    from: first,
    reason: expect.stringMatching(/does not follow/),
  });
  await run(tool('crane'), ['delete', `${app.releases}:main`]);
  expect((await app.report(options)).channel).toMatchObject({ moved: true });
  expect(await recordAt(lab.observe(app), 'main')).toMatchObject({ record: { commit: rewritten } });
});

test.each([['--filter=blob:none'], ['--filter=tree:0'], ['--depth=1']])(
  'a clone with %s has the same inputs',
  async (how) => {
    await using app = await origin();
    const { components } = await app.report();
    await using partial = await clone(app.repo.root, how);
    const again = await app.report({ cwd: partial.root, as: mainRun(app.head) });
    expect(again.components).toMatchObject([
      { action: 'already-published', inputDigest: components[0]?.inputDigest },
    ]);
  },
);
