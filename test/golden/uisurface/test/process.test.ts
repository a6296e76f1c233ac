import assert from 'node:assert/strict';
import { test } from 'node:test';
import { see } from './support/page.ts';
import { freePort, SurfaceProcess } from './support/process.ts';
import { FakeService } from './support/service.ts';

test('it starts and stops cleanly', async () => {
  const port = await freePort();
  await using surface = new SurfaceProcess({
    PORT: `${port}`,
    DRAIN_DELAY_SECONDS: '0',
    DRAIN_TIMEOUT_SECONDS: '10',
    SDK_URL: 'http://127.0.0.1:1/',
  });
  await surface.ready(`http://127.0.0.1:${port}`);

  surface.terminate();

  const { exitCode, records } = await surface.ended();
  const order = records.map(({ message }) => message).filter((message) => message !== 'request');
  assert.deepEqual({ exitCode, order }, { exitCode: 0, order: ['open', 'draining', 'closed'] });
});

test('it serves on for those who did not hear yet', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using surface = new SurfaceProcess({
    PORT: `${port}`,
    DRAIN_DELAY_SECONDS: '2',
    DRAIN_TIMEOUT_SECONDS: '10',
    SDK_URL: 'http://127.0.0.1:1/',
  });
  await surface.ready(url);

  surface.terminate();
  await new Promise((resolve) => setTimeout(resolve, 500));

  const [live, ready] = [await fetch(`${url}/livez`), await fetch(`${url}/readyz`)];
  const { exitCode } = await surface.ended();
  assert.deepEqual(
    { live: live.status, ready: ready.status, exitCode },
    { live: 200, ready: 503, exitCode: 0 },
  );
});

test('requests in flight end before it stops', async () => {
  await using service = new FakeService(() => {});
  const port = await freePort();
  await using surface = new SurfaceProcess({
    PORT: `${port}`,
    DRAIN_DELAY_SECONDS: '0',
    DRAIN_TIMEOUT_SECONDS: '10',
    SDK_URL: (await service.url()).href,
  });
  await surface.ready(`http://127.0.0.1:${port}`);

  // The service is asked, and hangs up only after the surface was told to stop.
  const asked = service.asked();
  const response = fetch(`http://127.0.0.1:${port}/`);
  await Promise.race([asked, response]);
  surface.terminate();
  await new Promise((resolve) => setTimeout(resolve, 500));
  service.hangUp();

  const got = await see(await response);
  const { exitCode } = await surface.ended();
  assert.deepEqual(
    { ...got, exitCode },
    { status: 502, text: ['Not available', 'A service behind this page does not answer.'], exitCode: 0 },
  );
});

test('it says which variables are missing', async () => {
  await using surface = new SurfaceProcess({ PORT: '8080' });

  const { exitCode, records } = await surface.ended();
  assert.deepEqual(
    { exitCode, records: records.map(({ level, message }) => ({ level, message })) },
    {
      exitCode: 2,
      records: [
        {
          level: 'error',
          message:
            'configuration: DRAIN_DELAY_SECONDS: is required but not set; ' +
            'DRAIN_TIMEOUT_SECONDS: is required but not set; SDK_URL: is required but not set',
        },
      ],
    },
  );
});
