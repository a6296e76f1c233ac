import { judgeAdvisories } from '../../../kinds/advisories.ts';
import { MANIFEST } from '../../../repository/primitive-folders.ts';
import type { Rule } from '../rule.ts';

/** A fault that is not known to apply is not a finding: it is listed as not checked. */
export const rule: Rule<'primitive'> = {
  id: 'SHAPE-016',
  level: 'error',
  title: 'Template has a fault that is corrected',
  subject: 'primitive',
  check: async ({ id, path, kind, manifest }) => {
    if (kind === undefined) return [];
    const judged = await judgeAdvisories(kind, manifest?.provenance);
    return judged
      .filter(({ state }) => state === 'affected')
      .map((advisory) => ({
        message: `${advisory.id} (${advisory.severity}): ${advisory.summary} In ${advisory.files.join(', ')} of the template.`,
        path: `${path}/${MANIFEST}`,
        key: advisory.id,
        fix: {
          kind: 'command',
          text: `primitive scaffold --kind ${id.replace('/', ' --name ')} --update`,
        } as const,
      }));
  },
};
