import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SignerPolicy } from '../../../src/repository/signers.ts';
import {
  describeUnknown,
  fingerprintOf,
  identityFromClaims,
  scopedTo,
  type TrustPolicy,
  tierOf,
} from '../../../src/seal/trust.ts';
import type { SignerIdentity } from '../../../src/seal/types.ts';
import { createKeySigner } from '../../support/key-signer.ts';

const ISSUER = 'https://token.actions.githubusercontent.com';
const WORKFLOW = 'https://github.com/acme/app/.github/workflows/publish.yaml';

type Keyless = Extract<SignerIdentity, { type: 'keyless' }>;

const main: Keyless = {
  type: 'keyless',
  issuer: ISSUER,
  identity: `${WORKFLOW}@refs/heads/main`,
  repository: 'acme/app',
  ref: 'refs/heads/main',
  trigger: 'push',
};
const pullRequest: Keyless = {
  ...main,
  identity: `${WORKFLOW}@refs/pull/12/merge`,
  ref: 'refs/pull/12/merge',
  trigger: 'pull_request',
};

const trusted: SignerPolicy = {
  issuer: ISSUER,
  identity: `${WORKFLOW}@refs/heads/main`,
  repository: 'acme/app',
  ref: 'refs/heads/main',
  trigger: 'push',
};
const accepted: SignerPolicy = {
  issuer: ISSUER,
  identity: `${WORKFLOW}@refs/pull/*/merge`,
  repository: 'acme/app',
};

function policyOf(parts: Partial<TrustPolicy> = {}): TrustPolicy {
  return { trusted: [trusted], accepted: [accepted], fingerprints: new Map(), ...parts };
}

describe('tierOf', () => {
  test.each<[string, Keyless, 'trusted' | 'accepted' | undefined]>([
    ['main, pushed', main, 'trusted'],
    ['a pull request', pullRequest, 'accepted'],
    [
      'a branch whose name begins like main',
      { ...main, identity: `${WORKFLOW}@refs/heads/main-evil` },
      undefined,
    ],
    [
      'an identity that contains the trusted one',
      { ...main, identity: `x${WORKFLOW}@refs/heads/main` },
      undefined,
    ],
    ['another case', { ...main, identity: main.identity.toUpperCase() }, undefined],
    ['another issuer', { ...main, issuer: `${ISSUER}.evil.example` }, undefined],
    ['an issuer with a trailing slash', { ...main, issuer: `${ISSUER}/` }, undefined],
    ['pull_request_target with the identity of main', { ...main, trigger: 'pull_request_target' }, undefined],
    ['workflow_dispatch on main', { ...main, trigger: 'workflow_dispatch' }, undefined],
    ['a fork that calls the same reusable workflow', { ...main, repository: 'mallory/app' }, undefined],
    ['another ref that calls the same reusable workflow', { ...main, ref: 'refs/heads/feature' }, undefined],
    ['a certificate that names no repository', without(main, 'repository'), undefined],
    ['a certificate that names no ref', without(main, 'ref'), undefined],
    ['a certificate that names no trigger', without(main, 'trigger'), undefined],
    ['a pull request of a fork', { ...pullRequest, repository: 'mallory/app' }, undefined],
    [
      'a pattern does not cross a slash',
      { ...pullRequest, identity: `${WORKFLOW}@refs/pull/1/2/merge` },
      undefined,
    ],
    [
      'a pattern does not cross an @',
      { ...pullRequest, identity: `${WORKFLOW}@refs/pull/1@x/merge` },
      undefined,
    ],
    [
      'a pattern is anchored at its end',
      { ...pullRequest, identity: `${WORKFLOW}@refs/pull/1/merge/x` },
      undefined,
    ],
    [
      'a pattern is anchored at each line',
      { ...pullRequest, identity: `${WORKFLOW}@refs/pull/1/merge\nx` },
      undefined,
    ],
    [
      'a dot in a pattern is a dot',
      { ...pullRequest, identity: pullRequest.identity.replace('.yaml', 'xyaml') },
      undefined,
    ],
  ])('%s: %o', (_name, signer, tier) => {
    expect(tierOf(signer, policyOf())).toBe(tier);
  });

  test('a reusable workflow needs repository, ref and trigger to tell its callers apart', () => {
    const shared = 'https://github.com/acme/workflows/.github/workflows/publish.yaml@refs/heads/main';
    const rule: SignerPolicy = { ...trusted, identity: shared };
    const policy = policyOf({ trusted: [rule], accepted: [] });
    expect(tierOf({ ...main, identity: shared }, policy)).toBe('trusted');
    expect(tierOf({ ...main, identity: shared, repository: 'acme/other' }, policy)).toBeUndefined();
    expect(tierOf({ ...main, identity: shared, ref: 'refs/pull/3/merge' }, policy)).toBeUndefined();
    expect(tierOf({ ...main, identity: shared, trigger: 'pull_request' }, policy)).toBeUndefined();
  });

  test('a `*` is a character like any other under trusted', () => {
    const policy = policyOf({
      trusted: [{ ...trusted, identity: `${WORKFLOW}@refs/heads/*` }],
      accepted: [],
    });
    expect(tierOf(main, policy)).toBeUndefined();
  });

  test('refs of accepted signers may have a `*`, too', () => {
    const policy = policyOf({ accepted: [{ ...accepted, ref: 'refs/pull/*/merge' }] });
    expect(tierOf(pullRequest, policy)).toBe('accepted');
    expect(tierOf({ ...pullRequest, ref: 'refs/heads/main' }, policy)).toBeUndefined();
  });

  test('many stars match in no time', () => {
    const policy = policyOf({ accepted: [{ ...accepted, identity: `${'*a'.repeat(30)}*b` }] });
    const started = performance.now();
    expect(tierOf({ ...pullRequest, identity: 'a'.repeat(2000) }, policy)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('a pattern matches what the regular expression of the same meaning matches', () => {
    const piece = fc.constantFrom('a', 'b', '@', '/', 'ab', '//', '*', '.');
    const text = (max: number) => fc.array(piece, { maxLength: max }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text(8), text(6), (identity, pattern) => {
        const literals = pattern.split('*').map((part) => part.replace(/[./]/g, '\\$&'));
        const expected = new RegExp(`^${literals.join('[^@/]*')}$`).test(identity);
        const policy = policyOf({ accepted: [{ issuer: ISSUER, identity: pattern }] });
        expect(tierOf({ type: 'keyless', issuer: ISSUER, identity }, policy)).toBe(
          expected ? 'accepted' : undefined,
        );
      }),
      { numRuns: 5000 },
    );
  });

  test('keys count by the key behind the name, not by the name', () => {
    const signer = createKeySigner();
    const key: SignerIdentity = { type: 'key', fingerprint: signer.fingerprint };
    const policy = (fingerprint: string) =>
      policyOf({
        trusted: [{ key: 'cosign.pub' }],
        accepted: [],
        fingerprints: new Map([['cosign.pub', fingerprint]]),
      });
    expect(tierOf(key, policy(signer.fingerprint))).toBe('trusted');
    expect(tierOf(key, policy(createKeySigner().fingerprint))).toBeUndefined();
    expect(tierOf(key, policyOf({ trusted: [{ key: 'cosign.pub' }] }))).toBeUndefined();
    expect(tierOf(key, policyOf())).toBeUndefined();
    expect(tierOf(main, policy(signer.fingerprint))).toBeUndefined();
  });
});

describe('scopedTo', () => {
  const dev: Keyless = { type: 'keyless', issuer: 'https://login.example', identity: 'dev@acme.example' };
  const ops: Keyless = { ...dev, identity: 'ops@acme.example' };
  const bot: Keyless = { ...dev, identity: 'bot@acme.example', repository: 'acme/app' };
  const key = { type: 'key', fingerprint: createKeySigner().fingerprint } as const;
  const otherKey = { type: 'key', fingerprint: createKeySigner().fingerprint } as const;
  const policy = policyOf({
    accepted: [
      { issuer: ISSUER, identity: `${WORKFLOW}@refs/pull/*/merge` },
      { issuer: ISSUER, identity: 'https://github.com/acme/shared/publish.yaml@refs/heads/main' },
      { issuer: 'https://git.acme.example', identity: pullRequest.identity },
      ...[dev, ops, bot].map(({ issuer, identity }) => ({ issuer, identity })),
      { key: 'dev.pub' },
      { key: 'other.pub' },
    ],
    fingerprints: new Map([
      ['dev.pub', key.fingerprint],
      ['other.pub', otherKey.fingerprint],
    ]),
  });

  test.each<[string, SignerIdentity, SignerIdentity, boolean]>([
    ['itself', pullRequest, pullRequest, true],
    [
      'another workflow of its repository and ref',
      pullRequest,
      { ...pullRequest, identity: 'https://github.com/acme/shared/publish.yaml@refs/heads/main' },
      true,
    ],
    [
      'another pull request',
      pullRequest,
      { ...pullRequest, identity: `${WORKFLOW}@refs/pull/13/merge`, ref: 'refs/pull/13/merge' },
      false,
    ],
    ['another repository', pullRequest, { ...pullRequest, repository: 'acme/other' }, false],
    [
      'a repository of the same name elsewhere',
      pullRequest,
      { ...pullRequest, issuer: 'https://git.acme.example' },
      false,
    ],
    ['a person', pullRequest, dev, false],
    ['a key', pullRequest, key, false],
    ['the same person', dev, dev, true],
    ['another person', dev, ops, false],
    ['the same identity for some repository', dev, { ...dev, repository: 'acme/app' }, false],
    [
      'another identity of the same repository, where no ref is named',
      bot,
      { ...dev, repository: 'acme/app' },
      false,
    ],
    ['a key, for a person', dev, key, false],
    ['the same key', key, key, true],
    ['another key', key, otherKey, false],
    ['a person, for a key', key, dev, false],
  ])('an accepted run, met with %s', (_name, run, signer, relied) => {
    expect(tierOf(run, policy)).toBe('accepted');
    expect(tierOf(signer, policy)).toBe('accepted');
    expect(tierOf(signer, scopedTo(policy, run))).toBe(relied ? 'accepted' : undefined);
  });

  test('an accepted run relies on trusted signers, whoever they are', () => {
    for (const run of [pullRequest, dev, key]) expect(tierOf(main, scopedTo(policy, run))).toBe('trusted');
  });

  test('a trusted run relies on trusted signers alone', () => {
    const scoped = scopedTo(policy, main);
    expect(tierOf(main, scoped)).toBe('trusted');
    for (const signer of [pullRequest, dev, key]) expect(tierOf(signer, scoped)).toBeUndefined();
  });
});

describe('ids', () => {
  const ids = { repositoryId: '100200300', ownerId: '400500', runner: 'github-hosted' };
  const policy = policyOf({ trusted: [{ ...trusted, ...ids }], accepted: [{ ...accepted, ...ids }] });

  test.each<[string, Partial<Keyless>, string]>([
    ['another repository', { repositoryId: '999' }, 'repositoryId 999 instead of 100200300'],
    ['one whose id begins like it', { repositoryId: '1002003001' }, 'repositoryId 1002003001 instead'],
    ['another owner', { ownerId: '888' }, 'ownerId 888 instead of 400500'],
    ['another runner', { runner: 'self-hosted' }, 'runner self-hosted instead of github-hosted'],
    ['another trigger', { trigger: 'schedule' }, 'trigger schedule instead of push'],
  ])('%s is not known, and what is different is named', (_name, other, says) => {
    const signer = { ...main, ...ids, ...other };
    expect(tierOf({ ...main, ...ids }, policy)).toBe('trusted');
    expect(tierOf(signer, policy)).toBeUndefined();
    expect(describeUnknown(signer, policy)).toContain(says);
  });

  test.each(['repositoryId', 'ownerId', 'runner'] as const)(
    'a certificate without %s does not meet it',
    (name) => {
      const { [name]: _, ...signer } = { ...main, ...ids };
      expect(tierOf(signer, policy)).toBeUndefined();
      expect(describeUnknown(signer, policy)).toContain(`no ${name} instead of ${ids[name]}`);
    },
  );

  test('of pull requests are exact, too: no pattern', () => {
    const odd = policyOf({ accepted: [{ ...accepted, repositoryId: '1*' }] });
    expect(tierOf({ ...pullRequest, ...ids }, odd)).toBeUndefined();
    expect(tierOf({ ...pullRequest, ...ids }, policy)).toBe('accepted');
    expect(tierOf({ ...pullRequest, ...ids, repositoryId: '999' }, policy)).toBeUndefined();
  });

  test('old entries know a signer with ids', () => {
    expect(tierOf({ ...main, ...ids }, policyOf())).toBe('trusted');
  });

  test.each<[Partial<Keyless>, 'accepted' | undefined]>([
    [{}, 'accepted'],
    [{ repositoryId: '999' }, undefined],
    [{ ownerId: '888' }, undefined],
  ])('an accepted run relies on the same repository alone: %j', (other, tier) => {
    const run = { ...pullRequest, ...ids };
    expect(tierOf({ ...run, ...other }, scopedTo(policyOf(), run))).toBe(tier);
  });

  test('what a private Fulcio leaves out of certificates does not part a run from itself', () => {
    expect(tierOf(pullRequest, scopedTo(policyOf(), { ...pullRequest, ...ids }))).toBe('accepted');
  });
});

describe('identityFromClaims', () => {
  const claims = {
    iss: ISSUER,
    sub: 'repo:acme/app:ref:refs/heads/main',
    job_workflow_ref: 'acme/app/.github/workflows/publish.yaml@refs/heads/main',
    repository: 'acme/app',
    ref: 'refs/heads/main',
    event_name: 'push',
    sha: '1111111111111111111111111111111111111111',
  };

  test('foretells what the certificate of a GitHub Actions job will say', () => {
    const ids = { repository_id: '1', repository_owner_id: '2', runner_environment: 'github-hosted' };
    const identity = identityFromClaims({ ...claims, ...ids });
    expect(identity).toEqual({
      ...main,
      commit: claims.sha,
      repositoryId: '1',
      ownerId: '2',
      runner: 'github-hosted',
    });
    expect(identity && tierOf(identity, policyOf())).toBe('trusted');
  });

  test.each([
    ['an organisation with its own issuer', `${ISSUER}/acme`, 'https://github.com'],
    ['Enterprise Server', 'https://git.acme.example/_services/token', 'https://git.acme.example'],
    ['Enterprise Cloud with data residency', 'https://token.actions.acme.ghe.com', 'https://acme.ghe.com'],
  ])('%s', (_name, iss, server) => {
    expect(identityFromClaims({ ...claims, iss })).toMatchObject({
      identity: `${server}/${claims.job_workflow_ref}`,
    });
  });

  test('what a URL cannot hold is escaped, as in the certificate', () => {
    const ref = 'acme/app/.github/workflows/publish.yaml@refs/heads/a#b c';
    expect(identityFromClaims({ ...claims, job_workflow_ref: ref })).toMatchObject({
      identity: `${WORKFLOW}@refs/heads/a%23b%20c`,
    });
  });

  test('a person is known by a verified address only', () => {
    const person = {
      iss: 'https://oauth2.sigstore.dev/auth',
      email: 'dev@acme.example',
      email_verified: true,
    };
    expect(identityFromClaims(person)).toEqual({
      type: 'keyless',
      issuer: person.iss,
      identity: person.email,
    });
    expect(identityFromClaims({ ...person, email_verified: false })).toBeUndefined();
  });

  test.each([
    [{}],
    [{ iss: 42 }],
    [{ iss: ISSUER }],
    [{ ...claims, iss: '' }],
    [{ ...claims, job_workflow_ref: {} }],
  ])('nothing comes of %o', (odd) => {
    expect(identityFromClaims(odd)).toBeUndefined();
  });
});

describe('fingerprintOf', () => {
  test('is that of the key, however its PEM is laid out', () => {
    const { publicKey, fingerprint } = createKeySigner();
    expect(fingerprintOf(publicKey)).toBe(fingerprint);
    expect(fingerprintOf(`a comment\n${publicKey}\n`)).toBe(fingerprint);
  });

  test.each([
    [''],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
    ['-----BEGIN PRIVATE KEY-----\nAAAA'],
  ])('refuses %j', (pem) => {
    expect(() => fingerprintOf(pem)).toThrow(
      expect.objectContaining({ code: 'signing-key-invalid', exit: 2 }),
    );
  });
});

function without<K extends keyof Keyless>(signer: Keyless, key: K): Keyless {
  const { [key]: _left, ...rest } = signer;
  return rest as Keyless;
}
