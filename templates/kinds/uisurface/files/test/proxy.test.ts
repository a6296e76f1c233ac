import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { TEXT } from '../src/pages/text.ts';
import type { AcceptProxy } from '../src/proxy.ts';
import { serve } from '../src/server.ts';
import { FakeSdk } from './support/fake-sdk.ts';
import { recorder } from './support/log.ts';
import { ANN, appWith, see } from './support/page.ts';
import { FakeService } from './support/service.ts';

const FORM = `/new?request=${'1'.repeat(36)}`;
const { problem } = TEXT;
const REJECTED = { status: 401, text: ['Unauthorized', problem.rejected, problem.home] };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A file with tokens, and the application that accepts them. */
async function byTokens(context: TestContext, tokens: string) {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tokens');
  await writeFile(file, tokens);
  const { log, records } = recorder();
  return { file, app: appWith(new FakeSdk([]), { acceptProxy: { by: 'tokens', file }, log }), records };
}

test('accepts the tokens that are in the file now', async (context) => {
  const { app, file } = await byTokens(context, 'first\nsecond\n');
  const statuses = async () => {
    const responses = ['first', 'second', 'third'].map((token) =>
      app.request(FORM, { headers: { ...ANN, ...bearer(token) } }),
    );
    return (await Promise.all(responses)).map(({ status }) => status);
  };

  const before = await statuses();
  await writeFile(file, 'second\nthird\n');
  const after = await statuses();

  assert.deepEqual(
    [before, after],
    [
      [200, 200, 401],
      [401, 200, 200],
    ],
  );
});

test('rejects requests that are not from the proxy', async (context) => {
  const { app, records } = await byTokens(context, 'first\n');
  const others = [{}, bearer(''), bearer('firs'), bearer('first first'), { authorization: 'Basic first' }];

  const got = await Promise.all(
    others.map(async (other) => see(await app.request(FORM, { headers: { ...ANN, ...other } }))),
  );
  const probe = await app.request('/livez');

  assert.deepEqual(
    got,
    others.map(() => REJECTED),
  );
  assert.equal(probe.status, 200);
  const logged = new Set(records.map(({ tenant, err }) => `${tenant}: ${err?.message}`));
  assert.deepEqual([...logged], ['undefined: the request has no token of ACCEPT_PROXY']);
});

test('returns 500 while the file has no token or is missing', async (context) => {
  const { app, file, records } = await byTokens(context, '\n');
  const headers = { ...ANN, ...bearer('') };

  const empty = await see(await app.request(FORM, { headers }));
  await rm(file);
  const missing = await see(await app.request(FORM, { headers }));

  const failed = { status: 500, text: [...problem.failed, problem.home] };
  assert.deepEqual([empty, missing], [failed, failed]);
  assert.match(records.map(({ err }) => err?.message).join(), /has no token,ENOENT/);
});

test('denies anyone another tenant', async () => {
  const sdk = new FakeSdk([]);
  const app = appWith(sdk, { acceptProxy: { by: 'anyone', tenant: 'acme' } });

  const got = await Promise.all(
    ['acme', 'other', 'Acme'].map(async (tenant) => {
      const { status } = await app.request(FORM, { headers: { ...ANN, 'tenant-id': tenant } });
      return status;
    }),
  );

  assert.deepEqual(got, [200, 403, 403]);
});

test('rejects repeated headers', async (context) => {
  const { file } = await byTokens(context, 'first\n');
  const server = await serve(appWith(new FakeSdk([]), { acceptProxy: { by: 'tokens', file } }), 0);
  context.after(() => server.stop(1));
  const statusOf = async (...headers: readonly string[]) => {
    const sent = request({ port: server.port, path: FORM, headers: ['Host', 'localhost', ...headers] });
    const [response] = (await once(sent.end(), 'response')) as [IncomingMessage];
    return response.resume().statusCode;
  };

  const token = ['Authorization', 'Bearer first'];
  const tenant = ['Tenant-Id', 'acme'];
  assert.deepEqual(
    [
      await statusOf(...token, ...tenant),
      await statusOf(...token, ...tenant, 'Tenant-Id', 'other'),
      await statusOf(...token, 'Authorization', 'Bearer other', ...tenant),
    ],
    [200, 400, 401],
  );
});

/** An issuer with one key, and the application that accepts its tokens. */
async function byKeys(context: TestContext) {
  const keyOf = async (kid: string) => ({ kid, ...(await generateKeyPair('ES256')) });
  let key = await keyOf('1');
  const issuer = { requests: 0, available: true };
  const service = new FakeService(async (_, response) => {
    issuer.requests += 1;
    if (!issuer.available) response.statusCode = 503;
    const keys = [{ ...(await exportJWK(key.publicKey)), kid: key.kid }];
    response.end(JSON.stringify({ keys }));
  });
  context.after(() => service[Symbol.asyncDispose]());
  const accept = { issuer: 'https://id.acme.example', audience: 'shop', tenantClaim: 'tenantId' };
  const acceptProxy: AcceptProxy = { by: 'keys', url: await service.url(), ...accept };
  const sdk = new FakeSdk([]);
  const tokenOf = (claims: JWTPayload = {}, signedBy = key) =>
    new SignJWT({
      iss: accept.issuer,
      aud: accept.audience,
      sub: 'ann',
      tenantId: 'acme',
      exp: Math.floor(Date.now() / 1000) + 3600,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: signedBy.kid })
      .sign(signedBy.privateKey);
  const get = async (token: string | undefined, headers = {}) => {
    const sent = token === undefined ? headers : { ...headers, ...bearer(token) };
    return appWithKeys.request(FORM, { headers: sent });
  };
  const { log, records } = recorder();
  const appWithKeys = appWith(sdk, { acceptProxy, log });
  const replaceKey = async () => {
    key = await keyOf('2');
  };
  return { issuer, get, tokenOf, keyOf, replaceKey, records };
}

test('takes the user from the claims of a token, not from headers', async (context) => {
  const { get, tokenOf, records } = await byKeys(context);

  const { status } = await get(await tokenOf(), { 'tenant-id': 'victim', 'subject-id': 'eve' });

  assert.deepEqual(
    [status, records.map(({ tenant, subject }) => [tenant, subject])],
    [200, [['acme', 'ann']]],
  );
});

test('rejects invalid tokens without asking for keys each time', async (context) => {
  const { issuer, get, tokenOf, keyOf } = await byKeys(context);
  await get(await tokenOf());
  const unsigned = new UnsecuredJWT({ sub: 'ann', tenantId: 'acme' }).setIssuer('https://id.acme.example');
  const tokens = [
    'junk',
    unsigned.setAudience('shop').setExpirationTime('1h').encode(),
    await tokenOf({ iss: 'https://id.other.example' }),
    await tokenOf({ aud: 'other' }),
    await tokenOf({}, await keyOf('1')),
    await tokenOf({}, await keyOf('unknown')),
  ];

  const got = await Promise.all(tokens.map(async (token) => see(await get(token))));

  assert.deepEqual(
    got,
    tokens.map(() => REJECTED),
  );
  assert.equal(issuer.requests, 1);
});

test('asks the user to sign in without a token and with an expired one', async (context) => {
  const { get, tokenOf } = await byKeys(context);

  const got = [await see(await get(undefined, ANN)), await see(await get(await tokenOf({ exp: 1 })))];

  const page = { status: 401, text: [...problem.signIn, problem.home] };
  assert.deepEqual(got, [page, page]);
});

test('denies a token without a tenant', async (context) => {
  const { get, tokenOf } = await byKeys(context);

  const { status } = await get(await tokenOf({ tenantId: ['acme'] }));

  assert.equal(status, 403);
});

test('accepts tokens of a new key', async (context) => {
  const { get, tokenOf, replaceKey } = await byKeys(context);
  await get(await tokenOf());

  await replaceKey();
  const token = await tokenOf();
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 31_000 });
  const { status } = await get(token);

  assert.equal(status, 200);
});

test('returns 502 while the keys cannot be loaded', async (context) => {
  const { issuer, get, tokenOf } = await byKeys(context);

  issuer.available = false;
  const down = await get(await tokenOf());
  issuer.available = true;
  const up = await get(await tokenOf());

  assert.deepEqual([down.status, up.status], [502, 200]);
});
