import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TEXT } from '../src/pages/text.ts';
import { callHeaders } from '../src/platform/headers.ts';
import { createSdk } from '../src/sdk/client.ts';
import { ANN, appWith, see } from './support/page.ts';
import { FakeService } from './support/service.ts';

/** These tests hold for any protocol of the SDK. */
const NOT_AVAILABLE = { status: 502, text: [...TEXT.problem.unavailable, TEXT.problem.home] };

function sdkOf(url: URL, context: TestContext) {
  const sdk = createSdk({ commandsUrl: url, queriesUrl: url, headers: callHeaders(undefined) });
  context.after(() => sdk.close());
  return sdk;
}

test('returns 502 if a service is unreachable', async (context) => {
  const app = appWith(sdkOf(new URL('http://127.0.0.1:1/'), context));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, NOT_AVAILABLE);
});

test('returns 502 if a response is malformed', async (context) => {
  await using service = new FakeService((_, response) => response.end('<html>'));
  const app = appWith(sdkOf(await service.url(), context));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, NOT_AVAILABLE);
});

test('returns 502 if a service rejects the token', async (context) => {
  await using service = new FakeService((_, response) => response.writeHead(401).end('{}'));
  const app = appWith(sdkOf(await service.url(), context));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, NOT_AVAILABLE);
});

test('returns 502 if a service times out', async (context) => {
  await using service = new FakeService(() => {});
  const app = appWith(sdkOf(await service.url(), context), { sdkTimeoutSeconds: 0.2 });

  const page = app.request('/', { headers: ANN });
  const response = await Promise.race([page, sleep(10_000, undefined, { ref: false })]);

  assert.deepEqual(response && (await see(response)), NOT_AVAILABLE);
});
