/** A request that will be sent again. */
interface Retry {
  readonly host: string;
  /** Short: `429`, `connection refused`. */
  readonly reason: string;
  /** Milliseconds. */
  readonly delay: number;
}

/** Milliseconds: retries that begin together are counted together, and a long outage is reported now and then. */
const FIRST_WINDOW = 1_000;
const NEXT_WINDOW = 30_000;

/**
 * Collects the retries of all requests, so that a host in trouble is one line and not one for each request:
 * `ghcr.io: 429, 503; retrying 17 requests in up to 4 s`.
 */
export function createRetrySummary(report: (line: string) => void) {
  const pending = new Map<string, { readonly reasons: Set<string>; count: number; delay: number }>();
  const reported = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  return {
    add({ host, reason, delay }: Retry): void {
      const known = pending.get(host);
      const summary = known ?? { reasons: new Set(), count: 0, delay: 0 };
      summary.reasons.add(reason);
      summary.count += 1;
      summary.delay = Math.max(delay, summary.delay);
      if (known !== undefined) return;
      pending.set(host, summary);
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          pending.delete(host);
          reported.add(host);
          const what = summary.count === 1 ? 'retrying' : `retrying ${summary.count} requests`;
          const why = [...summary.reasons].join(', ');
          report(`${host}: ${why}; ${what} in up to ${Math.ceil(summary.delay / 1000)} s`);
        },
        reported.has(host) ? NEXT_WINDOW : FIRST_WINDOW,
      );
      timers.add(timer.unref());
    },
    /** Drops what was not reported yet: the errors of the requests say it. */
    close(): void {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
