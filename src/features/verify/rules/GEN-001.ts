import { digestOf } from '../../../core/digest.ts';
import type { Problem, Rule } from '../rule.ts';

export const rule: Rule<'generated'> = {
  id: 'GEN-001',
  level: 'error',
  title: 'Generated file is out of date or edited',
  subject: 'generated',
  check: async ({ path, primitive, results }, { tree }) => {
    const problems: Problem[] = [];
    for (const { generator, changes } of results) {
      for (const { path: file } of changes.filter(({ change }) => change === 'changed')) {
        const bytes = await tree.read(`${path}/${file}`);
        const written = primitive.manifest?.provenance?.files.get(file);
        const isAsWritten = bytes !== undefined && digestOf(bytes) === written;
        const why = isAsWritten ? 'its input has changed since' : 'it was edited, or its input has changed';
        problems.push({
          message: `${file} is not what the generator ${generator} makes: ${why}.`,
          path: `${path}/${file}`,
          fix: { kind: 'command', text: `primitive generate ${primitive.id}` },
        });
      }
    }
    return problems;
  },
};
