import { expect, test } from 'vitest';
import { PrimitiveError } from '../../../../src/core/errors.ts';
import { regenerateAll } from '../../../../src/features/verify/generated.ts';
import type { Primitive } from '../../../../src/features/verify/subjects.ts';

test.each([
  ['buf not found', 'buf not found: buf 1.60.0 is needed'],
  ['buf ended with exit code 1.', 'buf ended with exit code 1. buf 1.60.0 is needed'],
])('a generator that did not run is told in one text: %s', async (message, expected) => {
  const primitive = {
    path: 'primitives/domain/orders',
    kind: { generators: [{ id: 'proto' }] },
    manifest: {},
  } as unknown as Primitive;
  const facts = await regenerateAll([primitive], () =>
    Promise.reject(
      new PrimitiveError('generator-missing', message, { why: 'buf 1.60.0 is needed', exit: 3 }),
    ),
  );
  expect(facts).toMatchObject([{ subject: 'obstacle', value: { message: expected } }]);
});
