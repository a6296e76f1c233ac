import { PrimitiveError } from './errors.ts';

/** Code of the error that {@link within} throws. */
export const NO_ANSWER = 'no-answer';

/** The result of `work`; throws `no-answer` (exit 3) if it takes longer. What was begun goes on unless it heeds `signal`. */
export async function within<T>(
  milliseconds: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new PrimitiveError(
      NO_ANSWER,
      `Not checked: ${what} gave no answer within ${milliseconds / 1000} s.`,
      {
        suggestions: ['Check network, proxy and firewall, then run it again.'],
        exit: 3,
        retryable: true,
      },
    );
    reject(error);
    late.abort(error);
  }, milliseconds);
  try {
    return await Promise.race([work(late.signal), promise]);
  } finally {
    clearTimeout(timer);
  }
}
