import { mkdir, mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { runFolder } from '../../../src/adapters/run-folders.ts';

test('the folders of the last ten runs are kept, and those of others', async () => {
  await using parent = await mkdtempDisposable(join(tmpdir(), 'run-folders-'));
  await mkdir(join(parent.path, 'other-1'));
  const made: string[] = [];
  for (let i = 0; i < 12; i += 1) {
    const folder = await runFolder(parent.path, 'run');
    await mkdir(folder);
    made.push(basename(folder));
  }
  expect(new Set(made).size).toBe(12);
  const kept = await readdir(parent.path);
  expect(kept).toHaveLength(11);
  expect(kept).toContain('other-1');
  expect(kept).toContain(made.at(-1));
  await expect(runFolder(join(parent.path, 'missing'), 'run')).resolves.toContain('missing/run-');
});
