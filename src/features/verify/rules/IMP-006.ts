import type { Rule } from '../rule.ts';

/** A warning: what it loads may well be allowed, but nothing here can say so. */
export const rule: Rule<'import'> = {
  id: 'IMP-006',
  level: 'warning',
  title: 'Import is only known at run time',
  subject: 'import',
  within: 'image',
  check: ({ target, line, column }) =>
    target.type === 'unknown'
      ? [
          {
            message: 'Import of a name that is only known at run time cannot be checked.',
            line,
            column,
            fix: { kind: 'text', text: 'Import by literal names, in a table if there are several.' },
          },
        ]
      : [],
};
