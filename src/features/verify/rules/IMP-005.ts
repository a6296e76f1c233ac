import { importProblem, infrastructureOf, mayImportInfrastructure } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';

/** A type import loads nothing, so it is allowed. */
export const rule: Rule<'import'> = {
  id: 'IMP-005',
  level: 'error',
  title: 'Infrastructure is imported outside its layer',
  subject: 'import',
  check: (found, { config }) => {
    const entry = infrastructureOf(found, config.imports.infra);
    if (entry === undefined || found.by !== undefined || found.typeOnly || mayImportInfrastructure(found))
      return [];
    const files = found.primitive?.kind?.imports?.infra ?? [];
    return [
      importProblem(
        found,
        `${JSON.stringify(found.specifier)} is infrastructure, which only ${files.join(', ')} may import.`,
        'Put an interface between: declare it where it is used, and implement it in one of these files.',
      ),
    ];
  },
};
