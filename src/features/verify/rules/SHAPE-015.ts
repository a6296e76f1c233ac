import { shellWord } from '../../../core/show-path.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'baselineEntry'> = {
  id: 'SHAPE-015',
  level: 'error',
  title: 'Baseline entry covers no finding',
  subject: 'baselineEntry',
  check: ({ entry: { rule, path, fingerprint }, file }) => [
    {
      message: `The baseline has ${rule} of ${path}, which no longer exists.`,
      key: fingerprint,
      fix: { kind: 'command', text: `primitive verify --baseline ${shellWord(file)} --update-baseline` },
    },
  ],
};
