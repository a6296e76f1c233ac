import type { Rule } from '../rule.ts';

export const rule: Rule<'testFile'> = {
  id: 'TEST-009',
  level: 'error',
  title: 'Test file is in no suite',
  subject: 'testFile',
  check: ({ path, primitive, left }) =>
    left === undefined
      ? [
          {
            message: `${path.slice(primitive.path.length + 1)} looks like a test, and no suite runs it.`,
            fix: {
              kind: 'text',
              text: "Move or rename it so that a suite finds it, or widen the kind's suite; remove what leaves it out.",
            },
          },
        ]
      : [],
};
