import type { Rule } from '../rule.ts';

export const rule: Rule<'testFile'> = {
  id: 'TEST-010',
  level: 'error',
  title: 'Test case was left out',
  subject: 'testFile',
  check: ({ left }) =>
    left === undefined
      ? []
      : [
          {
            message: `${left.id} is in a file that a suite has loaded, and no suite has run it.`,
            line: left.line,
            fix: {
              kind: 'text',
              text: 'Remove what leaves it out, such as -k in addopts, an exit in another case, or a TestMain that runs nothing.',
            },
          },
        ],
};
