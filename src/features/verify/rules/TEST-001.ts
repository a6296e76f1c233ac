import { executed } from '../../../languages/test-case.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'suite'> = {
  id: 'TEST-001',
  level: 'error',
  title: 'Required suite executed no case',
  subject: 'suite',
  blocks: true,
  check: ({ suite, required, cases }) => {
    const failed = cases.some(({ outcome }) => outcome !== 'passed' && outcome !== 'skipped');
    if (!required || failed || executed(cases).length > 0) return [];
    const why = cases.length === 0 ? 'has no case' : `skipped all of its ${cases.length} cases`;
    return [
      {
        message: `Suite ${suite} ${why}.`,
        fix: { kind: 'text', text: 'Write a test that runs without skipping.' },
      },
    ];
  },
};
