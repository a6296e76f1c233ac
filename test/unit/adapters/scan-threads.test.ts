import { expect, test } from 'vitest';
import { scanFiles } from '../../../src/features/verify/scan.ts';
import { SCANS } from '../../../src/features/verify/scans.ts';
import type { Fact } from '../../../src/features/verify/subjects.ts';
import { threads } from '../../support/scan-threads.ts';
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
  return scanFiles(paths, scans, { tree, store, threads, ownerOf: () => undefined, signal, ...options });
}

test('threads find what one finds, in the order of the files', async () => {
  const paths = Object.keys(files);
  const alone: Fact[] = [];
  for (let i = 0; i < paths.length; i += 200) alone.push(...(await scan(paths.slice(i, i + 200))));
  expect(alone.filter(({ subject }) => subject === 'secret')).toHaveLength(300);
  expect(await scan(paths)).toEqual(alone);
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
