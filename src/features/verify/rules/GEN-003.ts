import type { Rule } from '../rule.ts';

export const rule: Rule<'generated'> = {
  id: 'GEN-003',
  level: 'error',
  title: 'Unexpected file among generated files',
  subject: 'generated',
  check: ({ path, primitive, results }) =>
    results.flatMap(({ generator, changes }) =>
      changes
        .filter(({ change }) => change === 'removed')
        .map(({ path: file }) => ({
          message: `${file} is not made by the generator ${generator}, whose folder it is in.`,
          path: `${path}/${file}`,
          fix: { kind: 'command', text: `primitive generate ${primitive.id}` },
        })),
    ),
};
