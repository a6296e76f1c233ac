import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-005', 'collection', {
  title: 'Test file has no case, or cannot be loaded',
  text: 'has no case, or cannot be loaded',
  fix: 'Correct the imports and the syntax of the file; it must not exit before its cases have run.',
});
