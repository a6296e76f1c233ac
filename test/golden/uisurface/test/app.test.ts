import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SdkError } from '../src/sdk/sdk.ts';
import { FakeSdk } from './support/fake-sdk.ts';
import { appWith, see } from './support/page.ts';

const NAME = 'orders';
const ITEMS = [
  { id: '1', title: 'First' },
  { id: '2', title: 'Second' },
];

test('the home page shows the items', async () => {
  const app = appWith(new FakeSdk(ITEMS));

  const got = await see(await app.request('/'));

  assert.deepEqual(got, { status: 200, text: [NAME, 'First', 'Second'] });
});

test('the home page says when there is nothing', async () => {
  const app = appWith(new FakeSdk([]));

  const got = await see(await app.request('/'));

  assert.deepEqual(got, { status: 200, text: [NAME, 'Nothing here yet.'] });
});

test('the home page shows markup in a title as text', async () => {
  const title = `<img src=x onerror="alert('1')"> & more`;
  const app = appWith(new FakeSdk([{ id: '1', title }]));

  const got = await see(await app.request('/'));

  assert.deepEqual(got, { status: 200, text: [NAME, title] });
});

test('the home page asks in the name of its caller', async () => {
  const sdk = new FakeSdk(ITEMS);
  const headers = { authorization: 'Bearer token', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` };

  const got = await see(await appWith(sdk).request('/', { headers }));

  const callers = sdk.callers.map(({ authorization, traceparent }) => ({ authorization, traceparent }));
  assert.deepEqual({ ...got, callers }, { status: 200, text: [NAME, 'First', 'Second'], callers: [headers] });
});

test('a service that fails is a bad gateway, and its words are not shown', async () => {
  const app = appWith(new FakeSdk(new SdkError('10.0.0.1 refused the connection')));

  const got = await see(await app.request('/'));

  assert.deepEqual(got, {
    status: 502,
    text: ['Not available', 'A service behind this page does not answer.'],
  });
});

test('a mistake of ours is an internal error, and its words are not shown', async () => {
  const app = appWith(new FakeSdk(new TypeError('items is not iterable')));

  const got = await see(await app.request('/'));

  assert.deepEqual(got, { status: 500, text: ['Something went wrong', 'This is our mistake, not yours.'] });
});

test('a page that does not exist is not found', async () => {
  const got = await see(await appWith(new FakeSdk([])).request('/nowhere'));

  assert.deepEqual(got, { status: 404, text: ['Not found', 'There is no such page.'] });
});

test('pages run no scripts and cannot be framed', async () => {
  const { headers } = await appWith(new FakeSdk([])).request('/nowhere');

  assert.equal(
    headers.get('content-security-policy'),
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; " +
      "frame-ancestors 'none'; base-uri 'none'",
  );
});

test('the style sheet is served', async () => {
  const response = await appWith(new FakeSdk([])).request('/style.css');

  assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/css; charset=utf-8']);
});

test('it is live and ready', async () => {
  const app = appWith(new FakeSdk([]));

  const got = [await app.request('/livez'), await app.request('/readyz')];

  assert.deepEqual(
    got.map(({ status }) => status),
    [200, 200],
  );
});

test('it is live but not ready while draining', async () => {
  const app = appWith(new FakeSdk([]), { draining: true });

  const got = [await app.request('/livez'), await app.request('/readyz')];

  assert.deepEqual(
    got.map(({ status }) => status),
    [200, 503],
  );
});
