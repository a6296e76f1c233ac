import type { Rule } from '../rule.ts';

export const rule: Rule<'suppression'> = {
  id: 'SHAPE-008',
  level: 'error',
  title: 'Suppression covers no finding',
  subject: 'suppression',
  check: ({ suppression: { rule, path, fingerprint, owner }, line, state }) =>
    state === 'unused'
      ? [
          {
            message: `Suppression of ${rule} for ${path ?? fingerprint} by ${owner} covers no finding.`,
            line,
            fix: { kind: 'text', text: 'Remove the entry.' },
          },
        ]
      : [],
};
