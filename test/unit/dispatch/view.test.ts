import { Check } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { type GitopsRunDocument, gitopsRunSchema } from '../../../src/dispatch/document.ts';
import { gitopsRunOutcome } from '../../../src/dispatch/view.ts';
import { createStyle } from '../../../src/render/style.ts';

const proposed: GitopsRunDocument = {
  schema: 'primitive.gitops-run/v1',
  result: 'proposed',
  request: {
    id: 'request-1',
    repository: 'acme/gitops',
    workflow: 'scaffold.yaml',
    ref: 'main',
    inputs: { kind: 'domain', name: 'orders', version: 'v1' },
    branch: 'scaffold/domain-orders-v1',
  },
  run: {
    id: 7,
    url: 'https://github.com/acme/gitops/actions/runs/7',
    attempt: 1,
    status: 'completed',
    conclusion: 'success',
    jobs: [
      {
        name: 'scaffold',
        status: 'completed',
        conclusion: 'success',
        url: '',
        steps: [
          { number: 1, name: 'Render | charts', status: 'completed', conclusion: 'success' },
          { number: 2, name: 'Clean up', status: 'completed', conclusion: 'skipped' },
        ],
      },
    ],
  },
  pull: {
    number: 12,
    url: 'https://github.com/acme/gitops/pull/12',
    state: 'open',
    author: 'acme-app[bot]',
    base: 'main',
    files: [
      {
        path: 'sources/values/_shared/apps/domain-orders-v1.yaml',
        status: 'added',
        additions: 3,
        deletions: 0,
      },
    ],
  },
  next: ['Review and merge https://github.com/acme/gitops/pull/12'],
};

const text = (document: GitopsRunDocument) => gitopsRunOutcome(document).text(createStyle(false));

describe('a request to the GitOps repository', () => {
  test('that is proposed shows its run, steps, pull request and files', () => {
    expect(Check(gitopsRunSchema, proposed)).toBe(true);
    expect(gitopsRunOutcome(proposed)).toMatchObject({
      exit: 0,
      github: { findings: [], outputs: { run: '7', pull: 'https://github.com/acme/gitops/pull/12' } },
    });
    expect(text(proposed)).toBe(`Pull request #12 is open

request       request-1
workflow      scaffold.yaml in acme/gitops at main
inputs        kind=domain name=orders version=v1
run           7 success  https://github.com/acme/gitops/actions/runs/7
pull request  #12 open  https://github.com/acme/gitops/pull/12

✓  success  scaffold / Render | charts
·  skipped  scaffold / Clean up

added  +3 -0  sources/values/_shared/apps/domain-orders-v1.yaml

Next:
  Review and merge https://github.com/acme/gitops/pull/12
`);
  });

  test('as Markdown has no markup of its names', () => {
    const markdown = gitopsRunOutcome(proposed).reports?.markdown?.();
    expect(markdown).toContain('### Pull request \\#12 is open');
    expect(markdown).toContain('| scaffold / Render \\| charts | success |');
    expect(markdown).toContain('- added `sources/values/_shared/apps/domain-orders-v1.yaml`');
  });

  test.each([
    ['failed', 1],
    ['unfinished', 3],
    ['dispatched', 0],
    ['passed', 0],
    ['merged', 0],
  ] as const)('that is %s ends with %i', (result, exit) => {
    expect(gitopsRunOutcome({ ...proposed, result }).exit).toBe(exit);
  });

  test('that failed shows why, with nothing that a log could do to the terminal', () => {
    const problem = {
      code: 'gitops-run-failed' as const,
      message: 'Run 7 failed in step Render of job scaffold.',
      why: 'one\n\u001b[2Jtwo',
      suggestions: ['See the run: https://github.com/acme/gitops/actions/runs/7'],
    };
    const failed = { ...proposed, result: 'failed' as const, problem };
    expect(text(failed)).toContain(
      '✗ Run 7 failed in step Render of job scaffold. [gitops-run-failed]\n  │ one\n  │ \\u001b[2Jtwo\n',
    );
    expect(gitopsRunOutcome(failed).github?.findings).toEqual([
      { rule: 'gitops-run-failed', level: 'error', message: problem.message },
    ]);
  });

  test('that is only planned, or is there already, says so', () => {
    const { run: _, pull: __, ...bare } = proposed;
    const request = { ...bare.request, id: null };
    expect(text({ ...bare, request, result: 'planned', next: [] })).toMatch(
      /^Would start scaffold\.yaml for scaffold\/domain-orders-v1\n.*Nothing was sent\.\n$/s,
    );
    expect(text({ ...bare, request, result: 'exists', next: [] })).toMatch(
      /^Nothing to change for scaffold\/domain-orders-v1: it is there already\n/,
    );
  });
});
