import { MANIFEST } from '../../../repository/primitive-folders.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-007',
  level: 'info',
  title: 'Template has moved on',
  subject: 'primitive',
  check: ({ id, path, kind, manifest }) => {
    const version = manifest?.provenance?.version;
    if (kind === undefined || version === undefined || version >= kind.version) return [];
    return [
      {
        message: `${id} was scaffolded from version ${version} of its template, ${kind.version} is there.`,
        path: `${path}/${MANIFEST}`,
        fix: { kind: 'command', text: `primitive scaffold --kind ${id.replace('/', ' --name ')} --update` },
      },
    ];
  },
};
