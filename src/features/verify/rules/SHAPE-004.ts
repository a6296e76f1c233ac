import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-004',
  level: 'error',
  title: 'Folder has no primitive.yaml',
  subject: 'primitive',
  blocks: true,
  check: ({ id, path, manifest, faults }) => {
    if (manifest !== undefined || faults.length > 0) return [];
    const [kind, name] = id.split('/');
    return [
      {
        message: `${path} has files but no primitive.yaml, so it is not published.`,
        fix: { kind: 'edit', text: `kind: ${kind}\nname: ${name}` },
      },
    ];
  },
};
