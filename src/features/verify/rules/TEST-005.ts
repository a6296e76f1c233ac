import { failureRule } from '../suites/rules.ts';

export const rule = failureRule('TEST-005', 'collection', {
  title: 'Test file cannot be loaded',
  text: 'cannot be loaded',
  fix: 'Correct the imports and the syntax of the file.',
});
