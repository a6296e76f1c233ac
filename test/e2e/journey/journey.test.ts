import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TappedRequest, Treatment } from '../../support/services/tap.ts';
import { runTests } from './earlier.ts';
import {
  ask,
  type Caller,
  callerOf,
  headersOf,
  orderByGrpc,
  page,
  script,
  until,
  WAYS,
  type Way,
} from './ordering.ts';
import { type KindName, NAMES } from './primitives.ts';
import { type Hop, SERVICES, type ServiceName, type System, startSystem } from './system.ts';
import { expectTelemetry } from './telemetry.ts';

// One repository with a primitive of each kind, scaffolded by an earlier version, implemented as in test/reference of then and
// updated, and what becomes of orders in it.

let system: System;
const SCAFFOLDED = Object.keys(NAMES) as KindName[];
const WAY_NAMES = Object.keys(WAYS) as Way[];

/** Titles of all orders that were made, by tenant. */
const made: string[] = [];

beforeAll(async () => {
  system = await startSystem(script);
});
afterAll(() => system?.[Symbol.asyncDispose]());
afterEach(() => {
  for (const tap of Object.values(system.taps)) tap.treat();
  system.database.open();
});

async function order(way: Way, caller: Caller, title: string): Promise<void> {
  made.push(`${caller.tenant}|${title}`);
  await WAYS[way](system, caller, title);
}

/** Waits until the projection has what the domain has, which is each order once; nothing waits, and nothing is dead. */
async function settled(): Promise<void> {
  await until('all events are delivered', async () => {
    const rows = await system.query(
      'orders',
      `SELECT 1 FROM outbox_streams LEFT JOIN outbox_deliveries AS d USING (stream_id)
       WHERE d.delivered IS DISTINCT FROM outbox_streams.saved OR d.state <> 'idle'
       UNION ALL SELECT 1 FROM outbox_replays WHERE state = 'running'`,
    );
    return rows.length === 0;
  });
  const columns = 'SELECT tenant_id, id, title, version FROM orders ORDER BY tenant_id, id';
  const [truth, shown] = [await system.query('orders', columns), await system.query('order_list', columns)];
  expect(shown).toEqual(truth);
  const titles = await system.query('orders', 'SELECT tenant_id, title FROM orders');
  expect([...titles].sort()).toEqual([...made].sort());
  expect(system.engine.faults).toEqual([]);
  expect(system.model.faults).toEqual([]);
}

/** Who a request is made for, and by which service. */
function saidBy({ headers }: TappedRequest) {
  return {
    tenant: headers['tenant-id'],
    subject: headers['subject-id'],
    trace: String(headers.traceparent).split('-')[1],
    token: headers.authorization,
  };
}

/** All requests of a trace on the way from one service to another are made for its caller, with the token of the former. */
function expectCaller(hop: Hop, caller: Caller): void {
  const requests = system.taps[hop].requests.map(saidBy).filter(({ trace }) => trace === caller.trace);
  expect(requests.length, `${hop}: requests of the trace`).toBeGreaterThan(0);
  const [from] = hop.split(' -> ') as [ServiceName];
  const expected = { ...caller, token: `Bearer ${system.token(from)}` };
  expect(requests, hop).toEqual(requests.map(() => expected));
}

/** The event of a trace, which says who caused it. */
function expectEvent(caller: Caller): void {
  const events = system.taps['dispatcher -> orderList'].requests
    .map(({ body }) => JSON.parse(body) as Record<string, string>)
    .filter(({ traceparent }) => traceparent?.split('-')[1] === caller.trace);
  expect(events).toMatchObject([
    {
      type: 'acme.domain.orders.v1.OrderCreated',
      source: '/domain/orders',
      tenant: caller.tenant,
      authid: caller.subject,
      sequence: '1',
    },
  ]);
}

describe('what an earlier version has scaffolded, and its owners have implemented', () => {
  test('is updated: all that the template has, what owners changed, and nothing that verify finds', () => {
    const { conflicts, edited, states, findings } = system.update;
    expect(edited.length).toBeGreaterThan(8);
    expect(conflicts.filter((file) => !edited.includes(file))).toEqual([]);
    expect(states).toEqual(SCAFFOLDED.map(() => 'current'));
    expect(findings).toEqual([]);
  });

  test.each(SCAFFOLDED)('passes its tests: %s', async (kind) => {
    const { code, stdout, stderr } = await runTests(system.repository, kind);
    expect(code, `${stdout}${stderr}`).toBe(0);
  });
});

describe('an order arrives with its caller, tenant and trace', () => {
  test('from the page, over domain, outbox and projection, back to the page', async () => {
    const alice = callerOf('acme', 'alice');
    await order('page', alice, 'A red bicycle');
    const shown = await until('the order on the page', async () => {
      const home = await page(system, '/', alice);
      return home.includes('A red bicycle') && home;
    });
    expect(shown.match(/A red bicycle/g)).toHaveLength(1);
    expect(await page(system, '/', callerOf('other', 'eve'))).not.toContain('bicycle');
    expectCaller('shop -> orders', alice);
    expectCaller('shop -> orderList', alice);
    expectEvent(alice);
    await settled();
  });

  test('from a job of the process to the domain', async () => {
    const bob = callerOf('acme', 'bob');
    await order('process', bob, 'A spare tyre');
    expectCaller('fulfilment -> orders', bob);
    await settled();
    expectEvent(bob);
  });

  test('from a tool of the agent, over the integration, to the domain, and back by a query', async () => {
    const carol = callerOf('globex', 'carol');
    await order('agent', carol, 'A bell');
    expectCaller('concierge -> orderDesk', carol);
    expectCaller('orderDesk -> orders', carol);
    const [asked] = system.model.requests.filter(({ headers }) => headers.traceparent?.includes(carol.trace));
    expect(asked?.headers).toMatchObject({ 'tenant-id': 'globex', 'subject-id': 'carol' });
    await settled();
    expectEvent(carol);
    const [id = ''] = await system.query('orders', `SELECT id FROM orders WHERE title = 'A bell'`);
    const dave = callerOf('globex', 'dave');
    expect(JSON.parse(await ask(system, dave, `find: ${id}`))).toMatchObject({
      id,
      title: 'A bell',
      version: 1,
    });
    expectCaller('orderDesk -> orderList', dave);
    expect(await ask(system, callerOf('acme', 'eve'), `find: ${id}`)).not.toContain('A bell');
  });

  test('as one trace through all services, in their logs and in a collector, without what was said', async () => {
    const frank = callerOf('acme', 'frank');
    await Promise.all(WAY_NAMES.map((way) => order(way, frank, `By ${way}`)));
    made.push(`${frank.tenant}|By grpc`);
    await orderByGrpc(system, frank, 'By grpc');
    await settled();
    await page(system, '/', frank);
    await expectTelemetry(system, frank);
  });

  test('not without the token of a service', async () => {
    const { orders, orderList, concierge, fulfilment, shop } = system.services;
    for (const url of [
      `${orders.url}/acme.domain.orders.v1.OrdersService/CreateOrder`,
      `${orderList.url}/v1/events`,
      // It answers to the name by which its clients know it.
      `${system.taps['concierge -> orderDesk'].url}/mcp`,
      `${concierge.url}/invoke`,
      `${fulfilment.url}/v1/messages/fulfilment.work.completed.v1`,
      shop.url,
    ]) {
      const headers = { ...headersOf(callerOf('acme', 'eve')), 'content-type': 'application/json' };
      const { status } = await fetch(url, { method: 'POST', headers, body: '{}' });
      expect([url, status]).toEqual([url, 401]);
    }
    await settled();
  });
});

/** The hop on which a service is killed: after the other side has done what it was asked, and before it is known. */
const KILLED_AT: Readonly<Record<ServiceName, Hop>> = {
  orders: 'shop -> orders',
  dispatcher: 'dispatcher -> orderList',
  orderList: 'dispatcher -> orderList',
  fulfilment: 'fulfilment -> orders',
  orderDesk: 'orderDesk -> orders',
  concierge: 'concierge -> orderDesk',
  shop: 'shop -> orders',
};

/** Whether a request does what is asked for: a client of MCP sends others before. */
function isAct(hop: Hop, { body }: TappedRequest): boolean {
  return hop !== 'concierge -> orderDesk' || body.includes('"tools/call"');
}

describe('nothing is lost, doubled or stuck', () => {
  test.each(SERVICES)('when %s is killed half-way', async (victim) => {
    const service = system.services[victim];
    const killed = Promise.withResolvers<void>();
    let first = true;
    const kill: Treatment = async (request, passOn) => {
      const answer = await passOn();
      if (!first || !isAct(KILLED_AT[victim], request)) return answer;
      first = false;
      await service.kill();
      killed.resolve();
      return undefined;
    };
    system.taps[KILLED_AT[victim]].treat(kill);
    const caller = callerOf('acme', 'alice');
    const orders = WAY_NAMES.flatMap((way) =>
      [1, 2].map((nth) => order(way, caller, `While ${victim} dies, by ${way}, ${nth}`)),
    );
    const restarted = killed.promise.then(async () => {
      await service.start();
      // A killed agent keeps its threads for the time of a turn, which is over here at once.
      await system.query('concierge', 'UPDATE thread_claims SET ends_at = now()');
    });
    await Promise.all([restarted, ...orders]);
    await settled();
  });

  test('when the database is gone for ten seconds', async () => {
    const readiness = async (name: ServiceName) =>
      (await fetch(`${system.services[name].url}/readyz`)).status;
    const caller = callerOf('acme', 'alice');
    const before = order('page', caller, 'Before the database goes');
    system.database.shut();
    const back = performance.now() + 10_000;
    const orders = WAY_NAMES.map((way) => order(way, caller, `Without a database, by ${way}`));
    for (const name of ['orders', 'dispatcher', 'orderList', 'concierge'] as const)
      await until(`${name} is not ready`, async () => (await readiness(name)) === 503);
    for (const name of SERVICES)
      expect((await fetch(`${system.services[name].url}/livez`)).status, name).toBeLessThan(300);
    await until('ten seconds are over', async () => performance.now() >= back);
    system.database.open();
    for (const name of SERVICES) await until(`${name} is ready`, async () => (await readiness(name)) < 300);
    await Promise.all([before, ...orders]);
    await settled();
  });
});

describe('an event', () => {
  test('that comes out of order waits for those before it, and counts once however often it comes', async () => {
    const caller = callerOf('acme', 'alice');
    const tap = system.taps['dispatcher -> orderList'];
    // As a broker might: it takes the first two events and has not passed them on when the third one comes.
    const kept: TappedRequest[] = [];
    const answers: number[] = [];
    tap.treat(async (request, passOn) => {
      if (!request.body.includes('Reordered') || kept.length === 2) {
        const answer = await passOn();
        answers.push(answer.status);
        return answer;
      }
      kept.push(request);
      return { status: 202, headers: {}, body: '' };
    });
    const { id } = await call(caller, 'CreateOrder', { requestId: 'reordered', title: 'Reordered 1' });
    made.push('acme|Reordered 3');
    await call(caller, 'RenameOrder', { id, title: 'Reordered 2', version: '1' });
    await call(caller, 'RenameOrder', { id, title: 'Reordered 3', version: '2' });
    await until('the third event is put off', async () => answers.includes(409));
    const [first, second] = kept as [TappedRequest, TappedRequest];
    const sent: number[] = [];
    for (const event of [second, first, second, first]) sent.push(await sendEvent(event));
    expect(sent).toEqual([409, 204, 204, 204]);
    await settled();
    const events = [first, second, ...tap.requests.filter(({ body }) => body.includes('Reordered 3'))];
    const again = await Promise.all([...events, ...events].map(sendEvent));
    expect(again).toEqual(again.map(() => 204));
    await settled();
  });

  test('that the projection refuses holds up no other; it is retried or discarded by hand', async () => {
    const caller = callerOf('acme', 'alice');
    const tap = system.taps['dispatcher -> orderList'];
    tap.treat((request, passOn) =>
      passOn(request.body.includes('Poison') ? poisoned(request.body) : undefined),
    );
    const poison = async (title: string) => {
      made.push(`acme|${title}, renamed`);
      const { id } = await call(caller, 'CreateOrder', { requestId: title, title });
      await call(caller, 'RenameOrder', { id, title: `${title}, renamed`, version: '1' });
      return id;
    };
    const [retried, givenUp] = [await poison('Poison one'), await poison('Poison two')];
    await order('page', caller, 'A healthy order');
    await until('the healthy order in the projection', async () => {
      const rows = await system.query('order_list', `SELECT 1 FROM orders WHERE title = 'A healthy order'`);
      return rows.length === 1;
    });
    const dead = await until('both events are dead', async () => {
      const listed = await listStuck();
      return listed.filter((event) => event.dead).length === 2 && listed;
    });
    expect(dead.map(({ aggregateId, sequence }) => [aggregateId, sequence])).toEqual([
      [retried, 1],
      [givenUp, 1],
    ]);
    tap.treat();
    await system.command('dispatcher', 'events', 'retry', dead[0]?.id ?? '');
    await system.command('dispatcher', 'events', 'discard', '-reason', 'poisoned', dead[1]?.id ?? '');
    await settled();
    expect(await listStuck()).toEqual([]);
  });

  test('that nothing handles is ignored, with a warning', async () => {
    const [known] = system.taps['dispatcher -> orderList'].requests;
    if (known === undefined) throw new Error('no event came by');
    const event = { ...JSON.parse(known.body), id: 'e1', subject: 'order/unheard', sequence: '1' };
    const body = JSON.stringify({ ...event, type: 'acme.domain.orders.v1.OrderUnheardOf' });
    expect(await sendEvent({ ...known, body })).toBe(204);
    const log = (await system.services.orderList.log()).split('\n');
    expect(log.find((line) => line.includes('OrderUnheardOf'))).toMatch(/"level":"WARN".*ignored/);
    await settled();
  });

  test('is there for a read model that begins anew', async () => {
    const { orderList } = system.services;
    await orderList.kill();
    await system.query('postgres', 'DROP DATABASE order_list WITH (FORCE)');
    await system.query('postgres', 'CREATE DATABASE order_list');
    await system.command('orderList', 'migrate');
    await orderList.start();
    await system.command('dispatcher', 'events', 'replay');
    await settled();
  });
});

/** Calls a method of the domain, and returns the order of the answer. */
async function call(caller: Caller, method: string, body: object): Promise<{ id: string }> {
  const answer = await fetch(`${system.services.orders.url}/acme.domain.orders.v1.OrdersService/${method}`, {
    method: 'POST',
    headers: {
      ...headersOf(caller),
      authorization: `Bearer ${system.token('test')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  expect([method, answer.status, text]).toEqual([method, 200, text]);
  return (JSON.parse(text) as { order: { id: string } }).order;
}

/** Sends an event to the projection, past its tap. */
async function sendEvent({ headers, body }: TappedRequest): Promise<number> {
  const { 'content-type': type = '', authorization = '' } = headers;
  const url = `${system.services.orderList.url}/v1/events`;
  return (await fetch(url, { method: 'POST', headers: { 'content-type': type, authorization }, body }))
    .status;
}

/** An event whose data is of no order. */
function poisoned(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), data: { order: { id: 7 } } });
}

/** What the domain lists as not delivered. */
async function listStuck() {
  const lines = (await system.command('dispatcher', 'events', 'list'))
    .split('\n')
    .filter((line) => line !== '');
  return lines.map(
    (line) => JSON.parse(line) as { id: string; dead: boolean; aggregateId: string; sequence: number },
  );
}
