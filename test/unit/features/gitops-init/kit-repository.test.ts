import { expect, test } from 'vitest';
import { writeChanges } from '../../../../src/features/gitops-init/repository.ts';
import { gitRepo } from '../../../support/git.ts';
import { contentOf } from '../../../support/tree.ts';

const change = (path: string, before: string | undefined, after: string | undefined) => ({
  path,
  action: 'update' as const,
  ...(before === undefined ? {} : { before }),
  ...(after === undefined ? {} : { after }),
});

test.each([
  ['a file that has changed', change('changed', 'old', 'new'), 'kit-moved', 2],
  ['a file that came into being', change('came', undefined, 'new'), 'kit-moved', 2],
  ['a file where a folder has to be', change('changed/below', undefined, 'new'), 'kit-moved', 2],
])('%s stops the writing, and takes back what was written', async (_, last, code, exit) => {
  await using repo = await gitRepo();
  await repo.write({ kept: 'kept', removed: 'removed\r\n', changed: 'by another', came: '' });
  const before = await contentOf(repo.root, ['.git']);
  const changes = [
    change('new/folder/file', undefined, 'new'),
    change('kept', 'kept', 'changed'),
    change('removed', 'removed\n', undefined),
    last,
  ];
  await expect(writeChanges(repo.root, changes)).rejects.toMatchObject({ code, exit });
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
});
