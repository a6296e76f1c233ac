import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, type EngineJob, startEngine } from '../../support/services/engine.ts';
import { bodyOf, type LoopbackServer, serve } from '../../support/services/http.ts';
import { startKube } from '../../support/services/kube.ts';
import { freePort } from '../../support/services/ports.ts';
import { attempt, run } from '../../support/services/run.ts';
import { logTail, type Program, startProgram } from '../../support/services/service.ts';
import { go, scaffold, write } from './go-kinds-lab.ts';

// The program of a process, implemented as in test/reference, with an engine and somebody who does the work.

let folder: string;
let engine: Engine;
let work: LoopbackServer;
let program: Program;
let address: string;
const orders: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-process-'));
  const { files, reference } = await scaffold('process', 'parcels');
  await write(folder, files);
  await write(folder, reference);
  expect(await go(folder, ['build', '-o', join(folder, 'server'), './cmd/server'])).toMatchObject({
    code: 0,
    stderr: '',
  });
  engine = await startEngine();
  work = await serve(async (request, response) => {
    const { 'tenant-id': tenant, 'subject-id': subject, traceparent, authorization } = request.headers;
    orders.push(
      `${request.url} ${await bodyOf(request)} ${tenant} ${subject} ${traceparent} ${authorization}`,
    );
    response.writeHead(orders.length === 1 ? 503 : 204).end();
  });
  const tokens = join(folder, 'tokens');
  await writeFile(tokens, 'secret\n');
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const env = {
    ENGINE_URL: engine.url,
    ENGINE_AUTH: 'none',
    WORK_URL: `${work.url}/acme.v1.OrdersService/CreateOrder`,
    HTTP_ADDRESS: `127.0.0.1:${port}`,
    RETRY_BACKOFF: '7s',
    ENGINE_TENANTS: 'acme',
    ACCEPT_CALLERS: tokens,
    SERVICE_TOKEN_FILE: tokens,
  };
  await run(join(folder, 'server'), ['deploy'], { env });
  program = startProgram(join(folder, 'server'), ['serve'], { folder, name: 'serve', env });
  await until('readiness', async () => (await fetch(`${address}/readyz`)).status === 204);
}, 300_000);

afterAll(async () => {
  await program?.stop();
  await work?.close();
  await engine?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function until(what: string, happened: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(20)) {
    if (await Promise.resolve(happened()).catch(() => false)) return;
  }
  throw new Error(`${what} did not happen\n${logTail(program.logFile)}`);
}

const job = (jobKey: string, retries: number, variables: object): EngineJob => ({
  jobKey,
  type: 'parcels.work.request.v1',
  processInstanceKey: '22',
  elementId: 'RequestWork',
  elementInstanceKey: '33',
  tenantId: 'acme',
  retries,
  variables: { ...variables },
});

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A process of its own with other settings, on the same engine and service. */
async function startAnother(name: string, more: Readonly<Record<string, string>>): Promise<Program> {
  const tokens = join(folder, 'tokens');
  const started = startProgram(join(folder, 'server'), ['serve'], {
    folder,
    name,
    env: {
      ENGINE_URL: engine.url,
      ENGINE_AUTH: 'none',
      WORK_URL: work.url,
      HTTP_ADDRESS: '127.0.0.1:0',
      ENGINE_TENANTS: 'away',
      ACCEPT_CALLERS: tokens,
      SERVICE_TOKEN_FILE: tokens,
      ...more,
    },
  });
  return started;
}

test('an outage of the service makes no job an incident, in any way that it is away', async () => {
  let answer: 'refused' | 'hanging' | 503 | 429 | 401 | 204 = 503;
  const seen = new Set<string>();
  const flaky = await serve(async (request, response) => {
    if (answer === 'refused') return request.socket.destroy();
    if (answer === 'hanging') return;
    const { requestId } = JSON.parse(await bodyOf(request)) as { requestId: string };
    if (answer === 204) seen.add(requestId);
    response.writeHead(answer).end();
  });
  engine.redelivers = true;
  engine.reports.length = 0;
  const another = await startAnother('outage', {
    WORK_URL: flaky.url,
    RETRY_BACKOFF: '100ms',
    JOB_TIMEOUT: '1s',
    MAX_JOBS: '50',
  });
  try {
    const all = Array.from({ length: 50 }, (_, i) => String(1000 + i));
    for (const key of all)
      engine.jobs.push({
        ...job(key, 3, { title: 'First' }),
        tenantId: 'away',
        elementInstanceKey: key,
      });
    for (const how of [503, 429, 401, 'refused', 'hanging'] as const) {
      answer = how;
      const before = engine.reports.length;
      await until(`failures by ${how}`, () => engine.reports.length >= before + all.length);
    }
    answer = 204;
    const done = () => engine.reports.filter(({ verb }) => verb === 'completion');
    await until('the completions', () => done().length === all.length);
    expect(engine.reports.filter(({ verb, body }) => verb === 'failure' && body.retries !== 3)).toEqual([]);
    expect(new Set(done().map(({ jobKey }) => jobKey))).toEqual(new Set(all));
    expect(seen.size).toBe(all.length);
    expect(engine.faults).toEqual([]);
  } finally {
    engine.redelivers = false;
    engine.reports.length = 0;
    await another.stop();
    await flaky.close();
  }
}, 300_000);

test('deploys its model; does a job that failed again under the same id; takes in the message that it is done, once; leaves a job of Camunda 8.6 alone', async () => {
  expect(engine.deployed).toEqual([{ processIds: ['parcels'], tenant: 'acme' }]);

  const headers = {
    Authorization: 'Bearer secret',
    'Tenant-Id': 'acme',
    'Subject-Id': 'alice',
    Traceparent: TRACE,
  };
  const start = (tenant: string) =>
    fetch(`${address}/v1/messages/parcels.requested.v1`, {
      method: 'POST',
      headers: { ...headers, 'Tenant-Id': tenant },
      body: JSON.stringify({ messageId: 'r1', variables: { title: 'First' } }),
    });
  expect((await start('other')).status).toBe(403);
  expect((await start('acme')).status).toBe(204);
  const [started] = engine.messages.splice(0);
  const caller = { tenant: 'acme', subject: 'alice', traceparent: TRACE, tracestate: '' };
  expect(started).toMatchObject({ tenantId: 'acme', variables: { title: 'First', caller } });

  const variables = { title: 'First', caller };
  engine.jobs.push(job('1', 3, variables));
  await until('the failure', () => engine.reports.length === 1);
  const [failure] = engine.reports;
  // The service is away: the job has all its retries.
  expect(failure).toMatchObject({ jobKey: '1', verb: 'failure', body: { retries: 3 } });
  expect(failure?.body.retryBackOff).toBeGreaterThanOrEqual(7_000);
  expect(failure?.body.retryBackOff).toBeLessThan(9_000);

  engine.jobs.push(job('1', 3, variables));
  await until('the completion', () => engine.reports.length === 2);
  const { verb, body } = engine.reports[1] ?? {};
  const { work_id: id } = (body?.variables ?? {}) as { work_id?: string };
  expect({ verb, id }).toEqual({ verb: 'completion', id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  const order = `/acme.v1.OrdersService/CreateOrder {"requestId":"${id}","title":"First"} acme alice ${TRACE} Bearer secret`;
  expect(orders).toEqual([order, order]);

  const done = { messageId: id, correlationKey: id, variables: { parcel: 'p1' } };
  for (let sent = 0; sent < 2; sent += 1) {
    const { status } = await fetch(`${address}/v1/messages/parcels.work.completed.v1`, {
      method: 'POST',
      headers,
      body: JSON.stringify(done),
    });
    expect(status).toBe(204);
  }
  expect(engine.messages).toEqual([
    { name: 'parcels.work.completed.v1', tenantId: 'acme', timeToLive: 3_600_000, ...done },
  ]);

  engine.jobs.push(job('2', 3, { title: '' }));
  await until('the incident', () => engine.reports.length === 3);
  expect(engine.reports[2]).toMatchObject({ jobKey: '2', verb: 'failure', body: { retries: 0 } });

  const { jobKey: key, ...rest } = job('3', 3, { title: 'First' });
  engine.jobs.push({ key, ...rest } as unknown as EngineJob);
  await until('the complaint', () => logTail(program.logFile).includes('activated job without jobKey'));
  engine.jobs.push(job('4', 3, { title: '' }));
  await until('the next job', () => engine.reports.length === 4);
  expect(engine.reports[3]).toMatchObject({ jobKey: '4' });

  const traced = logTail(program.logFile)
    .split('\n')
    .filter((line) => line.includes('"outcome":"completed"'));
  expect(traced).toEqual([expect.stringContaining('"trace_id":"0af7651916cd43dd8448eb211c80319c"')]);

  await program.stop();
  expect(logTail(program.logFile)).toMatch(
    /"part":"readiness".*"part":"delay".*"part":"worker".*"part":"http"/s,
  );
  expect(engine.faults).toEqual([]);
}, 300_000);

test('accepts a service account of a real cluster by its token, and no other one', async () => {
  await using kube = await startKube({ publishes: true });
  for (const account of ['flow', 'other', 'parcels'])
    await kube.kubectl(['create', 'serviceaccount', account, '--namespace', 'default']);
  const tokenOf = async (account: string, audience?: string) =>
    (
      await kube.kubectl([
        ...['create', 'token', account, '--namespace', 'default', '--duration', '10m'],
        ...(audience === undefined ? [] : ['--audience', audience]),
      ])
    ).trim();
  const issuer = `https://127.0.0.1:${kube.address.port}`;
  const [callers, ownToken, listed] = ['callers.json', 'own-token', 'listed'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const accept = (more: object) =>
    writeFile(
      callers,
      JSON.stringify({
        tokens: { old: ['listed-token'] },
        issuers: [
          {
            issuer,
            audience: 'parcels',
            subjects: ['system:serviceaccount:default:flow'],
            caFile: kube.caFile,
            tokenFile: ownToken,
            ...more,
          },
        ],
      }),
    );
  await writeFile(ownToken, await tokenOf('parcels'));
  await writeFile(listed, 'listed-token\n');
  await accept({});
  const port = await freePort();
  const another = await startAnother('callers', {
    HTTP_ADDRESS: `127.0.0.1:${port}`,
    ACCEPT_CALLERS: callers,
    SERVICE_TOKEN_FILE: listed,
  });
  try {
    const status = async (token: string, messageId: string) => {
      const { status } = await fetch(`http://127.0.0.1:${port}/v1/messages/parcels.requested.v1`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Tenant-Id': 'away', 'Subject-Id': 'alice' },
        body: JSON.stringify({ messageId, variables: { title: 'First' } }),
      });
      return status;
    };
    await until('readiness', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 204);
    const flow = await tokenOf('flow', 'parcels');
    expect(await status(flow, 'k1')).toBe(204);
    expect(await status('listed-token', 'k2')).toBe(204);
    // As the kubelet does before a token ends.
    const renewed = await tokenOf('flow', 'parcels');
    expect(renewed).not.toBe(flow);
    expect(await status(renewed, 'k3')).toBe(204);
    expect(await status(await tokenOf('other', 'parcels'), 'k4')).toBe(401);
    expect(await status(await tokenOf('flow', 'orders'), 'k5')).toBe(401);
    // The one that the issuer itself takes is for nobody else.
    expect(await status(await tokenOf('flow'), 'k6')).toBe(401);
    expect(await status(`${flow.slice(0, -8)}AAAAAAAA`, 'k7')).toBe(401);
    // What the file lists is what is accepted, without a restart.
    await accept({ subjects: ['system:serviceaccount:default:other'] });
    expect(await status(flow, 'k8')).toBe(401);
    expect(await status(await tokenOf('other', 'parcels'), 'k9')).toBe(204);
    await writeFile(callers, '{}');
    expect(await status(flow, 'k10')).toBe(503);
  } finally {
    await another.stop();
    engine.messages.length = 0;
  }

  // At startup such a file is refused.
  const { code, stderr } = await attempt(join(folder, 'server'), ['serve'], {
    env: { ENGINE_URL: engine.url, ENGINE_AUTH: 'none', ACCEPT_CALLERS: callers, WORK_URL: work.url },
  });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/ACCEPT_CALLERS: .*neither/) });
}, 300_000);

test('answers its probes and ends in time while the engine hangs', async () => {
  const hanging = await serve(() => {});
  const port = await freePort();
  const another = await startAnother('hanging', {
    ENGINE_URL: hanging.url,
    HTTP_ADDRESS: `127.0.0.1:${port}`,
    DRAIN_TIMEOUT: '4s',
  });
  const probe = async (path: string) => {
    const started = performance.now();
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status, inTime: performance.now() - started < 1_500 };
  };
  try {
    await until('liveness', async () => (await probe('/livez')).status === 204);
    for (let asked = 0; asked < 3; asked += 1)
      expect(await probe('/readyz')).toEqual({ status: 503, inTime: true });
    expect(await probe('/livez')).toEqual({ status: 204, inTime: true });
  } finally {
    const started = performance.now();
    await another.stop();
    expect(performance.now() - started).toBeLessThan(6_000);
    await hanging.close();
  }
  expect(logTail(another.logFile)).toMatch(/"part":"worker".*"part":"http"/s);
  expect(logTail(another.logFile)).not.toContain('"level":"ERROR"');
}, 300_000);

test('does not start, and takes no job, while a handler is a stub', async () => {
  const fresh = join(folder, 'fresh');
  await write(fresh, (await scaffold('process', 'parcels')).files);
  expect(await go(fresh, ['build', '-o', join(fresh, 'server'), './cmd/server'])).toMatchObject({ code: 0 });
  const env = {
    ENGINE_URL: engine.url,
    ENGINE_AUTH: 'none',
    ACCEPT_CALLERS: 'anyone:acme',
    WORK_URL: work.url,
    HTTP_ADDRESS: '127.0.0.1:0',
  };
  engine.jobs.push(job('9', 3, { title: 'First' }));
  const { code, stderr } = await attempt(join(fresh, 'server'), ['serve'], { env });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('AMEIDE_SCAFFOLD: WorkRequestV1'),
  });
  expect(engine.jobs.map(({ jobKey }) => jobKey)).toEqual(['9']);
}, 300_000);
