import { describe, expect, test } from 'vitest';
import { errorReport } from '../../../src/cli/error-report.ts';
import type { ErrorDocument } from '../../../src/core/error-document.ts';

const error: ErrorDocument = {
  schema: 'primitive.error/v1',
  code: 'gitops-not-configured',
  message: 'The config names no <GitOps> repository.',
  why: 'The workflow runs there.',
  suggestions: ['gitops: { repository: OWNER/NAME }'],
  docs: 'primitive explain CODE',
  exit: 2,
  retryable: false,
};

describe('an error as a report', () => {
  test('in Markdown says what, why and what next', () => {
    expect(errorReport('markdown', error, '1.0.0')).toBe(
      [
        '### The config names no \\<GitOps\\> repository.',
        '',
        'The workflow runs there.',
        '- gitops: \\{ repository: OWNER/NAME \\}',
        '',
      ].join('\n'),
    );
  });

  test('in JUnit is an error, not a failure', () => {
    const xml = errorReport('junit', error, '1.0.0');
    expect(xml).toContain('tests="1" failures="0" errors="1"');
    expect(xml).toContain('message="The config names no &lt;GitOps&gt; repository."');
  });

  test('in SARIF is an execution that did not succeed, without results', () => {
    const text = 'The config names no <GitOps> repository.\nThe workflow runs there.';
    expect(JSON.parse(errorReport('sarif', error, '1.0.0'))).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'primitive', semanticVersion: '1.0.0' } },
          invocations: [
            {
              executionSuccessful: false,
              toolExecutionNotifications: [
                { descriptor: { id: 'gitops-not-configured' }, level: 'error', message: { text } },
              ],
            },
          ],
          results: [],
        },
      ],
    });
  });

  test('in JSON is its document', () => {
    expect(JSON.parse(errorReport('json', error, '1.0.0'))).toEqual(error);
  });
});
