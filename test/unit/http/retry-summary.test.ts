import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRetrySummary } from '../../../src/http/retry-summary.ts';

const event = { host: 'ghcr.test', reason: '429', delay: 200 };
const reports: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  reports.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test('retries of one host are one line with a count and all reasons', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  for (let index = 0; index < 17; index += 1) summary.add({ ...event, delay: 100 + index });
  summary.add({ ...event, reason: '503' });
  expect(reports).toEqual([]);
  vi.runOnlyPendingTimers();
  expect(reports).toEqual(['ghcr.test: 429, 503; retrying 18 requests in up to 1 s']);
});

test('an outage that goes on is reported again, less often', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  for (let second = 0; second < 60; second += 1) {
    summary.add(event);
    vi.advanceTimersByTime(1_000);
  }
  expect(reports).toEqual([
    'ghcr.test: 429; retrying in up to 1 s',
    'ghcr.test: 429; retrying 30 requests in up to 1 s',
  ]);
});

test('nothing is reported after it was closed', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  summary.add(event);
  summary.close();
  vi.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
});
