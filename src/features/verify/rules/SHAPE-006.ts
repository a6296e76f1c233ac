import { digestOf } from '../../../core/digest.ts';
import { globMatcher } from '../../../core/glob.ts';
import { isWrittenBy } from '../../../kinds/generators/platform.ts';
import type { Problem, Rule } from '../rule.ts';

/** GEN-001 compares generated files with the output of their generator. */
export const rule: Rule<'primitive'> = {
  id: 'SHAPE-006',
  level: 'error',
  title: 'Generated file was edited',
  subject: 'primitive',
  check: async ({ path, kind, manifest, files }, { tree }) => {
    const owners = (kind?.files ?? []).map(({ path: pattern, owner }) => ({
      matches: globMatcher(pattern),
      owner,
    }));
    const made = (kind?.generators ?? []).map(isWrittenBy);
    const problems: Problem[] = [];
    for (const file of files) {
      const owner = owners.find(({ matches }) => matches(file))?.owner;
      const isMade = made.some((isIn) => isIn(file));
      const written = manifest?.provenance?.files.get(file);
      if (owner !== 'generated' || isMade || written === undefined) continue;
      const bytes = await tree.read(`${path}/${file}`);
      if (bytes === undefined || digestOf(bytes) === written) continue;
      problems.push({
        message: `${file} was edited since scaffold wrote it.`,
        path: `${path}/${file}`,
        fix: {
          kind: 'text',
          text: 'Undo the change: scaffold writes this file. What a person adds goes elsewhere.',
        },
      });
    }
    return problems;
  },
};
