import type { Rule } from '../rule.ts';

export const rule: Rule<'composeFile'> = {
  id: 'GEN-009',
  level: 'error',
  title: 'Compose file is out of date',
  subject: 'composeFile',
  check: ({ path, text, wanted }) => {
    if (text.replaceAll('\r\n', '\n') === wanted) return [];
    const lines = text.split(/\r?\n/);
    const line = wanted.split('\n').findIndex((one, i) => one !== lines[i]) + 1;
    const fix = { kind: 'command', text: 'primitive generate' } as const;
    return [{ message: 'compose.yaml does not start the primitives as they are now.', path, line, fix }];
  },
};
