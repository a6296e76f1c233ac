import { isTest } from '../../../languages/all.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'marker'> = {
  id: 'MARK-002',
  level: 'error',
  title: 'Test contains the scaffold marker',
  subject: 'marker',
  check: ({ primitive, path, line, column }) =>
    primitive === undefined || !isTest(path.slice(primitive.path.length + 1))
      ? []
      : [
          {
            message: 'Test expects the marker of a stub.',
            line,
            column,
            fix: { kind: 'text', text: 'Compare with the behaviour that is wanted.' },
          },
        ],
};
