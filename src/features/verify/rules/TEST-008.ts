import type { Rule } from '../rule.ts';

export const rule: Rule<'writtenFile'> = {
  id: 'TEST-008',
  level: 'error',
  title: 'Test suite changed the work tree',
  subject: 'writtenFile',
  check: ({ path, change }) => [
    {
      message: `${path} was ${change} while the suites ran.`,
      fix: { kind: 'text', text: 'Let tests write to a temporary folder (t.TempDir, tmp_path, fs.mkdtemp).' },
    },
  ],
};
