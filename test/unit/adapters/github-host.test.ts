import { expect, test } from 'vitest';
import { githubHost } from '../../../src/adapters/github/host.ts';

test.each([
  [undefined, {}, 'github.com', 'https://api.github.com'],
  ['ghes.acme.com', { GH_HOST: 'other.example' }, 'ghes.acme.com', 'https://ghes.acme.com/api/v3'],
  ['Acme.GHE.com', {}, 'acme.ghe.com', 'https://api.acme.ghe.com'],
  [
    undefined,
    { GH_HOST: 'ghes.acme.com:8443', GITHUB_API_URL: 'https://api.github.com' },
    'ghes.acme.com:8443',
    'https://ghes.acme.com:8443/api/v3',
  ],
  [undefined, { GITHUB_API_URL: 'https://api.github.com' }, 'github.com', 'https://api.github.com'],
  [undefined, { GITHUB_API_URL: 'https://api.acme.ghe.com/' }, 'acme.ghe.com', 'https://api.acme.ghe.com'],
  [
    undefined,
    { GITHUB_API_URL: 'https://ghes.acme.com/api/v3/' },
    'ghes.acme.com',
    'https://ghes.acme.com/api/v3',
  ],
  [
    undefined,
    { GITHUB_API_URL: 'http://127.0.0.1:8080/api/v3' },
    '127.0.0.1:8080',
    'http://127.0.0.1:8080/api/v3',
  ],
])('config %s and %j name %s', (configured, variables, name, api) => {
  expect(githubHost(configured, variables)).toEqual({ name, api });
});

test.each(['http://ghes.acme.com/api/v3', 'ghes.acme.com', 'ftp://ghes.acme.com'])(
  'a token is not sent to %s',
  (GITHUB_API_URL) => {
    expect(() => githubHost(undefined, { GITHUB_API_URL })).toThrow(
      expect.objectContaining({ code: 'github-host-invalid', exit: 2 }),
    );
  },
);

test.each(['evil.github.com', 'api.github.com', 'x.acme.ghe.com', 'a.b.ghe.com:443'])(
  '%s is part of a GitHub, and gets no login of it',
  (name) => {
    for (const host of [() => githubHost(name, {}), () => githubHost(undefined, { GH_HOST: name })])
      expect(host).toThrow(expect.objectContaining({ code: 'github-host-invalid', exit: 2 }));
  },
);
