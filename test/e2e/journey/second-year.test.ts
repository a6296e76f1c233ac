import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { go } from '../../integration/kinds/go-kinds-lab.ts';
import type { ChatAnswer, ChatRequest } from '../../support/services/model-server.ts';
import { ask, callerOf, headersOf, type Ordering, until, WAYS } from './ordering.ts';
import { type Consumer, folderOf, type PrimitiveName, startWorld, type World } from './second-year/world.ts';

// A domain with a name of its own and all that was scaffolded for it by --source, and what its owners do in the year after:
// a consumer is paused, the schema changes, the domain is away, a read model is built anew. At the end one account: each order
// that was placed is in the domain, in both projections and in the process, and equal.

const SERVICE = 'acme.domain.sales.v1.SalesService';
const CHANGES = join(import.meta.dirname, 'second-year');
const alice = callerOf('acme', 'alice');

let world: World;
let ordering: Ordering;

beforeAll(async () => {
  world = await startWorld(script);
  const { fulfilment, clerk, shop, sales } = world.addresses;
  ordering = { ...world, services: { orders: sales, fulfilment, concierge: clerk, shop } };
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Each order that was placed, as it has to be at the end. */
const placed: { readonly title: string; readonly quantity: number; readonly way: string }[] = [];

/** Who calls the domain by a client that was generated from its proto; `call` is its API itself. */
const CLIENTS = {
  shop: (title) => WAYS.page(ordering, alice, title),
  fulfilment: (title) => WAYS.process(ordering, alice, title),
  async clerk(title) {
    const reply = await ask(ordering, alice, `order: ${title}`);
    expect(JSON.parse(reply)).toMatchObject({ order: { title } });
  },
  async desk(title) {
    await until(`the order ${title} of the desk`, async () => {
      const { isError } = await callTool('request_order', { title, idempotencyKey: title });
      return isError !== true;
    });
  },
  async call(title) {
    const { id } = await call('CreateOrder', { requestId: title, title: `${title}, at first` });
    await call('RenameOrder', { id, title });
  },
} satisfies Readonly<Record<string, (title: string) => Promise<void>>>;
type Client = keyof typeof CLIENTS;

async function order(way: Client, title: string): Promise<void> {
  placed.push({ title, quantity: 1, way });
  await CLIENTS[way](title);
}

/** Has orders placed by all clients, one after the other, until the returned function is called, which waits for all of them. */
function keepOrdering(when: string): () => Promise<void> {
  let over = false;
  const all = Promise.all(
    (Object.keys(CLIENTS) as Client[]).map(async (way) => {
      for (let nth = 1; !over; nth += 1) {
        await order(way, `${when}, by ${way}, ${nth}`);
        await sleep(100);
      }
    }),
  );
  // A failure shows when it is waited for.
  all.catch(() => {});
  return async () => {
    over = true;
    await all;
  };
}

/** Calls a method of the domain until it is there; returns the order of the answer. */
async function call(method: string, body: object): Promise<{ readonly id: string }> {
  const { url } = world.addresses.sales;
  const text = await until(`${method} ${JSON.stringify(body)}`, async () => {
    const headers = { ...headersOf(alice), authorization: `Bearer ${world.token('test')}` };
    const answer = await fetch(`${url}/${SERVICE}/${method}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.ok && answer.text();
  });
  return (JSON.parse(text) as { order: { id: string } }).order;
}

/** What a tool of the desk answers. */
async function callTool(name: string, args: object): Promise<{ readonly isError?: boolean }> {
  const headers = { ...headersOf(alice), authorization: `Bearer ${world.token('test')}` };
  const answer = await fetch(`${world.addresses.desk.url}/mcp`, {
    method: 'POST',
    headers: {
      ...headers,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  return ((await answer.json()) as { result: { isError?: boolean } }).result;
}

/** What the model says: it asks for the tool that the message names, and repeats what the tool answered. */
function script({ messages }: ChatRequest): ChatAnswer {
  const last = messages.at(-1);
  const text = String(last?.content);
  if (last?.role === 'tool') return text;
  return { tool: 'create_order', arguments: { title: text.replace('order: ', '') } };
}

/** Waits until no consumer waits for an event, and nothing is replayed. */
async function delivered(): Promise<void> {
  await until('all events are delivered', async () => {
    const rows = await world.query(
      'sales',
      `SELECT 1 FROM outbox_deliveries WHERE delivered <> saved OR state <> 'idle'
       UNION ALL SELECT 1 FROM outbox_replays WHERE state = 'running'`,
    );
    return rows.length === 0;
  });
}

/** The columns of the tables of orders that all have. */
let columns = 'tenant_id, id, title, version';

/** Each order that was placed is in the domain, in both projections and in the process, and equal; nothing is dead. */
async function expectAccount(): Promise<void> {
  await delivered();
  const rows = (name: PrimitiveName) =>
    world.query(name, `SELECT ${columns} FROM orders ORDER BY tenant_id, id`);
  const truth = await rows('sales');
  expect(await rows('board')).toEqual(truth);
  expect(await rows('ledger')).toEqual(truth);
  const titles = await world.query('sales', 'SELECT title FROM orders');
  expect([...titles].sort()).toEqual(placed.map(({ title }) => title).sort());
  // Of the process: each work that it requested is done once, and is the order of its title.
  const { reports, messages, faults } = world.engine;
  const requested = reports.filter(({ verb }) => verb === 'completion').map(workOf);
  const done = messages.filter(({ name }) => name === 'fulfilment.work.completed.v1');
  expect(done.map(({ correlationKey }) => correlationKey).sort()).toEqual([...new Set(requested)].sort());
  const byId = new Map((await world.query('sales', `SELECT id || '|' || title FROM orders`)).map(pairOf));
  const ofProcess = done.map(({ variables }) =>
    byId.get((variables as { order: string }).order.replace('order/', '')),
  );
  const wanted = placed.filter(({ way }) => way === 'fulfilment').map(({ title }) => title);
  expect(ofProcess.sort()).toEqual(wanted.sort());
  expect(reports.filter(({ verb, body }) => verb !== 'completion' && body.retries === 0)).toEqual([]);
  expect(faults).toEqual([]);
}

function workOf({ body }: { readonly body: Readonly<Record<string, unknown>> }): string {
  return (body.variables as { work_id: string }).work_id;
}

function pairOf(row: string): [id: string, title: string] {
  const at = row.indexOf('|');
  return [row.slice(0, at), row.slice(at + 1)];
}

/** The events that a consumer has been sent, after some first ones. */
function sentTo(consumer: Consumer, first = 0): readonly { readonly id: string }[] {
  return world.addresses[consumer].requests
    .filter(({ path }) => path === '/v1/events')
    .slice(first)
    .map(({ body }) => JSON.parse(body) as { id: string });
}

test('all that calls the domain does so by a client that is generated for it', async () => {
  for (const way of Object.keys(CLIENTS) as Client[]) await order(way, `First, by ${way}`);
  for (const name of ['shop', 'fulfilment', 'clerk', 'desk']) {
    const paths = world.addresses.sales.requests
      .filter(({ headers }) => headers.authorization === `Bearer ${world.token(name)}`)
      .map(({ path }) => path);
    expect([name, ...new Set(paths)]).toEqual([name, `/${SERVICE}/CreateOrder`]);
  }
  await expectAccount();
});

test('a consumer is paused while the others go on, and gets what it missed', async () => {
  const stop = keepOrdering('While the ledger is paused');
  await world.command('dispatcher', 'subscriptions', 'pause', 'ledger');
  const waiting = async () =>
    (await world.command('dispatcher', 'subscriptions', 'list'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; paused: boolean; waiting: number });
  const [before, since] = [placed.length, sentTo('ledger').length];
  await until('twenty more orders', async () => placed.length >= before + 20);
  await stop();
  await until('the others have all', async () => {
    const all = await waiting();
    return all.every(({ name, waiting }) => name === 'ledger' || waiting === 0);
  });
  expect(await waiting()).toMatchObject([
    { name: 'board', paused: false, waiting: 0 },
    { name: 'fulfilment', paused: false, waiting: 0 },
    { name: 'ledger', paused: true },
  ]);
  // What was on its way when it was paused may have arrived.
  expect(sentTo('ledger', since).length).toBeLessThan(10);
  await world.command('dispatcher', 'subscriptions', 'resume', 'ledger');
  await expectAccount();
});

describe('the schema of events changes', () => {
  const proto = 'proto/acme/domain/sales/v1/service.proto';

  test('not in a way that consumers cannot read', async () => {
    const file = join(folderOf(world.repository, 'sales'), proto);
    const before = await readFile(file, 'utf8');
    await writeFile(file, before.replace('string title = 2', 'string heading = 2'));
    const { 'GEN-007': breaks } = await findings();
    expect(breaks).toContainEqual(expect.stringMatching(/changed name from "title" to "heading"/));
    await writeFile(file, before);
    expect(await findings()).toEqual({});
  });

  test('by a field and an event, which generate brings to all that has a copy', async () => {
    await apply('sales', 'proto.diff');
    const copies = ['board', 'clerk', 'desk', 'fulfilment', 'ledger', 'shop'];
    const { 'GEN-008': stale = [], ...others } = await findings();
    expect(stale.length).toBe(copies.length);
    expect(Object.keys(others)).toEqual(['GEN-001']);
    await world.repository.succeed('generate');
    expect(await findings()).toEqual({});
    // Events from before the change lack what is required now: the consumers' tests say so.
    const red = await goTest('board', './internal/source/...');
    expect(red).toMatchObject({ code: 1, stdout: expect.stringContaining('order.quantity is missing') });
    await apply('sales', 'domain.diff');
    for (const name of ['board', 'ledger'] as const) await apply(name, 'projection.diff');
    for (const name of ['sales', 'board', 'ledger'] as const)
      expect(await goTest(name, './...')).toMatchObject({ code: 0 });
    expect(await findings()).toEqual({});
    await world.repository.commit('Orders have a quantity');
  });

  test('while orders are placed: consumers first, old beside new', async () => {
    await world.build('sales', 'board', 'ledger', 'fulfilment', 'desk');
    const stop = keepOrdering('While the schema changes');
    const more = async () => {
      const before = placed.length;
      await until('ten more orders', async () => placed.length >= before + 10);
    };
    for (const name of ['board', 'ledger'] as const) {
      await world.command(name, 'migrate');
      await world.roll(name, more);
    }
    await world.roll('fulfilment', more);
    await world.roll('desk', more);
    await world.command('sales', 'migrate');
    await world.roll('sales', more);
    await world.roll('dispatcher', more);
    await stop();
    columns += ', quantity';
    const title = 'Three of them';
    const { id } = await call('CreateOrder', { requestId: title, title });
    await call('ResizeOrder', { id, quantity: '3' });
    placed.push({ title, quantity: 3, way: 'call' });
    await expectAccount();
    expect(await world.query('board', `SELECT DISTINCT quantity FROM orders ORDER BY 1`)).toEqual(['1', '3']);
    expect(linesOf(await world.logs(), /ignored/)).toEqual([]);
  });
});

test('domain and a consumer are away for ten seconds: nothing is lost, no job is an incident, and logs stay short', async () => {
  const callable = ['shop', 'desk', 'clerk'] as const;
  const asked = () => callable.map((name) => world.addresses[name].requests.length);
  const [before, askedBefore] = [await world.logs(), asked()];
  const [[domain], [ledger]] = [world.replicas('sales'), world.replicas('ledger')];
  await Promise.all([domain?.kill(), ledger?.kill()]);
  const back = performance.now() + 10_000;
  const jobs = Array.from({ length: 20 }, (_, nth) => order('fulfilment', `Without the domain, ${nth}`));
  const stop = keepOrdering('While the domain is away');
  await until('ten seconds are over', async () => performance.now() >= back);
  await domain?.start();
  await Promise.all(jobs);
  await stop();
  // The others have the events of all that by now.
  await ledger?.start();
  await expectAccount();

  const troubles = troublesSince(before, await world.logs());
  // Of a job one line for each try, whose pauses double; of what was asked one line; of events a line each ten seconds.
  expect(troubles.fulfilment).toBeGreaterThan(20);
  expect(troubles.fulfilment).toBeLessThan(6 * (jobs.length + 1));
  callable.forEach((name, at) => {
    expect(troubles[name], name).toBeLessThanOrEqual((asked()[at] ?? 0) - (askedBefore[at] ?? 0));
  });
  expect(troubles.dispatcher).toBeGreaterThan(0);
  for (const name of ['dispatcher', 'sales', 'board', 'ledger'] as const)
    expect(troubles[name], name).toBeLessThanOrEqual(10);
});

test('a read model is built anew beside the live one while orders are placed', async () => {
  const since = sentTo('ledger').length;
  const rebuild = async (command: string) =>
    JSON.parse(await world.command('board', 'rebuild', command)) as { state: string; behind: number };
  const stop = keepOrdering('While the board is rebuilt');
  await rebuild('start');
  await world.command('dispatcher', 'events', 'replay', '-subscription', 'board');
  await until('the new tables have all', async () => (await rebuild('status')).behind === 0);
  // Refused in the moment in which a new order is in the live tables alone.
  await until('the switch', async () => (await rebuild('switch')).state === 'switched');
  const atSwitch = placed.length;
  await until('orders after it', async () => placed.length >= atSwitch + 5);
  await stop();
  await expectAccount();
  const old = await world.query('board', 'SELECT count(*) > 50 FROM public_old.orders');
  expect(old).toEqual(['t']);
  const different = `SELECT title FROM public_old.orders AS old LEFT JOIN orders AS new USING (tenant_id, id)
    WHERE new.version IS NULL OR new.version < old.version OR (new.version = old.version AND
      (new.title, new.quantity, new.created_at) IS DISTINCT FROM (old.title, old.quantity, old.created_at))`;
  expect(await world.query('board', different.replaceAll('SELECT title', 'SELECT old.title'))).toEqual([]);
  await rebuild('drop');
  // The other consumer got new events alone, each once.
  const ids = sentTo('ledger', since).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

/** What verify finds without tests: messages by rule. */
async function findings(): Promise<Readonly<Record<string, readonly string[]>>> {
  const { stdout } = await world.repository.call('verify', '--no-tests', '--json');
  const report = JSON.parse(stdout) as {
    readonly findings: readonly { readonly rule: string; readonly message: string }[];
  };
  const byRule = Object.groupBy(report.findings, ({ rule }) => rule);
  return Object.fromEntries(
    Object.entries(byRule).map(([rule, found = []]) => [rule, found.map(({ message }) => message)]),
  );
}

/** Has the owner of a primitive make a change. */
async function apply(name: PrimitiveName, change: string): Promise<void> {
  const { repository } = world;
  const patch = join(repository.folder, change);
  await writeFile(patch, (await readFile(join(CHANGES, change), 'utf8')).replaceAll('NAME', name));
  const folder = relative(repository.folder, folderOf(repository, name));
  await repository.git('apply', '--unidiff-zero', `--directory=${folder}`, change);
  await rm(patch);
}

function goTest(name: PrimitiveName, packages: string) {
  return go(folderOf(world.repository, name), ['test', packages]);
}

type Logs = Awaited<ReturnType<World['logs']>>;

/** How many lines of logs are warnings and errors, by service, of those after an earlier look. */
function troublesSince(before: Logs, after: Logs): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [replica, lines] of Object.entries(after)) {
    const service = replica.replace(/-\d+$/, '');
    const since = lines.slice((before[replica]?.length ?? 1) - 1);
    const found = since.filter((line) => /"level": ?"(?:WARN|ERROR)/i.test(line)).length;
    counts[service] = (counts[service] ?? 0) + found;
  }
  return counts;
}

/** Lines about something. */
function linesOf(logs: Logs, about: RegExp): readonly string[] {
  return Object.values(logs)
    .flat()
    .filter((line) => about.test(line));
}
