import { expect, test } from 'vitest';
import { type Code, PrimitiveError } from '../../../../src/core/errors.ts';
import { regenerateAll } from '../../../../src/features/verify/generated.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import type { Primitive } from '../../../../src/features/verify/subjects.ts';
import { filesOf } from '../../../support/verify-corpus/case.ts';
import { generated } from '../../../support/verify-corpus/generated.ts';
import { verifyDocument } from '../../../support/verify-corpus/run.ts';

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

test('a program that generators and the comparison of proto files lack is one finding', async () => {
  const served = generated.cases.find(({ rule, finds }) => rule === 'GEN-007' && finds !== undefined);
  if (served === undefined) throw new Error('no case of GEN-007');
  const missing = new PrimitiveError('generator-missing', 'buf not found', { exit: 3 });
  const report = await verifyDocument(filesOf(generated, served), 'GEN', rules, {
    generated: missing,
    compared: missing,
  });
  const found = report.findings.filter(({ rule }) => rule === 'INT-001');
  expect(found.map(({ message }) => message)).toEqual(['buf not found']);
});
