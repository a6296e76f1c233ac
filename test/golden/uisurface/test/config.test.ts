import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../src/config.ts';

const ENVIRONMENT = {
  PORT: '8080',
  DRAIN_DELAY_SECONDS: '3',
  DRAIN_TIMEOUT_SECONDS: '10',
  SDK_URL: 'http://services/v1/',
  SDK_TIMEOUT_SECONDS: '5',
};

test('the environment is read', () => {
  assert.deepEqual(readConfig({ ...ENVIRONMENT, HOME: '/' }), {
    port: 8080,
    drainDelaySeconds: 3,
    drainTimeoutSeconds: 10,
    sdkUrl: new URL('http://services/v1/'),
    sdkTimeoutSeconds: 5,
  });
});

test('every missing variable is named', () => {
  assert.throws(() => readConfig({}), {
    name: 'ConfigError',
    message:
      'PORT: is required but not set; DRAIN_DELAY_SECONDS: is required but not set; ' +
      'DRAIN_TIMEOUT_SECONDS: is required but not set; SDK_URL: is required but not set; ' +
      'SDK_TIMEOUT_SECONDS: is required but not set',
  });
});

test('the value of a bad variable is not shown', () => {
  const bad = {
    PORT: '0x50',
    DRAIN_DELAY_SECONDS: '-1',
    DRAIN_TIMEOUT_SECONDS: '1s',
    SDK_URL: 'http://me:secret@services/',
    SDK_TIMEOUT_SECONDS: '0',
  };

  assert.throws(() => readConfig(bad), {
    name: 'ConfigError',
    message:
      'PORT: should be a port, 0 to 65535; DRAIN_DELAY_SECONDS: should be 0 to 3600; ' +
      'DRAIN_TIMEOUT_SECONDS: should be 0 to 3600; ' +
      'SDK_URL: should be an http(s) URL that ends with / and holds no password; ' +
      'SDK_TIMEOUT_SECONDS: should be 1 to 3600',
  });
});

test('paths can be resolved against the URL of the services', () => {
  for (const SDK_URL of ['http://services/v1', 'http://services/?v1/', 'http://services/#v1/', 'v1/']) {
    assert.throws(() => readConfig({ ...ENVIRONMENT, SDK_URL }), { name: 'ConfigError' }, SDK_URL);
  }
});
