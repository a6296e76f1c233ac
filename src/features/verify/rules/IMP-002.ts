import { brokenPathRule, importProblem } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';

/** Proto files in the primitive are its own, and so is what is generated from them. */
export const rule: Rule<'import'> = {
  id: 'IMP-002',
  level: 'error',
  title: 'Import of proto sources',
  subject: 'import',
  check: (found, context) =>
    brokenPathRule(found, context) === 'IMP-002'
      ? [
          importProblem(
            found,
            `${JSON.stringify(found.specifier)} leads to proto sources or to code generated from them.`,
            `Import the SDK that is made from them; name it in \`imports.sdk.${found.language}\` if it is not there.`,
          ),
        ]
      : [],
};
