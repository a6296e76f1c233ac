import type { RetryEvent } from './registry-http.ts';

/** Retries of one host for one reason. */
export interface RetrySummary {
  readonly host: string;
  readonly reason: string;
  /** How many there were since the last summary. */
  readonly count: number;
  /** The longest delay among them, in milliseconds. */
  readonly delay: number;
}

/** Milliseconds: retries that begin together are counted together, and a long outage is reported now and then. */
const FIRST_WINDOW = 1_000;
const NEXT_WINDOW = 30_000;

/** Collects the retries of all requests, so that a host in trouble is reported once and not once per request. */
export function createRetrySummary(report: (summary: RetrySummary) => void) {
  const pending = new Map<string, RetrySummary>();
  const reported = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  return {
    add({ host, reason, delay }: RetryEvent): void {
      const key = `${host} ${reason}`;
      const { count, delay: longest } = pending.get(key) ?? { count: 0, delay: 0 };
      pending.set(key, { host, reason, count: count + 1, delay: Math.max(delay, longest) });
      if (count > 0) return;
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          const summary = pending.get(key);
          pending.delete(key);
          reported.add(key);
          if (summary !== undefined) report(summary);
        },
        reported.has(key) ? NEXT_WINDOW : FIRST_WINDOW,
      );
      timers.add(timer.unref());
    },
    /** Drops what was not reported yet: the errors of the requests say it. */
    close(): void {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
