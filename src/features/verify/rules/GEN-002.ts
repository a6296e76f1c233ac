import type { Rule } from '../rule.ts';

export const rule: Rule<'generated'> = {
  id: 'GEN-002',
  level: 'error',
  title: 'Generated file is missing',
  subject: 'generated',
  check: ({ path, primitive, results }) =>
    results.flatMap(({ generator, changes }) =>
      changes
        .filter(({ change }) => change === 'created')
        .map(({ path: file }) => ({
          message: `${file} is missing, or git ignores it; the generator ${generator} makes it.`,
          path: `${path}/${file}`,
          fix: { kind: 'command', text: `primitive generate ${primitive.id}` },
        })),
    ),
};
