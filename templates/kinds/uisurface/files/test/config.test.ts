import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../src/config.ts';

const REQUIRED = {
  COMMANDS_URL: 'http://orders/acme.v1.Orders',
  QUERIES_URL: 'http://read/v1/',
  ACCEPT_PROXY: 'anyone:acme',
};

const PROXY_RULE =
  'must be `anyone:TENANT`, the absolute path of a readable file with tokens, or the https URL of a JWKS';

test('reads the environment', () => {
  const optional = {
    PORT: '8081',
    DRAIN_DELAY_SECONDS: '3',
    SERVICE_TOKEN_FILE: '/run/token',
    SIGN_IN_URL: 'https://id.acme.example/start',
    ANONYMOUS_TENANT: 'local',
    HOME: '/',
  };

  assert.deepEqual(readConfig({ ...REQUIRED, ...optional }), {
    port: 8081,
    drainDelaySeconds: 3,
    drainTimeoutSeconds: 10,
    commandsUrl: new URL('http://orders/acme.v1.Orders/'),
    queriesUrl: new URL('http://read/v1/'),
    serviceTokenFile: '/run/token',
    sdkTimeoutSeconds: 5,
    acceptProxy: { by: 'anyone', tenant: 'acme' },
    signIn: { url: new URL('https://id.acme.example/start'), anonymousTenant: 'local' },
  });
});

test('names every missing variable', () => {
  assert.throws(() => readConfig({}), {
    name: 'ConfigError',
    message: ['COMMANDS_URL', 'QUERIES_URL', 'ACCEPT_PROXY']
      .map((name) => `${name}: is required but not set`)
      .join('; '),
  });
});

test('hides the values of invalid variables', () => {
  const bad = {
    PORT: '0x50',
    DRAIN_DELAY_SECONDS: '-1',
    DRAIN_TIMEOUT_SECONDS: '1s',
    COMMANDS_URL: 'http://me:secret@services/',
    QUERIES_URL: 'v1/',
    SDK_TIMEOUT_SECONDS: '0',
    ACCEPT_PROXY: 'tokens',
    SIGN_IN_URL: 'http://id/#v1',
  };

  const url = 'must be an http(s) URL without user, query and fragment';
  assert.throws(() => readConfig(bad), {
    name: 'ConfigError',
    message:
      'PORT: must be 0 to 65535; DRAIN_DELAY_SECONDS: must be 0 to 3600; ' +
      `DRAIN_TIMEOUT_SECONDS: must be 0 to 3600; COMMANDS_URL: ${url}; QUERIES_URL: ${url}; ` +
      `SDK_TIMEOUT_SECONDS: must be 1 to 3600; ACCEPT_PROXY: ${PROXY_RULE}; SIGN_IN_URL: ${url}`,
  });
});

test('reads the keys of the proxy', () => {
  const url = new URL('https://id.acme.example/keys');
  const environment = { ...REQUIRED, ACCEPT_PROXY: url.href };
  const identity = { ISSUER_URL: 'https://id.acme.example', AUDIENCE: 'shop', TENANT_CLAIM: 'org' };

  assert.deepEqual(readConfig({ ...environment, ...identity }).acceptProxy, {
    by: 'keys',
    url,
    issuer: 'https://id.acme.example',
    audience: 'shop',
    tenantClaim: 'org',
  });
  assert.throws(() => readConfig(environment), {
    message: 'ISSUER_URL: is required but not set; AUDIENCE: is required but not set',
  });
});

test('rejects proxies that it could not identify', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  context.after(() => rm(folder, { recursive: true }));
  const [file, empty] = [join(folder, 'tokens'), join(folder, 'empty')];
  await writeFile(file, 'first\n');
  await writeFile(empty, '\n');

  const accepted = readConfig({ ...REQUIRED, ACCEPT_PROXY: file }).acceptProxy;

  assert.deepEqual(accepted, { by: 'tokens', file });
  const names = ['', 'Anyone', 'anyone', 'anyone:', 'anyone:acme inc'];
  for (const bad of [...names, empty, folder, join(folder, 'missing'), 'http://id.acme.example/keys']) {
    assert.throws(() => readConfig({ ...REQUIRED, ACCEPT_PROXY: bad }), {
      message: `ACCEPT_PROXY: ${PROXY_RULE}`,
    });
  }
});
