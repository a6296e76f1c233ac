import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, type EngineJob, startEngine } from '../../support/services/engine.ts';
import { bodyOf, type LoopbackServer, serve } from '../../support/services/http.ts';
import { freePort } from '../../support/services/ports.ts';
import { run } from '../../support/services/run.ts';
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
    orders.push(`${request.method} ${request.url} ${await bodyOf(request)}`);
    response.writeHead(orders.length === 1 ? 503 : 204).end();
  });
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const env = {
    ENGINE_URL: engine.url,
    ENGINE_AUTH: 'none',
    WORK_URL: `${work.url}/orders`,
    HTTP_ADDRESS: `127.0.0.1:${port}`,
    LOG_LEVEL: 'INFO',
    MAX_JOBS: '4',
    JOB_TIMEOUT: '1m',
    MESSAGE_TTL: '1h',
    DRAIN_DELAY: '0s',
    DRAIN_TIMEOUT: '10s',
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

test('deploys its model; does a job that failed again under the same id; takes in the message that it is done, once; leaves a job of Camunda 8.6 alone', async () => {
  expect(engine.deployed.map(({ processId }) => processId)).toEqual(['parcels']);

  engine.jobs.push(job('1', 3, { subject: 'item/i1' }));
  await until('the failure', () => engine.reports.length === 1);
  const [failure] = engine.reports;
  expect(failure).toMatchObject({ jobKey: '1', verb: 'failure', body: { retries: 2, retryBackOff: 10_000 } });

  engine.jobs.push(job('1', 2, { subject: 'item/i1' }));
  await until('the completion', () => engine.reports.length === 2);
  const { verb, body } = engine.reports[1] ?? {};
  const { work_id: id } = (body?.variables ?? {}) as { work_id?: string };
  expect({ verb, id }).toEqual({ verb: 'completion', id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  const order = `PUT /orders/${id} {"id":"${id}","tenant":"acme","subject":"item/i1"}`;
  expect(orders).toEqual([order, order]);

  const done = { messageId: id, correlationKey: id, variables: { parcel: 'p1' } };
  for (let sent = 0; sent < 2; sent += 1) {
    const { status } = await fetch(`${address}/v1/messages/parcels.work.completed.v1`, {
      method: 'POST',
      body: JSON.stringify(done),
    });
    expect(status).toBe(204);
  }
  expect(engine.messages).toEqual([{ name: 'parcels.work.completed.v1', timeToLive: 3_600_000, ...done }]);

  engine.jobs.push(job('2', 3, { subject: '' }));
  await until('the incident', () => engine.reports.length === 3);
  expect(engine.reports[2]).toMatchObject({ jobKey: '2', verb: 'failure', body: { retries: 0 } });

  const { jobKey: key, ...rest } = job('3', 3, { subject: 'item/i1' });
  engine.jobs.push({ key, ...rest } as unknown as EngineJob);
  await until('the complaint', () => logTail(program.logFile).includes('a job came without jobKey'));
  engine.jobs.push(job('4', 3, { subject: '' }));
  await until('the next job', () => engine.reports.length === 4);
  expect(engine.reports[3]).toMatchObject({ jobKey: '4' });

  await program.stop();
  expect(logTail(program.logFile)).toMatch(
    /"part":"readiness".*"part":"delay".*"part":"worker".*"part":"http"/s,
  );
  expect(engine.faults).toEqual([]);
}, 300_000);
