import { importProblem, listed } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'import'> = {
  id: 'IMP-004',
  level: 'error',
  title: 'Forbidden import',
  subject: 'import',
  within: 'repository',
  check: (found, { config }) => {
    const entry = listed(found, config.imports.forbidden);
    if (entry === undefined || found.by !== undefined) return [];
    return [
      importProblem(
        found,
        `${JSON.stringify(found.specifier)} is forbidden by ${JSON.stringify(entry)} in \`imports.forbidden\`.`,
        'Use what the repository has decided on instead, or change the list in a pull request.',
      ),
    ];
  },
};
