import { brokenPathRule, importProblem } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';
import type { Import } from '../subjects.ts';

/** A package of Go may have code of a person beside what is generated: an SDK has only the latter. */
function adviceFor({ language, mixed }: Import): string {
  return mixed
    ? 'Import the SDK that is made from the proto files; move what a person wrote in that package into the primitive.'
    : `Import the SDK that is made from them; name it in \`imports.sdk.${language}\` if it is not there.`;
}

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
            adviceFor(found),
          ),
        ]
      : [],
};
