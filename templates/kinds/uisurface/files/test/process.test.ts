import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { TEXT } from '../src/pages/text.ts';
import { see } from './support/page.ts';
import { SurfaceProcess } from './support/process.ts';
import { FakeService } from './support/service.ts';

const ENVIRONMENT = {
  PORT: '0',
  DRAIN_TIMEOUT_SECONDS: '20',
  COMMANDS_URL: 'http://127.0.0.1:1/',
  QUERIES_URL: 'http://127.0.0.1:1/',
  SDK_TIMEOUT_SECONDS: '60',
  ACCEPT_PROXY: 'anyone:acme',
  ANONYMOUS_TENANT: 'local',
};

test('starts and stops cleanly', async () => {
  await using surface = new SurfaceProcess(ENVIRONMENT);
  const response = await fetch(`${await surface.open()}/readyz`);

  surface.terminate();

  const { exitCode, records } = await surface.ended();
  assert.deepEqual(
    { ready: response.status, exitCode, order: records.map(({ message }) => message) },
    { ready: 200, exitCode: 0, order: ['open', 'draining', 'closing', 'closed'] },
  );
});

test('keeps serving during the drain delay', async () => {
  await using surface = new SurfaceProcess({ ...ENVIRONMENT, DRAIN_DELAY_SECONDS: '20' });
  const url = await surface.open();

  surface.terminate();
  await surface.logged('draining');

  const [live, ready] = [await fetch(`${url}/livez`), await fetch(`${url}/readyz`)];
  // A second signal ends the delay early.
  surface.terminate();
  const { exitCode } = await surface.ended();
  assert.deepEqual(
    { live: live.status, ready: ready.status, exitCode },
    { live: 200, ready: 503, exitCode: 0 },
  );
});

test('finishes requests in flight before it stops', async () => {
  await using service = new FakeService(() => {});
  await using surface = new SurfaceProcess({ ...ENVIRONMENT, QUERIES_URL: (await service.url()).href });
  const url = await surface.open();

  // The service receives the call, and closes the connection only after the surface stops accepting requests.
  const asked = service.asked();
  const response = fetch(url);
  await Promise.race([asked, response]);
  surface.terminate();
  await surface.logged('closing');
  service.hangUp();

  const got = await see(await response);
  assert.deepEqual(got, { status: 502, text: [...TEXT.problem.unavailable, TEXT.problem.home] });
  await stoppedInTime(surface);
});

test('closes idle connections on stop', async () => {
  await using surface = new SurfaceProcess(ENVIRONMENT);
  const { port } = new URL(await surface.open());
  const ahead = connect(Number(port), '127.0.0.1').on('error', () => {});
  await once(ahead, 'connect');

  surface.terminate();

  await stoppedInTime(surface);
});

test('reports missing variables', async () => {
  await using surface = new SurfaceProcess({ PORT: '8080', SDK_TIMEOUT_SECONDS: '5' });

  const { exitCode, records } = await surface.ended();
  assert.deepEqual(
    { exitCode, records: records.map(({ level, message }) => ({ level, message })) },
    {
      exitCode: 2,
      records: [
        {
          level: 'error',
          message:
            'configuration: COMMANDS_URL: is required but not set; QUERIES_URL: is required but not set; ' +
            'ACCEPT_PROXY: is required but not set',
        },
      ],
    },
  );
});

test('logs a fatal error', async () => {
  await using taken = new FakeService(() => {});
  await using surface = new SurfaceProcess({ ...ENVIRONMENT, PORT: (await taken.url()).port });

  const { exitCode, records } = await surface.ended();
  assert.deepEqual(
    { exitCode, records: records.map(({ level, message, err }) => [level, message, err?.code]) },
    { exitCode: 1, records: [['fatal', 'fatal error', 'EADDRINUSE']] },
  );
});

/** Asserts that the process stopped cleanly and before its timeout. */
async function stoppedInTime(surface: SurfaceProcess): Promise<void> {
  const [closing, closed] = [await surface.logged('closing'), await surface.logged('closed')];
  const seconds = (Date.parse(`${closed.time}`) - Date.parse(`${closing.time}`)) / 1000;
  assert.ok(seconds < Number(ENVIRONMENT.DRAIN_TIMEOUT_SECONDS), `stopping took ${seconds} seconds`);
  assert.equal((await surface.ended()).exitCode, 0);
}
