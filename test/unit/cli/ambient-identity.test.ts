import { describe, expect, test } from 'vitest';
import { findAmbientIdentity } from '../../../src/cli/ambient-identity.ts';

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

  test('refuses an event file that cannot be read', async () => {
    const variables = { SIGSTORE_ID_TOKEN: tokenOf({}), GITHUB_EVENT_PATH: '/nonexistent/event.json' };
    await expect(findAmbientIdentity({ variables }, signal)).rejects.toMatchObject({
      code: 'identity-event-invalid',
    });
  });
});
