import { describe, expect, it } from 'vitest';
import { checkRun, type RunFacts, resolveRun } from '../../../src/seal/run-identity.ts';
import type { TrustPolicy } from '../../../src/seal/trust.ts';
import type { SignerIdentity } from '../../../src/seal/types.ts';

const HEAD = 'a'.repeat(40);
const MERGE = 'b'.repeat(40);
const same = { headSha: HEAD, headRepository: 'acme/app', baseRepository: 'acme/app' };
const pullRequest = { event_name: 'pull_request', sha: MERGE };

const refused: readonly [string, RunFacts, string][] = [
  [
    'pull_request_target',
    { head: HEAD, claims: { event_name: 'pull_request_target', sha: HEAD } },
    'identity-trigger-refused',
  ],
  [
    'workflow_run',
    { head: HEAD, claims: { event_name: 'workflow_run', sha: HEAD } },
    'identity-trigger-refused',
  ],
  [
    'a token for another commit',
    { head: HEAD, claims: { event_name: 'push', sha: MERGE } },
    'identity-commit-mismatch',
  ],
  ['a pull request without its event', { head: HEAD, claims: pullRequest }, 'identity-event-missing'],
  [
    'a fork',
    { head: HEAD, claims: pullRequest, pullRequest: { ...same, headRepository: 'mallory/app' } },
    'identity-fork-refused',
  ],
  ['the merge commit', { head: MERGE, claims: pullRequest, pullRequest: same }, 'identity-merge-commit'],
  ...['pull_request_review', 'pull_request_review_comment'].map((event_name): [string, RunFacts, string] => [
    `the merge commit, by ${event_name}`,
    { head: MERGE, claims: { event_name, sha: MERGE }, pullRequest: same },
    'identity-merge-commit',
  ]),
  [
    'the merge commit, by its ref alone',
    { head: MERGE, claims: { ref: 'refs/pull/7/merge', sha: MERGE }, pullRequest: same },
    'identity-merge-commit',
  ],
  [
    'some other commit in a pull request',
    { head: 'c'.repeat(40), claims: pullRequest, pullRequest: same },
    'identity-commit-mismatch',
  ],
];

const allowed: readonly [string, RunFacts][] = [
  ...['merge_group', 'workflow_dispatch', 'schedule'].map((event_name): [string, RunFacts] => [
    `${event_name} of HEAD`,
    { head: HEAD, claims: { event_name, sha: HEAD, ref: 'refs/heads/main' } },
  ]),
  ['a token without an event', { head: HEAD, claims: { sha: HEAD } }],
  ['a push of HEAD', { head: HEAD, claims: { event_name: 'push', sha: HEAD } }],
  [
    'the head of a pull request of the same repository',
    { head: HEAD, claims: pullRequest, pullRequest: same },
  ],
  ['a provider that does not name a commit', { head: HEAD, claims: { email: 'dev@example.com' } }],
];

describe('checkRun', () => {
  it.each(refused)('refuses %s', (_case, facts, code) => {
    expect(() => checkRun(facts)).toThrow(
      expect.objectContaining({ code, exit: 2, suggestions: expect.arrayContaining([expect.any(String)]) }),
    );
  });

  it.each(allowed)('allows %s', (_case, facts) => {
    expect(() => checkRun(facts)).not.toThrow();
  });
});

describe('resolveRun', () => {
  const issuer = 'https://token.actions.githubusercontent.com';
  const workflow = 'https://github.com/acme/app/.github/workflows/publish.yaml';
  const policy: TrustPolicy = {
    trusted: [{ issuer, identity: `${workflow}@refs/heads/main`, trigger: 'push' }],
    accepted: [
      { issuer, identity: `${workflow}@refs/tags/*` },
      { issuer, identity: `${workflow}@refs/pull/*/merge` },
      { issuer: 'https://login.example', identity: 'dev@acme.example' },
      { key: 'cosign.pub' },
    ],
    fingerprints: new Map([['cosign.pub', 'sha256:f']]),
  };
  const job = (ref: string, trigger: string): SignerIdentity => {
    return { type: 'keyless', issuer, identity: `${workflow}@${ref}`, repository: 'acme/app', ref, trigger };
  };
  const person: SignerIdentity = {
    type: 'keyless',
    issuer: 'https://login.example',
    identity: 'dev@acme.example',
  };
  const key: SignerIdentity = { type: 'key', fingerprint: 'sha256:f' };

  it.each<[string, SignerIdentity, string | undefined, object]>([
    [
      'the branch of the token, not the one checked out',
      job('refs/heads/main', 'push'),
      'topic',
      { tier: 'trusted', branch: 'main' },
    ],
    ['no branch for a tag', job('refs/tags/v1', 'push'), 'main', { tier: 'accepted', branch: undefined }],
    [
      'no branch for a pull request',
      job('refs/pull/7/merge', 'pull_request'),
      'main',
      { tier: 'accepted', branch: undefined },
    ],
    ['the branch checked out for a person', person, 'topic', { tier: 'accepted', branch: 'topic' }],
    ['the branch checked out for a key', key, 'topic', { tier: 'accepted', branch: 'topic' }],
    ['no branch for a key at a detached HEAD', key, undefined, { tier: 'accepted', branch: undefined }],
  ])('gives %s', (_case, signer, branch, expected) => {
    const run = resolveRun(signer, policy, branch);
    expect({ branch: undefined, ...run }).toMatchObject(expected);
  });

  it.each(['workflow_dispatch', 'schedule', 'merge_group'])(
    'does not take %s for the push that is trusted',
    (trigger) => {
      expect(() => resolveRun(job('refs/heads/main', trigger), policy, 'main')).toThrow(
        expect.objectContaining({
          code: 'identity-not-allowed',
          exit: 2,
          message: expect.stringContaining(`on ${trigger} at refs/heads/main in acme/app`),
        }),
      );
    },
  );

  it('tells the lines that would let every pull request in, not only this one', () => {
    const none = { ...policy, accepted: [] };
    expect(() => resolveRun(job('refs/pull/7/merge', 'pull_request'), none, undefined)).toThrow(
      expect.objectContaining({
        suggestions: expect.arrayContaining([`  identity: "${workflow}@refs/pull/*/merge"`]),
      }),
    );
  });
});
