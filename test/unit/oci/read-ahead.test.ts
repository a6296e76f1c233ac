import { expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import { bytesSource, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { readAhead } from '../../../src/oci/read-ahead.ts';
import type { Digest, Repository } from '../../../src/oci/types.ts';
import { createMemoryRegistry } from '../../support/memory-registry.ts';

const repository = '127.0.0.1:5000/acme/app' as Repository;
const elsewhere = '127.0.0.1:5000/acme/other' as Repository;
const nowhere: Digest = `sha256:${'0'.repeat(64)}`;

test('what is wanted is asked at once, and once', async () => {
  const registry = createMemoryRegistry();
  const blob = bytesSource('text/plain', Buffer.from('a blob'));
  await registry.pushBlob(repository, blob);
  const before = registry.operations.length;
  const ahead = readAhead(registry, repository, {
    manifests: [nowhere],
    blobs: [blob.descriptor],
    referrers: [nowhere],
  });
  expect(registry.operations.slice(before).map(({ name }) => name)).toEqual([
    'getManifest',
    'getBlob',
    'getReferrers',
  ]);
  expect(await ahead.getManifest(repository, nowhere)).toBeUndefined();
  expect(Buffer.from(await ahead.getBlob(repository, blob.descriptor)).toString()).toBe('a blob');
  expect(await ahead.getReferrers(repository, nowhere)).toEqual([]);
  expect(registry.operations).toHaveLength(before + 3);
});

test('anything else is asked as ever, also the same of another repository', async () => {
  const registry = createMemoryRegistry();
  const ahead = readAhead(registry, repository, { manifests: [nowhere], blobs: [], referrers: [] });
  await ahead.getManifest(elsewhere, nowhere);
  await ahead.getManifest(repository, 'main');
  await ahead.pushBlob(elsewhere, EMPTY_CONFIG);
  expect(registry.operations.map(({ name, repository: where }) => `${name} ${where}`)).toEqual([
    `getManifest ${repository}`,
    `getManifest ${elsewhere}`,
    `getManifest ${repository}`,
    `pushBlob ${elsewhere}`,
  ]);
});

test('a failure is told to whoever asks, and to nobody else', async () => {
  const registry = createMemoryRegistry({
    onOperation: () => new PrimitiveError('registry-failed', 'down', { exit: 3 }),
  });
  const ahead = readAhead(registry, repository, { manifests: [nowhere], blobs: [], referrers: [nowhere] });
  await new Promise((resolve) => setImmediate(resolve));
  await expect(ahead.getManifest(repository, nowhere)).rejects.toMatchObject({ code: 'registry-failed' });
});
