import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-003', 'scaffold', {
  title: 'Test case waits for its implementation',
  text: 'fails because of a stub',
  fix: 'Implement the stub that the case calls: its output names it.',
});
