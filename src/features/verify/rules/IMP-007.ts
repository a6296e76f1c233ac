import type { Rule } from '../rule.ts';

export const rule: Rule<'source'> = {
  id: 'IMP-007',
  level: 'error',
  title: 'Source cannot be parsed',
  subject: 'source',
  blocks: true,
  within: 'repository',
  check: ({ fault, path }) => {
    if (fault === undefined) return [];
    const { message, ...place } = fault;
    return [
      {
        message: `${path} cannot be parsed: ${message}.`,
        ...place,
        key: 'unparsed',
        fix: { kind: 'text', text: 'Correct the syntax; move data out of source files.' },
      },
    ];
  },
};
