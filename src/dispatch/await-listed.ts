import type { Clock } from '../http/retry.ts';

/** Milliseconds after which what is not listed is missing: GitHub lists what is new late, sometimes by a minute. */
const LATE = 90_000;

/** Repeats `find` until it finds something, or it counts as missing. */
export async function awaitListed<T>(
  find: () => Promise<T | undefined>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  const start = clock.now();
  for (let delay = 1_000; ; delay = Math.min(delay * 1.5, 5_000)) {
    const found = await find();
    if (found !== undefined || clock.now() - start + delay > LATE) return found;
    await clock.sleep(delay, signal);
  }
}
