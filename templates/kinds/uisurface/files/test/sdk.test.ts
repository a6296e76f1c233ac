import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TEXT } from '../src/pages/text.ts';
import { createSdk } from '../src/sdk/client.ts';
import { callHeaders } from '../src/sdk/headers.ts';
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

test('sends caller, trace and service token', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  const trace = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: 'vendor=1' };
  const caller = { tenant: 'acme', subject: 'ann', ...trace, signal: AbortSignal.timeout(1000) };
  const headers = callHeaders(file);

  await writeFile(file, 'first\n');
  const first = Object.fromEntries(await headers(caller));
  await writeFile(file, 'second\n');
  const second = await headers(caller);

  assert.deepEqual(first, { ...ANN, ...trace, authorization: 'Bearer first' });
  assert.equal(second.get('authorization'), 'Bearer second');
});
