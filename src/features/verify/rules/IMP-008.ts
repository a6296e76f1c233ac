import { brokenPathRule, importProblem } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';

/** An import that cannot be resolved is not allowed: it may lead anywhere. */
export const rule: Rule<'import'> = {
  id: 'IMP-008',
  level: 'error',
  title: 'Import is in no manifest',
  subject: 'import',
  check: (found, context) => {
    const { target, specifier } = found;
    if (brokenPathRule(found, context) !== 'IMP-008' || target.type !== 'package') return [];
    const why =
      target.manifest === undefined
        ? 'there is no manifest that names it'
        : `${target.manifest} does not name it`;
    return [
      importProblem(
        found,
        `${JSON.stringify(specifier)} is not known: it is not of the language or the primitive, and ${why}.`,
        target.manifest === undefined
          ? 'Give the primitive a manifest, and name there what it needs.'
          : `Name it in ${target.manifest} and its lock file, or remove the import.`,
      ),
    ];
  },
};
