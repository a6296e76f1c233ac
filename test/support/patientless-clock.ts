import type { Clock } from '../../src/http/retry.ts';

/** A clock on which sleeping costs no time: delays only move it forward. Keeps what was slept, in order. */
export function patientlessClock(): Clock & { readonly slept: readonly number[] } {
  const slept: number[] = [];
  let skipped = 0;
  return {
    slept,
    now: () => performance.now() + skipped,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      skipped += milliseconds;
      // A turn of the event loop, so that others get on.
      await new Promise((resolve) => setImmediate(resolve));
    },
    random: () => 0.5,
  };
}
