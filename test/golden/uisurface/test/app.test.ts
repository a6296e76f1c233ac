import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError, InputError, SdkError, SignInError } from '../src/sdk/sdk.ts';
import { FakeSdk } from './support/fake-sdk.ts';
import { recorder } from './support/log.ts';
import { ANN, appWith, see } from './support/page.ts';

/** What a browser sends along with a form of this surface. */
const OWN_FORM = { ...ANN, 'sec-fetch-site': 'same-origin' };
const NAME = 'orders';
const ROWS = [
  { id: '1', title: 'First' },
  { id: '2', title: 'Second' },
];
const TRACEPARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;

test('the home page lists titles', async () => {
  const app = appWith(new FakeSdk(ROWS));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, { status: 200, text: [NAME, 'First', 'Second'] });
});

test('the home page says when there is nothing', async () => {
  const app = appWith(new FakeSdk([]));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, { status: 200, text: [NAME, 'Nothing here yet.'] });
});

test('the home page leads to the rest of a long list', async () => {
  const sdk = new FakeSdk(ROWS, 'a b');
  const app = appWith(sdk);

  const first = await app.request('/', { headers: ANN });
  const [, link = ''] = /href="(\/\?[^"]*)"/.exec(await first.clone().text()) ?? [];
  const got = await see(first);
  await app.request(link, { headers: ANN });

  assert.deepEqual(
    { ...got, after: sdk.after },
    { status: 200, text: [NAME, 'First', 'Second', 'More'], after: [undefined, 'a b'] },
  );
});

test('the home page shows markup in a title as text', async () => {
  const title = `<img src=x onerror="alert('1')"> & more`;
  const app = appWith(new FakeSdk([{ id: '1', title }]));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, { status: 200, text: [NAME, title] });
});

test('the home page asks in the name of its caller', async () => {
  const sdk = new FakeSdk(ROWS);
  const trace = { traceparent: TRACEPARENT, tracestate: 'vendor=1' };

  const got = await see(await appWith(sdk).request('/', { headers: { ...ANN, ...trace } }));

  const callers = sdk.callers.map(({ signal: _, ...rest }) => rest);
  assert.deepEqual(
    { ...got, callers },
    { status: 200, text: [NAME, 'First', 'Second'], callers: [{ tenant: 'acme', subject: 'ann', ...trace }] },
  );
});

test('the form is sent on in the name of its caller, and the browser goes on', async () => {
  const sdk = new FakeSdk(ROWS);
  const app = appWith(sdk);
  const page = await (await app.request('/new', { headers: ANN })).text();
  const [, requestId = ''] = /name="requestId" value="([^"]+)"/.exec(page) ?? [];

  const response = await app.request('/new', {
    method: 'POST',
    headers: OWN_FORM,
    body: new URLSearchParams({ requestId, title: ' Third ' }),
  });

  assert.deepEqual(
    [response.status, response.headers.get('location'), sdk.created, sdk.callers.map(({ tenant }) => tenant)],
    [303, '/', [{ requestId, title: 'Third' }], ['acme']],
  );
});

test('a form with a fault is shown again with what was entered', async () => {
  const sdk = new FakeSdk(ROWS);
  const titles = [`"<b>${'x'.repeat(200)}`, ' ', 'bell \u0007', '"<b>xxx'];
  const refusing = new FakeSdk(new InputError('title has a word that 10.0.0.1 does not like'));
  const got = titles.map(async (title, nth) => {
    const body = new URLSearchParams({ requestId: '1', title });
    const app = appWith(nth < 3 ? sdk : refusing);
    const response = await app.request('/new', { method: 'POST', headers: OWN_FORM, body });
    const page = await response.clone().text();
    return { ...(await see(response)), kept: page.includes('value="&quot;&lt;b&gt;xxx') };
  });

  const form = ['New order', 'Title', 'Create'];
  assert.deepEqual(await Promise.all(got), [
    { status: 400, text: [...form, 'The title is too long.'], kept: true },
    { status: 400, text: [...form, 'The title is missing.'], kept: false },
    { status: 400, text: [...form, 'The title has a control character.'], kept: false },
    { status: 400, text: [...form, 'The title is not accepted.'], kept: true },
  ]);
  assert.deepEqual(sdk.created, []);
});

test('a form that is too large is refused', async () => {
  const body = new URLSearchParams({ title: 'x'.repeat(20_000) });

  const got = await see(
    await appWith(new FakeSdk([])).request('/new', { method: 'POST', headers: OWN_FORM, body }),
  );

  assert.deepEqual(got, { status: 413, text: ['Payload Too Large', 'This request is refused.'] });
});

test('what is no form is refused', async () => {
  const app = appWith(new FakeSdk([]));
  const types = ['application/json', 'multipart/form-data', 'multipart/form-data; boundary=a', 'text/plain'];

  const got = await Promise.all(
    types.map(async (type) => {
      const headers = { ...OWN_FORM, 'content-type': type };
      return see(await app.request('/new', { method: 'POST', headers, body: 'x' }));
    }),
  );

  const refused = { status: 400, text: ['Bad Request', 'This request is refused.'] };
  assert.deepEqual(
    got,
    types.map(() => refused),
  );
});

test('who is not known is asked to sign in', async () => {
  const app = appWith(new FakeSdk(ROWS));
  const unknown = await see(await app.request('/'));
  const empty = await see(await app.request('/', { headers: { 'tenant-id': '' } }));
  const form = await see(await app.request('/new'));
  const expired = await see(
    await appWith(new FakeSdk(new SignInError('token'))).request('/', { headers: ANN }),
  );

  const page = { status: 401, text: ['Sign in', 'This page needs to know who you are.'] };
  assert.deepEqual([unknown, empty, form, expired], [page, page, page, page]);
});

test('where there is a place to sign in, who is not known is sent there', async () => {
  const signIn = { url: new URL('https://id.acme.example/start'), anonymousTenant: undefined };

  const response = await appWith(new FakeSdk(ROWS), { signIn }).request('/?page=2');

  assert.deepEqual(
    [response.status, response.headers.get('location')],
    [303, 'https://id.acme.example/start?rd=%2F'],
  );
});

test('who has a name that no service takes is refused', async () => {
  const app = appWith(new FakeSdk(ROWS));
  const callers = [{ 'tenant-id': 'acme inc' }, { ...ANN, 'subject-id': 'J\u00fcrgen' }];

  const got = await Promise.all(callers.map(async (headers) => see(await app.request('/', { headers }))));

  const refused = { status: 400, text: ['Bad Request', 'This request is refused.'] };
  assert.deepEqual(got, [refused, refused]);
});

test('who is not known may have a tenant', async () => {
  const sdk = new FakeSdk(ROWS);
  const signIn = { url: undefined, anonymousTenant: 'local' };

  await appWith(sdk, { signIn }).request('/');

  assert.deepEqual(
    sdk.callers.map(({ tenant, subject }) => [tenant, subject]),
    [['local', undefined]],
  );
});

test('a service that fails is a bad gateway, and its words are not shown', async () => {
  const app = appWith(new FakeSdk(new SdkError('10.0.0.1 refused the connection')));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, {
    status: 502,
    text: ['Not available', 'A service behind this page does not answer.'],
  });
});

test('a caller whom a service refuses is told so, and its words are not shown', async () => {
  const app = appWith(new FakeSdk(new DeniedError('no role "clerk" in tenant 7')));

  const got = await see(await app.request('/', { headers: ANN }));

  assert.deepEqual(got, { status: 403, text: ['Not allowed', 'You may not see this.'] });
});

test('a mistake of ours is an internal error, and its words are not shown', async () => {
  const app = appWith(new FakeSdk(new TypeError('list is not iterable')));

  const got = await see(await app.request('/', { headers: ANN }));

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

test('pages are not kept by caches', async () => {
  const { headers } = await appWith(new FakeSdk([])).request('/nowhere');

  assert.equal(headers.get('cache-control'), 'no-store');
});

test('the style sheet is sent again only when it has changed', async () => {
  const app = appWith(new FakeSdk([]));

  const first = await app.request('/style.css');
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
  const second = await app.request('/style.css', { headers });

  assert.deepEqual(
    [first.status, first.headers.get('content-type'), second.status],
    [200, 'text/css; charset=utf-8', 304],
  );
});

test('forms of other sites are refused', async () => {
  const sdk = new FakeSdk([]);
  const post = (site: string) =>
    appWith(sdk).request('/new', {
      method: 'POST',
      headers: { ...ANN, 'sec-fetch-site': site },
      body: new URLSearchParams({ title: 'Third' }),
    });

  const refused = await see(await post('cross-site'));
  const taken = await post('same-origin');

  assert.deepEqual(
    { refused, taken: taken.status, created: sdk.created.length },
    { refused: { status: 403, text: ['Forbidden', 'This request is refused.'] }, taken: 303, created: 1 },
  );
});

test('a failed request is one record, with its caller, its trace and its cause', async () => {
  const { log, records } = recorder();
  const cause = new Error('10.0.0.1 refused the connection');
  const app = appWith(new FakeSdk(new SdkError('no answer', { cause })), { log });

  await app.request('/?name=value', { headers: { ...ANN, cookie: 'token', traceparent: TRACEPARENT } });

  const got = records.map(({ level, method, path, status, trace_id, tenant, subject, err }) => {
    return { level, method, path, status, trace_id, tenant, subject, cause: err?.message };
  });
  assert.deepEqual(got, [
    {
      level: 'error',
      method: 'GET',
      path: '/',
      status: 502,
      trace_id: '1'.repeat(32),
      tenant: 'acme',
      subject: 'ann',
      cause: 'no answer: 10.0.0.1 refused the connection',
    },
  ]);
  assert.doesNotMatch(JSON.stringify(records), /token|value/);
});

test('a request without a trace, or with a broken one, begins its own', async () => {
  const { log, records } = recorder();
  const app = appWith(new FakeSdk([]), { log });

  await app.request('/nowhere');
  await app.request('/nowhere', { headers: { traceparent: `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01` } });

  const [first, second] = records.map(({ trace_id }) => String(trace_id));
  assert.match(`${first} ${second}`, /^[0-9a-f]{32} [0-9a-f]{32}$/);
  assert.notEqual(first, second);
});

test('a caller who hangs up is no failure, and ends the calls to services', async () => {
  const { log, records } = recorder();
  const sdk = new FakeSdk('silence');
  const browser = new AbortController();
  const response = appWith(sdk, { log }).request('/', { headers: ANN, signal: browser.signal });

  browser.abort('hung up');

  await response;
  const logged = records.map(({ level, status }) => ({ level, status }));
  const ended = sdk.callers.map(({ signal }) => signal.reason);
  assert.deepEqual({ logged, ended }, { logged: [{ level: 'info', status: 499 }], ended: ['hung up'] });
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
  const app = appWith(new FakeSdk([]), { lifecycle: { draining: true } });

  const got = [await app.request('/livez'), await app.request('/readyz')];

  assert.deepEqual(
    got.map(({ status }) => status),
    [200, 503],
  );
});
