import { describe, expect, test } from 'vitest';
import { examineTrust } from '../../../../src/features/doctor/trust.ts';
import type { SignerPolicy } from '../../../../src/seal/types.ts';
import type { Config } from '../../../../src/workspace/config.ts';

const main: SignerPolicy = {
  issuer: 'https://token.actions.githubusercontent.com',
  identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
  repository: 'acme/app',
  ref: 'refs/heads/main',
  trigger: 'push',
};
const pullRequests: SignerPolicy = { ...main, identity: 'https://github.com/acme/app/*', ref: 'refs/pull/*' };

interface Given {
  readonly trusted?: readonly SignerPolicy[];
  readonly accepted?: readonly SignerPolicy[];
  readonly key?: string;
  readonly trustedFrom?: readonly string[];
  readonly acceptedTo?: readonly string[];
}

function look({ trusted = [main], accepted = [], key, trustedFrom = [], acceptedTo = [] }: Given) {
  const signing: Config['signing'] = {
    signer: key === undefined ? { type: 'keyless' } : { type: 'key', key },
    trusted,
    accepted,
  };
  const cache = { trusted: { from: trustedFrom, to: [] }, accepted: { from: [], to: acceptedTo } };
  const build: Config['build'] = { builder: 'auto', args: {}, bases: {}, secrets: [], cache };
  return examineTrust({ signing, build });
}

describe('trust tiers', () => {
  test('main by ref and trigger, pull requests apart', () => {
    expect(look({ accepted: [pullRequests] })).toEqual({ detail: '1 trusted signer, 1 accepted signer' });
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
    [
      'one cache',
      {
        accepted: [pullRequests],
        trustedFrom: ['type=registry,ref=r.io/cache'],
        acceptedTo: ['type=registry,mode=max,ref=r.io/cache'],
      },
      'trust-shared-cache',
    ],
    [
      'one local cache',
      { accepted: [pullRequests], trustedFrom: ['type=local,src=/c'], acceptedTo: ['type=local,dest=/c'] },
      'trust-shared-cache',
    ],
  ] satisfies [string, Given, string][])('%s: told with a fix', (_, given, code) => {
    const { warning } = look(given);
    expect(warning?.code).toBe(code);
    expect(warning?.fix.length).toBeGreaterThan(0);
  });

  test.each([
    [
      'two caches',
      {
        accepted: [pullRequests],
        trustedFrom: ['type=registry,ref=r.io/main'],
        acceptedTo: ['type=registry,ref=r.io/pr'],
      },
    ],
    [
      'one cache but no pull requests',
      { trustedFrom: ['type=local,src=/c'], acceptedTo: ['type=local,dest=/c'] },
    ],
    [
      'another issuer without a ref',
      { trusted: [{ issuer: 'https://issuer.example', identity: 'ci@example.com' }] },
    ],
  ] satisfies [string, Given][])('%s: nothing to tell', (_, given) => {
    expect(look(given).warning).toBeUndefined();
  });
});
