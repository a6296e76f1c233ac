import { optional } from '../../../core/object.ts';
import { MANIFEST } from '../../../repository/primitive-folders.ts';
import type { Rule } from '../rule.ts';

/** Kind and name are judged with the file: they have to be those of the folder, and allowed by the kind. */
export const rule: Rule<'primitive'> = {
  id: 'SHAPE-005',
  level: 'error',
  title: 'primitive.yaml is invalid',
  subject: 'primitive',
  blocks: true,
  check: ({ path, faults }) =>
    faults.map(({ message, line, column, fix = FIX }) => ({
      message,
      path: `${path}/${MANIFEST}`,
      ...optional('line', line),
      ...optional('column', column),
      fix: { kind: 'text', text: fix },
    })),
};

const FIX = 'Correct the file; check with: primitive list';
