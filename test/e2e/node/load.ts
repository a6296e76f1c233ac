import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, formAction, type Ordering, page, proxyHeaders } from '../journey/ordering.ts';

/** Requests that go on until they are ended, at most for five minutes. */
export interface Load {
  /** What the requests came to: how many there were, and those that failed. */
  end(): Promise<{ readonly requests: number; readonly failed: readonly string[] }>;
}

/**
 * Calls a domain over a new connection each time, and orders by a page, whose server calls the domain over connections that
 * it keeps. Nothing is repeated that failed.
 */
export function startLoad(system: Ordering, caller: Caller): Load {
  const { orders, shop } = system.services;
  const headers = proxyHeaders(system, caller);
  const failed: string[] = [];
  let requests = 0;
  let ended = false;
  const until = performance.now() + 300_000;
  const repeat = async (what: string, request: (nth: number) => Promise<number>, expected: number) => {
    for (let nth = 1; !ended && performance.now() < until; nth++) {
      requests += 1;
      try {
        const status = await request(nth);
        if (status !== expected) failed.push(`${what} ${nth}: ${status}`);
      } catch (error) {
        failed.push(`${what} ${nth}: ${error} ${(error as Error).cause ?? ''}`);
      }
      await sleep(50);
    }
  };
  const create = async () => {
    const { status, body } = await fetch(`${orders.url}/acme.domain.orders.v1.OrdersService/CreateOrder`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ requestId: 'load', title: 'One of many' }),
    });
    await body?.cancel();
    return status;
  };
  const order = async (nth: number) => {
    const action = formAction(await page(system, '/new', caller));
    const { status, body } = await fetch(`${shop.url}${action}`, {
      method: 'POST',
      headers: { ...headers, origin: shop.url },
      body: new URLSearchParams({ title: `One more, ${nth}` }),
      redirect: 'manual',
    });
    await body?.cancel();
    return status;
  };
  const running = Promise.all([repeat('call', create, 200), repeat('page', order, 303)]);
  return {
    async end() {
      ended = true;
      await running;
      return { requests, failed };
    },
  };
}
