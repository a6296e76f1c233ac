import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-006', 'panic', {
  title: 'Test process ended early',
  text: 'ended before it had a result',
  fix: 'Find what ends the process: a panic, an exit or a signal.',
});
