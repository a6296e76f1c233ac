import { describe, expect, test } from 'vitest';
import { explain, RequestError } from '../../../src/http/send.ts';
import { requestFailure } from '../../../src/oci/failure.ts';

const subject = {
  host: 'registry.test',
  origin: 'http://registry.test',
  repository: 'a/b',
  method: 'GET',
  what: 'the manifest main',
  pushes: false,
};

function errorOf(code: string, host = subject.host): RequestError {
  const error = explain(Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code }), host);
  if (!(error instanceof RequestError)) throw error;
  return error;
}

describe('a request without a response', () => {
  test('a host name without an address fails after two retries, a registry that may be busy later', () => {
    const unknown = requestFailure(errorOf('ENOTFOUND'), subject, false);
    const refused = requestFailure(errorOf('ECONNREFUSED'), subject, false);
    expect(unknown.retry).toMatchObject({ attempts: 3 });
    expect(refused.retry).toMatchObject({ within: 10_000 });
    expect(refused.retry).not.toHaveProperty('attempts');
  });

  test('a host that has answered before gets the whole budget', () => {
    const { retry } = requestFailure(errorOf('ENOTFOUND'), subject, true);
    expect(retry).toEqual({ reason: 'the host name has no address (ENOTFOUND)' });
  });

  test('the host is named once', () => {
    const { error, retry } = requestFailure(errorOf('ENOTFOUND'), subject, false);
    expect(error.message).toBe('Cannot reach registry.test');
    expect(`${error.why} ${retry?.reason}`).not.toContain('registry.test');
  });

  test('the check that is advised asks where the API is', () => {
    const { error } = requestFailure(errorOf('ENOTFOUND'), subject, false);
    expect(error.suggestions[0]).toMatch(/: curl -sI http:\/\/registry\.test\/v2\/$/);
  });

  test('another host than the registry is named, such as that of its storage', () => {
    const { error, retry } = requestFailure(errorOf('ECONNREFUSED', 'storage.test'), subject, true);
    expect(error.message).toBe('Cannot reach registry.test');
    expect(error.why).toContain('storage.test: connection refused');
    expect(retry?.reason).toContain('storage.test');
  });
});
