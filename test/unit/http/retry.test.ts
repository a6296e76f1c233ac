import { describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../src/core/errors.ts';
import {
  AttemptFailure,
  type RetryAdvice,
  requestedDelay,
  retryDelay,
  withRetries,
} from '../../../src/http/retry.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';

const now = Date.parse('2026-11-21T10:00:00Z');

describe('requestedDelay', () => {
  test.each([
    ['0', '', 0],
    ['5', '', 5000],
    [' 120 ', '', 120_000],
    ['1.5', '', 1500],
    ['Sat, 21 Nov 2026 10:00:30 GMT', '', 30_000],
    ['Sat, 21 Nov 2026 09:00:00 GMT', '', 0],
    ['30s', '', 30_000],
    ['soon', '', undefined],
    ['Whenever', '', undefined],
    ['-5', '', 5000],
    [undefined, 'retry-after: 512.314µs, allowed: 44000/minute', 0.512314],
    [undefined, 'retry-after: 512.314μs, allowed: 44000/minute', 0.512314],
    [
      undefined,
      '{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 96.5ms, allowed: 2000/minute"}]}',
      96.5,
    ],
    [undefined, '{"retry_after": 7}', 7000],
    [undefined, '{"retryAfter":"1m30s"}', 90_000],
    [undefined, 'Too many requests. Retry after 30 seconds.', 30_000],
    [undefined, 'please retry after 2 minutes', 120_000],
    [undefined, 'Retry-After: 1h', 3_600_000],
    [undefined, 'allowed: 44000/minute', undefined],
    [undefined, 'retry after a while', undefined],
    [undefined, '', undefined],
  ])('header %j, body %j: %s ms', (header, body, expected) => {
    const delay = requestedDelay(header, body, now);
    if (expected === undefined) expect(delay).toBeUndefined();
    else expect(delay).toBeCloseTo(expected, 6);
  });
});

describe('retryDelay', () => {
  test('doubles up to half a minute, half of it by chance', () => {
    expect([1, 2, 3, 4, 8, 20].map((attempt) => retryDelay(attempt, 0, 0))).toEqual([
      100, 200, 400, 800, 12_800, 15_000,
    ]);
    expect(retryDelay(20, 0, 0.999)).toBeLessThanOrEqual(30_000);
  });
  test('is never shorter than asked for', () => {
    for (const after of [0.5, 1000, 60_000]) {
      for (const random of [0, 0.5, 0.99]) expect(retryDelay(1, after, random)).toBeGreaterThanOrEqual(after);
    }
  });
});

describe('withRetries', () => {
  const failing = (retry?: RetryAdvice) => {
    let count = 0;
    const operation = async () => {
      count += 1;
      throw new AttemptFailure(new PrimitiveError('registry-failed', `attempt ${count}`), retry);
    };
    return { operation, count: () => count };
  };
  const policy = (budget: number) => {
    const clock = patientlessClock();
    const retries: string[] = [];
    return {
      clock,
      retries,
      budget,
      onRetry: ({ reason, attempt, delay }: { reason: string; attempt: number; delay: number }) =>
        retries.push(`${attempt} ${reason} ${delay}`),
    };
  };

  test('tries again until the budget is spent, and reports the last failure', async () => {
    const { operation, count } = failing({ reason: '500' });
    const used = policy(300_000);
    const error = await withRetries(used, operation).catch((failure: Error) => failure);
    expect((error as Error).message).toBe(`attempt ${count()}`);
    const slept = used.clock.slept.reduce((sum, delay) => sum + delay, 0);
    expect(slept).toBeLessThanOrEqual(300_000);
    expect(slept).toBeGreaterThan(250_000);
    expect(used.retries.slice(0, 2)).toEqual(['1 500 150', '2 500 300']);
  });

  test('does not begin to wait for longer than is left', async () => {
    const { operation, count } = failing({ reason: '429', after: 3_600_000 });
    await expect(withRetries(policy(300_000), operation)).rejects.toThrow('attempt 1');
    expect(count()).toBe(1);
  });

  test.each([
    ['no advice', undefined, 1],
    ['two attempts', { reason: 'x', attempts: 2 }, 2],
    ['a second', { reason: 'x', within: 1000 }, 3],
  ])('%s: %s attempts', async (_name, retry, attempts) => {
    const { operation, count } = failing(retry);
    await expect(withRetries(policy(300_000), operation)).rejects.toThrow();
    expect(count()).toBe(attempts);
  });

  test('what is not a failed attempt goes straight through', async () => {
    const bug = new TypeError('bug');
    await expect(withRetries(policy(1000), () => Promise.reject(bug))).rejects.toBe(bug);
  });

  test('an abort ends the wait', async () => {
    const controller = new AbortController();
    const { operation } = failing({ reason: '500' });
    const reason = new Error('interrupted');
    const used = { ...policy(300_000), signal: controller.signal, onRetry: () => controller.abort(reason) };
    await expect(withRetries(used, operation)).rejects.toBe(reason);
  });
});
