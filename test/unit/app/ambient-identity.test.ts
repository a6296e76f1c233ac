import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { findAmbientIdentity } from '../../../src/app/ambient-identity.ts';

const signal = new AbortController().signal;
const soon = Math.floor(Date.now() / 1000) + 300;

function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.canary`;
}

describe('the ambient identity', () => {
  test('is none without a token', async () => {
    expect(await findAmbientIdentity({ variables: {} }, signal)).toBeUndefined();
  });

  test('is that of SIGSTORE_ID_TOKEN', async () => {
    const variables = { SIGSTORE_ID_TOKEN: tokenOf({ email: 'dev@acme.example', exp: soon }) };
    const identity = await findAmbientIdentity({ variables }, signal);
    expect(identity?.claims).toEqual({ email: 'dev@acme.example', exp: soon });
    expect(await identity?.idToken()).toBe(variables.SIGSTORE_ID_TOKEN);
  });

  test.each([
    ['one that has expired', tokenOf({ exp: 1_000_000_000 }), 'identity-token-expired'],
    ['one without a payload', 'canary', 'identity-token-invalid'],
    ['one whose payload is no object', 'a.W10.canary', 'identity-token-invalid'],
  ])('refuses %s, and does not show it', async (_case, token, code) => {
    const error = await findAmbientIdentity({ variables: { SIGSTORE_ID_TOKEN: token } }, signal).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, exit: 3, why: expect.any(String) });
    expect(JSON.stringify(error)).not.toContain('canary');
  });

  test('asks GitHub again for a token only when the one it has is not young any more', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const tokens = [tokenOf({ exp: soon, jti: 'first' }), tokenOf({ exp: soon, jti: 'second' })];
    let asked = 0;
    const server = createServer((_, response) => response.end(JSON.stringify({ value: tokens[asked++] })));
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    try {
      const variables = {
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?v=2`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
      };
      const identity = await findAmbientIdentity({ variables }, signal);
      expect(await identity?.idToken()).toBe(tokens[0]);
      expect(asked).toBe(1);
      vi.advanceTimersByTime(60_000);
      expect(await identity?.idToken()).toBe(tokens[1]);
      expect(asked).toBe(2);
    } finally {
      vi.useRealTimers();
      server.close();
    }
  });

  test('asks GitHub by way of the proxy that is set', async () => {
    const proxy = createServer();
    const connected = new Promise((resolve) => {
      proxy.on('connect', (request, socket) => {
        socket.destroy();
        resolve(`${request.method} ${request.url}`);
      });
    });
    await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
    const stop = new AbortController();
    const variables = {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://tokens.actions.test/?v=2',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary',
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    };
    const failed = findAmbientIdentity({ variables }, stop.signal).catch((error: unknown) => error);
    expect(await connected).toBe('CONNECT tokens.actions.test:443');
    stop.abort(new Error('enough'));
    expect(await failed).toMatchObject({ message: 'enough' });
    proxy.close();
  });

  test('refuses an event file that cannot be read', async () => {
    const variables = { SIGSTORE_ID_TOKEN: tokenOf({}), GITHUB_EVENT_PATH: '/nonexistent/event.json' };
    await expect(findAmbientIdentity({ variables }, signal)).rejects.toMatchObject({
      code: 'identity-event-invalid',
    });
  });
});
