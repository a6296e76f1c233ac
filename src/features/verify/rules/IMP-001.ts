import { brokenPathRule, importProblem } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';
import type { Import } from '../subjects.ts';

/** The files outside of primitives that are on the way. */
function wayOf({ by = [] }: Pick<Import, 'by'>): string {
  return by.length === 0 ? '' : ` by ${by.join(', ')}`;
}

/** A type import counts: the build context of a primitive has no other primitive in it. */
export const rule: Rule<'import'> = {
  id: 'IMP-001',
  level: 'error',
  title: 'Import of another primitive',
  subject: 'import',
  within: 'image',
  check: (found, context) =>
    brokenPathRule(found, context) === 'IMP-001'
      ? [
          importProblem(
            found,
            `${JSON.stringify(found.specifier)} leads into the primitive ${found.owner?.id}${wayOf(found)}.`,
            `Call ${found.owner?.id} through an SDK of \`imports.sdk.${found.language}\`.`,
          ),
        ]
      : [],
};
