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
  const waiting: (() => void)[] = [];
  let limit = max;
  let running = 0;
  /** A failure of a request that was sent before the last cut says nothing about the limit after it. */
  let cuts = 0;

  function enter(): Promise<void> {
    if (running >= Math.floor(limit)) return new Promise((resolve) => waiting.push(resolve));
    running += 1;
    return Promise.resolve();
  }

  function leave(): void {
    running -= 1;
    while (running < Math.floor(limit)) {
      const next = waiting.shift();
      if (next === undefined) return;
      running += 1;
      next();
    }
  }

  return {
    async run(work) {
      await enter();
      const before = cuts;
      try {
        const result = await work();
        limit = Math.min(max, limit + 1 / limit);
        return result;
      } catch (failure) {
        if (before === cuts && isOverload(failure)) {
          limit = Math.max(1, limit / 2);
          cuts += 1;
        }
        throw failure;
      } finally {
        leave();
      }
    },
  };
}
