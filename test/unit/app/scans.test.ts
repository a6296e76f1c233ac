import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AppContext } from '../../../src/app/context.ts';
import { scanAdapters } from '../../../src/app/scans.ts';

test('results of scans that a run has left are read by the next one, and by none in CI', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'scans-'));
  const context = { version: '1.0.0', home: folder.path, variables: {}, temporary: folder.path, cwd: '/' };
  const open = (ci: AppContext['ci']) => scanAdapters({ ...context, ci } as AppContext).scanStore('app');
  const left = { digest: 'sha256:0', scans: {} };
  await (await open(undefined)).write(new Map([['a.txt', left]]) as never);
  expect([...(await (await open(undefined)).read()).keys()]).toEqual(['a.txt']);

  const inCi = await open('github');
  expect((await inCi.read()).size).toBe(0);
  await inCi.write(new Map([['b.txt', left]]) as never);
  expect([...(await inCi.read()).keys()]).toEqual(['b.txt']);
  expect([...(await (await open(undefined)).read()).keys()]).toEqual(['a.txt']);
  expect((await (await open('other')).read()).size).toBe(0);
});
