import { expect, test } from 'vitest';
import { isLoopbackHost } from '../../../src/http/loopback.ts';

test.each([
  ['localhost', true],
  ['localhost:5000', true],
  ['registry.localhost', true],
  ['127.0.0.1:5000', true],
  ['127.9.9.9', true],
  ['[::1]:5000', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['ghcr.io', false],
  ['128.0.0.1', false],
])('isLoopbackHost(%s) is %s', (host, loopback) => {
  expect(isLoopbackHost(host)).toBe(loopback);
});
