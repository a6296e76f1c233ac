import { expect, test } from 'vitest';
import { parseDuration } from '../../../src/dispatch/duration.ts';

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['2h', 7_200_000],
])('%s are %i milliseconds', (text, milliseconds) => {
  expect(parseDuration(text, 'timeout')).toBe(milliseconds);
});

test.each(['', '30', 'm', '0m', '-1m', '1.5h', '1d', '30 m', '9999999s'])('%j is no duration', (text) => {
  expect(() => parseDuration(text, 'timeout')).toThrow(
    expect.objectContaining({ code: 'invalid-flag', exit: 2, message: expect.stringContaining('--timeout') }),
  );
});
