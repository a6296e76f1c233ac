/**
 * How many requests are under way at the same time. Begins at `most`, halves when there are signs that it is too much,
 * and grows by one with every round that goes well: additive increase, multiplicative decrease (RFC 5681, section 3.1).
 */
export interface Gate {
  /** Runs `work` when it is its turn; first come, first served. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Makes a gate. `isTooMuch` tells from a failure whether fewer requests would have fared better. */
export function createGate(most: number, isTooMuch: (failure: unknown) => boolean): Gate {
  const waiting: (() => void)[] = [];
  let limit = most;
  let running = 0;
  /** What was sent before a cut says nothing about the limit after it. */
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
        limit = Math.min(most, limit + 1 / limit);
        return result;
      } catch (failure) {
        if (before === cuts && isTooMuch(failure)) {
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
