import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';

test('a blob of 256 MiB is uploaded in constant memory', async () => {
  await using registry = await startDistribution();
  const program = join(import.meta.dirname, '../../support/upload-memory.ts');
  const { outcome, size, rise } = JSON.parse(await run(process.execPath, [program, registry.host, '256']));
  expect(outcome).toBe('uploaded');
  expect(size).toBe(256 * 1024 * 1024);
  // What the product promises for layers of any size; here it is about 100 MiB, most of it not yet collected.
  expect(rise).toBeLessThan(150 * 1024 * 1024);
});
