import type { Problem, Rule } from '../rule.ts';

export const rule: Rule<'protoChanges'> = {
  id: 'GEN-007',
  level: 'error',
  title: 'Proto breaks what was released',
  subject: 'protoChanges',
  check: ({ changes }) =>
    changes.map(
      ({ rule: _, ...change }): Problem => ({
        ...change,
        fix: {
          kind: 'text',
          text: 'Keep what is there, and add a new field, message or version of the package beside it. If nobody reads it, suppress this finding until the next release.',
        },
      }),
    ),
};
