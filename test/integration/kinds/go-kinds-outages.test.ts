import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isWhole, seed } from '../../support/sample.ts';
import { startGate } from '../../support/services/gate.ts';
import { type LoopbackServer, serve } from '../../support/services/http.ts';
import { freePorts } from '../../support/services/ports.ts';
import { run } from '../../support/services/run.ts';
import type { Program } from '../../support/services/service.ts';
import { type GoPrograms, startGoPrograms } from './go-kinds-programs.ts';

// A domain with several consumers, and what becomes of its events while something is killed, hangs or is away.

let programs: GoPrograms;

beforeAll(async () => {
  programs = await startGoPrograms(['domain', 'projection']);
}, 300_000);

afterAll(() => programs?.[Symbol.asyncDispose]());

interface CloudEvent {
  readonly type: string;
  readonly subject: string;
  readonly sequence: string;
  readonly streamstart?: boolean;
}

/** A consumer that keeps the order of what it gets, and answers as it is told. */
interface Consumer extends LoopbackServer {
  readonly got: CloudEvent[];
  /** Events that came before their predecessor. */
  readonly faults: CloudEvent[];
  /** Number of events of each subject. */
  readonly positions: Map<string, number>;
  /** What came in the header Authorization. */
  readonly credentials: Set<string | undefined>;
}

/** `answer` returns a status; undefined to lose the answer of an event that is taken. */
async function startConsumer(answer: (nth: number) => number | undefined = () => 204): Promise<Consumer> {
  const [got, faults, positions]: [CloudEvent[], CloudEvent[], Map<string, number>] = [[], [], new Map()];
  const credentials = new Set<string | undefined>();
  const server = await serve((request, response) => {
    let body = '';
    credentials.add(request.headers.authorization);
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const event = JSON.parse(body) as CloudEvent;
      const status = answer(got.push(event));
      if (status !== undefined && status >= 300) return response.writeHead(status).end();
      const [position, sequence] = [positions.get(event.subject) ?? 0, Number(event.sequence)];
      if (sequence > position + 1) faults.push(event);
      positions.set(event.subject, Math.max(position, sequence));
      return status === undefined ? response.destroy() : response.writeHead(status).end();
    });
  });
  return { ...server, got, faults, positions, credentials };
}

/** A process that is started again on the same ports after it was killed. */
interface Replica {
  readonly kill: () => Promise<void>;
}

async function replica(
  kind: string,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<Replica> {
  let program = await programs.start(kind, command, env);
  const kill = async () => {
    process.kill(program.pid, 'SIGKILL');
    await program.exit;
    program = await programs.start(kind, command, env);
  };
  return { kill };
}

const HEADERS = { 'content-type': 'application/json', 'tenant-id': 'acme' };

async function call(port: number, method: string, body: object) {
  const url = `http://127.0.0.1:${port}/acme.domain.items.v1.ItemsService/${method}`;
  const answer = await fetch(url, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) });
  return { status: answer.status, ...((await answer.json()) as { code?: string; item?: { id: string } }) };
}

/** How many commands are given while programs are killed, at least. */
const COMMANDS = isWhole ? 9_000 : 60;

test(
  `each consumer gets every event in order, whatever is killed (PRIMITIVE_TEST_SEED=${seed})`,
  async () => {
    const [first = 0, second = 0, query = 0, ...others] = await freePorts(7);
    const [domain, projection] = [
      await programs.database('domain', 'chaos'),
      await programs.database('projection', 'chaos_list'),
    ];
    // Of ten events one fails, one finds nobody, and the answer of one is lost.
    const audit = await startConsumer(
      (nth) => [204, 204, 500, 204, 204, 503, 204, undefined, 204, 204][nth % 10],
    );
    const EVENTS_URL = `list=http://127.0.0.1:${query}/v1/events audit=${audit.url}/`;
    const serves = await Promise.all(
      [first, second].map((port, at) =>
        replica('domain', 'serve', {
          DATABASE_URL: domain,
          HTTP_ADDRESS: `127.0.0.1:${port}`,
          GRPC_ADDRESS: `127.0.0.1:${others[at]}`,
          ACCEPT_CALLERS: 'anyone:acme',
        }),
      ),
    );
    const dispatchers = await Promise.all(
      others.slice(2).map((port) =>
        replica('domain', 'dispatch', {
          DATABASE_URL: domain,
          HTTP_ADDRESS: `127.0.0.1:${port}`,
          EVENTS_URL,
        }),
      ),
    );
    const list = await replica('projection', 'serve', {
      DATABASE_URL: projection,
      HTTP_ADDRESS: `127.0.0.1:${query}`,
      ACCEPT_CALLERS: 'anyone:acme',
      ACCEPT_EVENTS: 'anyone:acme',
    });
    await Promise.all([first, second, query].map(programs.ready));

    /** Calls one of the replicas until there is an answer; a rename that was done before is a conflict. */
    const persist = async (nth: number, method: string, body: object) => {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await call((nth + attempt) % 2 ? first : second, method, body).catch(() => undefined);
        if (answer?.status === 200 || (answer?.status === 409 && attempt > 0)) return answer;
        if (attempt > 2000) throw new Error(`${method} is never answered: ${JSON.stringify(answer)}`);
        await sleep(20);
      }
    };
    let over = false;
    let written = 0;
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let nth = 0; !over; nth += 1) {
        const title = `${writer}-${nth}`;
        const { item } = await persist(nth, 'CreateItem', { requestId: title, title });
        await persist(nth, 'RenameItem', { id: item?.id, title: `${title} again`, version: '1' });
        await persist(nth, 'RenameItem', { id: item?.id, title: `${title} at last`, version: '2' });
        written += 1;
        await sleep(10);
      }
    });
    const replicas = [...dispatchers, ...serves, list];
    const order = fc.shuffledSubarray(replicas, { minLength: replicas.length });
    for (let round = 0; round === 0 || 3 * written < COMMANDS; round += 1) {
      for (const { kill } of fc.sample(order, { seed: seed + round, numRuns: 1 }).flat()) {
        await sleep(300);
        await kill();
      }
    }
    await Promise.all(replicas.map(({ kill }) => kill()));
    await sleep(300);
    await programs.postgres.crash();
    await sleep(1000);
    over = true;
    await Promise.all(writers);
    expect(3 * written).toBeGreaterThanOrEqual(COMMANDS);

    const columns = `SELECT id, title, version FROM SCHEMA.items ORDER BY id`;
    const truth = await programs.postgres.execute(columns.replace('SCHEMA', 'chaos'));
    expect(truth.length).toBe(written);
    await programs.until('all events are delivered', async () => {
      const left = await programs.postgres.execute(
        `SELECT 1 FROM chaos.outbox_deliveries WHERE delivered < saved OR state <> 'idle' LIMIT 1`,
      );
      return left.length === 0 || undefined;
    });
    expect(await programs.postgres.execute(columns.replace('SCHEMA', 'chaos_list'))).toEqual(truth);
    expect(audit.faults).toEqual([]);
    expect([...audit.positions.values()]).toEqual(truth.map(() => 3));
    await audit.close();
  },
  isWhole ? 1_800_000 : 300_000,
);

test('consumers come, with a token for each alone, pause, get events again, and go', async () => {
  const [grpc = 0, http = 0, probe = 0] = await freePorts(3);
  const DATABASE_URL = await programs.database('domain', 'consumers');
  const [list, audit, late] = [await startConsumer(), await startConsumer(), await startConsumer()];
  await programs.start('domain', 'serve', {
    DATABASE_URL,
    HTTP_ADDRESS: `127.0.0.1:${http}`,
    GRPC_ADDRESS: `127.0.0.1:${grpc}`,
    ACCEPT_CALLERS: 'anyone:acme',
  });
  const tokens: Record<string, string> = {};
  for (const name of ['list', 'audit']) {
    const file = join(programs.folder, `token-for-${name}`);
    await writeFile(file, `${name}\n`);
    tokens[name] = file;
  }
  const dispatch = (
    EVENTS_URL: string,
    files: Readonly<Record<string, string | undefined>>,
  ): Promise<Program> =>
    programs.start('domain', 'dispatch', {
      DATABASE_URL,
      HTTP_ADDRESS: `127.0.0.1:${probe}`,
      EVENTS_URL,
      ...Object.fromEntries(
        Object.entries(files).map(([name, file = '']) => [`SERVICE_TOKEN_FILE_${name.toUpperCase()}`, file]),
      ),
    });
  const operate = async (...args: string[]) =>
    (await run(programs.binary('domain'), args, { env: { DATABASE_URL } }))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const types = ({ got }: Consumer) =>
    got.map(({ type, sequence }) => `${type.split('.').at(-1)} ${sequence}`);
  const shows = (consumer: Consumer, ...wanted: string[]) =>
    programs.until(`events ${wanted}`, async () =>
      types(consumer).join() === wanted.join() ? true : undefined,
    );

  const dispatcher = await dispatch(`list=${list.url}/ audit=${audit.url}/`, tokens);
  await programs.ready(http);
  const { item } = await call(http, 'CreateItem', { requestId: 'r1', title: 'First' });
  await Promise.all([shows(list, 'ItemCreated 1'), shows(audit, 'ItemCreated 1')]);

  await operate('subscriptions', 'pause', 'audit');
  await call(http, 'RenameItem', { id: item?.id, title: 'Second', version: '1' });
  await shows(list, 'ItemCreated 1', 'ItemRenamed 2');
  const known = await operate('subscriptions', 'list');
  expect(known).toMatchObject([
    { name: 'audit', paused: true, waiting: 1 },
    { name: 'list', paused: false, waiting: 0 },
  ]);
  expect(types(audit)).toEqual(['ItemCreated 1']);
  await operate('subscriptions', 'resume', 'audit');
  await shows(audit, 'ItemCreated 1', 'ItemRenamed 2');

  await dispatcher.stop();
  await dispatch(`list=${list.url}/ late=${late.url}/`, { list: tokens.list });
  await shows(late, 'ItemCreated 1', 'ItemRenamed 2');
  expect([list, audit, late].map(({ credentials }) => [...credentials])).toEqual([
    ['Bearer list'],
    ['Bearer audit'],
    [undefined],
  ]);
  await operate('subscriptions', 'remove', 'audit');
  expect(
    await operate('events', 'replay', '-subscription', 'late', '-type', 'acme.domain.items.v1.ItemRenamed'),
  ).toEqual([{ replay: expect.any(Number) }]);
  await shows(late, 'ItemCreated 1', 'ItemRenamed 2', 'ItemRenamed 2');
  expect(late.got.at(-1)).toMatchObject({ streamstart: true });
  await programs.until('the end of the replay', async () => {
    const [replay] = await operate('events', 'replays');
    return replay?.state === 'done' ? true : undefined;
  });
  expect(types(list)).toEqual(['ItemCreated 1', 'ItemRenamed 2']);
  expect((await operate('subscriptions', 'list')).map(({ name }) => name)).toEqual(['late', 'list']);
  await Promise.all([list, audit, late].map((consumer) => consumer.close()));
}, 300_000);

/** What takes how long, in milliseconds. */
async function timed<T>(what: Promise<T>): Promise<{ result: T; took: number }> {
  const began = performance.now();
  return { result: await what, took: performance.now() - began };
}

const EVENT = {
  specversion: '1.0',
  id: 'e1',
  source: '/domain/items',
  type: 'acme.domain.items.v1.ItemCreated',
  subject: 'item/i1',
  tenant: 'acme',
  sequence: '1',
  data: { item: { id: 'i1', title: 'First', version: '1', createTime: '2030-01-02T03:04:05Z' } },
};

const sendEvent = async (port: number, event: object = EVENT, token = '') =>
  (
    await fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json', authorization: `Bearer ${token}` },
      body: JSON.stringify(event),
    })
  ).status;

const probeOf = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
const queryOf = async (port: number) =>
  (await fetch(`http://127.0.0.1:${port}/v1/items`, { headers: { 'tenant-id': 'acme' } })).status;

/** A domain, its dispatcher and a projection with these databases. */
async function startAll(domain: string, projection: string) {
  const [grpc = 0, http = 0, probe = 0, query = 0] = await freePorts(4);
  const started = [
    await programs.start('domain', 'serve', {
      DATABASE_URL: domain,
      HTTP_ADDRESS: `127.0.0.1:${http}`,
      GRPC_ADDRESS: `127.0.0.1:${grpc}`,
      ACCEPT_CALLERS: 'anyone:acme',
    }),
    await programs.start('domain', 'dispatch', {
      DATABASE_URL: domain,
      HTTP_ADDRESS: `127.0.0.1:${probe}`,
      EVENTS_URL: `http://127.0.0.1:${query}/v1/events`,
    }),
    await programs.start('projection', 'serve', {
      DATABASE_URL: projection,
      HTTP_ADDRESS: `127.0.0.1:${query}`,
      ACCEPT_CALLERS: 'anyone:acme',
      ACCEPT_EVENTS: 'anyone:acme',
    }),
  ];
  await Promise.all([http, probe, query].map(programs.ready));
  return { http, probe, query, started };
}

test('deadlines hold while Postgres hangs, and processes end', async () => {
  const { http, probe, query, started } = await startAll(
    await programs.database('domain', 'hang'),
    await programs.database('projection', 'hang_list'),
  );
  expect(await call(http, 'CreateItem', { requestId: 'r1', title: 'First' })).toMatchObject({ status: 200 });
  const thaw = programs.postgres.freeze();
  try {
    const calls = Promise.all([
      timed(call(http, 'CreateItem', { requestId: 'r2', title: 'Second' })),
      timed(sendEvent(query)),
    ]);
    await sleep(100);
    for (const port of [http, probe, query]) {
      const { result, took } = await timed(probeOf(port));
      expect([result, took < 2000], `readiness took ${took} ms`).toEqual([503, true]);
    }
    const [command, event] = await calls;
    expect(command.result).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    expect(command.took).toBeLessThan(22_000);
    expect(event.result).toBe(503);
    expect(event.took).toBeLessThan(7000);
    const ends = started.map(async (program) => {
      process.kill(program.pid, 'SIGTERM');
      return timed(program.exit);
    });
    for (const { took } of await Promise.all(ends)) expect(took).toBeLessThan(13_000);
  } finally {
    thaw();
  }
}, 300_000);

test('calls, events and queries are unavailable without a database, and work again with it', async () => {
  await using gate = await startGate(Number(new URL(programs.postgres.url).port));
  const behind = async (kind: string, schema: string) =>
    (await programs.database(kind, schema)).replace(/:\d+\//, `:${gate.port}/`);
  const { http, query } = await startAll(
    await behind('domain', 'away'),
    await behind('projection', 'away_list'),
  );
  gate.shut();
  const create = () => call(http, 'CreateItem', { requestId: 'r1', title: 'First' });
  expect(await create()).toMatchObject({ status: 503, code: 'unavailable' });
  expect([await sendEvent(query), await queryOf(query)]).toEqual([503, 503]);
  gate.open();
  expect(await create()).toMatchObject({ status: 200 });
  expect([await sendEvent(query), await queryOf(query)]).toEqual([204, 200]);
}, 300_000);
