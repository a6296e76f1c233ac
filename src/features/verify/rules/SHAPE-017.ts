import { MANIFEST } from '../../../repository/primitive-folders.ts';
import { isContract } from '../imports/proto.ts';
import type { Rule } from '../rule.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-017',
  level: 'error',
  title: 'Image includes files of another primitive',
  subject: 'primitive',
  check: ({ id, path }, { primitives, shipped }) => {
    const own = [...shipped].flatMap(([file, by]) => (by.includes(id) && !isContract(file) ? [file] : []));
    if (own.length === 0) return [];
    return primitives.flatMap((other) => {
      const start = `${other.path}/`;
      const [first, ...more] = own.filter((file) => file.startsWith(start));
      if (first === undefined) return [];
      const rest = more.length === 0 ? '' : ` and ${more.length} more`;
      return [
        {
          message: `\`build\` takes files of ${other.id} into the image: ${first.slice(start.length)}${rest}.`,
          path: `${path}/${MANIFEST}`,
          key: other.id,
          fix: {
            kind: 'text',
            text: `Leave them out of \`build.inputs\`, and call ${other.id} by its API; move what both need into a package outside of primitives.`,
          },
        },
      ];
    });
  },
};
