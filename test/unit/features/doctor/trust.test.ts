import { describe, expect, test } from 'vitest';
import { examineTrust } from '../../../../src/features/doctor/trust.ts';
import type { Config } from '../../../../src/repository/config.ts';
import type { SignerPolicy } from '../../../../src/repository/signers.ts';

const main: SignerPolicy = {
  issuer: 'https://token.actions.githubusercontent.com',
  identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
  repository: 'acme/app',
  ref: 'refs/heads/main',
  trigger: 'push',
  repositoryId: '100200300',
  ownerId: '400500',
};
const { repositoryId: _repository, ownerId: _owner, ...named } = main;
const pullRequests: SignerPolicy = { ...main, identity: 'https://github.com/acme/app/*', ref: 'refs/pull/*' };

interface Given {
  readonly trusted?: readonly SignerPolicy[];
  readonly accepted?: readonly SignerPolicy[];
  readonly key?: string;
  readonly caches?: readonly string[];
}

function look({ trusted = [main], accepted = [], key, caches = [] }: Given) {
  const signing: Config['signing'] = {
    signer: key === undefined ? { type: 'keyless' } : { type: 'key', key },
    trusted,
    accepted,
  };
  return examineTrust(signing, caches);
}

describe('trust tiers', () => {
  test('main by ref and trigger, pull requests apart', () => {
    expect(look({ accepted: [pullRequests] })).toEqual({ detail: '1 trusted signer, 1 accepted signer' });
  });

  test('says who else writes the caches that main reads', () => {
    expect(look({ caches: ['type=gha,scope=main'] }).detail).toContain('any job on main can write');
    expect(look({ caches: ['type=registry,ref=cache.example/x'] }).detail).toMatch(
      /^1 trusted signer, 0 accepted signers; main builds from a cache that nobody else writes/,
    );
  });

  test.each([
    ['nobody is trusted', { trusted: [] }, 'trust-nobody'],
    ['a key signs', { trusted: [{ key: 'cosign.pub' }], key: 'cosign.key' }, 'trust-key-mode'],
    [
      'no ref',
      {
        trusted: [{ issuer: main.issuer, identity: main.identity, repository: 'acme/app', trigger: 'push' }],
      },
      'trust-loose-identity',
    ],
    [
      'no trigger',
      {
        trusted: [
          { issuer: main.issuer, identity: main.identity, repository: 'acme/app', ref: 'refs/heads/main' },
        ],
      },
      'trust-loose-identity',
    ],
    [
      'any trigger but push',
      { trusted: [{ ...main, trigger: 'workflow_dispatch' }] },
      'trust-loose-identity',
    ],
    ['no ids', { trusted: [named] }, 'trust-names-only'],
    ['one id', { trusted: [{ ...named, repositoryId: '100200300' }] }, 'trust-names-only'],
    ['no ids of pull requests', { accepted: [named] }, 'trust-names-only'],
  ] satisfies [string, Given, string][])('%s: told with a fix', (_, given, code) => {
    const { warning } = look(given);
    expect(warning?.code).toBe(code);
    expect(warning?.fix.length).toBeGreaterThan(0);
  });

  test.each([
    [
      'another issuer without a ref',
      { trusted: [{ issuer: 'https://issuer.example', identity: 'ci@example.com' }] },
    ],
  ] satisfies [string, Given][])('%s: nothing to report', (_, given) => {
    expect(look(given).warning).toBeUndefined();
  });
});
