import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSdk } from '../src/sdk/client.ts';
import { appWith, see } from './support/page.ts';
import { FakeService } from './support/service.ts';

/** Whatever protocol the SDK speaks, these hold. */
const NOT_AVAILABLE = { status: 502, text: ['Not available', 'A service behind this page does not answer.'] };

test('a service that cannot be reached is a bad gateway', async (context) => {
  const sdk = createSdk(new URL('http://127.0.0.1:1/'));
  context.after(() => sdk.close());

  const got = await see(await appWith(sdk).request('/'));

  assert.deepEqual(got, NOT_AVAILABLE);
});

test('a service that answers nonsense is a bad gateway', async (context) => {
  await using service = new FakeService((_, response) => response.end('<html>'));
  const sdk = createSdk(await service.url());
  context.after(() => sdk.close());

  const got = await see(await appWith(sdk).request('/'));

  assert.deepEqual(got, NOT_AVAILABLE);
});

test('a service that does not answer in time is a bad gateway', async (context) => {
  await using service = new FakeService(() => {});
  const sdk = createSdk(await service.url());
  context.after(() => sdk.close());

  const page = appWith(sdk, { sdkTimeoutSeconds: 0.2 }).request('/');
  const response = await Promise.race([page, sleep(10_000, undefined, { ref: false })]);

  assert.deepEqual(response && (await see(response)), NOT_AVAILABLE);
});
