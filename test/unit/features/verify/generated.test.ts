import { expect, test } from 'vitest';
import { type Code, PrimitiveError } from '../../../../src/core/errors.ts';
import { regenerateAll } from '../../../../src/features/verify/generated.ts';
import type { Primitive } from '../../../../src/features/verify/subjects.ts';

test.each<[Code, string, string, string]>([
  ['generator-missing', 'buf not found', 'buf not found: buf 1.60.0 is needed', 'command'],
  [
    'generator-failed',
    'buf ended with exit code 1.',
    'buf ended with exit code 1: buf 1.60.0 is needed',
    'text',
  ],
])('%s is told in one text, with what can be run or advice', async (code, message, expected, kind) => {
  const primitive = {
    path: 'primitives/domain/orders',
    kind: { generators: [{ id: 'proto' }] },
    manifest: {},
  } as unknown as Primitive;
  const details = { why: 'buf 1.60.0 is needed', suggestions: ['do this'], exit: 3 } as const;
  const regenerate = () => Promise.reject(new PrimitiveError(code, message, details));
  const { facts } = await regenerateAll([primitive], regenerate, false);
  const fix = { kind, text: 'do this' };
  expect(facts).toMatchObject([{ subject: 'obstacle', value: { message: expected, fix } }]);
});
