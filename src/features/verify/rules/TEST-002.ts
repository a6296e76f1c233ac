import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-002', 'assertion', {
  title: 'Test case fails',
  text: 'fails',
  fix: 'Correct the code, or the test where the test is wrong.',
});
