import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-004', 'compile', {
  title: 'Code does not compile',
  text: 'does not compile',
  fix: 'Correct what the compiler reports.',
});
