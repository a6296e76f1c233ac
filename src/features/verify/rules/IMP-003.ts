import { brokenPathRule, importProblem } from '../imports/policy.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'import'> = {
  id: 'IMP-003',
  level: 'error',
  title: 'Import leaves the primitive',
  subject: 'import',
  check: (found, context) => {
    if (brokenPathRule(found, context) !== 'IMP-003') return [];
    const { target, specifier, language } = found;
    const place =
      target.type === 'path' ? `to ${target.path}, which is outside` : 'out of the repository, and so out of';
    return [
      importProblem(
        found,
        `${JSON.stringify(specifier)} leads ${place} ${found.primitive?.path} and in no SDK.`,
        `Import it as a package that is named in \`imports.sdk.${language}\`, or keep the code in the primitive.`,
      ),
    ];
  },
};
