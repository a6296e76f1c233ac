import type { Rule } from '../rule.ts';

export const rule: Rule<'suppression'> = {
  id: 'SHAPE-009',
  level: 'error',
  title: 'Suppression has expired',
  subject: 'suppression',
  check: ({ suppression: { rule, path, fingerprint, owner }, line, state }) =>
    state === 'expired'
      ? [
          {
            message: `Suppression of ${rule} for ${path ?? fingerprint} by ${owner} has expired.`,
            line,
            fix: { kind: 'text', text: 'Correct what it covers, or agree on a new date.' },
          },
        ]
      : [],
};
