import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKinds } from '../../../src/kinds/kind.ts';

test('a file beside the kinds of a package is not a kind', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kinds-'));
  await mkdir(join(folder.path, 'widget'));
  await writeFile(join(folder.path, 'README.md'), '');
  expect((await openKinds({ '@acme/kinds': folder.path })).names).toEqual(['widget']);
});
