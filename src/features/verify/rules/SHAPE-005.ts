import { MANIFEST } from '../../../workspace/primitive-folders.ts';
import type { Rule } from '../rule.ts';

/** Kind and name are judged with the file: they have to be those of the folder, and allowed by the kind. */
export const rule: Rule<'primitive'> = {
  id: 'SHAPE-005',
  level: 'error',
  title: 'primitive.yaml is invalid',
  subject: 'primitive',
  blocks: true,
  check: ({ path, fault }) =>
    fault === undefined
      ? []
      : [
          {
            message: [fault.message, fault.why].filter((text) => text !== undefined).join(' '),
            path: `${path}/${MANIFEST}`,
            fix: {
              kind: 'text',
              text: 'Correct the file: `primitive list` says the same until it is valid.',
            },
          },
        ],
};
