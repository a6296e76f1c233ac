import { expect, test } from 'vitest';
import { matchesForeign } from '../../../src/core/foreign-pattern.ts';
import { nameFault } from '../../../src/repository/primitive-names.ts';

test.each([
  ['^[a-z]+$', 'orders', true],
  ['^[a-z]+$', 'Orders', false],
  ['^\\p{L}+$', 'é', true],
  ['(', 'orders', undefined],
])('%s on %s: %s', (pattern, text, expected) => {
  expect(matchesForeign(pattern, text)).toBe(expected);
});

test('a pattern that takes for ever is ended, and not tried again', () => {
  const pattern = '^(?:a+)+$';
  const name = `${'a'.repeat(60)}!`;
  expect(nameFault(name, { pattern })).toContain('takes too long');
  // Of the processor: less than one attempt takes.
  const spent = process.cpuUsage();
  for (let i = 0; i < 1000; i += 1) matchesForeign(pattern, name);
  expect(process.cpuUsage(spent).user / 1000).toBeLessThan(400);
  expect(matchesForeign(pattern, name)).toBeUndefined();
});
