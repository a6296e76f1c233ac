import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../src/config.ts';

const REQUIRED = { COMMANDS_URL: 'http://orders/acme.v1.Orders', QUERIES_URL: 'http://read/v1/' };

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
    signIn: { url: new URL('https://id.acme.example/start'), anonymousTenant: 'local' },
  });
});

test('names every missing variable', () => {
  assert.throws(() => readConfig({}), {
    name: 'ConfigError',
    message: 'COMMANDS_URL: is required but not set; QUERIES_URL: is required but not set',
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
    SIGN_IN_URL: 'http://id/#v1',
  };

  const url = 'must be an http(s) URL without user, query and fragment';
  assert.throws(() => readConfig(bad), {
    name: 'ConfigError',
    message:
      'PORT: must be 0 to 65535; DRAIN_DELAY_SECONDS: must be 0 to 3600; ' +
      `DRAIN_TIMEOUT_SECONDS: must be 0 to 3600; COMMANDS_URL: ${url}; QUERIES_URL: ${url}; ` +
      `SDK_TIMEOUT_SECONDS: must be 1 to 3600; SIGN_IN_URL: ${url}`,
  });
});
