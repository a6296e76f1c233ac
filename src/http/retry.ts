import type { PrimitiveError } from '../core/errors.ts';

/** Time and randomness, so that tests depend on neither. `sleep` rejects with the signal's reason when it is aborted. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
}

/** A failed attempt: the error to report if it was the last one, and whether another may help. */
export class AttemptFailure extends Error {
  override readonly name = 'AttemptFailure';
  readonly error: PrimitiveError;
  readonly retry: RetryAdvice | undefined;

  constructor(error: PrimitiveError, retry?: RetryAdvice) {
    super(error.message);
    this.error = error;
    this.retry = retry;
  }
}

/** How a failure may be retried; each field narrows the policy. */
export interface RetryAdvice {
  /** Short, for progress: `429`, `connection refused`. */
  readonly reason: string;
  /** Milliseconds that the server asked for. */
  readonly after?: number;
  /** At most this many attempts. */
  readonly attempts?: number;
  /** At most this many milliseconds in all. */
  readonly within?: number;
}

export interface RetryPolicy {
  readonly clock: Clock;
  /** Milliseconds from the first attempt after which no other begins. */
  readonly budget: number;
  readonly signal?: AbortSignal;
  readonly onRetry: (retry: {
    readonly reason: string;
    readonly attempt: number;
    readonly delay: number;
  }) => void;
}

const FIRST_DELAY = 200;
const LONGEST_DELAY = 30_000;

/**
 * Runs an operation until it succeeds, fails for good or the budget is spent. Delays grow exponentially with jitter and
 * are never shorter than the server asked for; one that would end after the budget is not waited for. Throws the last
 * attempt's error.
 */
export async function withRetries<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  const start = policy.clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (failure) {
      if (!(failure instanceof AttemptFailure)) throw failure;
      const { retry } = failure;
      if (retry === undefined || attempt >= (retry.attempts ?? Number.POSITIVE_INFINITY)) throw failure.error;
      const delay = retryDelay(attempt, retry.after ?? 0, policy.clock.random());
      const spent = policy.clock.now() - start + delay;
      if (spent > Math.min(policy.budget, retry.within ?? policy.budget)) throw failure.error;
      policy.onRetry({ reason: retry.reason, attempt, delay });
      await policy.clock.sleep(delay, policy.signal);
    }
  }
}

/** Milliseconds before the next attempt: doubled each time up to 30 s, half of it random, at least `after`. */
export function retryDelay(attempt: number, after: number, random: number): number {
  const step = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1));
  const jittered = step / 2 + (step / 2) * random;
  // On top of what the server asks for, so that not all clients come back at the same moment.
  return Math.round(after === 0 ? jittered : Math.max(jittered, after + Math.min(jittered, after / 4)));
}

/**
 * The delay in milliseconds that a response asks for, by its `Retry-After` header (seconds or an HTTP date; RFC 9110,
 * section 10.2.3) or in its body as Go services write it: `retry-after: 512.314µs, allowed: 44000/minute`.
 * Undefined without either. `date`: the current time, in milliseconds since 1970.
 */
export function requestedDelay(header: string | undefined, body: string, date: number): number | undefined {
  return (header === undefined ? undefined : headerDelay(header.trim(), date)) ?? bodyDelay(body);
}

function headerDelay(header: string, date: number): number | undefined {
  if (/^\d{1,9}(?:\.\d+)?$/.test(header)) return Number(header) * 1000;
  if (!/^[A-Z][a-z]{2}/.test(header)) return goDuration(header);
  const then = Date.parse(header);
  return Number.isNaN(then) ? undefined : Math.max(0, then - date);
}

const BODY_DELAY =
  /retry[-_ ]?after["']?\s*(?:[:=]\s*)?["']?((?:\d+(?:\.\d+)?\s?(?:ns|us|[µμ]s|ms|seconds?|minutes?|hours?|h|m|s)?)+)/i;

function bodyDelay(body: string): number | undefined {
  const match = BODY_DELAY.exec(body.slice(0, 16_384));
  return match?.[1] === undefined ? undefined : goDuration(match[1]);
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
};

function goDuration(text: string): number | undefined {
  let total: number | undefined;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s?(ns|us|[µμ]s|ms|h|m|s)?/gi)) {
    total = (total ?? 0) + Number(number) * (UNITS[(unit ?? 's').toLowerCase()] ?? 1000);
  }
  return total;
}
