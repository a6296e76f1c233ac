import { describe, expect, it } from 'vitest';
import { checkRun, type RunFacts } from '../../../src/publish/identity.ts';

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
  [
    'some other commit in a pull request',
    { head: 'c'.repeat(40), claims: pullRequest, pullRequest: same },
    'identity-commit-mismatch',
  ],
];

const allowed: readonly [string, RunFacts][] = [
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
