import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRetrySummary, type RetrySummary } from '../../../src/oci/retry-summary.ts';

const event = { host: 'ghcr.test', repository: 'a/b', method: 'GET', reason: '429', attempt: 1, delay: 200 };
const reports: RetrySummary[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  reports.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

test('retries of one host for one reason are one report with a count', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  for (let index = 0; index < 17; index += 1)
    summary.add({ ...event, repository: `a/${index}`, delay: 100 + index });
  summary.add({ ...event, reason: '503' });
  expect(reports).toEqual([]);
  vi.runOnlyPendingTimers();
  expect(reports).toEqual([
    { host: 'ghcr.test', reason: '429', count: 17, delay: 116 },
    { host: 'ghcr.test', reason: '503', count: 1, delay: 200 },
  ]);
});

test('an outage that goes on is reported again, less often', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  for (let second = 0; second < 60; second += 1) {
    summary.add(event);
    vi.advanceTimersByTime(1_000);
  }
  expect(reports.map(({ count }) => count)).toEqual([1, 30]);
});

test('nothing is reported after it was closed', () => {
  const summary = createRetrySummary((report) => reports.push(report));
  summary.add(event);
  summary.close();
  vi.advanceTimersByTime(60_000);
  expect(reports).toEqual([]);
});
