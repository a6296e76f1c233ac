import pLimit from 'p-limit';

/**
 * Limits how many requests are in flight. Begins at `max`, halves when a failure says that it is too much, and grows by
 * one per round that succeeds: additive increase, multiplicative decrease (RFC 5681, section 3.1).
 */
export interface ConcurrencyLimiter {
  /** Runs `work` when a slot is free; first come, first served. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Makes a limiter. `isOverload`: whether fewer requests at a time might have avoided the failure. */
export function createConcurrencyLimiter(
  max: number,
  isOverload: (failure: unknown) => boolean,
): ConcurrencyLimiter {
  const slots = pLimit(max);
  let limit = max;
  /** A failure of a request that was sent before the last cut says nothing about the limit after it. */
  let cuts = 0;

  function allow(requests: number): void {
    limit = requests;
    slots.concurrency = Math.floor(limit);
  }

  return {
    run: (work) =>
      slots(async () => {
        const before = cuts;
        try {
          const result = await work();
          allow(Math.min(max, limit + 1 / limit));
          return result;
        } catch (failure) {
          if (before === cuts && isOverload(failure)) {
            allow(Math.max(1, limit / 2));
            cuts += 1;
          }
          throw failure;
        }
      }),
  };
}
