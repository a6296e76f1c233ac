import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-007', 'timeout', {
  title: 'Test case takes too long',
  text: 'took too long',
  fix: 'Find what it waits for; a suite has the time of `verify.suiteSeconds` in the config.',
});
