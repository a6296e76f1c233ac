import { globMatcher } from '../../../repository/globs.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-001',
  level: 'error',
  title: 'Required file is missing',
  subject: 'primitive',
  check: ({ id, kind, files, manifest }) =>
    (kind?.files ?? [])
      .filter(({ required }) => required === true && manifest !== undefined)
      .filter(({ path }) => {
        const matches = globMatcher(path);
        return !files.some((file) => matches(file));
      })
      .map(({ path }) => ({
        message: `${path} is missing.`,
        fix: { kind: 'command', text: `primitive scaffold --kind ${id.replace('/', ' --name ')}` },
      })),
};
