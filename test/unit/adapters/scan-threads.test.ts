import { access, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { scanThreads } from '../../../src/adapters/scan-threads.ts';
import { type ScanCache, scanFiles } from '../../../src/features/verify/scan.ts';
import { SCANS } from '../../../src/features/verify/scans.ts';
import type { Fact } from '../../../src/features/verify/subjects.ts';
import { endlessScans } from '../../support/endless-scan-thread.ts';
import { scansHere, threads } from '../../support/scan-threads.ts';
import { memoryTree } from '../../support/verify-corpus/tree.ts';

/** More files than one thread scans. */
const files = Object.fromEntries(
  Array.from({ length: 300 }, (_, i) => [
    [`p${i}/main.go`, `package main\n\nimport "example.com/p${i}"\n`],
    [`p${i}/app.ts`, `import { a } from './a${i}.ts';\nconst token = 'AKIA${'ABCDEFGH2345671'}${i % 10}';\n`],
    [`p${i}/app.py`, i === 299 ? 'import (' : `from a${i} import b\n# AMEIDE_SCAFFOLD: ${i}\n`],
    [`p${i}/data.bin`, '\0\u00ff'],
  ]).flat(),
);

const tree = memoryTree(files);

function scan(paths: readonly string[], options: Partial<Parameters<typeof scanFiles>[2]> = {}) {
  const scans = SCANS.map((one) => one.scan);
  const store = { read: async () => new Map(), write: async () => {} };
  const { signal } = new AbortController();
  return scanFiles(paths, scans, {
    tree,
    store,
    threads,
    inFile: () => ({ primitive: undefined, shippedBy: [] }),
    signal,
    ...options,
  });
}

test('threads find what one finds, in the order of the files', async () => {
  const paths = Object.keys(files);
  const alone: Fact[] = [];
  for (let i = 0; i < paths.length; i += 200) {
    alone.push(...(await scan(paths.slice(i, i + 200), { threads: scansHere() })).facts);
  }
  expect(alone.filter(({ subject }) => subject === 'secret')).toHaveLength(300);
  expect(await scan(paths)).toMatchObject({ facts: alone, ended: [] });
});

test('an interrupt ends them', async () => {
  const controller = new AbortController();
  const paths = Object.keys(files);
  const read = (path: string) => {
    if (path === paths[700]) controller.abort();
    return tree.read(path);
  };
  const scanned = scan(paths, { tree: { ...tree, read }, signal: controller.signal });
  await expect(scanned).rejects.toThrow(/abort/i);
});

const endless = new URL('../../support/endless-scan-thread.ts', import.meta.url).href;
/** What a pattern of the scan takes for ever for: 2 to the power of the words. */
const header = `${'A: '.repeat(60)}!`;

test('a scan that finds no end is ended and named; the other scans and files go on, and it is tried again', async () => {
  const paths = ['a', 'b', 'c', 'd', 'e'];
  const tree = memoryTree({ a: 'Name: x ', b: header, c: 'memory', d: header, e: 'Name: y ' });
  let kept: ScanCache = new Map();
  const run = () =>
    scanFiles(paths, endlessScans, {
      tree,
      store: {
        read: async () => kept,
        write: async (cache) => {
          kept = cache;
        },
      },
      threads: scanThreads(endless, { base: 1_000, perMebibyte: 0 }),
      inFile: () => ({ primitive: undefined, shippedBy: [] }),
      signal: new AbortController().signal,
    });
  const time = 'it took longer than 1 s';
  const memory = 'it needed more memory than there is';
  for (const _ of ['at first', 'again']) {
    const { facts, ended } = await run();
    expect(ended.map(({ path, scan, why }) => [path, scan.subject, why])).toEqual([
      ['b', 'secret', time],
      ['c', 'secret', memory],
      ['d', 'secret', time],
    ]);
    const found = facts.map(({ subject, value }) => `${subject} ${value.path}`);
    expect(found.sort()).toEqual([
      'marker a',
      'marker b',
      'marker c',
      'marker d',
      'marker e',
      'secret a',
      'secret e',
    ]);
  }
});

test('an interrupt ends a scan that finds no end', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'scan-threads-'));
  const controller = new AbortController();
  await using thread = scanThreads(endless).open(controller.signal);
  const begun = join(folder.path, 'begun');
  const scanned = thread.scan([['a', Buffer.from(`${header}\n${begun}`), ['secret@1']]]);
  void vi
    .waitFor(() => access(begun), { timeout: 60_000 })
    .finally(() => controller.abort(new Error('stopped')));
  await expect(scanned).rejects.toThrow('stopped');
  await access(begun);
});
