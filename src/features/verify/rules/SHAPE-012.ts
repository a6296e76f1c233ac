import type { Rule } from '../rule.ts';

export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-012',
  level: 'error',
  title: 'Image runs as root',
  subject: 'dockerfile',
  check: ({ user: { line, name }, fault }) => {
    const [id] = (name ?? '').split(':');
    const isKnown = name !== undefined && !name.includes('$');
    if (fault !== undefined || (isKnown && id !== 'root' && !/^0+$/.test(id ?? ''))) return [];
    const why = name === undefined ? 'it names no USER' : `USER is ${name}`;
    return [
      {
        message: `The image may run as root: ${why}.`,
        line,
        fix: { kind: 'edit', text: 'USER 65532:65532' },
      },
    ];
  },
};
