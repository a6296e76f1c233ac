import { optional } from '../../../core/object.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-014',
  level: 'error',
  title: 'Dockerfile cannot be read',
  subject: 'dockerfile',
  blocks: true,
  check: ({ path, fault }) =>
    fault === undefined
      ? []
      : [
          {
            message: `${path} cannot be read: ${fault.message}.`,
            ...optional('line', fault.line),
            fix: { kind: 'text', text: 'Correct the file: no builder takes it as it is.' },
          },
        ],
};
