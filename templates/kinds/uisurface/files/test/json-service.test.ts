import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import { callHeaders } from '../src/sdk/headers.ts';
import { jsonService } from '../src/sdk/json-service.ts';
import type { Caller } from '../src/sdk/sdk.ts';
import { ANN } from './support/page.ts';
import { FakeService } from './support/service.ts';

const CALLER: Caller = {
  tenant: 'acme',
  subject: 'ann',
  traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  tracestate: undefined,
  signal: AbortSignal.timeout(10_000),
};
const asIs = (value: unknown) => value;

/** The name of the error of a call that a service answers like this. */
async function errorOf(answer: RequestListener, read: (value: unknown) => unknown = asIs): Promise<string> {
  await using service = new FakeService(answer);
  const { call } = jsonService(await service.url(), callHeaders(undefined));
  const error: unknown = await call('acme.v1.Orders/Get', {}, read, CALLER).catch((thrown) => thrown);
  return error instanceof Error ? error.name : 'none';
}

test('calls a method with the headers of the caller', async () => {
  const requests: unknown[] = [];
  await using service = new FakeService(async ({ method, url, headers }, response) => {
    const { 'tenant-id': tenant, 'subject-id': subject, traceparent } = headers;
    requests.push([method, url, tenant, subject, traceparent, headers['content-type']]);
    response.end('{"id":"1"}');
  });
  const base = new URL('below/', await service.url());
  const { call, get } = jsonService(base, callHeaders(undefined));

  const got = [await call('acme.v1.Orders/Get', { id: '1' }, asIs, CALLER), await get('a?b=c', asIs, CALLER)];

  const sent = [ANN['tenant-id'], ANN['subject-id'], CALLER.traceparent];
  assert.deepEqual(got, [{ id: '1' }, { id: '1' }]);
  assert.deepEqual(requests, [
    ['POST', '/below/acme.v1.Orders/Get', ...sent, 'application/json'],
    ['GET', '/below/a?b=c', ...sent, undefined],
  ]);
});

test('throws the error that the code of a response names', async () => {
  const wanted = {
    invalid_argument: 'InputError',
    permission_denied: 'DeniedError',
    not_found: 'NotFoundError',
    already_exists: 'ConflictError',
    aborted: 'ConflictError',
    unauthenticated: 'SdkError',
    unavailable: 'SdkError',
  };

  const got = await Promise.all(
    Object.keys(wanted).map(async (code) => [
      code,
      await errorOf((_, response) => response.writeHead(400).end(JSON.stringify({ code }))),
    ]),
  );

  assert.deepEqual(Object.fromEntries(got), wanted);
});

test('takes a response without a code by its status', async () => {
  const wanted = [
    [400, 'InputError'],
    [401, 'SdkError'],
    [403, 'DeniedError'],
    // A wrong address, and nothing that a user asked for.
    [404, 'SdkError'],
    [500, 'SdkError'],
  ] as const;

  const got = await Promise.all(
    wanted.map(async ([status]) => [
      status,
      await errorOf((_, response) => response.writeHead(status).end('<html>')),
    ]),
  );

  assert.deepEqual(got, wanted);
});

test('does not follow redirects, and rejects what it cannot read', async () => {
  const redirected = await errorOf((_, response) => response.writeHead(307, { location: '/' }).end());
  const unreadable = await errorOf(
    (_, response) => response.end('{}'),
    () => {
      throw new TypeError('Order.id: undefined in place of string');
    },
  );

  assert.deepEqual([redirected, unreadable], ['SdkError', 'SdkError']);
});
