import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openScanStore } from '../../../src/adapters/scan-store.ts';
import { markerScan } from '../../../src/features/verify/markers.ts';
import { scanFiles } from '../../../src/features/verify/scan.ts';
import { scansHere } from '../../support/scan-threads.ts';
import { memoryTree } from '../../support/verify-corpus/tree.ts';

const files = { 'a.txt': 'AMEIDE_SCAFFOLD', 'b.txt': 'nothing' };

test('what was found is believed by the version that wrote it, and read anew where it is broken', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'scan-store-'));
  const path = join(folder.path, 'a/b/store.json');
  const found = async (version: string, tree: Record<string, string> = files) => {
    const ports = {
      tree: memoryTree(tree),
      store: openScanStore(path, version),
      threads: scansHere(),
      inFile: () => ({ primitive: undefined, shippedBy: [] }),
      signal: new AbortController().signal,
    };
    return (await scanFiles(Object.keys(tree), [markerScan], ports)).facts.map(({ value }) => value.path);
  };
  expect(await found('1.0.0')).toEqual(['a.txt']);
  const kept = await readFile(path, 'utf8');
  const emptied = kept.replace(/("marker@\d+"):\[\{.*?\}\]/, '$1:[]');
  await writeFile(path, emptied);
  // The control: such a store is believed.
  expect(await found('1.0.0')).toEqual([]);
  expect(await found('1.0.1')).toEqual(['a.txt']);
  for (const broken of [
    '{"version"',
    'null',
    '[]',
    '{"version":"1.0.0"}',
    '{"version":"1.0.0","files":{"a.txt":null}}',
    '{"version":"1.0.0","files":{"a.txt":{"digest":1}}}',
  ]) {
    await writeFile(path, broken);
    expect(await found('1.0.0'), broken).toEqual(['a.txt']);
  }
  await writeFile(path, emptied);
  expect(await found('1.0.0', { 'a.txt': 'AMEIDE_SCAFFOLD: other' })).toEqual(['a.txt']);
  // A file that is gone is forgotten.
  expect(await readFile(path, 'utf8')).not.toContain('b.txt');
});

test('what cannot be written is not kept', async () => {
  // As with HOME=/dev/null.
  const store = openScanStore('/dev/null/.cache/store.json', '1.0.0');
  await store.write(new Map([['a.txt', { digest: '1', stamp: undefined, results: {} }]]));
  expect(await openScanStore('/dev/null/.cache/store.json', '1.0.0').read()).toEqual(new Map());
});
