import { describe, expect, test } from 'vitest';
import { createConcurrencyLimiter } from '../../../src/http/limiter.ts';

class TooMuch extends Error {}

/** Work that ends when the test says so. */
function setUp(most: number) {
  const limiter = createConcurrencyLimiter(most, (failure) => failure instanceof TooMuch);
  const running: { end: () => void; fail: (failure: Error) => void }[] = [];
  const begin = (count: number) => {
    for (let index = 0; index < count; index++) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const work = () => {
        running.push({ end: resolve, fail: reject });
        return promise;
      };
      limiter.run(work).catch(() => undefined);
    }
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  /** Ends all that runs and waits until what comes next runs. */
  const next = async (how: 'end' | Error = 'end') => {
    for (const work of running.splice(0)) {
      if (how === 'end') work.end();
      else work.fail(how);
    }
    await settle();
    return running.length;
  };
  return { limiter, begin, next, settle, running };
}

describe('a limiter', () => {
  test('lets so many pass at a time, in their order', async () => {
    const { limiter, running, begin, next, settle } = setUp(3);
    begin(7);
    await settle();
    expect(running).toHaveLength(3);
    expect(await next()).toBe(3);
    expect(await next()).toBe(1);
    const order: number[] = [];
    await next();
    await Promise.all([1, 2, 3, 4, 5].map((name) => limiter.run(async () => order.push(name))));
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('halves when it was too much, once for all that was under way, down to one', async () => {
    const { begin, next, settle, running } = setUp(16);
    begin(100);
    await settle();
    expect(running).toHaveLength(16);
    expect(await next(new TooMuch())).toBe(8);
    expect(await next(new TooMuch())).toBe(4);
    expect(await next(new TooMuch())).toBe(2);
    expect(await next(new TooMuch())).toBe(1);
    expect(await next(new TooMuch())).toBe(1);
  });

  test('grows by about one with every round that goes well, and not beyond what it began with', async () => {
    const { begin, next, settle, running } = setUp(4);
    begin(100);
    await settle();
    await next(new TooMuch());
    const widths: number[] = [];
    for (let round = 0; round < 10; round++) widths.push(await next());
    expect(widths.slice(0, 3)).toEqual([2, 3, 4]);
    expect(widths.at(-1)).toBe(4);
    expect(Math.max(...widths)).toBe(4);
    expect(running).toHaveLength(4);
  });

  test('takes other failures for what they are', async () => {
    const { begin, next, settle } = setUp(4);
    begin(12);
    await settle();
    expect(await next(new Error('not found'))).toBe(4);
    expect(await next(new Error('denied'))).toBe(4);
  });

  test('hands on the result and the failure', async () => {
    const { limiter } = setUp(1);
    await expect(limiter.run(async () => 'answer')).resolves.toBe('answer');
    await expect(limiter.run(() => Promise.reject(new TooMuch('429')))).rejects.toThrow('429');
  });
});
