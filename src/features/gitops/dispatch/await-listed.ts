import type { Clock } from '../../../http/retry.ts';

/** Milliseconds until a list is believed: GitHub shows what is new a few seconds late. */
const LATE = 30_000;

/** Looks until there is something, or until a list without it is believed. */
export async function awaitListed<T>(
  look: () => Promise<T | undefined>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  const start = clock.now();
  for (let delay = 1_000; ; delay = Math.min(delay * 1.5, 5_000)) {
    const found = await look();
    if (found !== undefined || clock.now() - start + delay > LATE) return found;
    await clock.sleep(delay, signal);
  }
}
