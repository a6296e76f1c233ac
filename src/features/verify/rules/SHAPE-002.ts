import type { Rule } from '../rule.ts';

export const rule: Rule<'deploymentFile'> = {
  id: 'SHAPE-002',
  level: 'error',
  title: 'Manifest or chart in a primitive',
  subject: 'deploymentFile',
  check: ({ line, what }) => [
    {
      message: `${what} belongs in the GitOps repository.`,
      line,
      fix: { kind: 'text', text: 'Move the file to the GitOps repository.' },
    },
  ],
};
